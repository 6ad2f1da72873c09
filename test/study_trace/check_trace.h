// Whether a trace is what trace.h says one is.
#ifndef TEST_STUDY_TRACE_CHECK_TRACE_H_
#define TEST_STUDY_TRACE_CHECK_TRACE_H_

#include <fmt/format.h>

#include <bit>
#include <map>
#include <optional>
#include <string>

#include "bench/study/trace/trace.h"

namespace smmu::study {

// The first thing that is wrong.
inline std::string wrong_with(const Trace& trace) {
  for (const TraceDomain& domain : trace.domains) {
    if (!std::has_single_bit(domain.granule)) return "granule";
    if (domain.start > last_page(domain.granule)) return "start";
    std::map<Slot, bool> live;
    for (std::size_t i = 0; i < domain.operations.size(); ++i) {
      const Operation& operation = domain.operations[i];
      const bool allocates = operation.kind == Operation::Kind::kAllocate;
      if (allocates && operation.pages == 0) return fmt::format("no pages at {}", i);
      if (allocates && operation.answer == Answer::kRefused) continue;
      if (live[operation.slot] == allocates) return fmt::format("slot at {}", i);
      if (live.size() <= operation.slot) return fmt::format("slots are not dense at {}", i);
      live[operation.slot] = allocates;
    }
  }
  return "";
}

// The first range whose recorded place is in use by another, or outside of the domain or its limit.
inline std::string overlap_in(const Trace& trace) {
  for (const TraceDomain& domain : trace.domains) {
    std::map<Pfn, Pfn> live;
    std::map<Slot, Pfn> slots;
    for (std::size_t i = 0; i < domain.operations.size(); ++i) {
      const Operation& operation = domain.operations[i];
      if (operation.kind == Operation::Kind::kFree) {
        live.erase(slots[operation.slot]);
        continue;
      }
      if (operation.answer != Answer::kFirst) continue;
      const Pfn last = operation.first + (operation.pages - 1);
      if (operation.first < domain.start || last < operation.first || last > operation.limit) {
        return fmt::format("out of bounds at {}", i);
      }
      const auto above = live.upper_bound(operation.first);
      if (above != live.end() && above->first <= last) return fmt::format("overlap at {}", i);
      if (above != live.begin() && std::prev(above)->second >= operation.first) {
        return fmt::format("overlap at {}", i);
      }
      live[operation.first] = last;
      slots[operation.slot] = operation.first;
    }
  }
  return "";
}

}  // namespace smmu::study

#endif  // TEST_STUDY_TRACE_CHECK_TRACE_H_
