// The registers of one programming interface (IHI 0070, 6.2 and 6.3): their
// values, and which bits a write may change when.  They are known by the names
// and the offsets of the Non-secure ones: SMMU_S_x is SMMU_x of the Secure file.
#ifndef SMMU_EMULATOR_V3_REGISTER_FILE_H_
#define SMMU_EMULATOR_V3_REGISTER_FILE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

#include "emulator/v3/features.h"
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/arch/v3/secure_registers.h"
#include "smmu/emulator/config.h"

namespace smmu::emulator {

// Reads take no lock.  Writes by software are serialised; the SMMU's own
// (`set`) go to registers that software cannot write at that moment.
class RegisterFile {
 public:
  // What a write has set in motion.
  enum class Effect : std::uint8_t {
    kNone,
    kCr0Update,
    kIrqCtrlUpdate,
    kGbpaUpdate,
    kInvalidateAll,
    kCommandQueue,  // the queue may have become non-empty
    kEventQueue,    // the queue may have become non-full
    kNoError,       // either may have become free of errors
    kElsewhere,     // nothing: the register is not here
  };

  RegisterFile(const SmmuV3Config& config, const Features& features);

  void reset();

  // Whether a register of the file is there.
  static bool has(std::uint32_t offset) { return word_of(offset) != kNoWord; }
  // The same of a word, and then what it reads.
  [[gnu::always_inline]] bool read(std::uint32_t offset, std::uint32_t& value) const {
    const std::size_t word = word_of(offset);
    if (word == kNoWord) return false;
    value = words_[word].load(std::memory_order_acquire);
    return true;
  }
  // Software's accesses.  An undefined or misaligned offset reads 0 and takes
  // no write.
  std::uint32_t read32(std::uint32_t offset) const {
    const std::size_t word = word_of(offset);
    return word == kNoWord ? 0 : words_[word].load(std::memory_order_acquire);
  }
  std::uint64_t read64(std::uint32_t offset) const;
  Effect write32(std::uint32_t offset, std::uint32_t value);
  Effect write64(std::uint32_t offset, std::uint64_t value);
  // A write of SMMU_CMDQ_PROD, which is always possible: no other write can be
  // in its way.
  void ring(std::uint32_t value) {
    set(v3::SMMU_CMDQ_PROD(static_cast<std::uint32_t>(value & named_bits<v3::SMMU_CMDQ_PROD>())));
  }

  // The SMMU's own accesses.
  template <class R>
  R get() const {
    constexpr std::size_t kWord = index_of(R::kOffset);
    const std::uint32_t low = words_[kWord].load(std::memory_order_acquire);
    if constexpr (sizeof(typename R::Value) == 8) {
      const std::uint32_t high = words_[kWord + 1].load(std::memory_order_acquire);
      return R(std::uint64_t{high} << 32 | low);
    } else {
      return R(low);
    }
  }
  template <class R>
  void set(R value) {
    static_assert(sizeof(typename R::Value) == 4);
    words_[index_of(R::kOffset)].store(value.raw(), std::memory_order_seq_cst);
  }

  // An Enhanced Command queue uses CR1.QUEUE_* from now on; and does no longer.
  void hold_queue_attributes() { enhanced_queues_.fetch_add(1, std::memory_order_seq_cst); }
  void release_queue_attributes() { enhanced_queues_.fetch_sub(1, std::memory_order_seq_cst); }

  // Clears GBPA.Update, and S_INIT.INV_ALL.
  void finish_gbpa_update();
  void finish_invalidation();
  // Toggles the bits of SMMU_GERROR in `errors` that are not active; true if
  // there was one.
  bool activate(v3::SMMU_GERROR errors);
  bool active(v3::SMMU_GERROR errors) const {
    return ((get<v3::SMMU_GERROR>().raw() ^ get<v3::SMMU_GERRORN>().raw()) & errors.raw()) != 0;
  }

