// A board whose driver uses Enhanced Command queues (IHI 0070, 3.5.6).
#ifndef TEST_SYSTEM_ENHANCED_QUEUE_H_
#define TEST_SYSTEM_ENHANCED_QUEUE_H_

#include <array>
#include <cstdint>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/arch/v3/secure_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing {

// A driver's side of one queue.
class EnhancedQueue {
 public:
  static constexpr std::uint32_t kEnable = 1U << 31;
  static constexpr std::uint32_t kError = 1U << 23;

  // `security`: of the interface whose queue it is.
  EnhancedQueue(Board& board, unsigned page, unsigned number, unsigned log2_size = 4,
                SecurityState security = SecurityState::kNonSecure)
      : board_(&board), security_(security), log2_size_(log2_size) {
    const std::uint32_t bank = security == SecurityState::kSecure ? v3::kSecureOffset : 0;
    const std::uint64_t base = mmio().read64(bank + 0x4000 + 32 * page) & 0x00ff'ffff'ffff'0000;
    const unsigned log2_queues = mmio().read32(bank + 0x190) >> 16 & 0xf;
    registers_ = static_cast<std::uint32_t>(base) + number * (0x1'0000U >> log2_queues);
    memory_ = board.allocate(std::uint64_t{16} << log2_size, std::uint64_t{32} << log2_size);
  }
  // As 3.5.6.2 has it.
  void enable(std::uint32_t index = 0) {
    write64(0, memory_.value | log2_size_);
    write32(0xc, index);
    write32(0x8, index);
    write32(0x8, index | kEnable);
    produced_ = index;
    EXPECT_EQ(cons(), index | kEnable);
  }
  void disable() { write32(0x8, prod() & ~kEnable); }

  template <class... C>
  void put(const C&... commands) {
    (put_one(commands.words()), ...);
  }
  void ring() { write32(0x8, (prod() & (kEnable | kError)) | produced_); }
  template <class... C>
  void submit(const C&... commands) {
    put(commands...);
    ring();
  }
  bool idle() const { return (cons() & 0xf'ffff) == produced_; }
  void acknowledge() { write32(0x8, (prod() & ~kError) | (cons() & kError)); }
  bool in_error() const { return ((prod() ^ cons()) & kError) != 0; }
  unsigned reason() const { return cons() >> 24 & 7; }
  Pa entry(std::uint32_t index) const {
    return Pa(memory_.value + 16 * std::uint64_t{index & ((1U << log2_size_) - 1)});
  }

  std::uint32_t read32(std::uint32_t offset) const { return mmio().read32(registers_ + offset); }
  void write32(std::uint32_t offset, std::uint32_t value) {
    mmio().write32(registers_ + offset, value);
  }
  void write64(std::uint32_t offset, std::uint64_t value) {
    mmio().write64(registers_ + offset, value);
  }
  std::uint32_t prod() const { return read32(0x8); }
  std::uint32_t cons() const { return read32(0xc); }
  std::uint32_t registers() const { return registers_; }

 private:
  void put_one(const std::array<std::uint64_t, 2>& words) {
    store(board_->memory(), entry(produced_), words[0]);
    store(board_->memory(), Pa(entry(produced_).value + 8), words[1]);
    produced_ = (produced_ + 1) & ((2U << log2_size_) - 1);
  }

  Mmio& mmio() const {
    return security_ == SecurityState::kSecure ? board_->smmu().secure() : board_->smmu();
  }

  Board* board_;
  SecurityState security_;
  unsigned log2_size_;
  std::uint32_t registers_;
  Pa memory_;
  std::uint32_t produced_ = 0;
};

class EnhancedQueues : public ::testing::Test {
 protected:
  explicit EnhancedQueues(Board::Options options = {}) : board_(options) { board_.bring_up(); }
  EnhancedQueue queue(unsigned page, unsigned number, unsigned log2_size = 4) {
    EnhancedQueue queue(board_, page, number, log2_size);
    queue.enable();
    return queue;
  }
  emulator::SmmuV3& smmu() { return board_.smmu(); }
  bool active(std::uint32_t errors) {
    return ((smmu().read<v3::SMMU_GERROR>().raw() ^ smmu().read<v3::SMMU_GERRORN>().raw()) &
            errors) != 0;
  }
  static v3::CommandHeader illegal() { return v3::CommandHeader({0xff, 0}); }

  Board board_;
};

}  // namespace smmu::testing

#endif  // TEST_SYSTEM_ENHANCED_QUEUE_H_
