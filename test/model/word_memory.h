// The memory of a case as the emulator sees it.
#ifndef SMMU_TEST_MODEL_WORD_MEMORY_H_
#define SMMU_TEST_MODEL_WORD_MEMORY_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "smmu/platform/memory.h"
#include "test/model/generator.h"

namespace smmu::model {

// Every address that holds none of the words aborts.
class WordMemory final : public PhysicalMemory {
 public:
  enum class Mapping : std::uint8_t {
    kIndirect,  // by the virtual functions, which count
    kDirect,    // each word is a region of its own
  };

  WordMemory(const std::vector<Word>& words, Mapping mapping) : words_(words) {
    for (Word& word : words_) word.value = little_endian(word.value);
    if (mapping == Mapping::kIndirect) return;
    for (Word& word : words_) {
      // A region cannot refuse an exchange.
      if (word.update_aborts) continue;
      regions_.push_back({Pa(word.address), 8, reinterpret_cast<std::byte*>(&word.value)});
    }
  }

  std::vector<Word> words() const {
    std::vector<Word> words = words_;
    for (Word& word : words) word.value = little_endian(word.value);
    return words;
  }
  // What was read, in order; of accesses that are not direct.
  const std::vector<std::uint64_t>& reads() const { return reads_; }
  unsigned lost_exchanges() const { return lost_exchanges_; }

  BusResponse read(Pa, std::span<std::byte>) override { return BusResponse::kAbort; }
  BusResponse write(Pa, std::span<const std::byte>) override { return BusResponse::kAbort; }
  const DirectRegion* direct_region(Pa pa) override {
    const auto found = std::find_if(regions_.begin(), regions_.end(),
                                    [&](const DirectRegion& region) { return region.base == pa; });
    return found == regions_.end() ? nullptr : &*found;
  }

 private:
  Word* find(Pa pa) {
    const auto found = std::find_if(words_.begin(), words_.end(),
                                    [&](const Word& word) { return word.address == pa.value; });
    return found == words_.end() ? nullptr : &*found;
  }
  Result<std::uint64_t, ExternalAbort> load64_indirect(Pa pa) override {
    reads_.push_back(pa.value);
    const Word* word = find(pa);
    if (word == nullptr) return ExternalAbort{};
    return little_endian(word->value);
  }
  BusResponse store64_indirect(Pa, std::uint64_t) override { return BusResponse::kAbort; }
  Result<std::uint64_t, ExternalAbort> compare_exchange64_indirect(Pa pa, std::uint64_t expected,
                                                                   std::uint64_t desired) override {
    Word* word = find(pa);
    if (word == nullptr || word->update_aborts) return ExternalAbort{};
    const std::uint64_t found = little_endian(word->value);
    if (found == expected) {
      word->value = little_endian(desired);
    } else {
      ++lost_exchanges_;
    }
    return found;
  }

  std::vector<Word> words_;
  std::vector<DirectRegion> regions_;
  std::vector<std::uint64_t> reads_;
  unsigned lost_exchanges_ = 0;
};

}  // namespace smmu::model

#endif  // SMMU_TEST_MODEL_WORD_MEMORY_H_
