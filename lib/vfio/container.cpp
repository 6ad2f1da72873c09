#include "smmu/iommu/container.h"

#include <bit>
#include <new>
#include <utility>
#include <vector>

#include "lib/vfio/container_state.h"

namespace smmu::iommu {

Container::Container(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Container>, std::errc> Container::create(PinnedMemory& memory,
                                                                const ContainerConfig& config) {
  if (!std::has_single_bit(config.page_size)) return std::errc::invalid_argument;
  std::unique_ptr<State> state(new (std::nothrow) State(memory, config));
  if (!state) return std::errc::not_enough_memory;
  std::unique_ptr<Container> container(new (std::nothrow) Container(std::move(state)));
  if (!container) return std::errc::not_enough_memory;
  return container;
}

std::uint32_t Container::slots() const {
  const Call call(*state_);
  return state_->slots.size();
}

}  // namespace smmu::iommu
