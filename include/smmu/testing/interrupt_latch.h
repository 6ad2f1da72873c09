// Interrupts that wait until the access that caused them has returned, as those of a CPU do.
#ifndef SMMU_TESTING_INTERRUPT_LATCH_H_
#define SMMU_TESTING_INTERRUPT_LATCH_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

#include "smmu/emulator/port.h"
#include "smmu/platform/interrupt.h"
#include "smmu/platform/mmio.h"

namespace smmu::testing {

class InterruptLatch {
 public:
  class Line final : public InterruptLine {
   public:
    explicit Line(InterruptLatch& latch) : latch_(latch) {}
    void pulse() override;
    // Who is told; null: nobody.
    void connect(InterruptLine* to) { to_.store(to); }

   private:
    friend class InterruptLatch;
    void deliver();

    InterruptLatch& latch_;
    std::atomic<InterruptLine*> to_{nullptr};
    std::atomic<bool> latched_{false};
  };

  // An access to the device, on this thread.  At the end of the outermost one lines that were
  // latched are delivered.  Without one, a line is delivered at once.
  class Access {
   public:
    explicit Access(InterruptLatch& latch) : latch_(latch), outer_(innermost_) {
      innermost_ = this;
    }
    ~Access();
    Access(const Access&) = delete;
    Access& operator=(const Access&) = delete;

   private:
    friend class InterruptLatch;
    InterruptLatch& latch_;
    Access* const outer_;
    static thread_local Access* innermost_;
  };

  Line& add_line() { return lines_.emplace_back(*this); }

 private:
  bool is_accessed_here() const;
  void deliver();

  std::deque<Line> lines_;
  std::atomic<bool> any_{false};  // is latched
};

class ServedRegisters final : public Mmio {
 public:
  ServedRegisters(InterruptLatch& latch, Mmio& registers) : latch_(latch), registers_(registers) {}
  std::uint32_t read32(std::uint32_t offset) override { return registers_.read32(offset); }
  std::uint64_t read64(std::uint32_t offset) override { return registers_.read64(offset); }
  void write32(std::uint32_t offset, std::uint32_t value) override {
    const InterruptLatch::Access access(latch_);
    registers_.write32(offset, value);
  }
  void write64(std::uint32_t offset, std::uint64_t value) override {
    const InterruptLatch::Access access(latch_);
    registers_.write64(offset, value);
  }

 private:
  InterruptLatch& latch_;
  Mmio& registers_;
};

class ServedPort final : public emulator::Port {
 public:
  ServedPort(InterruptLatch& latch, emulator::Port& port) : latch_(latch), port_(port) {}
  using Port::translate;
  void translate(const emulator::Transaction& transaction, emulator::Outcome& outcome) override {
    const InterruptLatch::Access access(latch_);
    port_.translate(transaction, outcome);
  }
  emulator::Transfer read(const emulator::Transaction& transaction,
                          std::span<std::byte> bytes) override {
    const InterruptLatch::Access access(latch_);
    return port_.read(transaction, bytes);
  }
  emulator::Transfer write(const emulator::Transaction& transaction,
                           std::span<const std::byte> bytes) override {
    const InterruptLatch::Access access(latch_);
    return port_.write(transaction, bytes);
  }
  emulator::TranslationCompletion request_translation(
      const emulator::TranslationRequest& request) override {
    const InterruptLatch::Access access(latch_);
    return port_.request_translation(request);
  }
  void request_page(const emulator::PageRequest& request) override {
    const InterruptLatch::Access access(latch_);
    port_.request_page(request);
  }
  emulator::Outcome refuse(const emulator::Transaction& transaction,
                           std::uint16_t reason) override {
    const InterruptLatch::Access access(latch_);
    return port_.refuse(transaction, reason);
  }

 private:
  InterruptLatch& latch_;
  emulator::Port& port_;
};

}  // namespace smmu::testing

#endif  // SMMU_TESTING_INTERRUPT_LATCH_H_
