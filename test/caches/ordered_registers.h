// Registers that promise no more than Mmio does.
#ifndef SMMU_TEST_CACHES_ORDERED_REGISTERS_H_
#define SMMU_TEST_CACHES_ORDERED_REGISTERS_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "smmu/emulator/ram.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/platform/mmio.h"

namespace smmu::testing {

// What software stores waits until it writes a register, and what a device stores is seen after a
// register was read, and not before.  One thread at a time.
class OrderedRegisters final : public Mmio {
 public:
  static constexpr Pa kBase = Pa(0x4000'0000);
  static constexpr std::uint64_t kBytes = std::uint64_t{512} << 10;

  OrderedRegisters() : known_(kBytes / 8) {
    EXPECT_TRUE(software_.add(kBase, kBytes));
    EXPECT_TRUE(device.add(kBase, kBytes));
    auto made = iommu::PagePool::create(software_, kBase, kBytes);
    EXPECT_TRUE(made);
    if (made) pool = *std::move(made);
  }

  // Before all others.
  void lead_to(Mmio& registers) { registers_ = &registers; }

  std::uint32_t read32(std::uint32_t offset) override {
    const std::uint32_t value = registers_->read32(offset);
    see();
    return value;
  }
  std::uint64_t read64(std::uint32_t offset) override {
    const std::uint64_t value = registers_->read64(offset);
    see();
    return value;
  }
  void write32(std::uint32_t offset, std::uint32_t value) override {
    store();
    registers_->write32(offset, value);
  }
  void write64(std::uint32_t offset, std::uint64_t value) override {
    store();
    registers_->write64(offset, value);
  }
  // As a write to another device does.
  void store() { exchange(software_, device); }

  emulator::Ram device;  // memory as devices see it
  std::unique_ptr<iommu::PagePool> pool;

 private:
  void see() { exchange(device, software_); }
  // Words of one side that have changed since the two were the same.
  void exchange(emulator::Ram& from, emulator::Ram& to) {
    for (std::size_t i = 0; i != known_.size(); ++i) {
      const Pa at(kBase.value + 8 * i);
      const std::uint64_t word = *from.load64(at);
      if (word == known_[i]) continue;
      known_[i] = word;
      EXPECT_EQ(to.store64(at, word), BusResponse::kOkay);
    }
  }

  emulator::Ram software_;  // memory as software sees it
  std::vector<std::uint64_t> known_;
  Mmio* registers_ = nullptr;
};

}  // namespace smmu::testing

#endif  // SMMU_TEST_CACHES_ORDERED_REGISTERS_H_
