#include "bench/study/trace/observed_ranges.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace smmu::study {

// Pieces side by side that were one request, as far as is known.
struct ObservedRanges::Joined {
  PageRange range;
  Time appeared = kNever;
  std::optional<Time> vanished;  // the latest that a page of it was somebody else's
  std::vector<Time> members;

  // False if `piece` cannot have been part of the same request.
  bool add(const Piece& piece, std::optional<Time> piece_vanished) {
    const Time earliest = std::min(appeared, piece.appeared);
    const std::optional<Time> latest = std::max(vanished, piece_vanished);
    if (latest && *latest > earliest) return false;
    appeared = earliest;
    vanished = latest;
    range.last = piece.range.last;
    if (piece.appeared != kNever) members.push_back(piece.appeared);
    return true;
  }
};

ObservedRanges::LiveRange ObservedRanges::first_overlap(const PageRange& range) {
  auto found = live_.upper_bound(range.first);
  if (found != live_.begin() && std::prev(found)->second.last >= range.first) --found;
  return found != live_.end() && found->first <= range.last ? found : live_.end();
}

std::optional<PageRange> ObservedRanges::find(Pfn page) const {
  auto found = live_.upper_bound(page);
  if (found == live_.begin() || std::prev(found)->second.last < page) return std::nullopt;
  --found;
  return PageRange{found->first, found->second.last};
}

ObservedRanges::Appearance ObservedRanges::appear(const PageRange& range, std::uint16_t thread,
                                                  std::uint32_t line) {
  if (const auto found = first_overlap(range); found != live_.end()) {
    return PageRange{found->first, found->second.last}.contains(range) ? Appearance::kSeen
                                                                       : Appearance::kOverlaps;
  }
  const auto now = static_cast<Time>(events_.size());
  live_.emplace(range.first, Live{range.last, now, false});
  events_.push_back(
      {.appears = true, .thread = thread, .line = line, .appeared = now, .range = range});
  return Appearance::kNew;
}

std::optional<ObservedRanges::Time> ObservedRanges::last_vanished(const PageRange& range) const {
  auto grave = graves_.upper_bound(range.first);
  if (grave != graves_.begin() && std::prev(grave)->second.last >= range.first) --grave;
  std::optional<Time> latest;
  std::size_t seen = 0;
  for (; grave != graves_.end() && grave->first <= range.last; ++grave) {
    if (++seen > kMaxGraves) return static_cast<Time>(events_.size());
    latest = std::max(latest, std::optional(grave->second.vanished));
  }
  return latest;
}

void ObservedRanges::bury(const PageRange& range) {
  const auto now = static_cast<Time>(events_.size());
  auto grave = graves_.upper_bound(range.first);
  if (grave != graves_.begin() && std::prev(grave)->second.last >= range.first) --grave;
  while (grave != graves_.end() && grave->first <= range.last) {
    const Pfn first = grave->first;
    const Grave old = grave->second;
    grave = graves_.erase(grave);
    if (first < range.first) graves_.emplace(first, Grave{range.first - 1, old.vanished});
    if (old.last > range.last) {
      grave = graves_.emplace(range.last + 1, Grave{old.last, old.vanished}).first;
    }
  }
  graves_.emplace(range.first, Grave{range.last, now});
}

bool ObservedRanges::take_part(LiveRange live, const PageRange& range) {
  std::map<Pfn, Pfn>& left = left_[live->second.appeared];
  if (!live->second.partly) {
    live->second.partly = true;
    left.emplace(live->first, live->second.last);
  }
  auto part = left.upper_bound(range.first);
  if (part != left.begin() && std::prev(part)->second >= range.first) --part;
  while (part != left.end() && part->first <= range.last) {
    const PageRange old{part->first, part->second};
    part = left.erase(part);
    if (old.first < range.first) left.emplace(old.first, range.first - 1);
    if (old.last > range.last) part = left.emplace(range.last + 1, old.last).first;
  }
  return left.empty();
}

void ObservedRanges::end(const Joined& joined, std::uint16_t thread, std::uint32_t line) {
  for (const Time member : joined.members) {
    live_.erase(events_[member].range.first);
    events_[member].joined = member != joined.appeared;
  }
  events_[joined.appeared].range = joined.range;
  bury(joined.range);
  events_.push_back({.thread = thread, .line = line, .appeared = joined.appeared, .range = {}});
}

