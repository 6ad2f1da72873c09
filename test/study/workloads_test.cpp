// What the workloads of the study ask for, and how they are played and measured.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/study/cell_run.h"
#include "bench/study/matrix.h"
#include "bench/study/named.h"
#include "bench/study/percentiles.h"
#include "bench/study/workload.h"
#include "test/study/model.h"

namespace smmu::study::workloads_test {
namespace {

// Stands before an allocator and holds its answers against the model.
class Watched final : public AnyAllocator {
 public:
  explicit Watched(const std::string& name) : allocator_(allocator_named(name)) {}

  std::optional<Pfn> allocate(const Request& request) override {
    const auto first = allocator_->allocate(request);
    if (first && !model.takes(request, *first)) ++wrong;
    most_live = std::max(most_live, model.live().size());
    if (!first) ++refusals;
    return first;
  }
  void free(Pfn first, std::uint64_t pages) override {
    const auto range = model.live().find(first);
    if (range == model.live().end() || range->second - first != pages) ++wrong;
    model.free(first);
    allocator_->free(first, pages);
  }
  std::uint64_t visits() const override { return allocator_->visits(); }
  std::uint64_t bytes() const override { return allocator_->bytes(); }

  Model model{kStart};
  std::size_t most_live = 0;
  std::uint64_t refusals = 0;
  std::uint64_t wrong = 0;

