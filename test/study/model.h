// What is taken, in a sorted map: what the allocators of the study are held against.
#ifndef TEST_STUDY_MODEL_H_
#define TEST_STUDY_MODEL_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <vector>

#include "bench/study/allocator.h"

namespace smmu::study {

class Model {
 public:
  explicit Model(Pfn start) : start_(start) {}

  const std::map<Pfn, Pfn>& live() const { return live_; }  // first to end

  // Whether a request may be answered so; if it may, it is.
  bool takes(const Request& request, Pfn first) {
    const Pfn end = first + request.pages;
    if (request.pages == 0 || first < start_ || end <= first || end - 1 > request.limit) {
      return false;
    }
    if (request.alignment == Alignment::kNatural && first % std::bit_ceil(request.pages) != 0) {
      return false;
    }
    const auto above = live_.lower_bound(first);
    if (above != live_.end() && above->first < end) return false;
    if (above != live_.begin() && std::prev(above)->second > first) return false;
    live_.emplace_hint(above, first, end);
    return true;
  }
  void free(Pfn first) { live_.erase(first); }

  // Whether there is a place for a request below `reach`, by trying every one that is aligned well.
  bool has_place(const Request& request, Pfn reach) const {
    const Pfn step = request.alignment == Alignment::kNatural ? std::bit_ceil(request.pages) : 1;
    const Pfn top = std::min({request.limit, reach - 1, kEnd - 1}) + 1;
    Pfn begin = start_;
    const auto fits = [&](Pfn end) {
      const Pfn first = (begin + step - 1) / step * step;
      return first + request.pages <= std::min(end, top);
    };
    for (const auto& [first, end] : live_) {
      if (fits(first)) return true;
      begin = end;
    }
    return fits(top);
  }

 private:
  const Pfn start_;
  std::map<Pfn, Pfn> live_;
};

// Where a random sequence of requests takes place.
struct Place {
  const char* name;
  Pfn start;
  std::vector<Pfn> limits;
  std::uint64_t most_pages;
};

// Small enough to be full again and again.
inline std::vector<Place> places() {
  constexpr Pfn k4GiB = Pfn{1} << 20;
  constexpr Pfn kTop = Pfn{1} << 36;
  return {
      {"below a low limit", 1, {4095, 1023, 100}, 64},
      {"below 4 GiB", k4GiB - 4096, {k4GiB - 1}, 64},
      {"around 4 GiB", k4GiB - 4096, {k4GiB - 1, k4GiB + 4095, k4GiB - 1000}, 100},
      {"48 bits", 1, {kTop - 1, k4GiB - 1, kTop - 1000}, 3000},
  };
}

// Requests and frees, about as many of either, and now and then a time of more requests.
class Sequence {
 public:
  Sequence(const Place& place, std::uint64_t seed) : place_(place), random_(seed) {}

  bool wants_free() {
    if (random_() % 1000 == 0) frees_in_16_ = 5 + random_() % 6;
    return random_() % 16 < frees_in_16_;
  }
  Request request() {
    Request request;
    request.pages = 1 + random_() % (random_() % 2 == 0 ? 4 : place_.most_pages);
    request.limit = place_.limits[random_() % place_.limits.size()];
    request.alignment = random_() % 4 == 0 ? Alignment::kNone : Alignment::kNatural;
    return request;
  }
  // One of so many.
  std::size_t any_of(std::size_t count) { return random_() % count; }

 private:
  const Place& place_;
  std::mt19937_64 random_;
  std::uint64_t frees_in_16_ = 7;
};

}  // namespace smmu::study

#endif  // TEST_STUDY_MODEL_H_
