// The model of a disk.  A turn belongs to a queue, chosen by chance:
//
//   submit    the queue's thread maps a burst of requests at most, as many as its depth allows
//   complete  the queue's thread unmaps up to as many, each any of those in flight
//
// so that a queue is full most of the time.  A request's pages are a power of two: half of them are
// one page, and of the others each power up to the largest is as likely as any.
#include <fmt/format.h>

#include <bit>
#include <vector>

#include "bench/study/trace/generator.h"
#include "bench/study/trace/model.h"

namespace smmu::study {

namespace {

constexpr std::uint64_t kMaxQueues = 1024;
constexpr std::uint64_t kMaxDepth = 65536;

std::uint64_t pages_of_request(Model& model, std::uint64_t largest) {
  const auto powers = static_cast<std::uint64_t>(std::countr_zero(largest));
  if (powers == 0 || model.below(2) == 0) return 1;
  return std::uint64_t{2} << model.below(powers);
}

}  // namespace

std::optional<std::string> complaint(const NvmeOptions& options) {
  if (options.queues == 0 || options.queues > kMaxQueues) {
    return fmt::format("expected from 1 to {} queues", kMaxQueues);
  }
  if (options.depth == 0 || options.depth > kMaxDepth) {
    return fmt::format("expected a depth of 1 to {} requests", kMaxDepth);
  }
  if (options.burst == 0 || options.burst > kMaxDepth) {
    return fmt::format("expected bursts of 1 to {} requests", kMaxDepth);
  }
  if (!std::has_single_bit(options.largest_pages)) {
    return "expected a largest request of a power of two of pages";
  }
  return complaint(options.common, options.queues * options.depth, options.queues,
                   options.largest_pages);
}

Trace generate(const NvmeOptions& options) {
  Model model(options.common);
  std::vector<std::vector<Slot>> queues(options.queues);
  while (!model.done()) {
    const std::uint64_t q = model.below(options.queues);
    std::vector<Slot>& in_flight = queues[q];
    // Until the queue is full for the first time, more is submitted than completed.
    const std::uint64_t submitted = 1 + model.below(options.burst);
    for (std::uint64_t n = submitted; n != 0 && in_flight.size() < options.depth && !model.done();
         --n) {
      in_flight.push_back(model.allocate(pages_of_request(model, options.largest_pages), q));
    }
    for (std::uint64_t n = model.below(submitted + 1);
         n != 0 && !in_flight.empty() && !model.done(); --n) {
      Slot& any = in_flight[model.below(in_flight.size())];
      model.free(any, q);
      any = in_flight.back();
      in_flight.pop_back();
    }
  }
  return model.take(
      fmt::format("generated: nvme --queues {} --depth {} --largest-pages {} --burst {} "
                  "--operations {} --seed {}",
                  options.queues, options.depth, options.largest_pages, options.burst,
                  options.common.operations, options.common.seed));
}

}  // namespace smmu::study
