#include "bench/study/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "bench/study/named.h"

namespace smmu::study {

namespace {

using Row = std::vector<std::string>;

enum class Kind { kTimed, kFilled, kContended, kCounted };

constexpr char kTimedLegend[] = R"(op: an allocation and a free, ns: the median of means over 64.
allocate, free: of a call, ns, the least of all repetitions; longest: of either.
visits: what a request looks at, on average and at worst.
ops: how many were measured; fewer than asked for where each looks at much.
)";
constexpr char kFilledLegend[] = R"(room for: live ranges before the first refusal.
)";
constexpr char kContendedLegend[] = R"(op: the time of all by the number of operations, ns.
held, waited: how long a lock was, and was waited for, ns; of a lock inside the allocator neither
is known, only how long a call took.
)";
constexpr char kCountedLegend[] =
    R"(Of an operation, less what the workload itself takes: instructions,
and misses of the first data cache, of the first instruction cache, of the last level.
)";

Kind kind_of(const std::string& workload, bool counted) {
  if (counted) return Kind::kCounted;
  if (!is_workload_of_one_thread(workload)) return Kind::kContended;
  return workload_named(workload).fills ? Kind::kFilled : Kind::kTimed;
}

std::string number(double value) {
  return value < 100 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value);
}
std::string number(std::uint64_t value) { return fmt::format("{}", value); }

Row heading_of(Kind kind) {
  Row row = {"n", "allocator"};
  const auto add = [&row](std::initializer_list<const char*> names) {
    row.insert(row.end(), names.begin(), names.end());
  };
  switch (kind) {
    case Kind::kFilled:
      add({"room for"});
      [[fallthrough]];
    case Kind::kTimed:
      add({"op", "allocate p50", "p99", "p99.9", "max", "free p50", "longest", "visits", "worst",
           "bytes/range", "ops"});
      break;
    case Kind::kContended:
      add({"op", "held p50", "p99", "p99.9", "max", "waited p50", "p99", "allocate p50", "p99",
           "p99.9", "ops"});
      break;
    case Kind::kCounted:
      add({"instructions", "D1 misses", "I1 misses", "LL misses", "ops"});
      break;
  }
  return row;
}

void add(Row& row, const Percentiles& times) {
  for (const std::uint32_t time : {times.p50, times.p99, times.p999, times.max}) {
    row.push_back(number(std::uint64_t{time}));
  }
}

Row row_of(const Result& result, Kind kind) {
  const Measurement& measured = result.measurement;
  Row row = {result.cell.n == 0 ? "" : number(result.cell.n), result.cell.allocator};
  if (!measured.not_measured.empty()) {
    row.push_back("not measured: " + measured.not_measured);
    return row;
  }
  if (kind == Kind::kCounted) {
    const Counts counts = measured.counts.value_or(Counts());
    for (const double count : {counts.instructions, counts.data_misses, counts.instruction_misses,
                               counts.last_level_misses}) {
      row.push_back(fmt::format("{:.2f}", count));
    }
  } else if (kind == Kind::kContended) {
    row.push_back(number(measured.operation));
    if (measured.held) {
      add(row, *measured.held);
      row.push_back(number(std::uint64_t{measured.waited->p50}));
      row.push_back(number(std::uint64_t{measured.waited->p99}));
    } else {
      row.insert(row.end(), 6, "-");
    }
    add(row, measured.allocate);
    row.pop_back();
  } else {
    if (kind == Kind::kFilled) row.push_back(number(measured.live_before_refusal.value_or(0)));
    row.push_back(number(measured.operation));
    add(row, measured.allocate);
    row.push_back(number(std::uint64_t{measured.free.p50}));
    row.push_back(number(std::uint64_t{measured.longest}));
    row.push_back(number(measured.visits));
    row.push_back(number(measured.worst_visits));
    row.push_back(number(measured.bytes_per_range));
  }
  row.push_back(number(measured.operations));
  return row;
}

void print(std::string& text, const std::vector<Row>& rows) {
  constexpr std::size_t kAllocator = 1;
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    if (row.size() != widths.size()) continue;  // not measured: a sentence
    for (std::size_t i = 0; i != row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const Row& row : rows)
    widths[kAllocator] = std::max(widths[kAllocator], row[kAllocator].size());
  for (const Row& row : rows) {
    const bool sentence = row.size() != widths.size();
    for (std::size_t i = 0; i != row.size(); ++i) {
      if (i == kAllocator || (sentence && i > kAllocator)) {
        const std::size_t width = i == kAllocator ? widths[i] : 0;
        fmt::format_to(std::back_inserter(text), "  {:<{}}", row[i], width);
      } else {
        fmt::format_to(std::back_inserter(text), "  {:>{}}", row[i], widths[i]);
      }
    }
    text += '\n';
  }
}

}  // namespace

std::string table_of(const std::vector<Result>& results, bool counted) {
  std::string text;
  std::vector<Kind> kinds;
  for (auto begin = results.begin(); begin != results.end();) {
    const std::string& workload = begin->cell.workload;
    const auto end = std::find_if(begin, results.end(), [&](const Result& result) {
      return result.cell.workload != workload;
    });
    const Kind kind = kind_of(workload, counted);
    if (std::ranges::find(kinds, kind) == kinds.end()) kinds.push_back(kind);
    std::vector<Row> rows = {heading_of(kind)};
    std::transform(begin, end, std::back_inserter(rows),
                   [kind](const Result& result) { return row_of(result, kind); });
    text += workload + "\n";
    print(text, rows);
    text += '\n';
    begin = end;
  }
  const auto shown = [&kinds](Kind kind) { return std::ranges::find(kinds, kind) != kinds.end(); };
  if (shown(Kind::kFilled)) text += kFilledLegend;
  if (shown(Kind::kTimed) || shown(Kind::kFilled)) text += kTimedLegend;
  if (shown(Kind::kContended)) text += kContendedLegend;
  if (shown(Kind::kCounted)) text += kCountedLegend;
  return text;
}

}  // namespace smmu::study
