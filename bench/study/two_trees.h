// Best fit: the free ranges in a tree by size, and in another by address to join them again.
#ifndef BENCH_STUDY_TWO_TREES_H_
#define BENCH_STUDY_TWO_TREES_H_

#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <optional>
#include <utility>

#include "bench/study/allocator.h"
#include "bench/study/pool.h"

namespace smmu::study {

// As in Fuchsia's region allocator and Ceph's AvlAllocator: a request takes from the smallest free
// range that it fits into, of equal ones the lowest.  That is found by size at once; whether it
// fits with its alignment, below its limit, is tried on one after the other.
//
// Knows nothing of what is taken, so a range is nothing that can be looked up.
class TwoTrees {
 public:
  explicit TwoTrees(Pfn start) { add(start, kEnd); }

  std::optional<Pfn> allocate(const Request& request);
  void free(Pfn first, std::uint64_t pages);
  std::uint64_t visits() const { return visits_; }
  std::uint64_t bytes() const { return sizeof(*this) + pool_.bytes(); }

 private:
  struct ByAddress;
  struct BySize;
  template <class Tag>
  using Hook =
      boost::intrusive::set_base_hook<boost::intrusive::tag<Tag>,
                                      boost::intrusive::link_mode<boost::intrusive::normal_link>,
                                      boost::intrusive::optimize_size<true>>;
  using Size = std::pair<std::uint64_t, Pfn>;
  // [first, end)
  struct Range : Hook<ByAddress>, Hook<BySize> {
    Range(Pfn first_page, Pfn end_page) : first(first_page), end(end_page) {}
    Pfn first;
    Pfn end;
  };
  struct FirstOf {
    using type = Pfn;
    const Pfn& operator()(const Range& range) const { return range.first; }
  };
  struct SizeOf {
    using type = Size;
    Size operator()(const Range& range) const { return {range.end - range.first, range.first}; }
  };

  void add(Pfn first, Pfn end);
  void remove(Range& range);

  Pool<Range> pool_;
  boost::intrusive::set<Range, boost::intrusive::base_hook<Hook<ByAddress>>,
                        boost::intrusive::key_of_value<FirstOf>>
      by_address_;
  boost::intrusive::set<Range, boost::intrusive::base_hook<Hook<BySize>>,
                        boost::intrusive::key_of_value<SizeOf>>
      by_size_;
  std::uint64_t visits_ = 0;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_TWO_TREES_H_
