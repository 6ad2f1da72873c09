// DMA through an SMMUv2, its driver and its tables: what devices reach, and what they do not.
#include <gtest/gtest.h>

#include "smmu/testing/driven_board_v2.h"
#include "test/dma/dma_board.h"

namespace smmu::iommu::smmu_v2_test {
namespace {

using emulator::CachePolicy;
using testing::DrivenBoardV2;

TEST(DmaOfAnSmmuV2, ADeviceReachesItsBufferUntilAStrictUnmapReturns) {
  for (const CachePolicy policy :
       {CachePolicy::kNone, CachePolicy::kRealistic, CachePolicy::kAdversarial}) {
    expect_reach_until_unmapped<DrivenBoardV2>(policy);
  }
}

TEST(DmaOfAnSmmuV2, AfterAFlushALazyDomainIsNotReachedAnyMore) {
  for (const CachePolicy policy : {CachePolicy::kRealistic, CachePolicy::kAdversarial}) {
    expect_reach_until_flushed<DrivenBoardV2>(policy);
  }
}

TEST(DmaOfAnSmmuV2, DoorbellsAreReachedAsLongAsTheyAreBound) {
  expect_doorbells_as_long_as_bound<DrivenBoardV2>(CachePolicy::kAdversarial);
}

TEST(DmaOfAnSmmuV2, WithoutMemoryForTablesNothingIsLeftOfABuffer) {
  expect_nothing_is_left_of_a_buffer<DrivenBoardV2>();
}

TEST(DmaOfAnSmmuV2, WithoutMemoryForTablesNothingIsLeftOfAList) {
  expect_nothing_is_left_of_a_list<DrivenBoardV2>();
}

TEST(DmaOfAnSmmuV2, WithoutMemoryForTablesNothingIsLeftOfADoorbell) {
  expect_nothing_is_left_of_a_doorbell<DrivenBoardV2>();
}

TEST(DmaOfAnSmmuV2, TablesThatTrimGivesBackAreForgotten) {
  for (const CachePolicy policy : {CachePolicy::kRealistic, CachePolicy::kAdversarial}) {
    expect_trimmed_tables_are_forgotten<DrivenBoardV2>(policy);
  }
}

}  // namespace
}  // namespace smmu::iommu::smmu_v2_test
