#include "emulator/cli/event_queue_dump.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/cli/event_comparison.h"
#include "emulator/cli/queues.h"
#include "smmu/arch/v3/registers.h"

namespace smmu::cli {

namespace {

using v3::SMMU_EVENTQ_PROD;
using v3::SMMU_GERROR;

// Where the queue began, by what software wrote to SMMU_EVENTQ_PROD.
struct Begin {
  std::uint32_t position = 0;
  unsigned writes = 0;
};

Begin begin_of(const Capture& capture) {
  Begin begin;
  for (const RegisterAccessLine& line : capture.accesses) {
    if (!line.write || line.offset != SMMU_EVENTQ_PROD::kOffset) continue;
    begin.position = SMMU_EVENTQ_PROD(static_cast<std::uint32_t>(line.value))[SMMU_EVENTQ_PROD::WR];
    ++begin.writes;
  }
  return begin;
}

}  // namespace

bool queue_was_full(const Capture& capture) {
  const auto says = [](std::uint64_t value) {
    return bool{SMMU_GERROR(static_cast<std::uint32_t>(value))[SMMU_GERROR::EVENTQ_ABT_ERR]};
  };
  return says(capture.registers.get<SMMU_GERROR>().raw()) ||
         says(capture.registers.get<v3::SMMU_GERRORN>().raw()) ||
         std::ranges::any_of(capture.accesses, [&](const RegisterAccessLine& line) {
           return !line.write && line.offset == SMMU_GERROR::kOffset && says(line.value);
         });
}

std::vector<std::string> queue_differences(const Capture& capture) {
  std::vector<std::string> differences;
  if (!capture.registers.has<SMMU_EVENTQ_PROD>()) return differences;
  const Ring ring(capture.registers.get<v3::SMMU_EVENTQ_BASE>(),
                  capture.registers.get<v3::SMMU_IDR1>());
  const std::uint32_t end = capture.registers.get<SMMU_EVENTQ_PROD>()[SMMU_EVENTQ_PROD::WR];
  const Begin begin = begin_of(capture);
  const std::uint64_t count = capture.events.size();

  // The positions come round after twice the queue's size.  Before software set the queue up again
  // there may have been any number of records.
  const std::uint64_t written = ring.distance(begin.position, end);
  const bool once = begin.writes <= 1;
  if (once ? count % (2 * ring.entries()) != written : count < written) {
    differences.push_back(fmt::format(
        "events.tsv has {} records, SMMU_EVENTQ_PROD in registers.txt counts {}", count, written));
  }

  const std::uint64_t kept = std::min({count, ring.entries(), once ? count : written});
  for (std::uint64_t back = 1; back <= kept; ++back) {
    const std::uint64_t address = ring.address(end - static_cast<std::uint32_t>(back));
    const auto words = capture.memory.words<4>(address);
    const RecordedEvent& event = capture.events[count - back];
    if (!words || *words == event.words) continue;
    differences.push_back(
        fmt::format("events.tsv:{}: expected the record {} that memory.txt has at {:#x}, found {}",
                    event.line, to_text(*words), address, to_text(event.words)));
  }
  return differences;
}

}  // namespace smmu::cli
