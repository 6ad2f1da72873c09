#include "bench/study/trace/builder.h"

#include <fmt/format.h>

#include <bit>

namespace smmu::study {

void TraceBuilder::begin_domain(std::uint64_t granule, Pfn start, std::string_view name) {
  if (!std::has_single_bit(granule)) {
    lines_.reject("a granule that is a power of two", fmt::to_string(granule));
  }
  if (start > last_page(granule)) {
    lines_.reject(fmt::format("a start up to {:#x}, the last page there is", last_page(granule)),
                  fmt::format("{:#x}", start));
  }
  if (trace_.domains.size() == kMaxDomains) {
    lines_.reject(fmt::format("at most {} domains", kMaxDomains));
  }
  trace_.domains.push_back({granule, start, std::string(name), {}});
  ids_.clear();
}

void TraceBuilder::append(const Operation& operation) {
  if (operations_ == kMaxOperations) {
    lines_.reject(fmt::format("at most {} requests and frees", kMaxOperations));
  }
  ++operations_;
  trace_.domains.back().operations.push_back(operation);
  trace_.domains.back().operations.back().line = lines_.number();
}

void TraceBuilder::allocate(Operation operation, std::uint64_t id) {
  const auto slot = ids_.add(id);
  if (!slot) {
    if (slot.error() == LiveIds::Refusal::kTooMany) {
      lines_.reject(fmt::format("at most {} live ranges", kMaxLiveRanges));
    }
    lines_.reject("the id of no range that is live", fmt::to_string(id));
  }
  operation.slot = *slot;
  append(operation);
}

void TraceBuilder::allocate_refused(Operation operation) {
  operation.answer = Answer::kRefused;
  append(operation);
}

void TraceBuilder::free(std::uint64_t id, std::uint16_t thread) {
  const auto slot = ids_.remove(id);
  if (!slot) lines_.reject("the id of a range that is live", fmt::to_string(id));
  Operation operation;
  operation.kind = Operation::Kind::kFree;
  operation.slot = *slot;
  operation.thread = thread;
  append(operation);
}

std::uint64_t TraceBuilder::pages(std::string_view word, std::optional<std::uint64_t> value) const {
  const std::uint64_t most = last_page(trace_.domains.back().granule) + 1;
  if (!value || *value == 0 || *value > most) {
    lines_.reject(fmt::format("a number of pages from 1 to {}", most), word);
  }
  return *value;
}

std::uint16_t TraceBuilder::thread(std::string_view word) const {
  const auto value = parse_number(word);
  if (!value || *value > kMaxThread) {
    lines_.reject(fmt::format("the number of a thread, up to {}", kMaxThread), word);
  }
  return static_cast<std::uint16_t>(*value);
}

void TraceBuilder::note(std::string_view text) {
  if (trace_.notes.size() == kMaxNotes) lines_.reject(fmt::format("at most {} notes", kMaxNotes));
  trace_.notes.emplace_back(text);
}

Trace TraceBuilder::take(Provenance provenance) {
  if (!in_domain()) {
    throw BadInput(fmt::format("{}: expected a domain, found none.", lines_.file()));
  }
  trace_.provenance = provenance;
  return std::move(trace_);
}

}  // namespace smmu::study
