// Address translation operations: what a transaction would find, for software
// that asks (IHI 0070, chapter 9).
#ifndef SMMU_EMULATOR_V3_TRANSLATION_OPERATIONS_H_
#define SMMU_EMULATOR_V3_TRANSLATION_OPERATIONS_H_

#include <cstdint>
#include <optional>

#include "emulator/tbu/in_flight.h"
#include "emulator/tcu/tcu.h"
#include "emulator/v3/context_table.h"
#include "emulator/v3/features.h"
#include "emulator/v3/operation_registers.h"
#include "emulator/v3/register_file.h"
#include "emulator/v3/stream_table.h"
#include "emulator/walk/walker.h"

namespace smmu::emulator {

// Of streams of one Security state.  Every operation walks the tables: it looks
// into no TLB and leaves nothing in one.  Copies of configuration it uses as
// transactions do.  It records no event, and never stalls.
//
// Used by whoever performs pending effects of that Security state, and so never
// between a command and another: a CMD_SYNC of its queues finds none that has
// begun.  Who else invalidates what they use looks at in_flight().
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

  // Before anything else: where the Secure interface asks about streams of this
  // state, too.
  void serve(OperationRegisters& secure) { secure_operations_ = &secure; }

  // One that has been asked for; false if there was none.
  bool perform();

  // Ends those that this interface still asks for, without a result.
  void abandon();

  InFlight& in_flight() { return in_flight_; }

 private:
  using Request = OperationRegisters::Request;

  // What SMMU_*_PAR says of it then.
  std::uint64_t result_of(const Request& request);
  // The same, once the STE is known to fit.
  std::uint64_t translated(const Request& request, v3::STE ste, StreamWorld world, Reading reading);
  std::uint64_t translated_in(const Context& context, const Request& request) const;
  std::uint64_t bypassed(const Context& context, const Request& request) const;
  std::optional<WalkFault> walk(const Context& context, const Request& request, Leaf& leaf) const;
  bool perform(OperationRegisters& operations);
  bool valid(const Request& request) const;
  bool is_of_vmid(const v3::STE& ste, StreamWorld world, Vmid vmid) const;
  bool secure_fetches_only() const;
  // SMMU_S_GATOS_PAR and SMMU_S_GATOS_PAR_Fault have all that the others have.
  std::uint64_t success(const Request& request, std::uint64_t address, unsigned size_bits,
                        MemoryAttributes memory, SecurityState space) const;
  std::uint64_t fault(const Request& request, const WalkFault& walk) const;

  const Features& features_;
  const RegisterFile& registers_;
  OperationRegisters& operations_;
  OperationRegisters* secure_operations_ = nullptr;  // of the other interface
  InFlight in_flight_;
  Tcu& tcu_;
  StreamTable& streams_;
  ContextTable& contexts_;
  const Walker walker_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_TRANSLATION_OPERATIONS_H_