ObservedRanges::Vanished ObservedRanges::vanish(const PageRange& range, std::uint16_t thread,
                                                std::uint32_t line) {
  Vanished result;
  std::vector<Piece> pieces;
  const auto unseen = [&](Pfn first, Pfn end) {
    result.beyond = true;
    if (unseen_ == Unseen::kJoined) pieces.push_back({{first, end}, kNever});
  };

  Pfn next = range.first;
  bool to_the_end = false;
  std::vector<Joined> whole;  // of ranges that went in parts
  for (auto live = first_overlap(range); live != live_.end() && live->first <= range.last; ++live) {
    if (live->first > next) unseen(next, live->first - 1);
    const PageRange all{live->first, live->second.last};
    const Time appeared = live->second.appeared;
    if (!live->second.partly && range.contains(all)) {
      pieces.push_back({all, appeared});
    } else if (take_part(live, range)) {
      left_.erase(appeared);
      whole.push_back({.range = all, .appeared = appeared, .vanished = {}, .members = {appeared}});
    } else {
      ++result.partly;
    }
    to_the_end = all.last >= range.last;
    if (to_the_end) break;
    next = all.last + 1;
  }
  if (!to_the_end) unseen(next, range.last);

  std::vector<Joined> ends = std::move(whole);
  Joined current;
  const auto close = [&] {
    if (!current.members.empty()) ends.push_back(current);
    current = {};
  };
  bool open = false;
  for (const Piece& piece : pieces) {
    const auto vanished = last_vanished(piece.range);
    const bool beside = open && current.range.last + 1 == piece.range.first;
    if (beside && current.add(piece, vanished)) continue;
    close();
    open = true;
    current.range = piece.range;
    current.add({piece.range, piece.appeared}, std::nullopt);
    current.vanished = vanished;
  }
  close();

  for (const Joined& joined : ends) {
    end(joined, thread, line);
    result.ranges += joined.members.size();
  }
  result.requests = ends.size();
  return result;
}

ObservedRanges::Vanished ObservedRanges::vanish_all(std::uint16_t thread, std::uint32_t line) {
  Vanished result;
  while (!live_.empty()) {
    const auto live = live_.begin();
    const Time appeared = live->second.appeared;
    left_.erase(appeared);
    end({.range = {live->first, live->second.last},
         .appeared = appeared,
         .vanished = {},
         .members = {appeared}},
        thread, line);
    ++result.ranges;
    ++result.requests;
  }
  return result;
}

TraceDomain ObservedRanges::finish() {
  TraceDomain domain{.granule = granule_, .start = 1, .name = {}, .operations = {}};
  const auto limit_of = [this](Pfn last) {
    for (const unsigned bits : {32U, 48U}) {
      const Pfn limit = ((std::uint64_t{1} << bits) - 1) / granule_;
      if (last <= limit) return limit;
    }
    return last_page(granule_);
  };

  LiveIds ids;
  std::vector<bool> left_out(events_.size());
  for (std::size_t time = 0; time < events_.size(); ++time) {
    const Event& event = events_[time];
    if (event.joined) continue;
    Operation operation;
    operation.thread = event.thread;
    operation.line = event.line;
    if (!event.appears) {
      if (left_out[event.appeared]) continue;
      operation.kind = Operation::Kind::kFree;
      operation.slot = *ids.remove(event.appeared);
    } else {
      const auto& [first, last] = event.range;
      const auto slot = ids.add(time);
      left_out[time] = !slot;
      if (!slot) continue;  // more live ranges than a trace may hold
      operation.slot = *slot;
      operation.pages = last - first + 1;
      operation.limit = limit_of(last);
      const bool aligned = first % std::bit_ceil(operation.pages) == 0;
      operation.alignment = aligned ? Alignment::kNatural : Alignment::kNone;
      operation.answer = Answer::kFirst;
      operation.first = first;
      if (first == 0) domain.start = 0;
    }
    domain.operations.push_back(operation);
  }
  return domain;
}

}  // namespace smmu::study
