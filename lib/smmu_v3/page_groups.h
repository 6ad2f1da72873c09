// Page requests that come in groups and are answered once (IHI 0070, 8.1).
#ifndef SMMU_LIB_SMMU_V3_PAGE_GROUPS_H_
#define SMMU_LIB_SMMU_V3_PAGE_GROUPS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

#include "smmu/iommu/address_space.h"

namespace smmu::iommu {

// The worst answer that was given to a request of each group that has not been answered.  There is
// room for so many groups: of one more, the oldest is forgotten, as if all had gone well; its
// device then asks again for what it still lacks.
class PageGroups {
 public:
  static constexpr std::size_t kMost = 128;

  // Another request of the group got this answer.  Returns the one for the group, if it was the
  // last and is not left for later.
  std::optional<PageAnswer> add(const PageFault& request, PageAnswer answer);
  // The group has been answered later.  Returns what to tell the device.
  PageAnswer finish(const PageFault& request, PageAnswer answer);
  // The device will not ask with this SubstreamID any more.
  void stop(StreamId stream, std::optional<SubstreamId> substream);

 private:
  struct Group {
    bool used = false;
    StreamId stream = StreamId(0);
    std::optional<SubstreamId> substream = std::nullopt;
    std::uint16_t index = 0;
    PageAnswer worst = PageAnswer::kSuccess;
  };
  Group* find(const PageFault& request);

  std::mutex mutex_;
  std::array<Group, kMost> groups_{};
  std::size_t next_ = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_PAGE_GROUPS_H_
