#include "lib/smmu_v3/page_groups.h"

#include <algorithm>

namespace smmu::iommu {

namespace {

// What is worse comes later, in the order of the enumerators.
PageAnswer worse(PageAnswer a, PageAnswer b) {
  static_assert(PageAnswer::kSuccess < PageAnswer::kInvalid);
  static_assert(PageAnswer::kInvalid < PageAnswer::kFailure);
  return std::max(a, b);
}

}  // namespace

PageGroups::Group* PageGroups::find(const PageFault& request) {
  for (Group& group : groups_) {
    if (group.used && group.stream == request.stream && group.substream == request.substream &&
        group.index == request.group_index)
      return &group;
  }
  return nullptr;
}

std::optional<PageAnswer> PageGroups::add(const PageFault& request, PageAnswer answer) {
  const std::lock_guard guard(mutex_);
  Group* const group = find(request);
  if (answer == PageAnswer::kLater) return std::nullopt;
  if (!request.last) {
    if (group != nullptr) {
      group->worst = worse(group->worst, answer);
    } else if (answer != PageAnswer::kSuccess) {
      // A free place, or else that of the oldest.
      for (std::size_t i = 0; i != kMost && groups_[next_].used; ++i) next_ = (next_ + 1) % kMost;
      groups_[next_] = {.used = true,
                        .stream = request.stream,
                        .substream = request.substream,
                        .index = request.group_index,
                        .worst = answer};
      next_ = (next_ + 1) % kMost;
    }
    return std::nullopt;
  }
  if (group == nullptr) return answer;
  group->used = false;
  return worse(group->worst, answer);
}

PageAnswer PageGroups::finish(const PageFault& request, PageAnswer answer) {
  const std::lock_guard guard(mutex_);
  Group* const group = find(request);
  if (group == nullptr) return answer;
  group->used = false;
  return worse(group->worst, answer);
}

void PageGroups::stop(StreamId stream, std::optional<SubstreamId> substream) {
  const std::lock_guard guard(mutex_);
  for (Group& group : groups_) {
    if (group.stream == stream && group.substream == substream) group.used = false;
  }
}

}  // namespace smmu::iommu
