#include "bench/study/trace/capture.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>

#include "bench/study/trace/capture_streams.h"
#include "bench/study/trace/lines.h"
#include "bench/study/trace/observed_ranges.h"
#include "smmu/arch/v3/commands_tlb.h"

namespace smmu::study {

namespace {

struct Counts {
  std::uint64_t translations = 0;
  std::uint64_t elsewhere = 0;  // of streams or tables that streams.tsv does not name
  std::uint64_t overlapping = 0;
  std::uint64_t ranges = 0;    // that vanished
  std::uint64_t requests = 0;  // these came to
};

struct AddressRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

// The story that timeline.txt tells, as far as it is about pages.
class Timeline {
 public:
  explicit Timeline(const std::string& folder)
      : streams_(read_streams(find_in_capture(folder, "streams.tsv"))),
        lines_(find_in_capture(folder, "timeline.txt")) {
    for (const auto& [sid, space] : streams_) {
      observed_.try_emplace(space.asid,
                            Space{space.granule, ObservedRanges(space.granule, kJoined)});
    }
  }

  void read();
  Trace finish(const std::string& folder);

 private:
  static constexpr auto kJoined = ObservedRanges::Unseen::kJoined;

  struct Space {
    std::uint64_t granule;
    ObservedRanges ranges;
  };
  // Commands without a CMD_SYNC between that go on where the one before ended.
  struct Run {
    std::optional<std::uint64_t> asid;  // or all of them
    AddressRange range;
  };
  struct Walk {
    std::uint64_t table = 0;  // the first descriptor read
    unsigned level = 0;       // of the last one
  };

  std::uint64_t number(const Words& words, std::size_t index) const;
  void read_table(const Words& words);
  void translate(const Words& words);
  void command(const Words& words);
  template <class Command>
  static AddressRange range_of(const Command& command);
  void invalidate(std::optional<std::uint64_t> asid, const AddressRange& range);
  void invalidate_all(std::optional<std::uint64_t> asid);
  void end_run();
  void count(const ObservedRanges::Vanished& vanished);

