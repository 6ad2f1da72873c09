// Physical memory as a bus master sees it: 64-bit words that are read, written
// and exchanged whole, and bytes that are copied.  Every access may abort.
//
// Memory comes in two kinds.  A directly mapped region is host memory that an
// access reaches through a pointer (TLM calls this DMI); everything else goes
// through the virtual functions.
#ifndef SMMU_PLATFORM_MEMORY_H_
#define SMMU_PLATFORM_MEMORY_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "smmu/platform/requester.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu {

// The bus refused the access.  The architecture calls this an external abort
// and gives it a meaning everywhere an SMMU makes an access.
struct ExternalAbort {};

enum class [[nodiscard]] BusResponse : std::uint8_t{kOkay, kAbort};

// A guest word is little-endian whatever the host is.
constexpr std::uint64_t little_endian(std::uint64_t word) {
  if constexpr (std::endian::native == std::endian::little) return word;
  return __builtin_bswap64(word);
}

// Host memory that holds guest physical addresses [base, base + size).  Both
// ends are multiples of 8, and so is `host`.
struct DirectRegion {
  Pa base;
  std::uint64_t size;
  std::byte* host;

  constexpr bool contains(Pa pa, std::uint64_t bytes) const {
    const std::uint64_t offset = pa.value - base.value;
    return offset < size && bytes <= size - offset;
  }
  std::uint64_t& word(Pa pa) const {
    return *reinterpret_cast<std::uint64_t*>(host + (pa.value - base.value));
  }
};

// Callable from any number of threads at once.
class PhysicalMemory {
 public:
  PhysicalMemory() = default;
  PhysicalMemory(const PhysicalMemory&) = delete;
  PhysicalMemory& operator=(const PhysicalMemory&) = delete;
  virtual ~PhysicalMemory() = default;

  // Single-copy atomic accesses to the word at `pa`; a load acquires, a store
  // releases.  compare_exchange64 returns the word it found; it stored
  // `desired` if that equals `expected`.
  // REQUIRES: `pa` is a multiple of 8.
  [[nodiscard]] Result<std::uint64_t, ExternalAbort> load64(Pa pa) {
    const DirectRegion* region = region_of(pa);
    if (region == nullptr) [[unlikely]]
      return load64_indirect(pa);
    return little_endian(std::atomic_ref(region->word(pa)).load(std::memory_order_acquire));
  }
  BusResponse store64(Pa pa, std::uint64_t value) {
    const DirectRegion* region = region_of(pa);
    if (region == nullptr) [[unlikely]]
      return store64_indirect(pa, value);
    std::atomic_ref(region->word(pa)).store(little_endian(value), std::memory_order_release);
    return BusResponse::kOkay;
  }
  [[nodiscard]] Result<std::uint64_t, ExternalAbort> compare_exchange64(Pa pa,
                                                                        std::uint64_t expected,
                                                                        std::uint64_t desired) {
    const DirectRegion* region = region_of(pa);
    if (region == nullptr) [[unlikely]]
      return compare_exchange64_indirect(pa, expected, desired);
    std::uint64_t found = little_endian(expected);
    std::atomic_ref(region->word(pa)).compare_exchange_strong(found, little_endian(desired));
    return little_endian(found);
  }

  // Copies bytes, in any order and not as one access; but 4 or 8 bytes that are
  // aligned to their number are one.  On an abort an unknown part of them has
  // been copied.
  virtual BusResponse read(Pa pa, std::span<std::byte> bytes) = 0;
  virtual BusResponse write(Pa pa, std::span<const std::byte> bytes) = 0;

  // The same for a device, as an SMMU's port makes its accesses.  Memory to which
  // it is the same who asks need not know of these.
  virtual BusResponse read_for(const Requester&, Pa pa, std::span<std::byte> bytes) {
    return read(pa, bytes);
  }
  virtual BusResponse write_for(const Requester&, Pa pa, std::span<const std::byte> bytes) {
    return write(pa, bytes);
  }

