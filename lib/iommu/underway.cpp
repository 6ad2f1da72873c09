#include "lib/iommu/underway.h"

namespace smmu::iommu {

void Underway::begin(Call& call) {
  call.thread_ = std::this_thread::get_id();
  call.number_ = ++begun_;
  calls_.push_back(call);
}

void Underway::end(Call& call) {
  calls_.erase(calls_.iterator_to(call));
  ++ended_;
  changed_.notify_all();
}

bool Underway::wait_for_one(std::unique_lock<std::mutex>& lock, std::uint64_t number) {
  const std::thread::id self = std::this_thread::get_id();
  const std::uint64_t ended = ended_;
  note_waiting(self, true);
  changed_.wait(lock, [&] { return ended_ != ended || !can_wait(self, number); });
  note_waiting(self, false);
  return ended_ != ended;
}

void Underway::note_waiting(std::thread::id thread, bool waits) {
  bool noted = false;
  for (Call& call : calls_) {
    if (call.thread_ != thread) continue;
    call.thread_waits_ = waits;
    noted = true;
  }
  // Who waits for these may have nothing left to wait for.
  if (noted && waits) changed_.notify_all();
}

bool Underway::can_wait(std::thread::id thread, std::uint64_t number) const {
  for (const Call& call : calls_) {
    if (call.number_ > number) return false;
    if (call.thread_ != thread && !call.thread_waits_) return true;
  }
  return false;
}

}  // namespace smmu::iommu
