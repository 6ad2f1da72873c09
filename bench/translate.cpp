// Translations through a device's port.
#include <memory>
#include <random>
#include <utility>

#include "bench/machine.h"
#include "bench/rows.h"

namespace smmu::bench {
namespace {

using emulator::Caching;
using emulator::Transaction;
using Leaves = Machine::Leaves;

using Loop = std::function<void(std::uint64_t)>;

constexpr Iova kFirst{0x12'3456'0000};
constexpr std::uint64_t kPage = 4096;

enum class Doing : std::uint8_t { kNothing, kTranslating };

template <Doing kDoing>
void step(emulator::Port& port, const Transaction& transaction) {
  if constexpr (kDoing == Doing::kTranslating) {
    keep(port.translate(transaction));
  } else {
    keep(transaction);
  }
}

Loop same_address(const Caching& caching, Translating translating, StreamId stream) {
  auto machine = std::make_shared<Machine>(caching, translating);
  machine->map(kFirst, 1);
  expect(machine->port().translate({.stream = stream, .address = kFirst}), true);
  return [machine, stream](std::uint64_t n) {
    emulator::Port& port = machine->port();
    const Transaction transaction{.stream = stream, .address = kFirst};
    for (std::uint64_t i = 0; i != n; ++i) keep(port.translate(transaction));
  };
}

// `pages` pages at random.
template <Doing kDoing = Doing::kTranslating>
Loop pages_at_random(std::uint64_t pages, StreamId stream = Machine::kTranslated) {
  auto machine = std::make_shared<Machine>();
  machine->map(kFirst, pages);
  machine->nest(Leaves::kBlocks);
  std::vector<Iova> order(4 * pages);
  std::mt19937_64 random(1);
  for (Iova& address : order) address = Iova(kFirst.value + random() % pages * kPage);
  for (const Iova address : order) {
    expect(machine->port().translate({.stream = stream, .address = address}), true);
  }
  // Goes on where the last call ended: the same few pages again would be hits.
  return
      [machine, stream, order = std::move(order), next = std::size_t{0}](std::uint64_t n) mutable {
        emulator::Port& port = machine->port();
        Transaction transaction{.stream = stream, .address = {}};
        for (std::uint64_t i = 0; i != n; ++i) {
          transaction.address = order[next];
          if (++next == order.size()) next = 0;
          step<kDoing>(port, transaction);
        }
      };
}

// Pages take turns that have the same place in whatever a port remembers.
template <Doing kDoing = Doing::kTranslating>
Loop turns(const Caching& caching, std::uint64_t pages, StreamId stream = Machine::kTranslated) {
  auto machine = std::make_shared<Machine>(caching);
  machine->nest(Leaves::kPages);
  constexpr std::uint64_t kStride = std::uint64_t{128} << 20;
  for (std::uint64_t page = 0; page != pages; ++page) {
    const Iova address(kFirst.value + page * kStride);
    machine->map(address, 1);
    expect(machine->port().translate({.stream = stream, .address = address}), true);
  }
  return [machine, pages, stream](std::uint64_t n) {
    emulator::Port& port = machine->port();
    Transaction transaction{.stream = stream, .address = {}};
    std::uint64_t page = 0;
    for (std::uint64_t i = 0; i != n; ++i) {
      transaction.address = Iova(kFirst.value + page * kStride);
      if (++page == pages) page = 0;
      step<kDoing>(port, transaction);
    }
  };
}

// The page beside a mapped one: the walk goes down to level 3.  The queue is
// emptied every 128 records.
Loop fault() {
  auto machine = std::make_shared<Machine>();
  machine->map(kFirst, 1);
  const Iova hole(kFirst.value + 4096);
  return [machine, hole](std::uint64_t n) {
    std::uint32_t unread = 0;
    const auto read_all = [&] { machine->consume_events(std::exchange(unread, 0)); };
    const Transaction transaction{.stream = Machine::kTranslated, .address = hole};
    for (std::uint64_t i = 0; i != n; ++i) {
      keep(machine->port().translate(transaction));
      if (++unread == 128) read_all();
    }
    read_all();
  };
}

}  // namespace

std::vector<Row> translate_rows() {
  constexpr auto kYes = Translating::kYes;
  static constexpr Caching kOneEntry{.main_tlb = {.sets = 1, .ways = 1}};
  static constexpr Caching kOneEntryAlone{.main_tlb = {.sets = 1, .ways = 1},
                                          .stage2 = {.sets = 0, .ways = 0},
                                          .walk = {.sets = 0, .ways = 0}};
  return {
      {"empty/random", [] { return pages_at_random<Doing::kNothing>(256); }},
      {"empty/turns", [] { return turns<Doing::kNothing>({}, 8); }},
      {"translate/micro_tlb_hit", [] { return same_address({}, kYes, Machine::kTranslated); }},
      {"translate/micro_tlb_hit_256_pages", [] { return pages_at_random(256); }, "empty/random"},
      {"translate/main_tlb_hit", [] { return turns({}, 8); }, "empty/turns"},
      {"translate/walk_s1_4level", [] { return turns(kOneEntry, 2); }, "empty/turns"},
      {"translate/random_64MiB", [] { return pages_at_random(16384); }, "empty/random"},
      {"translate/walk_nested_4x4", [] { return turns(kOneEntryAlone, 2, Machine::kNested); },
       "empty/turns"},
      {"translate/nested_random_64MiB", [] { return pages_at_random(16384, Machine::kNested); },
       "empty/random"},
      {"translate/bypass", [] { return same_address({}, kYes, Machine::kBypassed); }},
      {"translate/disabled",
       [] { return same_address({}, Translating::kNo, Machine::kTranslated); }},
      {"translate/fault_with_event", [] { return fault(); }},
  };
}

}  // namespace smmu::bench
