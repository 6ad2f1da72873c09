#include <fmt/format.h>

#include "emulator/cli/replay_checks.h"
#include "emulator/cli/session.h"

namespace smmu::cli {

namespace {

using emulator::CachePolicy;
using emulator::Direction;

// Makes the accesses that translations.tsv says are allowed; calls after(line, counts) after each
// with what it caused.
template <class After>
void pass(Session& session, const Capture& capture, Check& check, After&& after) {
  for (const RecordedTranslation& line : capture.translations) {
    ++check.compared;
    const Counts before = session.recorder().counts();
    const Answer answer = session.access(line.stream, line.iova,
                                         line.allows.read ? Direction::kRead : Direction::kWrite);
    const Counts& now = session.recorder().counts();
    // One that faults is another check's affair.
    if (!std::holds_alternative<emulator::Translation>(answer.outcome)) continue;
    after(line,
          Counts{.configuration_fetches = now.configuration_fetches - before.configuration_fetches,
                 .table_accesses = now.table_accesses - before.table_accesses});
  }
}

std::string place(const RecordedTranslation& line) {
  return fmt::format("translations.tsv:{}: stream {:#x}, {:#x}", line.line, line.stream, line.iova);
}

void check_none(Session& session, const Capture& capture, Check& check) {
  pass(session, capture, check, [&](const RecordedTranslation& line, const Counts& caused) {
    if (caused.table_accesses != 0 && caused.configuration_fetches != 0) return;
    check.disagree(fmt::format("{}: expected reads of tables and configuration, counted {} and {}",
                               place(line), caused.table_accesses, caused.configuration_fetches));
  });
  const Counts& counts = session.recorder().counts();
  check.notes.push_back(
      fmt::format("{} translations read {} descriptors and {} configuration structures",
                  check.compared, counts.table_accesses, counts.configuration_fetches));
  if (counts.tlb_hits + counts.tlb_fills != 0) {
    check.disagree(fmt::format("expected no TLB, counted {} hits and {} fills", counts.tlb_hits,
                               counts.tlb_fills));
  }
}

void check_realistic(Session& session, const Capture& capture, const emulator::Caching& caching,
                     Check& check) {
  const emulator::CacheGeometry tlb = caching.main_tlb;
  const std::size_t entries = std::size_t{tlb.sets} * tlb.ways;
  Recorder& recorder = session.recorder();
  recorder.forget_entries();
  const Counts before = recorder.counts();
  pass(session, capture, check, [](const RecordedTranslation&, const Counts&) {});
  const std::uint64_t fills = recorder.counts().tlb_fills - before.tlb_fills;
  const std::uint64_t evictions = recorder.counts().evictions_replaced - before.evictions_replaced;
  check.notes.push_back(
      fmt::format("main TLB {} sets x {} ways, configuration caches {} x {}: {} different entries, "
                  "{} fills, {} evictions, at most {} held",
                  tlb.sets, tlb.ways, caching.configuration.sets, caching.configuration.ways,
                  recorder.distinct(), fills, evictions, recorder.most_resident()));
  if (recorder.most_resident() > entries || fills - evictions > entries) {
    check.disagree(fmt::format("expected at most {} entries at a time", entries));
  }
  if (recorder.distinct() > entries && evictions == 0) {
    check.disagree(fmt::format("expected evictions from {} entries", entries));
  }
  if (!capture.translations.empty() && fills == 0) check.disagree("expected fills of the main TLB");
}

void check_adversarial(Session& session, const Capture& capture, Check& check) {
  Recorder& recorder = session.recorder();
  const Counts before = recorder.counts();
  pass(session, capture, check, [](const RecordedTranslation&, const Counts&) {});
  const Counts first = recorder.counts();
  const bool capped = first.evictions_at_cap != before.evictions_at_cap;
  pass(session, capture, check, [&](const RecordedTranslation& line, const Counts& caused) {
    if (capped || (caused.table_accesses == 0 && caused.configuration_fetches == 0)) return;
    check.disagree(
        fmt::format("{}: expected no reads on the second pass, counted {} of tables and {} of "
                    "configuration",
                    place(line), caused.table_accesses, caused.configuration_fetches));
  });
  check.notes.push_back(fmt::format("the first pass read {} descriptors, the second {}{}",
                                    first.table_accesses - before.table_accesses,
                                    recorder.counts().table_accesses - first.table_accesses,
                                    capped ? "; the cap was reached, so the second may read" : ""));
}

}  // namespace

Check check_caching(const Capture& capture, const emulator::Caching& caching) {
  Check check("what is cached");
  Session session(capture, caching);
  switch (caching.policy) {
    case CachePolicy::kNone:
      check_none(session, capture, check);
      break;
    case CachePolicy::kRealistic:
      check_realistic(session, capture, caching, check);
      break;
    case CachePolicy::kAdversarial:
      check_adversarial(session, capture, check);
      break;
  }
  if (!session.driver().complaint().empty()) check.disagree(session.driver().complaint());
  return check;
}

}  // namespace smmu::cli
