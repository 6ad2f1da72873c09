#include <fmt/format.h>

#include <algorithm>

#include "emulator/cli/leaf_index.h"
#include "emulator/cli/replay_checks.h"
#include "emulator/cli/session.h"

namespace smmu::cli {

namespace {

using emulator::CachePolicy;
using emulator::Direction;

std::string place(const RecordedTranslation& line) {
  return fmt::format("translations.tsv:{}: stream {:#x}, {:#x}", line.line, line.stream, line.iova);
}

// Makes the accesses that translations.tsv says are allowed; calls after(line, counts) after each
// with what it caused.  One that is not translated shows nothing about copies, so it disagrees.
template <class After>
void pass(Session& session, const Capture& capture, Check& check, After&& after) {
  for (const RecordedTranslation& line : capture.translations) {
    ++check.compared;
    const Counts before = session.recorder().counts();
    const Answer answer = session.access(line.stream, line.iova,
                                         line.allows.read ? Direction::kRead : Direction::kWrite);
    const Counts& now = session.recorder().counts();
    const auto* translation = std::get_if<emulator::Translation>(&answer.outcome);
    if (translation == nullptr || translation->route != emulator::Route::kTables) {
      check.disagree(
          fmt::format("{}: expected a translation, got {}", place(line), to_text(answer.outcome)));
      continue;
    }
    after(line,
          Counts{.configuration_fetches = now.configuration_fetches - before.configuration_fetches,
                 .table_accesses = now.table_accesses - before.table_accesses});
  }
}

void check_none(Session& session, const Capture& capture, Check& check) {
  // At least an STE and a CD.
  constexpr std::uint64_t kStructures = 2;
  const LeafIndex leaves(capture);
  pass(session, capture, check, [&](const RecordedTranslation& line, const Counts& caused) {
    const Leaf* leaf = leaves.find(line.stream, line.iova);
    const std::uint64_t descriptors = leaf != nullptr ? leaf->descriptors : 0;
    if (leaf != nullptr && caused.table_accesses == descriptors &&
        caused.configuration_fetches >= kStructures) {
      return;
    }
    check.disagree(fmt::format(
        "{}: expected reads of {} descriptors and of {} or more configuration structures, counted "
        "{} and {}",
        place(line), descriptors, kStructures, caused.table_accesses,
        caused.configuration_fetches));
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

void check_realistic(Session& session, const Capture& capture, std::uint64_t entries,
                     Check& check) {
  Recorder& recorder = session.recorder();
  recorder.forget_entries();
  const Counts before = recorder.counts();
  pass(session, capture, check, [](const RecordedTranslation&, const Counts&) {});
  const std::uint64_t fills = recorder.counts().tlb_fills - before.tlb_fills;
  const std::uint64_t evictions = recorder.counts().evictions_replaced - before.evictions_replaced;
  check.notes.push_back(
      fmt::format("main TLB of {} entries: {} different entries, {} fills, {} evictions, at most "
                  "{} held",
                  entries, recorder.distinct(), fills, evictions, recorder.most_resident()));
  if (fills < recorder.distinct() || (!capture.translations.empty() && fills == 0)) {
    check.disagree(fmt::format("expected fills of the main TLB, counted {}", fills));
  }
  if (const std::uint64_t wanted = fills - std::min(fills, entries); evictions != wanted) {
    check.disagree(
        fmt::format("expected {} evictions, one for each fill after the first {}, "
                    "counted {}",
                    wanted, entries, evictions));
  }
  if (recorder.most_resident() != std::min<std::uint64_t>(fills, entries)) {
    check.disagree(fmt::format("expected to hold {} entries at most, counted {}",
                               std::min(fills, entries), recorder.most_resident()));
  }
}

void check_adversarial(Session& session, const Capture& capture, std::uint64_t cap, Check& check) {
  Recorder& recorder = session.recorder();
  recorder.forget_entries();
  const Counts before = recorder.counts();
  pass(session, capture, check, [](const RecordedTranslation&, const Counts&) {});
  const Counts first = recorder.counts();
  const std::uint64_t evictions = first.evictions_at_cap - before.evictions_at_cap;
  if (evictions != 0 && recorder.distinct() <= cap) {
    check.disagree(
        fmt::format("expected no evictions of {} entries below the cap of {}, counted {}",
                    recorder.distinct(), cap, evictions));
  }
  pass(session, capture, check, [&](const RecordedTranslation& line, const Counts& caused) {
    if (recorder.distinct() > cap ||
        (caused.table_accesses == 0 && caused.configuration_fetches == 0)) {
      return;
    }
    check.disagree(
        fmt::format("{}: expected no reads on the second pass, counted {} of tables and {} of "
                    "configuration",
                    place(line), caused.table_accesses, caused.configuration_fetches));
  });
  check.notes.push_back(fmt::format(
      "the first pass read {} descriptors, the second {}{}",
      first.table_accesses - before.table_accesses,
      recorder.counts().table_accesses - first.table_accesses,
      recorder.distinct() > cap ? "; it may, because there are more than the cap" : ""));
}

}  // namespace

Check check_caching(const Capture& capture, const emulator::Caching& caching) {
  Check check("what is cached");
  // One set: then nothing but its size decides when an entry has to go.
  emulator::Caching measured = caching;
  const std::uint32_t entries = caching.main_tlb.sets * caching.main_tlb.ways;
  if (caching.policy == CachePolicy::kRealistic) measured.main_tlb = {.sets = 1, .ways = entries};
  Session session(capture, measured);
  switch (caching.policy) {
    case CachePolicy::kNone:
      check_none(session, capture, check);
      break;
    case CachePolicy::kRealistic:
      check_realistic(session, capture, entries, check);
      break;
    case CachePolicy::kAdversarial:
      check_adversarial(session, capture, caching.cap, check);
      break;
  }
  if (!session.driver().complaint().empty()) check.disagree(session.driver().complaint());
  return check;
}

}  // namespace smmu::cli
