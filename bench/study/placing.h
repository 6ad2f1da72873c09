// Where in a gap a request goes: what the algorithms do not differ in.
#ifndef BENCH_STUDY_PLACING_H_
#define BENCH_STUDY_PLACING_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>

#include "bench/study/allocator.h"

namespace smmu::study {

// The first page above 4 GiB, at which Linux draws a line.
inline constexpr Pfn k4GiB = Pfn{1} << 20;

// A request, as the arithmetic wants it.
struct Wanted {
  explicit Wanted(const Request& request)
      : pages(request.pages), top(std::min(request.limit, kEnd - 1) + 1) {
    const auto bits = static_cast<unsigned>(std::bit_width(pages - 1));
    if (request.alignment == Alignment::kNatural) mask = bits >= 64 ? 0 : ~Pfn{0} << bits;
  }

  // Of no pages, or of more than there are below the limit.
  bool hopeless() const { return pages == 0 || pages > top; }
  // The highest place in the free pages [begin, end).
  std::optional<Pfn> highest_in(Pfn begin, Pfn end) const {
    if (end < pages) return std::nullopt;
    const Pfn first = (end - pages) & mask;
    if (first < begin) return std::nullopt;
    return first;
  }

  std::uint64_t pages;
  Pfn top;             // the page after the last one that may be part
  Pfn mask = ~Pfn{0};  // of the places that are aligned well
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_PLACING_H_
