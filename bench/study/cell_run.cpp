#include "bench/study/cell_run.h"

#include <algorithm>
#include <vector>

namespace smmu::study {

namespace {

constexpr std::uint64_t kBatch = 64;
constexpr char kOutOfRoom[] = "out of room";
constexpr char kSetUp[] = "too many visits to set up";
constexpr char kStep[] = "too many visits for one step";

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Of each call, the least of all repetitions.
struct Times {
  // Where a batch of operations ends.
  struct Batch {
    std::uint64_t operations;
    std::size_t allocations;
    std::size_t frees;
  };

  std::vector<std::uint32_t> allocations;
  std::vector<std::uint32_t> frees;
  std::vector<Batch> batches;

  void add(const Player& player) {
    add(allocations, player.allocations());
    add(frees, player.frees());
  }
  // The median of the batches' means.
  double operation() const {
    std::vector<double> means;
    Batch begin{};
    for (const Batch& end : batches) {
      const std::uint64_t time =
          sum(allocations, begin.allocations, end.allocations) + sum(frees, begin.frees, end.frees);
      means.push_back(static_cast<double>(time) /
                      static_cast<double>(end.operations - begin.operations));
      begin = end;
    }
    return median(std::move(means));
  }

 private:
  static void add(std::vector<std::uint32_t>& least, const std::vector<std::uint32_t>& times) {
    if (least.empty()) least = times;
    std::ranges::transform(least, times, least.begin(),
                           [](auto a, auto b) { return std::min(a, b); });
  }
  static std::uint64_t sum(const std::vector<std::uint32_t>& times, std::size_t begin,
                           std::size_t end) {
    std::uint64_t all = 0;
    for (std::size_t i = begin; i != end; ++i) all += times[i];
    return all;
  }
};

// Why nothing came of it; empty if something did.
template <class Do>
std::string attempt(const char* over_budget, Do something) {
  try {
    something();
    return {};
  } catch (const OutOfRoom&) {
    return kOutOfRoom;
  } catch (const OverBudget&) {
    return over_budget;
  }
}

// Once.
Measurement play(Workload& workload, AnyAllocator& allocator, const Effort& effort, Times& times) {
  Measurement result;
  Player player(allocator);
  player.begin(Player::Watch::kVisits, effort.budget);
  result.not_measured = attempt(kSetUp, [&] { workload.set_up(player); });
  if (!result.not_measured.empty()) return result;
  result.live = workload.live();
  result.live_before_refusal = workload.live_before_refusal();

  player.begin(Player::Watch::kTime, effort.budget);
  times.batches.clear();
  const auto end_batch = [&] {
    times.batches.push_back(
        {result.operations, player.allocations().size(), player.frees().size()});
  };
  std::uint64_t batched = 0;
  result.not_measured = attempt(kStep, [&] {
    while (result.operations < effort.operations && !player.spent()) {
      result.operations += workload.step(player);
      if (result.operations - batched < kBatch) continue;
      end_batch();
      batched = result.operations;
    }
  });
  // What was done before one step was too much is as good as if it had not been tried.
  if (result.operations == 0) return result;
  result.not_measured.clear();
  if (batched == 0) end_batch();
  times.add(player);

  result.refusals = player.refusals();
  // Memory that was needed once is kept, so this is that of the most ranges there were.
  result.bytes_per_range =
      static_cast<double>(allocator.bytes()) / static_cast<double>(result.live);
  result.visits = static_cast<double>(player.visits()) / static_cast<double>(player.requests());
  result.worst_visits = player.worst_visits();
  return result;
}

}  // namespace

Measurement run_cell(const std::function<std::unique_ptr<Workload>()>& make_workload,
                     const std::function<std::unique_ptr<AnyAllocator>()>& make_allocator,
                     const Effort& effort) {
  Measurement result;
  Times times;
  for (unsigned i = 0; i != effort.repetitions && result.not_measured.empty(); ++i) {
    const auto workload = make_workload();
    const auto allocator = make_allocator();
    result = play(*workload, *allocator, effort, times);
  }
  if (!result.not_measured.empty()) return result;
  result.operation = times.operation();
  result.allocate = Percentiles::of(std::move(times.allocations));
  result.free = Percentiles::of(std::move(times.frees));
  result.longest = std::max(result.allocate.max, result.free.max);
  return result;
}

void run_steps(Workload& workload, AnyAllocator& allocator, const Budget& budget,
               std::uint64_t steps) {
  Player player(allocator);
  player.begin(Player::Watch::kVisits, budget);
  workload.set_up(player);
  player.begin(Player::Watch::kNothing, budget);
  for (std::uint64_t i = 0; i != steps; ++i) workload.step(player);
}

Steps steps_within(Workload& workload, AnyAllocator& allocator, const Effort& effort) {
  Steps within;
  Player player(allocator);
  player.begin(Player::Watch::kVisits, effort.budget);
  within.none_because = attempt(kSetUp, [&] { workload.set_up(player); });
  if (!within.none_because.empty()) return within;
  player.begin(Player::Watch::kVisits, effort.budget);
  const std::string why = attempt(kStep, [&] {
    while (within.operations < effort.operations && !player.spent()) {
      within.operations += workload.step(player);
      ++within.steps;
    }
  });
  if (within.steps == 0) within.none_because = why;
  return within;
}

}  // namespace smmu::study
