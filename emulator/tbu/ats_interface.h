// A port's side of ATS (IHI 0070, 3.9.1 and 13.7): it answers Translation
// Requests, and lets through, or not, what has been translated.
#ifndef SMMU_EMULATOR_TBU_ATS_INTERFACE_H_
#define SMMU_EMULATOR_TBU_ATS_INTERFACE_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "emulator/tbu/supervisor.h"
#include "emulator/tcu/tcu.h"
#include "smmu/emulator/ats.h"

namespace smmu::emulator {

// Used by the thread that uses the port.
class AtsInterface {
 public:
  AtsInterface(Tcu& tcu, TransactionSupervisor& supervisor) : tcu_(tcu), supervisor_(supervisor) {}

  // REQUIRES: the transaction's address is translated.
  void pass(const Transaction& transaction, Outcome& outcome);

  TranslationCompletion complete(const TranslationRequest& request);

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(stream_);
    if (stream_) tcu_.archive_held_stream(snapshot, *stream_, context_, checked_);
  }

 private:
  // What of the configuration stands in a request's way.
  std::optional<CompletionStatus> refuse(const TranslationRequest& request,
                                         const Transaction& transaction, const Context& context);
  // `transaction`: the first access that the device asks for, as it comes in.
  TranslationCompletion complete_by(const StreamContext& stream, const TranslationRequest& request,
                                    Transaction transaction);
  // What it may do there, or why nothing can be said; `first`: of the request.
  std::optional<Fault> find_range(const StreamContext& stream, const TranslationRequest& request,
                                  const Transaction& transaction, TranslatedRange& range);
  std::optional<Fault> find_identity(const Context& context, TranslatedRange& range) const;

  const StreamContext& find_stream(StreamId stream);
  void let_through(const Transaction& transaction, Outcome& outcome);
  // Whether an access is allowed, and by which translation; or why not.
  std::optional<Fault> translate(const StreamContext& stream, const Transaction& transaction,
                                 TlbEntry& entry);
  std::uint64_t memory_size() const { return std::uint64_t{1} << tcu_.output_bits(); }

  Tcu& tcu_;
  TransactionSupervisor& supervisor_;
  Tcu::Generation generation_ = 0;  // when the call began
  // Of the last stream that came in translated.
  std::optional<StreamId> stream_;
  std::shared_ptr<const StreamContext> context_;
  Tcu::Generation checked_ = 0;  // what Tcu::configured() was when it was right
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TBU_ATS_INTERFACE_H_
