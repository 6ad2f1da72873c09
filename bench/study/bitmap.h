// A bit for every page of a window, and bits that sum these up.
#ifndef BENCH_STUDY_BITMAP_H_
#define BENCH_STUDY_BITMAP_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "bench/study/allocator.h"

namespace smmu::study {

// The window is the lowest 2^24 pages, 64 GiB; nothing above is ever given out, whatever the limit.
// On top of the pages lie three levels of summaries, of 64 bits a word: whether there is a free
// page below, and whether there is a taken one.  So the highest free page, or the next gap down, is
// eight words away at most, and the addresses are those of IovaOrder::kHighestGap; but a request
// for more than one page goes from gap to gap, however many there are that it does not fit into.
//
// Two megabytes whatever is live.  Where one range ends and the next begins is not known.
class Bitmap {
 public:
  static constexpr Pfn kWindow = Pfn{1} << 24;

  explicit Bitmap(Pfn start);

  std::optional<Pfn> allocate(const Request& request);
  void free(Pfn first, std::uint64_t pages) { mark(first, first + pages, Page::kFree); }
  std::uint64_t visits() const { return visits_; }
  std::uint64_t bytes() const;

 private:
  enum class Page { kFree, kTaken };
  using Word = std::uint64_t;
  static constexpr std::size_t kSummaries = 3;

  void mark(Pfn first, Pfn end, Page state);
  // Corrects what is summed up of the words [first, last] of pages.
  void sum_up(std::uint64_t first, std::uint64_t last);
  // The highest page in such a state, of those up to `page`.
  std::optional<Pfn> highest(Page state, Pfn page);
  // A word of a level, 0 for that of the pages: a bit is 1 where there is a page in that state.
  Word word(Page state, std::size_t level, std::uint64_t index) const;

  std::vector<Word> free_;                                         // a bit a page
  std::array<std::array<std::vector<Word>, kSummaries>, 2> sums_;  // by state and level
  std::uint64_t visits_ = 0;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_BITMAP_H_
