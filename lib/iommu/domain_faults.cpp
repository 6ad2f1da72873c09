// Who is told of the faults of a domain's devices.
#include <mutex>

#include "smmu/iommu/domain.h"
#include "smmu/iommu/iommu.h"

namespace smmu::iommu {
namespace {

// Calls of handlers, of any domain, that this thread is inside.
constinit thread_local unsigned handling_here = 0;

}  // namespace

FaultAction Domain::on_fault(Device* device, const Fault& fault) {
  // One of the two sees the other: this one the new handler, or set_fault_handler() the count.
  handling_.fetch_add(1, std::memory_order_seq_cst);
  FaultHandler* const handler = fault_handler_.load(std::memory_order_seq_cst);
  FaultAction action = FaultAction::kNotMine;
  if (handler != nullptr) {
    ++handling_here;
    action = handler->on_fault(*this, device, fault);
    --handling_here;
  }
  if (handling_.fetch_sub(1, std::memory_order_release) == 1) handling_.notify_all();
  return action;
}

Result<Done, std::errc> Domain::set_fault_handler(FaultHandler* handler) {
  if (handler != nullptr) {
    // A window is made with the lock held, too.
    const std::lock_guard lock(iommu_.mutex_);
    if (has_reserved_window()) return std::errc::device_or_resource_busy;
    FaultHandler* there = nullptr;
    if (!fault_handler_.compare_exchange_strong(there, handler) && there != handler) {
      return std::errc::device_or_resource_busy;
    }
    return Done{};
  }
  fault_handler_.store(nullptr, std::memory_order_seq_cst);
  // It would wait for itself, or for a thread that waits for it.
  if (handling_here != 0) return Done{};
  for (std::uint32_t handling; (handling = handling_.load(std::memory_order_seq_cst)) != 0;) {
    handling_.wait(handling);
  }
  return Done{};
}

}  // namespace smmu::iommu
