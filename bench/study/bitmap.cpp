#include "bench/study/bitmap.h"

#include <algorithm>
#include <bit>

#include "bench/study/placing.h"

namespace smmu::study {

namespace {

constexpr std::uint64_t kBits = 64;

// Bits [0, count).
constexpr std::uint64_t low_bits(std::uint64_t count) {
  return count >= kBits ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

std::uint64_t highest_bit(std::uint64_t word) {
  return static_cast<std::uint64_t>(std::bit_width(word)) - 1;
}

}  // namespace

Bitmap::Bitmap(Pfn start) : free_(kWindow / kBits, ~Word{0}) {
  std::size_t words = free_.size();
  for (std::size_t level = 0; level != kSummaries; ++level) {
    words /= kBits;
    sums_[0][level].assign(words, ~Word{0});
    sums_[1][level].assign(words, 0);
  }
  mark(0, std::min(start, kWindow), Page::kTaken);
}

std::uint64_t Bitmap::bytes() const {
  std::size_t words = free_.size();
  for (const auto& levels : sums_) {
    for (const auto& level : levels) words += level.size();
  }
  return sizeof(*this) + words * sizeof(Word);
}

std::optional<Pfn> Bitmap::allocate(const Request& request) {
  const Wanted wanted(request);
  if (wanted.hopeless()) return std::nullopt;
  Pfn top = std::min(wanted.top, kWindow);
  while (top != 0) {
    const auto last = highest(Page::kFree, top - 1);
    if (!last) return std::nullopt;
    const auto below = highest(Page::kTaken, *last);
    const Pfn begin = below ? *below + 1 : 0;
    if (const auto first = wanted.highest_in(begin, *last + 1)) {
      mark(*first, *first + wanted.pages, Page::kTaken);
      return first;
    }
    top = begin;
  }
  return std::nullopt;
}

void Bitmap::mark(Pfn first, Pfn end, Page state) {
  if (first == end) return;
  for (Pfn page = first; page != end;) {
    const Pfn next = std::min(end, (page / kBits + 1) * kBits);
    const Word bits = low_bits(next - page) << (page % kBits);
    Word& word = free_[page / kBits];
    word = state == Page::kFree ? word | bits : word & ~bits;
    page = next;
  }
  sum_up(first / kBits, (end - 1) / kBits);
}

void Bitmap::sum_up(std::uint64_t first, std::uint64_t last) {
  for (std::size_t level = 0; level != kSummaries; ++level) {
    bool changed = false;
    for (const Page state : {Page::kFree, Page::kTaken}) {
      std::vector<Word>& sums = sums_[static_cast<std::size_t>(state)][level];
      for (std::uint64_t index = first; index <= last; ++index) {
        const Word bit = Word{1} << (index % kBits);
        Word& sum = sums[index / kBits];
        const bool any = word(state, level, index) != 0;
        if (any == ((sum & bit) != 0)) continue;
        sum ^= bit;
        changed = true;
      }
    }
    if (!changed) return;
    first /= kBits;
    last /= kBits;
  }
}

Bitmap::Word Bitmap::word(Page state, std::size_t level, std::uint64_t index) const {
  if (level != 0) return sums_[static_cast<std::size_t>(state)][level - 1][index];
  return state == Page::kFree ? free_[index] : ~free_[index];
}

std::optional<Pfn> Bitmap::highest(Page state, Pfn page) {
  std::uint64_t at = page;
  for (std::size_t level = 0;; ++level) {
    const Word bits = word(state, level, at / kBits) & low_bits(at % kBits + 1);
    ++visits_;
    if (bits != 0) {
      at = at / kBits * kBits + highest_bit(bits);
      visits_ += level;
      while (level != 0) at = at * kBits + highest_bit(word(state, --level, at));
      return at;
    }
    if (level == kSummaries || at / kBits == 0) return std::nullopt;
    at = at / kBits - 1;
  }
}

}  // namespace smmu::study
