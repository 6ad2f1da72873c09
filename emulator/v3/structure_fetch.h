// Reading a configuration structure from memory: whole, into a value.
#ifndef SMMU_EMULATOR_V3_STRUCTURE_FETCH_H_
#define SMMU_EMULATOR_V3_STRUCTURE_FETCH_H_

#include <array>
#include <cstdint>
#include <optional>

#include "smmu/emulator/observer.h"
#include "smmu/platform/memory.h"

namespace smmu::emulator {

// None: the read aborted.
template <class S>
std::optional<S> fetch(PhysicalMemory& memory, Observer* observer, ConfigurationStructure structure,
                       StreamId stream, SecurityState security, SubstreamId substream, Pa address,
                       MemoryAttributes attributes) {
  std::array<std::uint64_t, S::kSize / 8> words{};
  bool aborted = false;
  for (std::size_t i = 0; i != words.size() && !aborted; ++i) {
    const auto word = memory.load64(Pa(address.value + 8 * i));
    if (word) {
      words[i] = *word;
    } else {
      aborted = true;
    }
  }
  if (observer != nullptr) [[unlikely]] {
    observer->on_configuration_fetch({.structure = structure,
                                      .stream = stream,
                                      .security = security,
                                      .substream = substream,
                                      .address = address,
                                      .attributes = attributes,
                                      .words = aborted ? std::span<const std::uint64_t>()
                                                       : std::span<const std::uint64_t>(words)});
  }
  if (aborted) return std::nullopt;
  return S(words);
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_STRUCTURE_FETCH_H_
