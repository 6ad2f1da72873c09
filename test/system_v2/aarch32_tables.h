// Translation tables of VMSAv8-32 with Short descriptors (DDI 0487, G5.4), built by hand.
#ifndef SMMU_TEST_SYSTEM_V2_AARCH32_TABLES_H_
#define SMMU_TEST_SYSTEM_V2_AARCH32_TABLES_H_

#include <cstdint>

#include "test/system_v2/rig.h"

namespace smmu::testing {

// One word of what `store` of doublewords changes.
inline void store32(PhysicalMemory& memory, Pa pa, std::uint32_t word) {
  const Pa whole(pa.value & ~std::uint64_t{7});
  const unsigned shift = pa.value % 8 == 0 ? 0 : 32;
  const std::uint64_t other = load(memory, whole) & ~(std::uint64_t{0xffff'ffff} << shift);
  store(memory, whole, other | std::uint64_t{word} << shift);
}

class ShortTable {
 public:
  // `n`: of TTBR0, whose table is as much smaller.
  explicit ShortTable(V2Rig& rig, unsigned n = 0)
      : rig_(rig), root_(rig.allocate(0x4000U >> n, 0x4000U >> n)) {}

  Pa root() const { return root_; }

  // Descriptors as they are, at level 1 and at level 2.  A level 2 table is made where there is
  // none; `table` are its other bits.
  void level1(std::uint32_t address, std::uint32_t descriptor) const {
    store32(rig_.memory(), slot1(address), descriptor);
  }
  void level2(std::uint32_t address, std::uint32_t descriptor, std::uint32_t table = 0) {
    Pa& below = tables_[address >> 20];
    if (below == Pa(0)) below = rig_.allocate(0x400, 0x400);
    level1(address, static_cast<std::uint32_t>(below.value) | 0b01 | table);
    store32(rig_.memory(), Pa(below.value + 4 * (address >> 12 & 0xff)), descriptor);
  }

 private:
  Pa slot1(std::uint32_t address) const { return Pa(root_.value + 4 * (address >> 20)); }

  V2Rig& rig_;
  Pa root_;
  std::vector<Pa> tables_ = std::vector<Pa>(0x1000);
};

}  // namespace smmu::testing

#endif  // SMMU_TEST_SYSTEM_V2_AARCH32_TABLES_H_
