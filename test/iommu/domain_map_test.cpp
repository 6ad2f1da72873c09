#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "test/iommu/fake_driver.h"

namespace smmu::iommu::domain_map_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t k4K = 4096;
constexpr std::uint64_t k2M = 1ull << 21;
constexpr std::uint64_t k1G = 1ull << 30;
constexpr auto kInvalid = std::errc::invalid_argument;

class DomainMap : public ::testing::Test {
 protected:
  FakeSystem system_;
  std::unique_ptr<Domain> domain_ = system_.domain();
  MapTables& tables_ = fake(*domain_).leaves();

  std::vector<std::uint64_t> sizes() const {
    std::vector<std::uint64_t> sizes;
    for (const auto& [iova, leaf] : tables_.leaves()) sizes.push_back(leaf.size);
    return sizes;
  }
};

TEST_F(DomainMap, ARangeIsMappedInTheLargestPiecesThatFit) {
  const std::uint64_t first = k1G - k2M - k4K;
  ASSERT_TRUE(domain_->map(Iova(first), Pa(first + k1G), k4K + k2M + k1G + k2M + k4K, kReadWrite));
  EXPECT_THAT(sizes(), ElementsAre(k4K, k2M, k1G, k2M, k4K));
  EXPECT_EQ(domain_->iova_to_phys(Iova(first + 5)), Pa(first + k1G + 5));
  EXPECT_EQ(domain_->iova_to_phys(Iova(2 * k1G + k2M + 7)), Pa(3 * k1G + k2M + 7));
  EXPECT_EQ(domain_->iova_to_phys(Iova(first - 1)), std::nullopt);
  EXPECT_EQ(domain_->unmap(Iova(first), k4K + k2M + k1G + k2M + k4K), k4K + k2M + k1G + k2M + k4K);
  EXPECT_THAT(sizes(), IsEmpty());
}

TEST_F(DomainMap, TablesThatStopAtTheirEndAreAskedAgain) {
  // 700 pages from the middle of a table on, at an address that no block fits to.
  const std::uint64_t size = 700 * k4K;
  ASSERT_TRUE(domain_->map(Iova(300 * k4K), Pa(301 * k4K), size, kReadWrite));
  EXPECT_EQ(tables_.maps(), 2u);
  EXPECT_EQ(sizes().size(), 700u);
  EXPECT_EQ(domain_->unmap(Iova(300 * k4K), size), size);
}

TEST_F(DomainMap, TheDriverIsToldOfTheWholeRangeOnce) {
  ASSERT_TRUE(domain_->map(Iova(k2M - k4K), Pa(k2M - k4K), k4K + k2M, kReadWrite));
  EXPECT_THAT(fake(*domain_).take_synced_maps(),
              ElementsAre(FakeDomain::Range{k2M - k4K, k4K + k2M, 0}));
}

TEST_F(DomainMap, WhatIsNoMultipleOfAPageIsRefused) {
  EXPECT_EQ(domain_->map(Iova(0x800), Pa(0), k4K, kReadWrite).error(), kInvalid);
  EXPECT_EQ(domain_->map(Iova(0), Pa(0x800), k4K, kReadWrite).error(), kInvalid);
  EXPECT_EQ(domain_->map(Iova(0), Pa(0), k4K + 1, kReadWrite).error(), kInvalid);
  EXPECT_EQ(domain_->map(Iova(1), Pa(0), 0, kReadWrite).error(), kInvalid);
  EXPECT_EQ(tables_.maps(), 0u);
}

TEST_F(DomainMap, ARangeThatWrapsIsRefused) {
  constexpr std::uint64_t kTop = 0 - k4K;
  EXPECT_EQ(domain_->map(Iova(kTop), Pa(0), 2 * k4K, kReadWrite).error(), kInvalid);
  EXPECT_EQ(domain_->map(Iova(0), Pa(kTop), 2 * k4K, kReadWrite).error(), kInvalid);
  EXPECT_EQ(domain_->map(Iova(k4K), Pa(0), kTop, kReadWrite).error(),
            std::errc::result_out_of_range);
  EXPECT_EQ(domain_->map(Iova(k4K * 2), Pa(0), kTop, kReadWrite).error(), kInvalid);
  EXPECT_EQ(domain_->unmap(Iova(kTop), 2 * k4K), 0u);
  // The last page is none that wraps; the tables know that it is out of their range.
  EXPECT_EQ(domain_->map(Iova(kTop), Pa(0), k4K, kReadWrite).error(),
            std::errc::result_out_of_range);
  EXPECT_THAT(sizes(), IsEmpty());
}

