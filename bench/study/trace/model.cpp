#include "bench/study/trace/model.h"

#include <fmt/format.h>

#include <bit>
#include <utility>

namespace smmu::study {

std::optional<std::string> complaint(const GeneratorOptions& options, std::uint64_t live,
                                     std::uint64_t threads, std::uint64_t largest_pages) {
  if (options.operations == 0 || options.operations > kMaxOperations) {
    return fmt::format("expected from 1 to {} operations", kMaxOperations);
  }
  if (!std::has_single_bit(options.granule)) return "expected a granule that is a power of two";
  if (options.start > last_page(options.granule)) {
    return fmt::format("expected a start up to {:#x}", last_page(options.granule));
  }
  if (live > kMaxLiveRanges) {
    return fmt::format("expected at most {} live ranges, found {}", kMaxLiveRanges, live);
  }
  if (threads > kMaxThread + 1) {
    return fmt::format("expected at most {} threads, found {}", kMaxThread + 1, threads);
  }
  if (largest_pages > last_page(options.granule)) {
    return fmt::format("expected at most {} pages", last_page(options.granule));
  }
  return std::nullopt;
}

Model::Model(const GeneratorOptions& options) : options_(options), random_(options.seed) {
  trace_.provenance = Provenance::kGenerated;
  trace_.domains.push_back({options.granule, options.start, "", {}});
}

Slot Model::allocate(std::uint64_t pages, std::uint64_t thread) {
  Slot slot = next_;
  if (free_.empty()) {
    ++next_;
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Operation operation;
  operation.pages = pages;
  operation.limit = options_.limit;
  operation.thread = static_cast<std::uint16_t>(thread);
  operation.slot = slot;
  trace_.domains.back().operations.push_back(operation);
  return slot;
}

void Model::free(Slot slot, std::uint64_t thread) {
  Operation operation;
  operation.kind = Operation::Kind::kFree;
  operation.thread = static_cast<std::uint16_t>(thread);
  operation.slot = slot;
  trace_.domains.back().operations.push_back(operation);
  free_.push_back(slot);
}

Trace Model::take(std::string note) {
  trace_.notes.push_back(std::move(note));
  return std::move(trace_);
}

}  // namespace smmu::study
