// The translation buffer unit: one device's port.
#ifndef SMMU_EMULATOR_TBU_TBU_H_
#define SMMU_EMULATOR_TBU_TBU_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "emulator/tcu/tcu.h"
#include "smmu/emulator/port.h"
#include "smmu/platform/memory.h"

namespace smmu::emulator {

// What a port asks of the generation above it.
class TransactionSupervisor {
 public:
  virtual ~TransactionSupervisor() = default;

  // Tells software of the fault, as the generation does it, and decides what
  // the device sees.
  virtual Outcome end(const Transaction& transaction, const Fault& fault) = 0;

  // An access has been made, and somebody was waiting for that.
  virtual void on_access_done() = 0;
};

// Whether a port has an access in flight.  Whoever has invalidated a
// translation marks the moment, and waits for the access that was in flight
// then: only that one can still use what is gone.
class InFlight {
 public:
  // Store-to-load order is needed on both sides: the port says that it is busy
  // and then looks up; the waiter says that it waits and then looks here.
  void begin() { count_.fetch_add(1, std::memory_order_seq_cst); }
  void end() { count_.fetch_add(1, std::memory_order_seq_cst); }

  // For one waiter at a time; any thread may ask whether the mark is outlived.
  void mark() { mark_.store(count_.load(std::memory_order_seq_cst), std::memory_order_seq_cst); }
  bool mark_outlived() const {
    const std::uint64_t marked = mark_.load(std::memory_order_seq_cst);
    return (marked & 1) == 0 || count_.load(std::memory_order_seq_cst) != marked;
  }

 private:
  std::atomic<std::uint64_t> count_{0};  // of beginnings and ends: odd in between
  std::atomic<std::uint64_t> mark_{0};
};

class Tbu final : public Port {
 public:
  // `awaited`: set while somebody waits for accesses to end.
  Tbu(Tcu& tcu, TransactionSupervisor& supervisor, PhysicalMemory& memory,
      const std::atomic<bool>& awaited)
      : tcu_(tcu), supervisor_(supervisor), memory_(memory), awaited_(awaited) {}

  Outcome translate(const Transaction& transaction) override;
  Transfer read(const Transaction& transaction, std::span<std::byte> bytes) override;
  Transfer write(const Transaction& transaction, std::span<const std::byte> bytes) override;

  InFlight& in_flight() { return in_flight_; }

 private:
  // Translates piece by piece and has `access(pa, offset, size)` do each.
  template <class Access>
  Transfer transfer(Transaction transaction, std::size_t size, Access&& access);

  Tcu& tcu_;
  TransactionSupervisor& supervisor_;
  PhysicalMemory& memory_;
  const std::atomic<bool>& awaited_;
  InFlight in_flight_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TBU_TBU_H_
