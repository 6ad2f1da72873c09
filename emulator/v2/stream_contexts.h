// From a StreamID, by way of the stream mapping and of context banks, to what
// becomes of its transactions (IHI 0062).
#ifndef SMMU_EMULATOR_V2_STREAM_CONTEXTS_H_
#define SMMU_EMULATOR_V2_STREAM_CONTEXTS_H_

#include <cstdint>

#include "emulator/tcu/configuration_source.h"
#include "emulator/v2/registers.h"
#include "smmu/emulator/config_v2.h"
#include "smmu/types.h"

namespace smmu::emulator {

// ConfigurationFault::code.
enum class MappingFault : std::uint8_t {
  kInvalidContext,           // ICF
  kUnidentifiedStream,       // USF
  kStreamMatchConflict,      // SMCF
  kUnimplementedBank,        // UCBF
  kInvalidNestedContext,     // ICF, in the bank that a nested context names
  kUnimplementedNestedBank,  // UCBF, the same
  kUnderFault,               // nothing is wrong, but that SMMU_CBn_SCTLR.HUPCF is 0
  kUnderStall,               // and here that SMMU_sCR0.GSE is 1
};

// Whether a bank's fault is still to be dealt with.
bool has_outstanding_fault(const BankRegisters& bank);

// Of a stream of that Security state, while SMMU_sCR0.CLIENTPD is 0.
Context context_of_stream(const RegistersV2& registers, SmmuV2Config::Conflict conflict,
                          SecurityState security, StreamId stream);

// The banks of the stream, none if it has none, whatever else waits or faults.
ContextBanks banks_of_stream(const RegistersV2& registers, SmmuV2Config::Conflict conflict,
                             SecurityState security, StreamId stream);

// Of a transaction of which nothing is known but that bank.
// REQUIRES: the bank is of that Security state.
Context context_of_bank(const RegistersV2& registers, SecurityState security, std::uint32_t bank);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_STREAM_CONTEXTS_H_
