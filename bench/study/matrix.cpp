#include "bench/study/matrix.h"

#include <memory>
#include <utility>

#include "bench/study/contention.h"
#include "bench/study/named.h"
#include "bench/study/shared_allocator.h"

namespace smmu::study {

namespace {

// What tells a run that the scheduler left alone.
std::uint32_t tail_of(const Measurement& measured) {
  return measured.held ? measured.held->p999 : measured.allocate.p999;
}

}  // namespace

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const NamedWorkload& workload : workloads()) names.push_back(workload.name);
  names.insert(names.end(), {kContended, kContendedOwnLock});
  return names;
}

std::vector<std::string> allocator_names() {
  std::vector<std::string> names;
  for (const NamedAllocator& allocator : allocators()) names.push_back(allocator.name);
  return names;
}

std::vector<Cell> cells_of(const Selection& selection, const Shard& shard) {
  std::vector<Cell> cells;
  for (const std::string& workload : selection.workloads) {
    const bool one_thread = is_workload_of_one_thread(workload);
    if (!one_thread && selection.count) continue;
    const bool fills = one_thread && workload_named(workload).fills;
    for (const std::uint64_t n : fills ? std::vector<std::uint64_t>{0} : selection.n) {
      for (const std::string& allocator : selection.allocators) {
        if (workload == kContendedOwnLock && !with_own_lock(allocator, kStart)) continue;
        cells.push_back({workload, allocator, n});
      }
    }
  }
  std::vector<Cell> mine;
  for (std::size_t i = shard.index - 1; i < cells.size(); i += shard.of) mine.push_back(cells[i]);
  return mine;
}

Measurement measure(const Cell& cell, const Selection& selection) {
  Effort effort{.operations = selection.operations, .repetitions = selection.repetitions};
  if (is_workload_of_one_thread(cell.workload)) {
    const NamedWorkload workload = workload_named(cell.workload);
    return run_cell([&] { return workload.make(cell.n, selection.seed); },
                    [&] { return allocator_named(cell.allocator); }, effort);
  }
  // So that threads meet: starting one takes as long as thousands of operations.
  effort.operations *= 10;
  const auto repeat = [&] {
    const auto shared = cell.workload == kContended ? behind_mutex(allocator_named(cell.allocator))
                                                    : with_own_lock(cell.allocator, kStart);
    return run_contended(*shared, cell.n, selection.seed, selection.pairs, effort);
  };
  Measurement best = repeat();
  for (unsigned i = 1; i < selection.repetitions && best.not_measured.empty(); ++i) {
    Measurement other = repeat();
    if (tail_of(other) < tail_of(best)) best = std::move(other);
  }
  return best;
}

}  // namespace smmu::study
