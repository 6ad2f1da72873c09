// Reserved windows of a library that was built without the IOVA domain.
#include <gtest/gtest.h>

#include "test/iommu/fake_driver.h"

namespace smmu::iommu::domain_reserved_absent_test {
namespace {

TEST(DomainReservedAbsent, NobodyGetsAWindowAndNothingIsInTheWay) {
  FakeSystem system;
  const auto domain = system.domain();
  ASSERT_TRUE(system.add("nic").group().attach(*domain));
  EXPECT_EQ(domain->alloc_reserved_iova_domain(Iova(0x800'0000), 0x10000, 12).error(),
            std::errc::no_such_file_or_directory);
  EXPECT_EQ(domain->get_reserved_iova(Pa(0x1000), 4).error(), std::errc::no_such_file_or_directory);
  EXPECT_EQ(domain->bind_in_window(Pa(0x1000), 4).error(), std::errc::no_such_file_or_directory);
  domain->put_reserved_iova(Iova(0x800'0000));
  domain->put({Iova(0x800'0000), 1});
  EXPECT_FALSE(domain->is_in_window({Iova(0x800'0000), 1}));
  domain->free_reserved_iova_domain();
  EXPECT_FALSE(domain->in_reserved_window(Iova(0), ~std::uint64_t{0}));
  EXPECT_TRUE(domain->map(Iova(0x800'0000), Pa(0), 0x1000, kReadWrite));
}

TEST(DomainReservedAbsent, TheRegionThatTheDriverSetsAsideIsStillTold) {
  FakeSystem system;
  const auto domain = system.domain();
  DeviceConfig config;
  config.reserved = {{Iova(0xa00'0000), 0x1000, ReservedType::kSoftwareMsi, Prot::kNone}};
  ASSERT_TRUE(system.add("nic", config).group().attach(*domain));
  EXPECT_EQ(domain->msi_geometry(),
            (MsiGeometry{Iova(0xa00'0000), Iova(0xa00'0fff), 0x1000, true}));
}

}  // namespace
}  // namespace smmu::iommu::domain_reserved_absent_test
