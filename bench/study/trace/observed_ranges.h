// From what was seen of ranges of pages, when they appeared and vanished, to the requests that may
// have been behind it.
//
// Each range that appears is a request that was answered with it, at that moment; when all of it
// has vanished it was freed.  Ranges side by side that vanish in one go were one request, made when
// the first of them appeared, unless a page of them was somebody else's after that.
#ifndef BENCH_STUDY_TRACE_OBSERVED_RANGES_H_
#define BENCH_STUDY_TRACE_OBSERVED_RANGES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "bench/study/trace/trace.h"

namespace smmu::study {

struct PageRange {
  Pfn first = 0;
  Pfn last = 0;

  bool contains(const PageRange& other) const { return first <= other.first && other.last <= last; }
};

class ObservedRanges {
 public:
  enum class Appearance {
    kNew,
    kSeen,      // all of it belongs to one range that is live already
    kOverlaps,  // a part of it does: left out
  };

  // Whether pages that vanish in one go with live ones, and were not seen before, belong to them.
  enum class Unseen { kLeftOut, kJoined };

  struct Vanished {
    std::size_t ranges = 0;    // that were freed, before they were joined
    std::size_t requests = 0;  // these came to
    std::size_t partly = 0;    // ranges of which a part is left
    bool beyond = false;       // pages vanished that were not live
  };

  explicit ObservedRanges(std::uint64_t granule, Unseen unseen = Unseen::kLeftOut)
      : granule_(granule), unseen_(unseen) {}

  Appearance appear(const PageRange& range, std::uint16_t thread, std::uint32_t line);
  Vanished vanish(const PageRange& range, std::uint16_t thread, std::uint32_t line);
  // All that is live, each range by itself.
  Vanished vanish_all(std::uint16_t thread, std::uint32_t line);

  // The live range that `page` belongs to.
  std::optional<PageRange> find(Pfn page) const;
  std::size_t live() const { return live_.size(); }
  // Ranges that appeared, and frees: what finish() makes of them is never more.
  std::size_t operations() const { return events_.size(); }

  // The requests.  Natural alignment is assumed where the address has it; the limit is the first of
  // 32 bits, 48 and 64 that lets the range be, because Linux tries them like that; pages are given
  // out from 1 on, or from 0 if that was seen.
  TraceDomain finish();

 private:
  using Time = std::uint32_t;  // an index of events_
  static constexpr Time kNever = ~Time{0};
  static constexpr std::size_t kMaxGraves = 1024;

  // A request, unless it was joined to another; or the end of one.
  struct Event {
    bool appears = false;
    bool joined = false;
    std::uint16_t thread = 0;
    std::uint32_t line = 0;
    Time appeared = 0;  // of the range that ends
    PageRange range;    // that appears
  };
  struct Live {
    Pfn last = 0;
    Time appeared = 0;
    bool partly = false;  // has an entry in left_
  };
  struct Grave {
    Pfn last = 0;
    Time vanished = 0;
  };
  using LiveRange = std::map<Pfn, Live>::iterator;
  // Some of what vanishes in one go: what is live there and what was not seen between.
  struct Piece {
    PageRange range;
    Time appeared = kNever;
  };
  struct Joined;

  LiveRange first_overlap(const PageRange& range);
  void end(const Joined& joined, std::uint16_t thread, std::uint32_t line);
  // True when nothing is left.
  bool take_part(LiveRange live, const PageRange& range);
  // When the last page of a range vanished that was seen in it, if any was.  Now, if there is more
  // to look at than kMaxGraves: pages that vanish again and again would take time without end.
  std::optional<Time> last_vanished(const PageRange& range) const;
  void bury(const PageRange& range);

  std::uint64_t granule_;
  Unseen unseen_;
  std::vector<Event> events_;
  std::map<Pfn, Live> live_;
  std::map<Time, std::map<Pfn, Pfn>> left_;  // of ranges that have vanished in part
  std::map<Pfn, Grave> graves_;              // what was live last where nothing is, or is again
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_OBSERVED_RANGES_H_
