#include "emulator/v3/contiguous_entries.h"

#include <cstddef>

namespace smmu::emulator {

using v3::STE;

namespace {

// "All defined fields, except for CONT"; SW_RESERVED is nothing to the SMMU.
bool identical(const STE& a, const STE& b) {
  constexpr std::size_t kWord = STE::CONT.kLo / 64;
  static_assert(STE::SW_RESERVED.kLo / 64 == kWord);
  for (std::size_t i = 0; i != a.words().size(); ++i) {
    std::uint64_t compared = named_bits<STE>(i);
    if (i == kWord) compared &= ~(STE::CONT.kMask | STE::SW_RESERVED.kMask);
    if (((a.word(i) ^ b.word(i)) & compared) != 0) return false;
  }
  return true;
}

}  // namespace

void ContiguousEntries::insert(StreamId stream, const STE& ste, unsigned cont, Reading read) {
  if (cont == 0 || !ste[STE::V]) return;
  copies_.insert(stream.value >> cont << cont, cont, {ste, read.stamp}, read);
}

bool ContiguousEntries::contradict(StreamId stream, const STE& ste) {
  if (!copies_.inhabited()) return false;
  for (unsigned cont = 1; cont <= kMostCont; ++cont) {
    const auto copy = copies_.find(stream.value >> cont << cont, cont);
    if (copy && !identical(copy->structure, ste)) return true;
  }
  return false;
}

// CONT does not affect which streams a command names, but a copy that a stream
// would find is one of that stream's.
void ContiguousEntries::invalidate(StreamId first, StreamId last, Stamp before) {
  if (!copies_.inhabited()) return;
  copies_.invalidate_if(
      [&](std::uint32_t begin, std::uint32_t cont) {
        const auto span = static_cast<std::uint32_t>(mask(cont - 1, 0));
        return begin <= last.value && (begin | span) >= first.value;
      },
      before);
}

}  // namespace smmu::emulator