TEST_F(DomainMap, ARangeThatIsNotAllInsideTheGeometryIsRefusedAtOnce) {
  constexpr std::uint64_t kEnd = 1ull << 48;
  constexpr auto kOutside = std::errc::result_out_of_range;
  EXPECT_EQ(domain_->map(Iova(k4K), Pa(0), kEnd, kReadWrite).error(), kOutside);
  EXPECT_EQ(domain_->map(Iova(kEnd), Pa(0), 2 * k4K, kReadWrite).error(), kOutside);
  EXPECT_EQ(domain_->map(Iova(kEnd - k4K), Pa(0), 2 * k4K, kReadWrite).error(), kOutside);
  EXPECT_EQ(tables_.maps(), 0u);
  EXPECT_TRUE(domain_->map(Iova(kEnd - 2 * k4K), Pa(0), 2 * k4K, kReadWrite));
}

TEST_F(DomainMap, WithoutARightNothingIsMapped) {
  EXPECT_EQ(domain_->map(Iova(0), Pa(0), k4K, Prot::kNone).error(), kInvalid);
  EXPECT_EQ(domain_->map(Iova(0), Pa(0), k4K, Prot::kCache | Prot::kNoExec).error(), kInvalid);
  EXPECT_TRUE(domain_->map(Iova(0), Pa(0), k4K, Prot::kWrite));
}

TEST_F(DomainMap, NoBytesAreNothingToDo) {
  EXPECT_TRUE(domain_->map(Iova(0), Pa(0), 0, kReadWrite));
  EXPECT_EQ(domain_->unmap(Iova(0), 0), 0u);
  EXPECT_EQ(tables_.maps(), 0u);
  EXPECT_THAT(fake(*domain_).take_synced(), IsEmpty());
  EXPECT_THAT(fake(*domain_).take_synced_maps(), IsEmpty());
}

TEST_F(DomainMap, ADomainThatDoesNotPageMapsNothing) {
  for (const DomainType type : {DomainType::kIdentity, DomainType::kBlocked}) {
    const auto fixed = system_.domain(type);
    EXPECT_EQ(fixed->page_sizes(), 0u);
    EXPECT_EQ(fixed->map(Iova(0), Pa(0), k4K, kReadWrite).error(), kInvalid);
    const ScatterEntry piece[] = {{Pa(0), k4K}};
    EXPECT_EQ(fixed->map_sg(Iova(0), piece, kReadWrite).error(), kInvalid);
    EXPECT_EQ(fixed->unmap(Iova(0), k4K), 0u);
  }
}

TEST_F(DomainMap, ADomainGetsItsTablesWhenItIsFirstAttached) {
  system_.driver->tables_are = TablesAre::kMadeAtFirstAttach;
  const auto late = system_.domain();
  const ScatterEntry piece[] = {{Pa(0), k4K}};
  EXPECT_EQ(late->page_sizes(), system_.driver->page_sizes);
  EXPECT_EQ(late->map(Iova(0), Pa(0), k4K, kReadWrite).error(), std::errc::no_such_device);
  EXPECT_EQ(late->map_sg(Iova(0), piece, kReadWrite).error(), std::errc::no_such_device);
  EXPECT_EQ(late->map(Iova(1), Pa(0), k4K, kReadWrite).error(), kInvalid);
  EXPECT_EQ(late->unmap(Iova(0), k4K), 0u);
  EXPECT_EQ(late->iova_to_phys(Iova(0)), std::nullopt);
  ASSERT_TRUE(system_.add("nic").group().attach(*late));
  EXPECT_TRUE(late->map(Iova(0), Pa(0), k4K, kReadWrite));
  EXPECT_EQ(late->unmap(Iova(0), k4K), k4K);
}