  std::map<std::uint64_t, AddressSpace> streams_;
  std::map<std::uint64_t, Space> observed_;  // by ASID
  Lines lines_;
  std::optional<Walk> walk_;
  std::optional<Run> run_;
  Counts counts_;
};

std::uint64_t Timeline::number(const Words& words, std::size_t index) const {
  const auto value = parse_number(words[index]);
  if (!value) lines_.reject("a number", words[index]);
  return *value;
}

void Timeline::read_table(const Words& words) {
  const std::uint64_t address = number(words, 1);
  const std::string_view level = words[3];
  if (level.size() != 2 || level[0] != 'L' || level[1] < '0' || level[1] > '3') {
    lines_.reject("the level of a table, L0 to L3", level);
  }
  if (!walk_) walk_ = Walk{.table = address, .level = 0};
  walk_->level = static_cast<unsigned>(level[1] - '0');
}

void Timeline::translate(const Words& words) {
  const std::uint64_t sid = number(words, 1);
  const std::uint64_t iova = number(words, 2);
  ++counts_.translations;
  const auto stream = streams_.find(sid);
  // A stream may have used other tables before the ones that streams.tsv names.
  if (stream == streams_.end() || !walk_ || walk_->table < stream->second.ttb0 ||
      walk_->table - stream->second.ttb0 >= stream->second.granule) {
    ++counts_.elsewhere;
    return;
  }
  // A descriptor takes 8 bytes, so a table resolves 3 bits less than the granule has.
  const auto granule_bits = static_cast<unsigned>(std::countr_zero(stream->second.granule));
  const unsigned leaf_bits = (3 - walk_->level) * (granule_bits - 3);
  const Pfn page = iova / stream->second.granule;
  const std::uint64_t pages = std::uint64_t{1} << leaf_bits;
  const PageRange leaf{page & ~(pages - 1), page | (pages - 1)};
  ObservedRanges& ranges = observed_.at(stream->second.asid).ranges;
  if (ranges.operations() >= kMaxOperations) {
    lines_.reject(fmt::format("at most {} requests and frees", kMaxOperations));
  }
  if (ranges.appear(leaf, 0, lines_.number()) == ObservedRanges::Appearance::kOverlaps) {
    ++counts_.overlapping;
  }
}

void Timeline::invalidate(std::optional<std::uint64_t> asid, const AddressRange& range) {
  if (run_ && run_->asid == asid && range.first != 0 && run_->range.last == range.first - 1) {
    run_->range.last = range.last;
    return;
  }
  end_run();
  run_ = Run{asid, range};
}

void Timeline::end_run() {
  if (!run_) return;
  for (auto& [asid, space] : observed_) {
    if (run_->asid && *run_->asid != asid) continue;
    PageRange range{run_->range.first / space.granule, run_->range.last / space.granule};
    // Of a block, no copy is left when any page of it is invalidated.
    if (const auto lowest = space.ranges.find(range.first)) range.first = lowest->first;
    if (const auto highest = space.ranges.find(range.last)) range.last = highest->last;
    count(space.ranges.vanish(range, 0, lines_.number()));
  }
  run_.reset();
}

void Timeline::invalidate_all(std::optional<std::uint64_t> asid) {
  end_run();
  for (auto& [its_asid, space] : observed_) {
    if (!asid || *asid == its_asid) count(space.ranges.vanish_all(0, lines_.number()));
  }
}

void Timeline::count(const ObservedRanges::Vanished& vanished) {
  counts_.ranges += vanished.ranges;
  counts_.requests += vanished.requests;
}

// The addresses that a command names: one page of 4 KiB at least, which is a part of any larger
// one.
template <class Command>
AddressRange Timeline::range_of(const Command& command) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t first = command[Command::Address];
  unsigned bits = 12;
  std::uint64_t pages = 1;
  if (const auto granule = command[Command::TG]; granule != CommandTG::kAny) {
    bits = granule == CommandTG::k4K ? 12 : granule == CommandTG::k16K ? 14 : 16;
    const auto scale = static_cast<unsigned>(command[Command::SCALE]);
    if (scale + bits + 5 >= 64) return {first, kMax};
    pages = (static_cast<std::uint64_t>(command[Command::NUM]) + 1) << scale;
  }
  const std::uint64_t more = (pages << bits) - 1;
  return {first, more > kMax - first ? kMax : first + more};
}

void Timeline::command(const Words& words) {
  using namespace v3;
  const std::array<std::uint64_t, 2> dwords = {number(words, 2), number(words, 3)};
  switch (CommandHeader(dwords)[CommandHeader::Opcode]) {
    case Opcode::CMD_TLBI_NH_VA: {
      const CMD_TLBI_NH_VA va(dwords);
      return invalidate(va[CMD_TLBI_NH_VA::ASID], range_of(va));
    }
    case Opcode::CMD_TLBI_NH_VAA:
      return invalidate(std::nullopt, range_of(CMD_TLBI_NH_VAA(dwords)));
    case Opcode::CMD_TLBI_NH_ASID:
      return invalidate_all(CMD_TLBI_NH_ASID(dwords)[CMD_TLBI_NH_ASID::ASID]);
    case Opcode::CMD_TLBI_NH_ALL:
    case Opcode::CMD_TLBI_NSNH_ALL:
      return invalidate_all(std::nullopt);
    default:  // CMD_SYNC, and what has nothing to do with pages of stage 1
      return end_run();
  }
}

void Timeline::read() {
  while (lines_.next()) {
    const Words words(lines_.text());
    const std::string_view kind = words[0];
    if (kind == "P") {
      read_table(words);
      continue;
    }
    if (kind == "T") {
      end_run();
      translate(words);
    } else if (kind == "C") {
      command(words);
    } else if (kind.size() != 1 || std::string_view("WRSDBFE").find(kind[0]) == kind.npos) {
      lines_.reject("a line that begins with one of W R C S D P T B F E");
    }
    walk_.reset();
  }
  end_run();
}

Trace Timeline::finish(const std::string& folder) {
  Trace trace{.provenance = Provenance::kInferred, .notes = {}, .domains = {}};
  std::filesystem::path path = std::filesystem::path(folder).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  std::string name = path.filename().string();
  for (char& c : name) c = c > 0x20 && c < 0x7f ? c : '?';
  trace.notes.push_back(
      fmt::format("inferred from the capture {}: a page's first translation is", name));
  trace.notes.push_back("its allocation, the invalidation that covers it is when it was freed");
  trace.notes.push_back(fmt::format(
      "{} translations, of which {} are of address spaces that streams.tsv does not name and {} "
      "overlap what is live",
      counts_.translations, counts_.elsewhere, counts_.overlapping));
  trace.notes.push_back(
      fmt::format("{} leaves were invalidated, as {} ranges", counts_.ranges, counts_.requests));
  for (auto& [asid, space] : observed_) {
    trace.domains.push_back(space.ranges.finish());
    trace.domains.back().name = fmt::format("asid-{}", asid);
  }
  if (trace.domains.empty()) {
    throw BadInput(
        fmt::format("{}: expected a stream that stage 1 translates, found none.", folder));
  }
  return trace;
}

}  // namespace

Trace infer_from_capture(const std::string& folder) {
  Timeline timeline(folder);
  timeline.read();
  return timeline.finish(folder);
}

}  // namespace smmu::study
