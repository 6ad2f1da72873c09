// The translation buffer unit: one device's port.
#ifndef SMMU_EMULATOR_TBU_TBU_H_
#define SMMU_EMULATOR_TBU_TBU_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "emulator/tbu/ats_interface.h"
#include "emulator/tbu/in_flight.h"
#include "emulator/tbu/micro_tlb.h"
#include "emulator/tbu/supervisor.h"
#include "emulator/tcu/tcu.h"
#include "emulator/walk/physical_spaces.h"
#include "smmu/emulator/port.h"
#include "smmu/platform/memory.h"

namespace smmu::emulator {

// What a port asks of the TCU it remembers: translations, and the contexts of
// the streams that speak through it.  It forgets all of that whenever
// something changes that could make it wrong.
class Tbu final : public Port {
 public:
  Tbu(Tcu& tcu, TransactionSupervisor& supervisor, const PhysicalSpaces& spaces,
      const Awaited& awaited);
  // Before anything else: where Secure transactions go.
  void pass_secure_to(Port& port) { secure_ = &port; }

  using Port::translate;
  void translate(const Transaction& transaction, Outcome& outcome) override;
  Transfer read(const Transaction& transaction, std::span<std::byte> bytes) override;
  Transfer write(const Transaction& transaction, std::span<const std::byte> bytes) override;
  TranslationCompletion request_translation(const TranslationRequest& request) override;
  void request_page(const PageRequest& request) override { supervisor_.on_page_request(request); }
  Outcome refuse(const Transaction& transaction, std::uint16_t reason) override;

  InFlight& in_flight() { return in_flight_; }
  // Of the last transaction: what it was answered is no younger.
  Tcu::Generation generation() const { return generation_; }

  // After the TCU.  In tbu_snapshot.cpp.
  // REQUIRES: no access is in flight.
  template <class Snapshot>
  void archive(Snapshot& snapshot);

 private:
  struct Slot {
    Source source = kNobody;
    // Perhaps of old: the TCU says whether it still is.
    std::shared_ptr<const StreamContext> context;
    Tcu::Generation checked = 0;  // what configured_ was when that was so
  };
  static constexpr std::size_t kSlots = 8;
  Slot& slot_of(Source source) { return slots_[(source ^ source >> 32) % kSlots]; }
  // Whether the speaker's transactions go the usual way.
  // REQUIRES: there is one.
  bool speaks_usually() const {
    const Context& context = speaker_->context->context;
    return context.action != Context::Action::kBypass || context.overrides.any() || is_secure_ ||
           speaker_->source == kNobody;
  }

  // What is Secure, or has a say of its own (13.4.2).
  [[gnu::noinline]] void translate_special(const Transaction& transaction, Outcome& outcome);
  // Without the say of what came in.
  void translate_usual(const Transaction& transaction, Outcome& outcome);
  // What has such a say.
  void translate_hinted(const Transaction& transaction, Outcome& outcome);
  // Forgets what may be wrong now, and begins again.
  void translate_anew(const Transaction& transaction, Outcome& outcome, Tcu::Generation now);
  // If the SMMU is off, or the speaker bypasses it.
  [[gnu::noinline]] void translate_unusual(const Transaction& transaction, Outcome& outcome);
  [[gnu::noinline]] void translate_counted(const Transaction& transaction, Outcome& outcome);
  [[gnu::noinline]] void pass(const Transaction& transaction, Outcome& outcome);
  [[gnu::noinline]] void pass_otherwise(const Transaction& transaction, Outcome& outcome);
  void pass_closed(const Transaction& transaction, Outcome& outcome);
  void find_way() { way_ = counted_ ? Tcu::Gate::kCounted : gate_; }
  // By the micro TLB, or else by asking.
  void look_up(const Transaction& transaction, Outcome& outcome);
  [[gnu::noinline]] void look_up_after_all(const Transaction& transaction, Outcome& outcome);
  // What is not in the micro TLB, or not allowed by it.
  void ask(const Transaction& transaction, Outcome& outcome, Source source);
  void ask_speaker(const Transaction& transaction, Outcome& outcome, Source source);
  // A Secure stream's, whose accesses go to either address space.
  [[gnu::noinline]] void ask_secure(const Transaction& incoming, Outcome& outcome, Source source);
  // `transaction`: with the speaker's overrides.
  void obey_speaker(const Transaction& transaction, Outcome& outcome, Source source);
  [[gnu::noinline]] void ask_overridden(const Transaction& incoming, Outcome& outcome,
                                        Source source);
  // The same, where the TCU may answer plainly; and where it does not, or not
  // so.
  void ask_tcu(const Transaction& transaction, Outcome& outcome, Source source);
  [[gnu::noinline]] void ask_in_full(const Transaction& transaction, Outcome& outcome,
                                     Source source);
  [[gnu::noinline]] void refuse_plain(const Transaction& transaction, Outcome& outcome,
                                      Source source, const WalkFault& fault);
  bool found_allows(const Transaction& transaction) const {
    return found_.permissions.allow(transaction.privilege, transaction.direction,
                                    transaction.content);
  }
  void bypass(const Transaction& transaction, Route route, Outcome& outcome);
  // Apart from the rest, which needs no room for a fault.
  [[gnu::noinline]] void refuse(const Transaction& transaction, const Context& context,
                                Outcome& outcome);
  [[gnu::noinline]] void refuse_address(const Transaction& transaction, Route route,
                                        Outcome& outcome);
  [[gnu::noinline]] void abort(const Transaction& transaction, Outcome& outcome);
  // Makes that source the speaker, and goes on.
  [[gnu::noinline]] void find_context(const Transaction& transaction, Outcome& outcome,
                                      Source source);
  // Translates piece by piece and has `access(memory, requester, pa, offset, size)`
  // do each, or `ignore(offset, size)` what is terminated RAZ/WI.
  template <class Access, class Ignore>
  Transfer transfer(Transaction transaction, std::size_t size, Access&& access, Ignore&& ignore);

  Tcu& tcu_;
  TransactionSupervisor& supervisor_;
  const PhysicalSpaces spaces_;
  const bool is_secure_;
  Port* secure_ = nullptr;  // null: nothing is Secure
  const Awaited& awaited_;
  // An observer hears of every hit in the TCU's TLB: nothing may hide one.
  const bool keeps_translations_;
  const std::uint64_t memory_size_;  // addresses beyond do not exist
  InFlight in_flight_;
  Tcu::Generation generation_;      // of what follows
  Tcu::Generation keep_for_;        // the same if it is even, else none
  Tcu::Generation configured_;      // of the gate and the contexts
  Tcu::Generation tables_changed_;  // of what is recent
  Tcu::Gate gate_;
  // The gate is open, and the speaker's addresses are translated, or bypass with
  // overrides.
  bool usual_;
  bool counted_;                  // every transaction is; then none is usual
  Tcu::Gate way_;                 // gate_, or kCounted
  bool overridden_ = false;       // the last transaction's memory type, if it was no hit below
  Tcu::Generation overrides_of_;  // what configured_ was when these were
  Overrides bypass_overrides_;    // if the gate says so
  std::array<Slot, kSlots> slots_{};
  Slot nobody_;
  Slot* speaker_ = &nobody_;  // of the last transaction that was not found below
  TlbEntry found_;            // its translation
  Recent recent_;
  MicroTlb translations_;
  AtsInterface ats_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TBU_TBU_H_