TEST_F(DomainMap, AMapThatFailsInTheMiddleIsUndoneAndForgotten) {
  ASSERT_TRUE(domain_->map(Iova(0), Pa(0), k4K, kReadWrite));
  const auto before = tables_.leaves();
  fake(*domain_).take_synced_maps();
  const std::uint64_t size = k4K + k2M + 400 * k4K;
  for (std::uint64_t call = 0; call < 3; ++call) {
    tables_.fail_map(call, std::errc::not_enough_memory);
    EXPECT_EQ(domain_->map(Iova(k2M - k4K), Pa(k1G - k4K), size, kReadWrite).error(),
              std::errc::not_enough_memory);
    EXPECT_EQ(tables_.leaves(), before);
    // What the device may have seen of it is forgotten.
    std::uint64_t forgotten = 0;
    for (const auto& range : fake(*domain_).take_synced()) forgotten += range.size;
    const std::uint64_t mapped[] = {0, k4K, k4K + k2M + 200 * k4K};
    EXPECT_EQ(forgotten, mapped[call]) << call;
    EXPECT_THAT(fake(*domain_).take_synced_maps(), IsEmpty());
  }
}

TEST_F(DomainMap, WhatIsMappedAlreadyStaysAsItIs) {
  ASSERT_TRUE(domain_->map(Iova(8 * k4K), Pa(0), k4K, Prot::kRead));
  const auto before = tables_.leaves();
  EXPECT_EQ(domain_->map(Iova(0), Pa(k1G), 16 * k4K, kReadWrite).error(), std::errc::file_exists);
  EXPECT_EQ(domain_->map(Iova(8 * k4K), Pa(0), k4K, kReadWrite).error(), std::errc::file_exists);
  EXPECT_EQ(tables_.leaves(), before);
}

TEST_F(DomainMap, WhatTheDriverCannotTellTheSmmuIsUndone) {
  fake(*domain_).sync_map_error = std::errc::timed_out;
  EXPECT_EQ(domain_->map(Iova(k2M - k4K), Pa(k2M - k4K), k4K + k2M, kReadWrite).error(),
            std::errc::timed_out);
  EXPECT_THAT(sizes(), IsEmpty());
  EXPECT_THAT(fake(*domain_).take_synced(), ElementsAre(FakeDomain::Range{k2M - k4K, k4K, k4K},
                                                        FakeDomain::Range{k2M, k2M, k2M}));
  EXPECT_TRUE(domain_->map(Iova(k2M - k4K), Pa(k2M - k4K), k4K + k2M, kReadWrite));
}

TEST_F(DomainMap, AnUnmapEndsAtAHole) {
  ASSERT_TRUE(domain_->map(Iova(0), Pa(0), 3 * k4K, kReadWrite));
  ASSERT_TRUE(domain_->map(Iova(5 * k4K), Pa(0), k4K, kReadWrite));
  EXPECT_EQ(domain_->unmap(Iova(0), 8 * k4K), 3 * k4K);
  EXPECT_THAT(sizes(), ElementsAre(k4K));
  EXPECT_EQ(domain_->unmap(Iova(0), k4K), 0u);
  EXPECT_EQ(domain_->unmap(Iova(5 * k4K), k4K), k4K);
}

TEST_F(DomainMap, AnUnmapEndsAtABlockOfWhichItIsAPart) {
  ASSERT_TRUE(domain_->map(Iova(k2M - k4K), Pa(k2M - k4K), k4K + k2M, kReadWrite));
  EXPECT_EQ(domain_->unmap(Iova(k2M), k4K), 0u);
  EXPECT_EQ(domain_->unmap(Iova(k2M - k4K), 2 * k4K), k4K);
  EXPECT_THAT(sizes(), ElementsAre(k2M));
}

TEST_F(DomainMap, WhatIsMisalignedIsNotUnmapped) {
  ASSERT_TRUE(domain_->map(Iova(0), Pa(0), 2 * k4K, kReadWrite));
  EXPECT_EQ(domain_->unmap(Iova(0), k4K + 1), 0u);
  EXPECT_EQ(domain_->unmap(Iova(1), k4K), 0u);
  EXPECT_EQ(sizes().size(), 2u);
}

