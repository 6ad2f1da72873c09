// The interrupts of an SMMUv2, and what is done about them (IHI 0062).
#ifndef SMMU_LIB_SMMU_V2_INTERRUPTS_H_
#define SMMU_LIB_SMMU_V2_INTERRUPTS_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "lib/smmu_v2/hardware.h"
#include "lib/smmu_v2/registry.h"
#include "smmu/platform/interrupt.h"

namespace smmu::iommu {

class SmmuV2Interrupts {
 public:
  SmmuV2Interrupts(const SmmuV2Hardware& hardware, SmmuV2Registry& registry);

  // False: no memory.  Called before all others.
  bool allocate();

  LevelLine& global_fault() { return global_fault_; }
  LevelLine& configuration_fault() { return configuration_fault_; }
  LevelLine& context_fault(std::uint32_t n) { return context_faults_[n]; }

  // Handles what the lines that are up tell of.
  void handle();

 private:
  // Global faults, as the number of a bank.
  static constexpr std::uint32_t kGlobal = UINT32_MAX;

  class Line final : public LevelLine {
   public:
    void connect(SmmuV2Interrupts& interrupts, std::uint32_t bank) {
      interrupts_ = &interrupts;
      bank_ = bank;
    }
    void set(bool up) override {
      if (up_.exchange(up, std::memory_order_acq_rel) == up) return;
      if (!up) falls_.fetch_add(1, std::memory_order_acq_rel);
      interrupts_->lines_up_.fetch_add(up ? 1U : ~0U, std::memory_order_acq_rel);
      if (up) interrupts_->rise(*this);
    }
    // As long as it is up, but for no more than so many faults; one thread at a time, which looks
    // once more for each that comes meanwhile.
    void handle();

   private:
    bool is_up() const { return up_.load(std::memory_order_acquire); }
    bool goes_on(unsigned all, std::uint32_t& wanted);

    SmmuV2Interrupts* interrupts_ = nullptr;
    std::uint32_t bank_ = kGlobal;
    std::atomic<bool> up_{false};
    std::atomic<std::uint64_t> falls_{0};
    std::atomic<std::uint32_t> wanted_{0};  // who asked for it, and was not served yet
  };

  void rise(Line& line);
  void handle_all();
  void handle_interrupted();
  // Deals with one fault.  False: there is none.
  bool handle_one(std::uint32_t bank);
  bool handle_context_fault(std::uint32_t bank);
  bool handle_global_fault();

  const SmmuV2Hardware& hardware_;
  SmmuV2Registry& registry_;
  Line global_fault_;
  Line configuration_fault_;
  std::unique_ptr<Line[]> context_faults_;
  std::atomic<std::uint32_t> lines_up_{0};
  std::atomic<bool> left_{false};         // a line that is up, by a thread that had done enough
  std::atomic<bool> interrupted_{false};  // one that went up in the middle of a handler's access
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V2_INTERRUPTS_H_
