// Accesses that are in flight, and who waits for them to end.
#ifndef SMMU_EMULATOR_TBU_IN_FLIGHT_H_
#define SMMU_EMULATOR_TBU_IN_FLIGHT_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace smmu::emulator {

// Of one port: the programming interface it belongs to, and the Secure one
// where that is another.
enum class Waiter : std::uint8_t { kOwn, kSecure };

// Whether a port has an access in flight.  Whoever has invalidated a
// translation marks the moment, and waits for the access that was in flight
// then: only that one can still use what is gone.
class InFlight {
 public:
  // Store-to-load order is needed on both sides: the port says that it is busy
  // and then looks up; the waiter says that it waits and then looks here.
  void begin() { count_.fetch_add(1, std::memory_order_seq_cst); }
  void end() { count_.fetch_add(1, std::memory_order_seq_cst); }

  // Nobody is in flight: whoever begins now sees what is there now.
  bool idle() const { return (count_.load(std::memory_order_seq_cst) & 1) == 0; }
  // The same without a mark: whether what was in flight at a moment still is.
  using Moment = std::uint64_t;
  Moment now() const { return count_.load(std::memory_order_seq_cst); }
  static bool idle_at(Moment moment) { return (moment & 1) == 0; }
  bool outlived(Moment moment) const {
    return idle_at(moment) || count_.load(std::memory_order_seq_cst) != moment;
  }

  // Any thread may ask whether the mark is outlived.
  void mark(Waiter waiter) {
    mark_of(waiter).store(count_.load(std::memory_order_seq_cst), std::memory_order_seq_cst);
  }
  bool mark_outlived(Waiter waiter) const {
    const std::uint64_t marked =
        marks_[static_cast<std::size_t>(waiter)].load(std::memory_order_seq_cst);
    return (marked & 1) == 0 || count_.load(std::memory_order_seq_cst) != marked;
  }

 private:
  std::atomic<std::uint64_t>& mark_of(Waiter waiter) {
    return marks_[static_cast<std::size_t>(waiter)];
  }

  std::atomic<std::uint64_t> count_{0};  // of beginnings and ends: odd in between
  std::array<std::atomic<std::uint64_t>, 2> marks_{};
};

// Who waits for accesses of any of the ports that share this.
class Awaited {
 public:
  bool by_anyone() const { return waiters_.load(std::memory_order_seq_cst) != 0; }
  bool by(Waiter waiter, std::memory_order order = std::memory_order_seq_cst) const {
    return (waiters_.load(order) & bit(waiter)) != 0;
  }
  void begin(Waiter waiter) { waiters_.fetch_or(bit(waiter), std::memory_order_seq_cst); }
  void end(Waiter waiter) {
    waiters_.fetch_and(static_cast<std::uint8_t>(~bit(waiter)), std::memory_order_seq_cst);
  }

 private:
  static constexpr std::uint8_t bit(Waiter waiter) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(waiter));
  }

  std::atomic<std::uint8_t> waiters_{0};
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TBU_IN_FLIGHT_H_
