// The model of a network card.  A turn belongs to a queue, chosen by chance, and is what one
// interrupt and one sender do:
//
//   receive   a burst of packets has come: each frees the oldest buffer of the ring, and when all
//   are
//             taken out the ring is filled up again, by the queue's thread
//   send      the sender's thread maps packets, a burst at most and as many as the ring holds
//   complete  once half of the ring is sent, the queue's thread frees the oldest of it, in order,
//   down
//             to a quarter: cards report several packets at once
#include <fmt/format.h>

#include <deque>
#include <vector>

#include "bench/study/trace/generator.h"
#include "bench/study/trace/model.h"

namespace smmu::study {

namespace {

constexpr std::uint64_t kMaxQueues = 1024;
constexpr std::uint64_t kMaxRing = 65536;

struct Queue {
  std::deque<Slot> receive;
  std::deque<std::vector<Slot>> transmit;  // a packet's fragments
};

class Nic {
 public:
  explicit Nic(const NicOptions& options)
      : options_(options), model_(options.common), queues_(options.queues) {}

  Trace run();

 private:
  void refill(std::uint64_t q);
  void receive(std::uint64_t q);
  void send(std::uint64_t q);
  void complete(std::uint64_t q);

  NicOptions options_;
  Model model_;
  std::vector<Queue> queues_;
};

void Nic::refill(std::uint64_t q) {
  std::deque<Slot>& ring = queues_[q].receive;
  while (ring.size() < options_.ring && !model_.done()) {
    ring.push_back(model_.allocate(options_.buffer_pages, q));
  }
}

void Nic::receive(std::uint64_t q) {
  std::deque<Slot>& ring = queues_[q].receive;
  for (std::uint64_t packets = 1 + model_.below(options_.burst);
       packets != 0 && !ring.empty() && !model_.done(); --packets) {
    model_.free(ring.front(), q);
    ring.pop_front();
  }
  refill(q);
}

void Nic::send(std::uint64_t q) {
  std::deque<std::vector<Slot>>& ring = queues_[q].transmit;
  for (std::uint64_t packets = 1 + model_.below(options_.burst);
       packets != 0 && ring.size() < options_.ring; --packets) {
    std::vector<Slot>& packet = ring.emplace_back();
    for (std::uint64_t n = 1 + model_.below(options_.fragments); n != 0 && !model_.done(); --n) {
      const std::uint64_t pages = 1 + model_.below(options_.fragment_pages);
      packet.push_back(model_.allocate(pages, options_.queues + q));
    }
  }
}

void Nic::complete(std::uint64_t q) {
  std::deque<std::vector<Slot>>& ring = queues_[q].transmit;
  if (ring.size() < (options_.ring + 1) / 2) return;
  while (ring.size() > options_.ring / 4 && !model_.done()) {
    for (const Slot fragment : ring.front()) {
      if (!model_.done()) model_.free(fragment, q);
    }
    ring.pop_front();
  }
}

Trace Nic::run() {
  for (std::uint64_t q = 0; q < options_.queues; ++q) refill(q);
  while (!model_.done()) {
    const std::uint64_t q = model_.below(options_.queues);
    receive(q);
    send(q);
    complete(q);
  }
  return model_.take(fmt::format(
      "generated: nic --queues {} --ring {} --buffer-pages {} --burst {} --fragments {} "
      "--fragment-pages {} --operations {} --seed {}",
      options_.queues, options_.ring, options_.buffer_pages, options_.burst, options_.fragments,
      options_.fragment_pages, options_.common.operations, options_.common.seed));
}

}  // namespace

std::optional<std::string> complaint(const NicOptions& options) {
  constexpr std::uint64_t kMaxFragments = 64;
  if (options.queues == 0 || options.queues > kMaxQueues) {
    return fmt::format("expected from 1 to {} queues", kMaxQueues);
  }
  if (options.ring == 0 || options.ring > kMaxRing) {
    return fmt::format("expected rings of 1 to {} entries", kMaxRing);
  }
  if (options.burst == 0 || options.burst > kMaxRing) {
    return fmt::format("expected bursts of 1 to {} packets", kMaxRing);
  }
  if (options.fragments == 0 || options.fragments > kMaxFragments) {
    return fmt::format("expected packets of 1 to {} fragments", kMaxFragments);
  }
  if (options.buffer_pages == 0 || options.fragment_pages == 0) {
    return "expected buffers and fragments of 1 page at least";
  }
  return complaint(options.common, options.queues * options.ring * (1 + options.fragments),
                   2 * options.queues, std::max(options.buffer_pages, options.fragment_pages));
}

Trace generate(const NicOptions& options) { return Nic(options).run(); }

}  // namespace smmu::study
