#include "lib/smmu_v3/atc_invalidation.h"

#include <bit>

#include "lib/smmu_v3/command_queue.h"

namespace smmu::iommu {

using v3::CMD_ATC_INV;

namespace {
constexpr unsigned kLog2Page = 12;
constexpr unsigned kAllPages = 52;
}  // namespace

AtcRange AtcRange::everything() { return {0, kAllPages}; }

AtcRange AtcRange::covering(std::uint64_t first, std::uint64_t last) {
  const std::uint64_t first_page = first >> kLog2Page;
  const auto log2_pages = static_cast<unsigned>(std::bit_width(first_page ^ (last >> kLog2Page)));
  if (log2_pages >= kAllPages) return everything();
  return {(first_page >> log2_pages) << log2_pages << kLog2Page, log2_pages};
}

CMD_ATC_INV atc_invalidation(StreamId stream, std::optional<SubstreamId> substream,
                             const AtcRange& range) {
  auto command = command_v3<CMD_ATC_INV>()
                     .set(CMD_ATC_INV::StreamID, stream.value)
                     .set(CMD_ATC_INV::Size, range.log2_pages)
                     .set(CMD_ATC_INV::Address, range.address);
  if (substream) {
    command.set(CMD_ATC_INV::SSV, true).set(CMD_ATC_INV::SubstreamID, substream->value);
  }
  return command;
}

}  // namespace smmu::iommu
