#include "bench/study/trace/events.h"

#include <fmt/format.h>

#include <limits>
#include <optional>
#include <string_view>

#include "bench/study/trace/observed_ranges.h"

namespace smmu::study {

namespace {

struct Counts {
  std::uint64_t maps = 0;
  std::uint64_t unmaps = 0;
  std::uint64_t empty = 0;
  std::uint64_t overlapping = 0;
  std::uint64_t unmatched = 0;
  std::uint64_t beyond = 0;
  std::uint64_t partial = 0;
  std::uint64_t several = 0;
  std::uint64_t joined = 0;
  std::uint64_t lost = 0;
};

// What one line says.
struct MapEvent {
  bool maps = false;
  std::uint16_t cpu = 0;
  std::uint64_t iova = 0;
  std::uint64_t bytes = 0;  // that were mapped or unmapped
};

std::string_view trimmed(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \t");
  return text.substr(0, end == text.npos ? 0 : end + 1);
}

// The number in the brackets "[003]" that stand last before the event; what has none is of CPU 0.
std::uint16_t cpu_of(std::string_view before) {
  for (std::size_t open = before.rfind('['); open != before.npos;
       open = open == 0 ? before.npos : before.rfind('[', open - 1)) {
    const std::size_t close = before.find(']', open);
    if (close == before.npos) continue;
    const auto cpu = parse_decimal(before.substr(open + 1, close - open - 1));
    if (cpu && *cpu <= kMaxThread) return static_cast<std::uint16_t>(*cpu);
  }
  return 0;
}

std::optional<std::uint64_t> value_of(const Words& words, std::string_view key) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].starts_with(key)) return parse_number(words[i].substr(key.size()));
  }
  return std::nullopt;
}

// Nothing if the line is of another event, or of none.
std::optional<MapEvent> parse_event(const Lines& lines) {
  constexpr std::string_view kSays = "IOMMU:";
  const std::string_view line = lines.text();
  const std::size_t says = line.find("IOMMU: iova=");
  if (says == line.npos) return std::nullopt;
  const std::string_view before = trimmed(line.substr(0, says));
  const std::size_t blank = before.find_last_of(" \t");
  const std::string_view name = before.substr(blank == before.npos ? 0 : blank + 1);
  MapEvent event;
  if (name == "map:" || name == "iommu:map:") {
    event.maps = true;
  } else if (name != "unmap:" && name != "iommu:unmap:") {
    return std::nullopt;
  }

  event.cpu = cpu_of(before);
  const Words words(line.substr(says + kSays.size()));
  const auto iova = value_of(words, "iova=");
  const auto size = value_of(words, "size=");
  if (!iova || !size) {
    lines.reject("\"IOMMU: iova=ADDRESS [- END] [paddr=ADDRESS] size=BYTES ...\"",
                 line.substr(says));
  }
  event.iova = *iova;
  event.bytes = *size;
  if (words[1] == "-") {
    const auto end = parse_number(words[2]);
    if (!end || *end != *iova + *size) lines.reject("an end that is iova and size", words[2]);
  }
  // How much was unmapped may be less than was asked for, or more: a block is unmapped whole.
  if (!event.maps) {
    constexpr std::string_view kUnmapped = "unmapped_size=";
    const auto unmapped = value_of(words, kUnmapped);
    if (unmapped) event.bytes = *unmapped;
    if (!unmapped && line.find(kUnmapped) != line.npos) {
      lines.reject("unmapped_size=BYTES", line.substr(line.find(kUnmapped)));
    }
  }
  return event;
}

PageRange pages_of(const Lines& lines, const MapEvent& event, std::uint64_t granule) {
  if (event.iova % granule != 0 || event.bytes % granule != 0) {
    lines.reject(fmt::format("an address and a size in granules of {} bytes", granule),
                 fmt::format("{:#x}, {}", event.iova, event.bytes));
  }
  if (event.bytes - 1 > std::numeric_limits<std::uint64_t>::max() - event.iova) {
    lines.reject("a range that ends below 2^64", fmt::format("{:#x}, {}", event.iova, event.bytes));
  }
  return {event.iova / granule, (event.iova + (event.bytes - 1)) / granule};
}

void add_notes(const Counts& counts, std::size_t live, Trace& trace) {
  const auto add = [&trace](std::uint64_t count, std::string_view what) {
    if (count != 0) trace.notes.push_back(fmt::format("{} {}", count, what));
  };
  trace.notes.push_back(
      "inferred from iommu:map and iommu:unmap: a map is an allocation, an unmap is");
  trace.notes.push_back("a free; threads are CPUs, limits are guessed");
  add(counts.maps, "maps");
  add(counts.unmaps, "unmaps");
  add(live, "ranges not unmapped at the end");
  add(counts.several, "unmaps that cover several maps");
  add(counts.joined, "maps joined to the one before, because one unmap covers them");
  add(counts.partial, "unmaps of a part of a map, which is free when all of it is unmapped");
  add(counts.unmatched, "unmaps of what was never seen mapped, left out");
  add(counts.beyond, "unmaps that reach beyond what was seen mapped");
  add(counts.overlapping, "maps of what is mapped already, left out: several domains?");
  add(counts.empty, "maps and unmaps of nothing, left out");
  add(counts.lost, "places where events were lost");
}

}  // namespace

Trace infer_from_events(Lines& lines, std::uint64_t granule) {
  ObservedRanges ranges(granule);
  Counts counts;
  while (lines.next()) {
    if (lines.text().find("[LOST ") != std::string_view::npos) ++counts.lost;
    const auto event = parse_event(lines);
    if (!event) continue;
    ++(event->maps ? counts.maps : counts.unmaps);
    if (event->bytes == 0) {
      ++counts.empty;
      continue;
    }
    const PageRange pages = pages_of(lines, *event, granule);
    if (ranges.operations() >= kMaxOperations) {
      lines.reject(fmt::format("at most {} maps and unmaps", kMaxOperations));
    }
    if (event->maps) {
      if (ranges.live() == kMaxLiveRanges) {
        lines.reject(fmt::format("at most {} live ranges", kMaxLiveRanges));
      }
      const auto appearance = ranges.appear(pages, event->cpu, lines.number());
      if (appearance != ObservedRanges::Appearance::kNew) ++counts.overlapping;
    } else {
      const auto vanished = ranges.vanish(pages, event->cpu, lines.number());
      const bool matched = vanished.ranges != 0 || vanished.partly != 0;
      if (!matched) ++counts.unmatched;
      if (matched && vanished.beyond) ++counts.beyond;
      if (vanished.partly != 0) ++counts.partial;
      if (vanished.ranges > 1) ++counts.several;
      counts.joined += vanished.ranges - vanished.requests;
    }
  }
  if (counts.maps == 0 && counts.unmaps == 0) {
    throw BadInput(
        fmt::format("{}: expected lines of iommu:map and iommu:unmap, found none.", lines.file()));
  }
  Trace trace{.provenance = Provenance::kInferred, .notes = {}, .domains = {}};
  add_notes(counts, ranges.live(), trace);
  trace.domains.push_back(ranges.finish());
  return trace;
}

}  // namespace smmu::study