TEST_F(DomainMap, AnUnmapWithoutABatchReturnsWhenTheSmmuHasForgotten) {
  ASSERT_TRUE(domain_->map(Iova(k4K), Pa(0), 4 * k4K, kReadWrite));
  bool told = false;
  fake(*domain_).on_sync = [&](const UnmapBatch& batch) {
    told = true;
    EXPECT_EQ(batch.first(), Iova(k4K));
    EXPECT_EQ(batch.size(), 4 * k4K);
    EXPECT_THAT(sizes(), IsEmpty());
  };
  EXPECT_EQ(domain_->unmap(Iova(k4K), 4 * k4K), 4 * k4K);
  EXPECT_TRUE(told);
}

TEST_F(DomainMap, ABatchCollectsWhatTouchesAndIsToldOfWhereItCannot) {
  ASSERT_TRUE(domain_->map(Iova(0), Pa(0), 4 * k4K, kReadWrite));
  ASSERT_TRUE(domain_->map(Iova(k2M), Pa(k2M), k2M, kReadWrite));
  ASSERT_TRUE(domain_->map(Iova(8 * k4K), Pa(0), k4K, kReadWrite));
  UnmapBatch batch;
  EXPECT_EQ(domain_->unmap(Iova(2 * k4K), 2 * k4K, batch), 2 * k4K);
  EXPECT_EQ(domain_->unmap(Iova(0), 2 * k4K, batch), 2 * k4K);
  EXPECT_THAT(fake(*domain_).take_synced(), IsEmpty());
  EXPECT_EQ(batch.size(), 4 * k4K);
  // A hole between.
  EXPECT_EQ(domain_->unmap(Iova(8 * k4K), k4K, batch), k4K);
  EXPECT_THAT(fake(*domain_).take_synced(), ElementsAre(FakeDomain::Range{0, 4 * k4K, k4K}));
  // Another granule.
  EXPECT_EQ(domain_->unmap(Iova(k2M), k2M, batch), k2M);
  EXPECT_THAT(fake(*domain_).take_synced(), ElementsAre(FakeDomain::Range{8 * k4K, k4K, k4K}));
  domain_->sync(batch);
  EXPECT_THAT(fake(*domain_).take_synced(), ElementsAre(FakeDomain::Range{k2M, k2M, k2M}));
  EXPECT_TRUE(batch.empty());
  domain_->sync(batch);
  EXPECT_THAT(fake(*domain_).take_synced(), IsEmpty());
}

// What is smaller than what is being unmapped the tables have the SMMU forget.
TEST_F(DomainMap, ABatchHoldsBlocksWithoutThePagesBehindThem) {
  ASSERT_TRUE(domain_->map(Iova(0), Pa(0), k2M + 3 * k4K, kReadWrite));
  UnmapBatch batch;
  EXPECT_EQ(domain_->unmap(Iova(0), 2 * k2M, batch), k2M + 3 * k4K);
  EXPECT_EQ(batch.size(), k2M);
  domain_->sync(batch);
  EXPECT_THAT(fake(*domain_).take_synced(), ElementsAre(FakeDomain::Range{0, k2M, k2M}));
  EXPECT_THAT(fake(*domain_).take_walks(), ::testing::SizeIs(3));
}

TEST_F(DomainMap, ABatchThatIsFlushedTellsOfNoRange) {
  ASSERT_TRUE(domain_->map(Iova(0), Pa(0), k4K, kReadWrite));
  ASSERT_TRUE(domain_->map(Iova(k2M), Pa(k2M), k2M, kReadWrite));
  UnmapBatch batch(UnmapBatch::Told::kByFlush);
  EXPECT_EQ(domain_->unmap(Iova(0), k4K, batch), k4K);
  EXPECT_EQ(domain_->unmap(Iova(k2M), k2M, batch), k2M);
  domain_->sync(batch);
  EXPECT_THAT(fake(*domain_).take_synced(), IsEmpty());
  domain_->flush_all();
  EXPECT_THAT(fake(*domain_).take_synced(), ElementsAre(FakeDomain::Range{0, 0, 0}));
}

