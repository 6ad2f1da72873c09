// Translations through a device's port.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <utility>
#include <variant>

#include "bench/machine.h"
#include "bench/rows.h"

namespace smmu::bench {
namespace {

using emulator::Caching;
using emulator::Outcome;
using emulator::Translation;

using Loop = std::function<void(std::uint64_t)>;

constexpr Iova kFirst{0x12'3456'0000};

// A row that measures something else than its name says is worse than none.
void expect(const Outcome& outcome, bool translated) {
  if (std::holds_alternative<Translation>(outcome) == translated) return;
  std::fputs("bench: a transaction did not end as it should\n", stderr);
  std::exit(1);
}

Loop same_address(const Caching& caching, Translating translating, StreamId stream) {
  auto machine = std::make_shared<Machine>(caching, translating);
  machine->map(kFirst, 1);
  expect(machine->port().translate({.stream = stream, .address = kFirst}), true);
  return [machine, stream](std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i) {
      keep(machine->port().translate({.stream = stream, .address = kFirst}));
    }
  };
}

// Two pages take turns in a TLB that holds one.
Loop walk() {
  auto machine = std::make_shared<Machine>(Caching{.main_tlb = {.sets = 1, .ways = 1}});
  machine->map(kFirst, 2);
  expect(machine->port().translate({.stream = Machine::kTranslated, .address = kFirst}), true);
  return [machine](std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i) {
      const Iova address(kFirst.value + (~i & 1) * 4096);
      keep(machine->port().translate({.stream = Machine::kTranslated, .address = address}));
    }
  };
}

Loop random_pages() {
  constexpr std::uint64_t kPages = 16384;
  auto machine = std::make_shared<Machine>();
  machine->map(kFirst, kPages);
  std::vector<Iova> order(4 * kPages);
  std::mt19937_64 random(1);
  for (Iova& address : order) address = Iova(kFirst.value + random() % kPages * 4096);
  for (const Iova address : order) {
    expect(machine->port().translate({.stream = Machine::kTranslated, .address = address}), true);
  }
  // Goes on where the last call ended: the same few pages again would be hits.
  return [machine, order = std::move(order), next = std::size_t{0}](std::uint64_t n) mutable {
    for (std::uint64_t i = 0; i != n; ++i) {
      const Iova address = order[next++ % order.size()];
      keep(machine->port().translate({.stream = Machine::kTranslated, .address = address}));
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
    for (std::uint64_t i = 0; i != n; ++i) {
      keep(machine->port().translate({.stream = Machine::kTranslated, .address = hole}));
      if (++unread == 128) read_all();
    }
    read_all();
  };
}

}  // namespace

std::vector<Row> translate_rows() {
  constexpr auto kYes = Translating::kYes;
  return {
      {"translate/main_tlb_hit", [] { return same_address({}, kYes, Machine::kTranslated); }},
      {"translate/walk_s1_4level", walk},
      {"translate/random_64MiB", random_pages},
      {"translate/bypass", [] { return same_address({}, kYes, Machine::kBypassed); }},
      {"translate/disabled",
       [] { return same_address({}, Translating::kNo, Machine::kTranslated); }},
      {"translate/fault_with_event", fault},
  };
}

}  // namespace smmu::bench
