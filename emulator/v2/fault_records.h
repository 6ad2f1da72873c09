// What registers tell of a fault (IHI 0062).  The first is told of; of those that
// meet it, that there were some.
#ifndef SMMU_EMULATOR_V2_FAULT_RECORDS_H_
#define SMMU_EMULATOR_V2_FAULT_RECORDS_H_

#include <cstdint>

#include "emulator/tcu/configuration_source.h"
#include "emulator/v2/registers.h"
#include "smmu/arch/v2/context_bank.h"
#include "smmu/arch/v2/global_space_0.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

// The device that a fault is of.
struct Culprit {
  StreamId stream;
  std::uint16_t ssd_index = 0;
};

// The bit of SMMU_CBn_FSR that tells of it.
std::uint32_t status_of(FaultType type);

// Of a translation, in the bank whose stage it met: that of stage 2 for all that
// stage 2 has to do with.  True: there was none before it.
bool record(RegistersV2& registers, std::uint32_t bank, const Transaction& transaction,
            const TranslationFault& fault, Culprit culprit);
// Of a transaction that the system does not support.
bool record_unsupported(RegistersV2& registers, std::uint32_t bank, const Transaction& transaction,
                        Culprit culprit);

// In the global registers of a Security state.  `status`: the bit of SMMU_sGFSR;
// `nested`: of the bank below another.
struct GlobalFault {
  std::uint32_t status;
  bool nested = false;
};
bool record(RegistersV2& registers, SecurityState security, const Transaction& transaction,
            GlobalFault fault, Culprit culprit);

// A register access that went nowhere.
bool record_access(RegistersV2& registers, SecurityState into, SecurityState accessor,
                   std::uint32_t offset, Direction direction);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_FAULT_RECORDS_H_
