#include "bench/study/trace/recorder.h"

#include <fmt/format.h>

#include <utility>

namespace smmu::study {

Recorder::Recorder(std::uint64_t granule, Pfn start, std::string name)
    : domain_{granule, start, std::move(name), {}} {}

std::uint16_t Recorder::number_of_thread() {
  const auto id = std::this_thread::get_id();
  if (const auto found = threads_.find(id); found != threads_.end()) return found->second;
  if (threads_.size() > kMaxThread) return kMaxThread;
  const auto number = static_cast<std::uint16_t>(threads_.size());
  threads_.emplace(id, number);
  return number;
}

void Recorder::append(Operation operation) {
  operation.thread = number_of_thread();
  domain_.operations.push_back(operation);
}

void Recorder::on_allocate(std::uint64_t pages, Pfn limit, std::optional<Pfn> first) {
  const std::lock_guard lock(mutex_);
  Operation operation;
  operation.pages = pages;
  operation.limit = limit;
  operation.answer = first ? Answer::kFirst : Answer::kRefused;
  // A free of what is live has to fit in, too.
  const bool room = domain_.operations.size() + (first ? 2 : 1) + live_ <= kMaxOperations;
  const auto slot = first && room ? ids_.add(*first) : LiveIds::Refusal::kTooMany;
  if (!room || (first && !slot)) {
    ++left_out_;
    return;
  }
  if (first) {
    operation.first = *first;
    operation.slot = *slot;
    ++live_;
  }
  append(operation);
}

void Recorder::on_free(Pfn first) {
  const std::lock_guard lock(mutex_);
  const auto slot = ids_.remove(first);
  if (!slot) {
    ++left_out_;
    return;
  }
  --live_;
  Operation operation;
  operation.kind = Operation::Kind::kFree;
  operation.slot = *slot;
  append(operation);
}

Trace Recorder::take() {
  const std::lock_guard lock(mutex_);
  Trace trace;
  trace.provenance = Provenance::kRecorded;
  trace.notes.push_back("requests of buffers and doorbells of a DMA space, sizes as asked for");
  if (left_out_ != 0) {
    trace.notes.push_back(fmt::format("{} more requests and frees were left out", left_out_));
  }
  trace.domains.push_back(
      std::exchange(domain_, TraceDomain{domain_.granule, domain_.start, domain_.name, {}}));
  ids_.clear();
  threads_.clear();
  live_ = 0;
  left_out_ = 0;
  return trace;
}

}  // namespace smmu::study
