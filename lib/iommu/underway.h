// Calls that are made without a lock held, and waiting for them with it.
#ifndef SMMU_LIB_IOMMU_UNDERWAY_H_
#define SMMU_LIB_IOMMU_UNDERWAY_H_

#include <boost/intrusive/list.hpp>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace smmu::iommu {

// All functions are called with one and the same mutex held.
//
// A call may come back: whoever is called calls what waits here.  So a thread does not wait for its
// own calls, nor for those of threads that wait here themselves: neither would ever end.
class Underway {
 public:
  // One call, of the thread that begins and ends it.
  class Call : public boost::intrusive::list_base_hook<> {
   private:
    friend class Underway;
    std::thread::id thread_;
    std::uint64_t number_ = 0;
    bool thread_waits_ = false;
  };

  void begin(Call& call);
  void end(Call& call);

  bool none() const { return calls_.empty(); }
  // Calls are numbered as they begin; the latest.
  std::uint64_t latest() const { return begun_; }

  // Lets the lock go until a call has ended.  False: none of those with numbers up to `number` is
  // left that this thread can wait for.
  bool wait_for_one(std::unique_lock<std::mutex>& lock, std::uint64_t number);

 private:
  void note_waiting(std::thread::id thread, bool waits);
  bool can_wait(std::thread::id thread, std::uint64_t number) const;

  boost::intrusive::list<Call> calls_;  // in the order of their numbers
  std::uint64_t begun_ = 0;
  std::uint64_t ended_ = 0;
  std::condition_variable changed_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOMMU_UNDERWAY_H_