 private:
  std::unique_ptr<AnyAllocator> allocator_;
};

constexpr Budget kPlenty{.enough = 50'000'000, .too_many = 100'000'000};

TEST(Workloads, KeepToWhatTheySayWithEveryAllocator) {
  for (const NamedWorkload& named : workloads()) {
    for (const std::string& allocator : allocator_names()) {
      SCOPED_TRACE(named.name + ", " + allocator);
      Watched watched(allocator);
      const auto workload = named.make(500, 7);
      run_steps(*workload, watched, kPlenty, named.name == "drain" ? 2 : 300);
      EXPECT_EQ(watched.wrong, 0U);
      if (named.fills) {
        EXPECT_GT(watched.refusals, 0U);
        EXPECT_GT(watched.most_live, 100'000U);
        continue;
      }
      EXPECT_EQ(watched.refusals, 0U);
      EXPECT_EQ(workload->live(), 500U);
      EXPECT_EQ(watched.model.live().size(), named.name == "drain" ? 0U : 500U);
    }
  }
}

TEST(Workloads, MisalignedLeavesGapsOfTwoPagesThatTwoDoNotFitInto) {
  Watched watched("highest_gap");
  const auto workload = workload_named("misaligned").make(100, 1);
  run_steps(*workload, watched, kPlenty, 0);
  std::optional<Pfn> end;
  int gaps = 0;
  for (const auto& [first, range_end] : watched.model.live()) {
    if (end && *end != first) {
      EXPECT_EQ(first - *end, 2U);
      EXPECT_EQ(*end % 2, 1U);
      ++gaps;
    }
    end = range_end;
  }
  EXPECT_GE(gaps, 49);
}

TEST(Workloads, HighestGapHoldsMoreThanLinuxBeforeTheFirstRefusal) {
  const auto live_before_refusal = [](const std::string& allocator) {
    const auto workload = workload_named("near_full").make(0, 1);
    run_steps(*workload, *allocator_named(allocator), kPlenty, 0);
    return static_cast<double>(workload->live_before_refusal().value_or(0));
  };
  EXPECT_GE(live_before_refusal("highest_gap"), 1.4 * live_before_refusal("linux_exact"));
}

Measurement run(const std::string& workload, std::uint64_t n, const std::string& allocator,
                const Effort& effort) {
  return run_cell([&] { return workload_named(workload).make(n, 1); },
                  [&] { return allocator_named(allocator); }, effort);
}

TEST(CellRun, CountsTheSameEveryTime) {
  const Effort effort{.operations = 1000, .repetitions = 2};
  const Measurement one = run("mix", 300, "linear_cached", effort);
  const Measurement two = run("mix", 300, "linear_cached", effort);
  EXPECT_EQ(one.not_measured, "");
  EXPECT_EQ(one.operations, 1000U);
  EXPECT_EQ(one.live, 300U);
  EXPECT_GT(one.worst_visits, 1U);
  EXPECT_EQ(one.worst_visits, two.worst_visits);
  EXPECT_EQ(one.visits, two.visits);
  EXPECT_EQ(one.bytes_per_range, two.bytes_per_range);
  EXPECT_EQ(one.allocate.samples, 1000U);
  EXPECT_EQ(one.free.samples, 1000U);
  EXPECT_GE(one.longest, one.allocate.p999);
}

TEST(CellRun, EndsWhenEnoughWasLookedAt) {
  const Effort effort{
      .operations = 1000, .repetitions = 2, .budget = {.enough = 10'000, .too_many = 10'000'000}};
  // Each request looks at all of the 1000.
  const Measurement measured = run("lifo", 1000, "linear_2016", effort);
  EXPECT_EQ(measured.not_measured, "");
  EXPECT_EQ(measured.operations, 10U);
}

TEST(CellRun, SaysWhyItMeasuredNothing) {
  const Effort little{
      .operations = 1000, .repetitions = 2, .budget = {.enough = 10'000, .too_many = 10'000}};
  EXPECT_EQ(run("lifo", 1000, "linear_2016", little).not_measured, "too many visits to set up");
  EXPECT_EQ(run("drain", 1000, "linear_2016", little).not_measured, "too many visits for one step");
  const Effort plenty{.operations = 10, .repetitions = 1};
  EXPECT_EQ(run("mix", 4'000'000, "bitmap", plenty).not_measured, "out of room");
}

TEST(CellRun, TellsTheStepsWithinABudget) {
  const Effort effort{
      .operations = 1000, .repetitions = 1, .budget = {.enough = 10'000, .too_many = 10'000'000}};
  const auto workload = workload_named("fragmented").make(100, 1);
  const Steps steps = steps_within(*workload, *allocator_named("highest_gap"), effort);
  EXPECT_EQ(steps.none_because, "");
  EXPECT_EQ(steps.operations, 2 * steps.steps);
  EXPECT_GT(steps.steps, 0U);
  const auto drain = workload_named("drain").make(1000, 1);
  const Effort less{
      .operations = 1000, .repetitions = 1, .budget = {.enough = 1000, .too_many = 10'000}};
  EXPECT_EQ(steps_within(*drain, *allocator_named("linear_2016"), less).none_because,
            "too many visits for one step");
}

TEST(Percentiles, AreSamples) {
  std::vector<std::uint32_t> samples;
  for (std::uint32_t i = 2000; i != 0; --i) samples.push_back(i);
  const Percentiles of = Percentiles::of(samples);
  EXPECT_EQ(of.samples, 2000U);
  EXPECT_EQ(of.p50, 1000U);
  EXPECT_EQ(of.p99, 1980U);
  EXPECT_EQ(of.p999, 1998U);
  EXPECT_EQ(of.max, 2000U);
  EXPECT_EQ(Percentiles::of({7}).p50, 7U);
  EXPECT_EQ(Percentiles::of({7}).p999, 7U);
  EXPECT_EQ(Percentiles::of({}).max, 0U);
}

Selection small() {
  return {.workloads = workload_names(),
          .allocators = allocator_names(),
          .n = {50, 100},
          .operations = 100,
          .repetitions = 2,
          .pairs = 2};
}

TEST(Matrix, IsTheSumOfItsShards) {
  const std::vector<Cell> all = cells_of(small());
  std::vector<Cell> found;
  for (std::uint64_t index = 1; index <= 7; ++index) {
    const std::vector<Cell> shard = cells_of(small(), {index, 7});
    EXPECT_NEAR(static_cast<double>(shard.size()), static_cast<double>(all.size()) / 7, 1);
    found.insert(found.end(), shard.begin(), shard.end());
  }
  EXPECT_EQ(found.size(), all.size());
  EXPECT_TRUE(std::ranges::is_permutation(found, all));
}

TEST(Matrix, MeasuresEveryCell) {
  for (const Cell& cell : cells_of(small())) {
    if (cell.n == 0) continue;  // the tests above fill the space
    SCOPED_TRACE(cell.workload + ", " + cell.allocator);
    const Measurement measured = measure(cell, small());
    EXPECT_EQ(measured.not_measured, "");
    EXPECT_EQ(measured.live, cell.n);
    EXPECT_EQ(measured.refusals, 0U);
    const bool contended = !is_workload_of_one_thread(cell.workload);
    EXPECT_EQ(measured.operations, contended ? 1000U : 100U);
    EXPECT_EQ(measured.held.has_value(), cell.workload == "contended");
    EXPECT_EQ(measured.allocate.samples, measured.operations);
    EXPECT_EQ(measured.free.samples, measured.operations);
    if (measured.held) {
      EXPECT_EQ(measured.held->samples, 2 * measured.operations);
      EXPECT_EQ(measured.waited->samples, 2 * measured.operations);
    }
  }
}

}  // namespace
}  // namespace smmu::study::workloads_test