TEST_F(DomainMap, PiecesThatFollowOneAnotherAreMappedAsOne) {
  const ScatterEntry pieces[] = {{Pa(k1G), k2M / 2},
                                 {Pa(k1G + k2M / 2), k2M / 2},
                                 {Pa(0), 0},
                                 {Pa(k1G + k2M), k2M},
                                 {Pa(7 * k4K), k4K}};
  const auto mapped = domain_->map_sg(Iova(k2M), pieces, kReadWrite);
  ASSERT_TRUE(mapped);
  EXPECT_EQ(*mapped, 2 * k2M + k4K);
  EXPECT_THAT(sizes(), ElementsAre(k2M, k2M, k4K));
  EXPECT_EQ(domain_->iova_to_phys(Iova(3 * k2M)), Pa(7 * k4K));
  EXPECT_THAT(fake(*domain_).take_synced_maps(),
              ElementsAre(FakeDomain::Range{k2M, 2 * k2M + k4K, 0}));
}

TEST_F(DomainMap, PiecesBeforeAndAfterAddressZeroAreNoNeighbours) {
  constexpr std::uint64_t kTop = 0 - k4K;
  const ScatterEntry pieces[] = {{Pa(kTop), k4K}, {Pa(0), k4K}};
  ASSERT_TRUE(domain_->map_sg(Iova(0), pieces, kReadWrite));
  EXPECT_EQ(domain_->iova_to_phys(Iova(0)), Pa(kTop));
  EXPECT_EQ(domain_->iova_to_phys(Iova(k4K)), Pa(0));
}

TEST_F(DomainMap, AMisalignedPieceIsRefusedBeforeAnythingIsMapped) {
  const ScatterEntry odd_address[] = {{Pa(0), k4K}, {Pa(k4K + 4), k4K}};
  const ScatterEntry odd_size[] = {{Pa(0), k4K}, {Pa(k4K), k4K + 4}};
  const ScatterEntry wraps[] = {{Pa(0), k4K}, {Pa(0 - k4K), 2 * k4K}};
  const ScatterEntry too_much[] = {{Pa(0), 0 - k4K}, {Pa(0), 0 - k4K}};
  const ScatterEntry fine[] = {{Pa(0), k4K}, {Pa(0), k4K}};
  EXPECT_EQ(domain_->map_sg(Iova(0), odd_address, kReadWrite).error(), kInvalid);
  EXPECT_EQ(domain_->map_sg(Iova(0), odd_size, kReadWrite).error(), kInvalid);
  EXPECT_EQ(domain_->map_sg(Iova(0), wraps, kReadWrite).error(), kInvalid);
  EXPECT_EQ(domain_->map_sg(Iova(0), too_much, kReadWrite).error(), kInvalid);
  EXPECT_EQ(domain_->map_sg(Iova(4), fine, kReadWrite).error(), kInvalid);
  EXPECT_EQ(domain_->map_sg(Iova(0 - k4K), fine, kReadWrite).error(), kInvalid);
  EXPECT_EQ(domain_->map_sg(Iova(0), fine, Prot::kCache).error(), kInvalid);
  EXPECT_EQ(tables_.maps(), 0u);
  const auto none = domain_->map_sg(Iova(0), {}, kReadWrite);
  ASSERT_TRUE(none);
  EXPECT_EQ(*none, 0u);
}

TEST_F(DomainMap, PiecesAreAllMappedOrNone) {
  const ScatterEntry pieces[] = {{Pa(k1G), k2M}, {Pa(k4K), k4K}, {Pa(9 * k4K), 4 * k4K}};
  for (std::uint64_t call = 0; call < 3; ++call) {
    tables_.fail_map(call, std::errc::not_enough_memory);
    EXPECT_EQ(domain_->map_sg(Iova(0), pieces, kReadWrite).error(), std::errc::not_enough_memory);
    EXPECT_THAT(sizes(), IsEmpty());
  }
  fake(*domain_).sync_map_error = std::errc::timed_out;
  EXPECT_EQ(domain_->map_sg(Iova(0), pieces, kReadWrite).error(), std::errc::timed_out);
  EXPECT_THAT(sizes(), IsEmpty());
  EXPECT_TRUE(domain_->map_sg(Iova(0), pieces, kReadWrite));
}

}  // namespace
}  // namespace smmu::iommu::domain_map_test
