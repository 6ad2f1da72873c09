// What happens where there is no memory: each request for it is refused once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "smmu/emulator/ram.h"
#include "smmu/iommu/page_pool.h"
#include "test/heap/heap.h"
#include "test/iommu/fake_driver.h"

namespace smmu::iommu::memory_test {
namespace {

constexpr auto kNone = std::errc::not_enough_memory;

// Calls `attempt` with no memory, with memory for one request, for two..., until it succeeds.
// Returns how often it failed; it must say why, and leave nothing behind.
template <class Attempt>
std::uint64_t refuse_each(FakeDriver& driver, const Attempt& attempt) {
  for (std::uint64_t granted = 0;; ++granted) {
    driver.take_calls();
    const auto attached = driver.attached();
    const std::uint64_t domains = driver.live_domains();
    const std::uint64_t held = heap_counts().held;
    std::uint64_t refused = 0;
    std::errc error{};
    {
      const HeapRefusal refusal(granted);
      error = attempt();
      refused = refusal.refused();
    }
    if (error == std::errc{}) {
      EXPECT_EQ(refused, 0u);
      return granted;
    }
    EXPECT_EQ(error, kNone);
    EXPECT_GE(refused, 1u);
    driver.take_calls();
    EXPECT_EQ(heap_counts().held, held) << granted;
    EXPECT_EQ(driver.attached(), attached);
    EXPECT_EQ(driver.live_domains(), domains);
  }
}

// Its domains have real tables, out of a pool.
struct Pooled {
  emulator::Ram ram;
  std::unique_ptr<PagePool> pool;
};
struct PooledSystem : Pooled, FakeSystem {
  PooledSystem() {
    EXPECT_TRUE(ram.add(Pa(0), 1 << 20));
    pool = *PagePool::create(ram, Pa(0), 1 << 20);
    driver->pool = pool.get();
  }
};

TEST(Memory, WithoutItThereIsNoIommu) {
  auto driver = std::make_unique<FakeDriver>();
  const HeapRefusal refusal;
  EXPECT_EQ(Iommu::create(std::move(driver)).error(), kNone);
}

TEST(Memory, WithoutItThereIsNoDomain) {
  FakeSystem system;
  for (const DomainType type : {DomainType::kBlocked, DomainType::kUnmanaged}) {
    std::unique_ptr<Domain> made;
    EXPECT_EQ(refuse_each(*system.driver,
                          [&] {
                            auto domain = system.iommu->create_domain(type);
                            if (!domain) return domain.error();
                            made = std::move(*domain);
                            return std::errc{};
                          }),
              type == DomainType::kBlocked ? 2u : 1u);
  }
}

TEST(Memory, WithoutItThereIsNoDevice) {
  for (const DomainType type : {DomainType::kIdentity, DomainType::kDma}) {
    FakeSystem system(type);
    // The driver keeps its list.
    system.iommu->remove_device(system.add("first"));
    const std::uint64_t failures = refuse_each(*system.driver, [&] {
      const auto device = system.iommu->add_device(
          {.name = "nic",
           .streams = {{StreamId(0)}},
           .reserved = {{Iova(0x1000), 0x1000, ReservedType::kDirect, kReadWrite}}});
      return device ? std::errc{} : device.error();
    });
    // The device, its regions and PASIDs, the group, its domain and what the driver need not make.
    EXPECT_EQ(failures, type == DomainType::kIdentity ? 6u : 5u);
    ASSERT_EQ(system.iommu->groups().size(), 1u);
    EXPECT_EQ(system.iommu->groups().front()->number(), 1u);
  }
}

TEST(Memory, WithoutItNoGroupsAreMerged) {
  FakeSystem system(DomainType::kDma);
  Device& nic = system.add("nic");
  Device& disk = system.add("disk");
  EXPECT_EQ(refuse_each(*system.driver,
                        [&] {
                          const auto device =
                              system.iommu->add_device({.name = "bridge",
                                                        .streams = {{StreamId(9)}},
                                                        .not_isolated_from = {&nic, &disk}});
                          return device ? std::errc{} : device.error();
                        }),
            3u);
  EXPECT_EQ(&nic.group(), &disk.group());
}

TEST(Memory, WithoutItNoPasidIsAttached) {
  FakeSystem system;
  Device& nic = system.add("nic", {.pasid_bits = 4});
  const auto domain = system.domain();
  EXPECT_EQ(refuse_each(*system.driver,
                        [&] {
                          const auto attached = nic.attach_pasid(SubstreamId(1), *domain);
                          return attached ? std::errc{} : attached.error();
                        }),
            1u);
}

TEST(Memory, IsNotNeededToAttachAndToMap) {
  PooledSystem system;
  Device& nic = system.add("nic");
  system.driver->take_calls();
  const auto domain = system.domain();
  const HeapRefusal refusal;
  EXPECT_TRUE(nic.group().attach(*domain));
  EXPECT_TRUE(domain->map(Iova(0x1000), Pa(0x1000), 0x5000, kReadWrite));
  const ScatterEntry pieces[] = {{Pa(0x9000), 0x1000}, {Pa(0x1000), 0x1000}};
  EXPECT_TRUE(domain->map_sg(Iova(0x10000), pieces, kReadWrite));
  EXPECT_EQ(domain->unmap(Iova(0x1000), 0x5000), 0x5000u);
  EXPECT_TRUE(nic.group().detach());
  EXPECT_TRUE(nic.group().claim(system.driver));
  nic.group().release(system.driver);
  EXPECT_EQ(refusal.refused(), 0u);
}

TEST(Memory, WithoutTablesAMapLeavesNothing) {
  PooledSystem system;
  const auto domain = system.domain();
  // Pages on both sides of where the tables of all levels end.
  const Iova at((1ull << 39) - 0x2000);
  for (std::uint64_t granted = 0; granted < 6; ++granted) {
    system.pool->grant(granted);
    EXPECT_EQ(domain->map(at, Pa(0x1000), 0x4000, kReadWrite).error(), kNone) << granted;
    system.pool->grant(PagePool::kUnlimited);
    EXPECT_EQ(domain->driver_domain().tables()->live_tables(), granted);
    domain->trim();
    EXPECT_EQ(domain->driver_domain().tables()->live_tables(), 0u);
    for (std::uint64_t page = 0; page < 4; ++page) {
      EXPECT_EQ(domain->iova_to_phys(Iova(at.value + page * 0x1000)), std::nullopt);
    }
  }
  system.pool->grant(6);
  EXPECT_TRUE(domain->map(at, Pa(0x1000), 0x4000, kReadWrite));
  system.pool->grant(PagePool::kUnlimited);
}

// A map() that fails when a part was mapped, in tables of pages of 4 KiB: of level 1, 2 and 3, an
// entry of which leads to 1 GiB, 2 MiB or a page.
class FailedMap : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kPage = 1 << 12, k2M = 1 << 21, k1G = 1 << 30;
  static constexpr std::uint64_t k512G = std::uint64_t{1} << 39;

