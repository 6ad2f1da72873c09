// Address translation operations: what a transaction would find, for software
// that asks (IHI 0070, chapter 9).
#ifndef SMMU_EMULATOR_V3_TRANSLATION_OPERATIONS_H_
#define SMMU_EMULATOR_V3_TRANSLATION_OPERATIONS_H_

#include <cstdint>
#include <optional>

#include "emulator/tcu/tcu.h"
#include "emulator/v3/context_table.h"
#include "emulator/v3/features.h"
#include "emulator/v3/operation_registers.h"
#include "emulator/v3/register_file.h"
#include "emulator/v3/stream_table.h"
#include "emulator/walk/walker.h"

namespace smmu::emulator {

// Every operation walks the tables: it looks into no TLB and leaves nothing in
// one.  Copies of configuration it uses as transactions do.  It records no
// event, and never stalls.
//
// Used by whoever performs pending effects, and so never between a command
// and another: a CMD_SYNC finds none that has begun.
class TranslationOperations {
 public:
  TranslationOperations(const Features& features, const RegisterFile& registers,
                        OperationRegisters& operations, Tcu& tcu, StreamTable& streams,
                        ContextTable& contexts, const PhysicalSpaces& spaces, Observer* observer)
      : features_(features),
        registers_(registers),
        operations_(operations),
        tcu_(tcu),
        streams_(streams),
        contexts_(contexts),
        walker_(spaces, observer) {}

  // One that has been asked for; false if there was none.
  bool perform();

 private:
  using Request = OperationRegisters::Request;

  // What SMMU_*_PAR says of it then.
  std::uint64_t result_of(const Request& request);
  // The same, once the STE is known to fit.
  std::uint64_t translated(const Request& request, v3::STE ste, StreamWorld world, Reading reading);
  std::uint64_t translated_in(const Context& context, const Request& request) const;
  std::uint64_t bypassed(const Context& context, Iova address) const;
  std::optional<WalkFault> walk(const Context& context, const Request& request, Leaf& leaf) const;
  bool valid(const Request& request) const;
  std::uint64_t success(std::uint64_t address, unsigned size_bits, MemoryAttributes memory) const;
  std::uint64_t fault(v3::TranslationType type, const WalkFault& walk) const;

  const Features& features_;
  const RegisterFile& registers_;
  OperationRegisters& operations_;
  Tcu& tcu_;
  StreamTable& streams_;
  ContextTable& contexts_;
  const Walker walker_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_TRANSLATION_OPERATIONS_H_
