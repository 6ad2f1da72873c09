// What goes out to devices with ATS (IHI 0070, 4.5 and 3.9.1.4): Invalidate
// Requests, until they are answered, and responses to page requests.
#ifndef SMMU_EMULATOR_V3_ATS_MESSAGES_H_
#define SMMU_EMULATOR_V3_ATS_MESSAGES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "emulator/tlb/brief_mutex.h"
#include "emulator/v3/commands.h"
#include "emulator/v3/features.h"
#include "smmu/emulator/ats.h"

namespace smmu::emulator {

// Used by whoever performs pending effects: one thread at a time, no lock
// held; but for complete(), unanswered() and reset(), which any thread may
// call.
class AtsMessages {
 public:
  // `root_complex`: or null, and nothing is sent.
  AtsMessages(const Features& features, RootComplex* root_complex)
      : features_(features),
        root_complex_(root_complex),
        tags_(features.security == SecurityState::kSecure ? kFirstSecureTag : 0) {}

  // A CMD_ATC_INV or CMD_PRI_RESP that is legal.
  void send(const CommandWords& words);
  void send(const PageGroupResponse& response);

  // Invalidate Requests.  Devices may leave them unanswered: there are never
  // more than so many.
  static constexpr std::size_t kMostUnanswered = 1024;
  std::size_t unanswered() const { return unanswered_.load(std::memory_order_seq_cst); }
  // Whether one has failed since this was last asked.
  bool take_failure() { return failed_.exchange(false, std::memory_order_seq_cst); }
  // False: no such tag awaits an answer.
  bool complete(InvalidationTag tag, InvalidationResult result);

  // Forgets what is unanswered.
  void reset();

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    std::vector<std::uint64_t> waiting(waiting_.begin(), waiting_.end());
    snapshot(tags_, failed_);
    snapshot.sequence(waiting, kMostUnanswered);
    if constexpr (Snapshot::kReads) {
      waiting_ = {waiting.begin(), waiting.end()};
      unanswered_.store(waiting_.size(), std::memory_order_seq_cst);
      snapshot.require(
          waiting_.size() == waiting.size() && (waiting_.empty() || *waiting_.rbegin() < tags_),
          "a tag that was not given");
    }
  }

 private:
  // A tag says which interface's it is.
  static constexpr std::uint64_t kFirstSecureTag = std::uint64_t{1} << 63;

  void invalidate(const v3::CMD_ATC_INV& command);

  const Features& features_;
  RootComplex* const root_complex_;
  std::atomic<std::size_t> unanswered_{0};
  std::atomic<bool> failed_{false};
  BriefMutex mutex_;    // guards what follows
  std::uint64_t tags_;  // the next: those below have been used
  std::set<std::uint64_t> waiting_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_ATS_MESSAGES_H_
