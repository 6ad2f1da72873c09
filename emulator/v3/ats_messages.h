// What goes out to devices with ATS (IHI 0070, 4.5 and 3.9.1.4): Invalidate
// Requests, until they are answered, and responses to page requests.
#ifndef SMMU_EMULATOR_V3_ATS_MESSAGES_H_
#define SMMU_EMULATOR_V3_ATS_MESSAGES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "emulator/tlb/brief_mutex.h"
#include "emulator/v3/commands.h"
#include "emulator/v3/features.h"
#include "smmu/emulator/ats.h"

namespace smmu::emulator {

// Used by whoever performs pending effects: one thread at a time, no lock
// held; but for complete(), the questions and reset(), which any thread may
// call.
class AtsMessages {
 public:
  // `root_complex`: or null, and nothing is sent.
  AtsMessages(const Features& features, RootComplex* root_complex)
      : features_(features),
        root_complex_(root_complex),
        tags_(features.security == SecurityState::kSecure ? kFirstSecureTag : 0) {}

  // A CMD_ATC_INV or CMD_PRI_RESP that is legal, of the Command queue of that
  // number.
  void send(const CommandWords& words, std::uint32_t queue);
  void send(const PageGroupResponse& response);

  // Invalidate Requests.  Devices may leave them unanswered: there are never
  // more than so many.
  static constexpr std::size_t kMostUnanswered = 1024;
  std::size_t unanswered() const { return unanswered_.load(std::memory_order_seq_cst); }
  std::size_t unanswered_of(std::uint32_t queue) const;
  // Whether one of that queue has failed since this was last asked.
  bool take_failure(std::uint32_t queue);
  // Whether there is nothing that a CMD_SYNC of any queue would have to look at.
  bool settled() const { return unanswered() == 0 && !failed_.load(std::memory_order_seq_cst); }
  // False: no such tag awaits an answer.
  bool complete(InvalidationTag tag, InvalidationResult result);

  // Forgets what is unanswered.
  void reset();

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    std::vector<std::uint64_t> tags;
    std::vector<std::uint32_t> senders;
    for (const auto& [tag, queue] : waiting_) {
      tags.push_back(tag);
      senders.push_back(queue);
    }
    std::vector<std::uint32_t> failed(failed_queues_.begin(), failed_queues_.end());
    snapshot(tags_);
    snapshot.sequence(tags, kMostUnanswered);
    snapshot.sequence(senders, kMostUnanswered);
    snapshot.sequence(failed, kMostQueues);
    if constexpr (Snapshot::kReads) {
      if (!snapshot.require(tags.size() == senders.size(), "a tag of no queue")) return;
      waiting_.clear();
      for (std::size_t i = 0; i != tags.size(); ++i) waiting_.emplace(tags[i], senders[i]);
      failed_queues_ = {failed.begin(), failed.end()};
      unanswered_.store(waiting_.size(), std::memory_order_seq_cst);
      failed_.store(!failed_queues_.empty(), std::memory_order_seq_cst);
      snapshot.require(
          waiting_.size() == tags.size() && (waiting_.empty() || waiting_.rbegin()->first < tags_),
          "a tag that was not given");
    }
  }

 private:
  // A tag says which interface's it is.
  static constexpr std::uint64_t kFirstSecureTag = std::uint64_t{1} << 63;

  // The Command queue and as many Enhanced ones as there can be.
  static constexpr std::size_t kMostQueues = 1 + (1U << 16);

  void invalidate(const v3::CMD_ATC_INV& command, std::uint32_t queue);

  const Features& features_;
  RootComplex* const root_complex_;
  std::atomic<std::size_t> unanswered_{0};
  std::atomic<bool> failed_{false};                 // one has
  mutable BriefMutex mutex_;                        // guards what follows
  std::uint64_t tags_;                              // the next: those below have been used
  std::map<std::uint64_t, std::uint32_t> waiting_;  // by tag: of which queue
  std::set<std::uint32_t> failed_queues_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_ATS_MESSAGES_H_