  // Tables there are after it that there were not before; trim() gives these back and no others.
  std::uint64_t tables_left_by(std::errc expected, const std::function<std::errc()>& map) {
    const IoPgtable& tables = *domain_->driver_domain().tables();
    domain_->trim();
    const std::uint64_t before = tables.live_tables();
    EXPECT_EQ(map(), expected);
    const std::uint64_t after = tables.live_tables();
    domain_->trim();
    EXPECT_EQ(tables.live_tables(), before);
    EXPECT_EQ(system_.pool->live(), before + 1) << "the first one";
    return after - before;
  }
  std::uint64_t tables_left(std::errc expected, std::uint64_t iova, std::uint64_t pa,
                            std::uint64_t size) {
    const std::uint64_t left = tables_left_by(
        expected, [&] { return domain_->map(Iova(iova), Pa(pa), size, kReadWrite).error(); });
    EXPECT_EQ(domain_->iova_to_phys(Iova(iova)), std::nullopt);
    return left;
  }

  PooledSystem system_;
  std::unique_ptr<Domain> domain_ = system_.domain();
};

TEST_F(FailedMap, LeavesTablesOfItsFirstAddressAlone) {
  ASSERT_TRUE(domain_->map(Iova(k512G + kPage), Pa(0), kPage, kReadWrite));
  const std::uint64_t at = k512G - 2 * kPage;
  EXPECT_EQ(tables_left(std::errc::file_exists, at, kPage, 4 * kPage), 3u);
  const ScatterEntry pieces[] = {{Pa(kPage), 2 * kPage}, {Pa(0), 2 * kPage}};
  const auto map_sg = [&] { return domain_->map_sg(Iova(at), pieces, kReadWrite).error(); };
  EXPECT_EQ(tables_left_by(std::errc::file_exists, map_sg), 3u);
  EXPECT_EQ(domain_->iova_to_phys(Iova(k512G + kPage)), Pa(0)) << "what was there stays";
}

TEST_F(FailedMap, LeavesTwoTablesOfALevelAtMost) {
  fake(*domain_).sync_map_error = std::errc::io_error;
  EXPECT_EQ(tables_left(std::errc::io_error, k512G - 2 * kPage, kPage, 4 * kPage), 6u);
  // Those between are gone: blocks could take their places.
  fake(*domain_).sync_map_error = std::errc::io_error;
  EXPECT_EQ(tables_left(std::errc::io_error, k512G - 4 * k2M - kPage, 0, 8 * k2M + 2 * kPage), 6u);
}

TEST_F(FailedMap, LeavesAllTablesWhosePlaceNoBlockCanTake) {
  fake(*domain_).sync_map_error = std::errc::io_error;
  EXPECT_EQ(tables_left(std::errc::io_error, 0, 0, 5 * k512G), 5u);
}

TEST_F(FailedMap, LeavesNoTableWhereNothingWasMapped) {
  ASSERT_TRUE(domain_->map(Iova(k512G), Pa(0), kPage, kReadWrite));
  ASSERT_TRUE(domain_->map(Iova(k1G), Pa(0), k1G, kReadWrite));
  EXPECT_EQ(
      tables_left_by(std::errc::file_exists,
                     [&] { return domain_->map(Iova(k512G), Pa(kPage), k2M, kReadWrite).error(); }),
      0u);
  EXPECT_EQ(
      tables_left_by(std::errc::file_exists,
                     [&] { return domain_->map(Iova(k1G), Pa(kPage), k2M, kReadWrite).error(); }),
      0u);
}

TEST(Memory, OfTablesThatMapNothingIsGivenBackByTrimWhenTheyAreForgotten) {
  PooledSystem system;
  const auto domain = system.domain();
  const IoPgtable& tables = *domain->driver_domain().tables();
  ASSERT_TRUE(domain->map(Iova(0x1000), Pa(0x1000), 0x1000, kReadWrite));
  const std::uint64_t before = tables.live_tables();
  const std::uint64_t live = system.pool->live();
  // One table of pages each, below several of the level above.
  constexpr std::uint64_t kStride = std::uint64_t{1} << 29;
  for (std::uint64_t n = 1; n != 9; ++n) {
    ASSERT_TRUE(domain->map(Iova(n * kStride), Pa(0x1000), 0x1000, kReadWrite));
  }
  domain->trim();
  EXPECT_GE(tables.live_tables(), before + 8) << "they map something";
  for (std::uint64_t n = 1; n != 9; ++n) {
    ASSERT_EQ(domain->unmap(Iova(n * kStride), 0x1000), 0x1000u);
  }
  EXPECT_GE(tables.live_tables(), before + 8) << "for the next map";
  EXPECT_EQ(fake(*domain).take_walks().size(), 0u);
  domain->trim();
  EXPECT_EQ(tables.live_tables(), before);
  EXPECT_EQ(system.pool->live(), live);
  EXPECT_GE(fake(*domain).take_walks().size(), 8u);
  EXPECT_EQ(domain->iova_to_phys(Iova(0x1000)), Pa(0x1000));
  const auto identity = system.domain(DomainType::kIdentity);
  identity->trim();
}

// There are no rights above those of Prot.
TEST(Memory, IsNotMappedWithRightsThatThereAreNot) {
  PooledSystem system;
  const auto domain = system.domain();
  constexpr Prot kStrange = kReadWrite | static_cast<Prot>(0x40);
  for (int twice = 0; twice != 2; ++twice) {
    for (const std::uint64_t size : {0x1000u, 0x3000u, 0x20'0000u}) {
      EXPECT_EQ(domain->map(Iova(0x20'0000), Pa(0x20'0000), size, kStrange).error(),
                std::errc::invalid_argument);
    }
    const ScatterEntry piece{Pa(0x1000), 0x1000};
    EXPECT_EQ(domain->map_sg(Iova(0x1000), {&piece, 1}, kStrange).error(),
              std::errc::invalid_argument);
    // From now on pages go the short way.
    ASSERT_TRUE(
        domain->map(Iova(0x20'1000 + std::uint64_t(twice) * 0x1000), Pa(0), 0x1000, kReadWrite));
    EXPECT_EQ(domain->map(Iova(0x20'3000), Pa(0), 0x1000, kStrange).error(),
              std::errc::invalid_argument);
  }
  EXPECT_EQ(domain->iova_to_phys(Iova(0x20'3000)), std::nullopt);
}

}  // namespace
}  // namespace smmu::iommu::memory_test