  // What no reset makes what it was.
  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    for (std::size_t word = 0; word != kWords; ++word) {
      const std::uint32_t variable = variable_bits(word);
      if (variable == 0) continue;
      snapshot(words_[word]);
      snapshot.require((words_[word].load(std::memory_order_relaxed) & ~variable) == 0,
                       "a bit that no register has");
    }
  }
  // SMMU_S_INIT.INV_ALL has not ended.
  bool invalidates() const { return words_[kInit].load(std::memory_order_seq_cst) != 0; }
  // Enhanced Command queues that are not disabled.
  void count_queues(std::uint32_t enabled) {
    enhanced_queues_.store(enabled, std::memory_order_seq_cst);
  }

 private:
  // When the writable bits of a register may be written.
  enum class Guard : std::uint8_t {
    kReadOnly,
    kAlways,
    kSmmuDisabled,
    kCommandQueueDisabled,
    kEventQueueDisabled,
    kPriQueueDisabled,
    kGlobalErrorIrqDisabled,
    kEventQueueIrqDisabled,
    kPriQueueIrqDisabled,
  };
  struct Rule {
    std::uint32_t writable = 0;
    Guard guard = Guard::kReadOnly;
  };

  // Page 0 up to the last register this model has, the ID block, and page 1.
  static constexpr std::size_t kControlWords = 0xE0 / 4;
  static constexpr std::size_t kIdBlockWords = 12;
  static constexpr std::uint32_t kIdBlock = 0xFD0;
  static constexpr std::size_t kEventqProd = kControlWords + kIdBlockWords;
  static constexpr std::size_t kEventqCons = kEventqProd + 1;
  static constexpr std::size_t kPriqProd = kEventqCons + 1;
  static constexpr std::size_t kPriqCons = kPriqProd + 1;
  static constexpr std::size_t kWords = kPriqCons + 1;
  static constexpr std::size_t kNoWord = kWords;

  static constexpr std::size_t index_of(std::uint32_t offset) {
    if (offset < kControlWords * 4) return offset / 4;
    if (offset >= kIdBlock && offset < kIdBlock + kIdBlockWords * 4) {
      return kControlWords + (offset - kIdBlock) / 4;
    }
    if (offset == v3::SMMU_EVENTQ_PROD::kOffset) return kEventqProd;
    if (offset == v3::SMMU_EVENTQ_CONS::kOffset) return kEventqCons;
    if (offset == v3::SMMU_PRIQ_PROD::kOffset) return kPriqProd;
    if (offset == v3::SMMU_PRIQ_CONS::kOffset) return kPriqCons;
    return kNoWord;
  }
  static constexpr std::size_t word_of(std::uint32_t offset) {
    return offset % 4 == 0 ? index_of(offset) : kNoWord;
  }

  template <class R>
  void allow(Guard guard, std::uint64_t writable = named_bits<R>());
  bool open(Guard guard) const;
  Effect write_word(std::size_t word, std::uint32_t value);
  std::uint32_t writable_now(std::size_t word) const;
  // By software or by the SMMU.
  std::uint32_t variable_bits(std::size_t word) const {
    switch (word) {
      case index_of(v3::SMMU_CR0ACK::kOffset):
        return rules_[index_of(v3::SMMU_CR0::kOffset)].writable;
      case index_of(v3::SMMU_IRQ_CTRLACK::kOffset):
        return rules_[index_of(v3::SMMU_IRQ_CTRL::kOffset)].writable;
      case index_of(v3::SMMU_GERROR::kOffset):
        return rules_[index_of(v3::SMMU_GERRORN::kOffset)].writable;
      default:
        return rules_[word].writable;
    }
  }
  void truncate_indices();
  void reset_secure();
  void store(std::size_t word, std::uint32_t value) {
    words_[word].store(value, std::memory_order_seq_cst);
  }

  // SMMU_S_INIT, which has no Non-secure counterpart.
  static constexpr std::size_t kInit = (v3::SMMU_S_INIT::kOffset - v3::kSecureOffset) / 4;

  const SmmuV3Config& config_;
  const SecurityState security_;
  std::array<Rule, kWords> rules_{};
  std::array<std::atomic<std::uint32_t>, kWords> words_{};
  std::atomic<std::uint32_t> enhanced_queues_{0};  // that are not disabled
  std::mutex mutex_;                               // one write at a time
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_REGISTER_FILE_H_
