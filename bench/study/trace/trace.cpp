#include "bench/study/trace/trace.h"

#include <array>
#include <limits>
#include <utility>

namespace smmu::study {

namespace {

constexpr std::array<std::pair<Provenance, std::string_view>, 3> kNames = {{
    {Provenance::kRecorded, "recorded"},
    {Provenance::kInferred, "inferred"},
    {Provenance::kGenerated, "generated"},
}};

}  // namespace

std::string_view name_of(Provenance provenance) {
  for (const auto& [value, name] : kNames) {
    if (value == provenance) return name;
  }
  return "";
}

std::optional<Provenance> provenance_of(std::string_view name) {
  for (const auto& [value, its_name] : kNames) {
    if (its_name == name) return value;
  }
  return std::nullopt;
}

Pfn last_page(std::uint64_t granule) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  return granule == 1 ? kMax - 1 : kMax / granule;
}

smmu::Result<Slot, LiveIds::Refusal> LiveIds::add(std::uint64_t id) {
  if (live_.contains(id)) return Refusal::kLive;
  if (live_.size() == kMaxLiveRanges) return Refusal::kTooMany;
  // As many slots were made as ranges were live at once: those not in free_ are all taken.
  auto slot = static_cast<Slot>(live_.size());
  if (!free_.empty()) {
    slot = free_.back();
    free_.pop_back();
  }
  live_.emplace(id, slot);
  return slot;
}

smmu::Result<Slot, LiveIds::Refusal> LiveIds::remove(std::uint64_t id) {
  const auto found = live_.find(id);
  if (found == live_.end()) return Refusal::kNotLive;
  const Slot slot = found->second;
  live_.erase(found);
  free_.push_back(slot);
  return slot;
}

void LiveIds::clear() {
  live_.clear();
  free_.clear();
}

}  // namespace smmu::study
