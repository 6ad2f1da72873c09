#include "bench/study/trace/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <new>
#include <optional>

#include "bench/study/trace/lines.h"
#include "bench/study/trace/reader.h"

namespace smmu::study {

namespace {

constexpr std::uint64_t kUsualGranule = 4096;

// What a slot holds now.
struct Range {
  Pfn first = 0;
  std::uint64_t pages = 0;  // 0: nothing, as this allocator refused
};

class DomainReplay {
 public:
  // No request's limit is above `last`.
  DomainReplay(const TraceDomain& domain, Pfn last, AnyAllocator& allocator, ReplayOutcome& outcome)
      : allocator_(allocator), outcome_(outcome), last_(last) {
    for (const Operation& operation : domain.operations) {
      if (operation.kind == Operation::Kind::kAllocate) {
        allocate(operation);
      } else {
        free(operation);
      }
    }
    outcome_.visits += allocator_.visits();
    outcome_.peak_bytes = std::max(outcome_.peak_bytes, allocator_.bytes());
  }

 private:
  void allocate(const Operation& operation);
  void free(const Operation& operation);
  void compare(const Operation& operation, std::optional<Pfn> got);

  AnyAllocator& allocator_;
  ReplayOutcome& outcome_;
  Pfn last_;
  std::vector<Range> slots_;
  std::uint64_t live_ranges_ = 0;
  std::uint64_t live_pages_ = 0;
};

void DomainReplay::allocate(const Operation& operation) {
  ++outcome_.requests;
  const std::optional<Pfn> got =
      allocator_.allocate({operation.pages, std::min(operation.limit, last_), operation.alignment});
  if (!got) ++outcome_.refused;
  if (operation.answer != Answer::kUnknown) compare(operation, got);
  if (operation.answer == Answer::kRefused) {
    if (got) allocator_.free(*got, operation.pages);
    return;
  }
  if (operation.slot >= slots_.size()) slots_.resize(operation.slot + std::size_t{1});
  slots_[operation.slot] = got ? Range{*got, operation.pages} : Range{};
  if (!got) return;
  live_pages_ += operation.pages;
  outcome_.peak_ranges = std::max(outcome_.peak_ranges, ++live_ranges_);
  outcome_.peak_pages = std::max(outcome_.peak_pages, live_pages_);
}

void DomainReplay::free(const Operation& operation) {
  const Range range = slots_[operation.slot];
  if (range.pages == 0) {
    ++outcome_.frees_left_out;
    return;
  }
  ++outcome_.frees;
  allocator_.free(range.first, range.pages);
  --live_ranges_;
  live_pages_ -= range.pages;
}

void DomainReplay::compare(const Operation& operation, std::optional<Pfn> got) {
  ++outcome_.recorded;
  const bool refused = operation.answer == Answer::kRefused;
  if (refused) ++outcome_.recorded_refused;
  if (refused ? !got : got == operation.first) return;
  ++outcome_.different;
  if (outcome_.first_differences.size() < ReplayOutcome::kMaxDifferences) {
    outcome_.first_differences.push_back({operation, got});
  }
}

std::string answer_of(std::optional<Pfn> first) {
  return first ? fmt::format("page {:#x}", *first) : "a refusal";
}

std::string sentence_of(const std::string& file, const Difference& difference) {
  const Operation& operation = difference.operation;
  const bool refused = operation.answer == Answer::kRefused;
  return fmt::format("{}:{}: {} {} up to {:#x}, {}: recorded {}, got {}.", file, operation.line,
                     operation.pages, operation.pages == 1 ? "page" : "pages", operation.limit,
                     operation.alignment == Alignment::kNatural ? "aligned" : "not aligned",
                     answer_of(refused ? std::nullopt : std::optional(operation.first)),
                     answer_of(difference.got));
}

void print_counts(const ReplayOutcome& outcome) {
  fmt::print("domains            {}\n", outcome.domains);
  fmt::print("requests           {}\n", outcome.requests);
  fmt::print("refused            {}\n", outcome.refused);
  fmt::print("frees              {}\n", outcome.frees);
  fmt::print("frees left out     {}\n", outcome.frees_left_out);
  fmt::print("visits             {}\n", outcome.visits);
  fmt::print("peak live ranges   {}\n", outcome.peak_ranges);
  fmt::print("peak live pages    {}\n", outcome.peak_pages);
  fmt::print("bytes held at end  {}\n", outcome.peak_bytes);
}

const NamedAllocator& find(const std::vector<NamedAllocator>& allocators, std::string_view name) {
  std::string names;
  for (const NamedAllocator& allocator : allocators) {
    if (allocator.name == name) return allocator;
    names += (names.empty() ? "" : ", ") + allocator.name;
  }
  throw BadInput(fmt::format("--allocator: expected one of {}, found {}.", names, in_quotes(name)));
}

int replay_and_print(const ReplayOptions& options, const std::vector<NamedAllocator>& allocators) {
  const NamedAllocator& allocator = find(allocators, options.allocator);
  const Trace trace = read_trace(options.file);
  const ReplayOutcome outcome = replay(trace, allocator);

  fmt::print("trace              {}, {}\n", options.file, name_of(trace.provenance));
  fmt::print("allocator          {}\n", allocator.name);
  print_counts(outcome);
  if (outcome.other_granule != 0) {
    fmt::print("{} takes pages to be of {} bytes, which those of {} domains are not.\n",
               allocator.name, kUsualGranule, outcome.other_granule);
  }
  if (options.comparison == Comparison::kNo) return 0;

  if (outcome.recorded == 0) {
    throw BadInput(fmt::format("{}: expected answers to compare with, found none.", options.file));
  }
  for (const Difference& difference : outcome.first_differences) {
    fmt::print("{}\n", sentence_of(options.file, difference));
  }
  const std::uint64_t more = outcome.different - outcome.first_differences.size();
  if (more != 0) fmt::print("... and {} more.\n", more);
  fmt::print("{} of {} recorded answers are equal, {} differ; {} of the recorded are refusals.\n",
             outcome.recorded - outcome.different, outcome.recorded, outcome.different,
             outcome.recorded_refused);
  if (trace.provenance == Provenance::kInferred) {
    fmt::print("The trace is inferred: its requests may not be the ones that were made.\n");
  }
  return outcome.different == 0 ? 0 : 1;
}

}  // namespace

ReplayOutcome replay(const Trace& trace, const NamedAllocator& allocator) {
  ReplayOutcome outcome;
  for (const TraceDomain& domain : trace.domains) {
    ++outcome.domains;
    if (domain.granule != kUsualGranule && allocator.make_of_granule) {
      const auto made = allocator.make_of_granule(domain.granule, domain.start);
      DomainReplay(domain, last_page(domain.granule), *made, outcome);
      continue;
    }
    if (domain.granule != kUsualGranule) ++outcome.other_granule;
    // Smaller pages are more of them than it knows.
    const Pfn last = std::min(last_page(domain.granule), last_page(kUsualGranule));
    const auto made = allocator.make(std::min(domain.start, last));
    DomainReplay(domain, last, *made, outcome);
  }
  return outcome;
}

int replay_file(const ReplayOptions& options, const std::vector<NamedAllocator>& allocators) {
  try {
    return replay_and_print(options, allocators);
  } catch (const BadInput& bad) {
    std::fflush(stdout);
    fmt::print(stderr, "smmu-study: {}\n", bad.what());
  } catch (const std::bad_alloc&) {
    std::fflush(stdout);
    fmt::print(stderr, "smmu-study: expected a trace that fits into memory.\n");
  }
  return 2;
}

}  // namespace smmu::study