  // The directly mapped region that holds `pa`, or null.  A region once
  // returned stays as it is until this object is destroyed.
  virtual const DirectRegion* direct_region(Pa pa) = 0;

  // The region in which the last access found its word, or an empty one.
  DirectRegion recent_region() const { return *recent_.load(std::memory_order_acquire); }

 protected:
  // The accesses above where no direct region holds the word.
  virtual Result<std::uint64_t, ExternalAbort> load64_indirect(Pa pa) = 0;
  virtual BusResponse store64_indirect(Pa pa, std::uint64_t value) = 0;
  virtual Result<std::uint64_t, ExternalAbort> compare_exchange64_indirect(
      Pa pa, std::uint64_t expected, std::uint64_t desired) = 0;

 private:
  const DirectRegion* region_of(Pa pa) {
    const DirectRegion* region = recent_.load(std::memory_order_acquire);
    if (region->contains(pa, 8)) [[likely]]
      return region;
    region = direct_region(pa);
    if (region != nullptr) recent_.store(region, std::memory_order_release);
    return region;
  }

  static constexpr DirectRegion kNothing{Pa(0), 0, nullptr};
  std::atomic<const DirectRegion*> recent_{&kNothing};  // the last one that was of use
};

// Accesses to words that follow one another, by one thread: the region of the
// one before them is at hand.
class Words {
 public:
  explicit Words(PhysicalMemory& memory) : memory_(memory), region_(memory.recent_region()) {}

  // The word at `pa`; false if the access aborted.
  // REQUIRES: `pa` is a multiple of 8.
  [[nodiscard, gnu::always_inline]] bool load(Pa pa, std::uint64_t& word) const {
    // Words and regions are aligned: a word that begins in a region is in it.
    if (pa.value - region_.base.value < region_.size) [[likely]] {
      word = little_endian(std::atomic_ref(region_.word(pa)).load(std::memory_order_acquire));
      return true;
    }
    const Found found = find(memory_, pa);
    word = found.word;
    return found.okay;
  }

  // Whether the words from `pa` on are these; not, if an access aborted.
  // REQUIRES: `pa` is a multiple of 8.
  template <std::size_t kCount>
  [[nodiscard]] bool hold(Pa pa, const std::array<std::uint64_t, kCount>& words) const {
    if (!region_.contains(pa, sizeof words)) [[unlikely]]
      return held_beyond(pa, words);
    return equal(&region_.word(pa), words, std::make_index_sequence<kCount>());
  }

  BusResponse store(Pa pa, std::uint64_t word) const {
    if (pa.value - region_.base.value < region_.size) [[likely]] {
      std::atomic_ref(region_.word(pa)).store(little_endian(word), std::memory_order_release);
      return BusResponse::kOkay;
    }
    return memory_.store64(pa, word);
  }

 private:
  template <std::size_t kCount, std::size_t... kIndices>
  [[gnu::always_inline]] static bool equal(std::uint64_t* memory,
                                           const std::array<std::uint64_t, kCount>& words,
                                           std::index_sequence<kIndices...>) {
    return ((std::atomic_ref(memory[kIndices]).load(std::memory_order_acquire) ==
             little_endian(words[kIndices])) &&
            ...);
  }
  [[gnu::noinline]] bool held_beyond(Pa pa, std::span<const std::uint64_t> words) const {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i != words.size(); ++i) {
      if (!load(Pa(pa.value + 8 * i), word) || word != words[i]) return false;
    }
    return true;
  }

  struct Found {
    std::uint64_t word;
    bool okay;
  };
  // Takes no `this`, so that this may live in registers.
  [[gnu::noinline]] static Found find(PhysicalMemory& memory, Pa pa) {
    const auto loaded = memory.load64(pa);
    return loaded ? Found{*loaded, true} : Found{0, false};
  }

  PhysicalMemory& memory_;
  const DirectRegion region_;
};

}  // namespace smmu

#endif  // SMMU_PLATFORM_MEMORY_H_
