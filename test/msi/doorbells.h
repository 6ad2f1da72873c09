// Doorbells of no hardware, and spaces to bind them in.
#ifndef TEST_MSI_DOORBELLS_H_
#define TEST_MSI_DOORBELLS_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>

#include "smmu/iommu/device.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/doorbell_space.h"
#include "smmu/iommu/its_controller.h"
#include "test/iommu/fake_driver.h"
#include "test/msi/event_log.h"

namespace smmu::iommu {

inline constexpr Iova kWindowBase{0x800'0000};
inline constexpr std::uint64_t kWindowSize = 0x10'0000;
inline constexpr Pa kTranslater{0x8'0809'0040};

inline void alloc_window(Domain& domain, Iova base = kWindowBase) {
  EXPECT_TRUE(domain.alloc_reserved_iova_domain(base, kWindowSize, 12));
}

// An ITS whose commands nobody carries out.
struct FakeIts {
  explicit FakeIts(Pa frame = Pa(kTranslater.value - 0x40), std::uint32_t lpis = 64)
      : its(*ItsController::create({.translation_frame = frame, .events = &events, .lpis = lpis})) {
  }

  EventLog events;
  std::unique_ptr<ItsController> its;
};

// What gives out the addresses of a domain of kDma, downwards from 4 GiB; it maps nothing.
class FakeSpace final : public DoorbellSpace {
 public:
  Result<Iova, std::errc> bind_doorbell(Pa pa, std::uint64_t size, Prot prot) override {
    const std::lock_guard lock(mutex_);
    if (error) return *error;
    EXPECT_EQ(size, 4u);
    EXPECT_EQ(prot, Prot::kWrite | Prot::kNoExec | Prot::kMmio);
    next_ -= 4096;
    const std::uint64_t iova = next_ + pa.value % 4096;
    bound_[iova] = pa;
    return Iova(iova);
  }
  void unbind_doorbell(Iova iova) override {
    const std::lock_guard lock(mutex_);
    EXPECT_EQ(bound_.erase(iova.value), 1u);
  }

  std::map<std::uint64_t, Pa> bound() const {
    const std::lock_guard lock(mutex_);
    return bound_;
  }
  std::optional<std::errc> error;

 private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Pa> bound_;
  std::uint64_t next_ = 0x1'0000'0000;
};

}  // namespace smmu::iommu

#endif  // TEST_MSI_DOORBELLS_H_
