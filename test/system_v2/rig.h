// What tests of SMMUv2 do with a board: they see what a device reaches, and whether a driver
// refuses an SMMU.
#ifndef SMMU_TEST_SYSTEM_V2_RIG_H_
#define SMMU_TEST_SYSTEM_V2_RIG_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "smmu/arch/v2/registers.h"
#include "smmu/testing/board_v2.h"
#include "smmu/testing/matchers.h"
#include "smmu/testing/software_v2.h"

namespace smmu::testing {

// The board of these tests.
using V2Rig = BoardV2;

// What the device writes at `address` is in `page`, and what is there is what it reads.
inline void expect_reaches(V2Rig& rig, const DmaDevice& device, Iova address, Pa page) {
  EXPECT_EQ(device.write64(address, 0x0123'4567'89ab'cdef).bytes, 8U);
  EXPECT_EQ(load(rig.memory(), page), 0x0123'4567'89ab'cdefU);
  store(rig.memory(), page, std::uint64_t{0xfedc'ba98});
  EXPECT_EQ(device.read64(address), 0xfedc'ba98U);
}

// The tables now lead elsewhere: the device goes on to `page` until `invalidate` is done.
template <class Invalidate>
void expect_stale_until(V2Rig& rig, const DmaDevice& device, PageTable& table, Iova address,
                        Pa page, const Invalidate& invalidate) {
  EXPECT_THAT(device.translate(address), TranslatesTo(page));
  const Pa other = rig.allocate(4096);
  table.map(address, other, 4096);
  EXPECT_THAT(device.translate(address), TranslatesTo(page));
  invalidate();
  EXPECT_THAT(device.translate(address), TranslatesTo(other));
}

// A configuration that differs in one thing.
struct V2Variant {
  const char* name;
  void (*change)(emulator::SmmuV2Config& config);
};

// What several drivers insist on, missing.  Groups and banks are never missing altogether: Secure
// software may keep them for itself.
inline constexpr V2Variant kNo4KGranule = {
    "no granule of 4 KiB",
    [](emulator::SmmuV2Config& config) { config.idr2.set(v2::SMMU_IDR2::PTFSv8_4kB, false); }};
inline constexpr V2Variant kNoStage1 = {
    "no stage 1", [](emulator::SmmuV2Config& config) {
      config.idr0.set(v2::SMMU_IDR0::S1TS, false).set(v2::SMMU_IDR0::NTS, false);
      config.idr1.set(v2::SMMU_IDR1::NUMS2CB, config.idr1[v2::SMMU_IDR1::NUMCB]);
      config.idr2.set(v2::SMMU_IDR2::E2HS, false)
          .set(v2::SMMU_IDR2::HADS, false)
          .set(v2::SMMU_IDR2::DIPANS, false);
    }};
inline constexpr V2Variant kNoStage2 = {
    "no stage 2", [](emulator::SmmuV2Config& config) {
      config.idr0.set(v2::SMMU_IDR0::S2TS, false).set(v2::SMMU_IDR0::NTS, false);
      config.idr2.set(v2::SMMU_IDR2::VMID16S, false);
    }};
inline constexpr V2Variant kNoMatching = {"streams that index", [](emulator::SmmuV2Config& config) {
                                            config.idr0.set(v2::SMMU_IDR0::SMS, false)
                                                .set(v2::SMMU_IDR0::EXIDS, false)
                                                .set(v2::SMMU_IDR0::NUMSIDB, 7);
                                          }};
inline constexpr V2Variant kNoGroup = {
    "no group to match with",
    [](emulator::SmmuV2Config& config) { config.scr1_reset.set(v2::SMMU_SCR1::NSNUMSMRGO, 0); }};
inline constexpr V2Variant kRevision1 = {
    "another revision of the product",
    [](emulator::SmmuV2Config& config) { config.idr7.set(v2::SMMU_IDR7::MAJOR, 1); }};

// None of them is an SMMU that `Driver` probes, which has probe() and is made of a rig; the
// configuration itself is.
template <class Driver>
void expect_refused(const emulator::SmmuV2Config& config,
                    std::initializer_list<V2Variant> variants) {
  {
    V2Rig rig(config);
    EXPECT_TRUE(Driver(rig).probe());
  }
  for (const V2Variant& variant : variants) {
    SCOPED_TRACE(variant.name);
    emulator::SmmuV2Config changed = config;
    variant.change(changed);
    V2Rig rig(changed);
    EXPECT_FALSE(Driver(rig).probe());
  }
}

}  // namespace smmu::testing

#endif  // SMMU_TEST_SYSTEM_V2_RIG_H_
