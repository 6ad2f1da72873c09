#include "smmu/iommu/domain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smmu/iommu/address_space.h"
#include "test/iommu/fake_driver.h"

namespace smmu::iommu::domain_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kInvalid = std::errc::invalid_argument;

class NoProgram final : public AddressSpace {
  PgtableRegisters registers() const override { return {}; }
  PageAnswer on_page_fault(const PageFault&) override { return PageAnswer::kInvalid; }
};

TEST(DomainOptions, AreHandedToTheDriver) {
  FakeSystem system;
  NoProgram program;
  const auto parent = system.domain(DomainType::kUnmanaged, {.nest_parent = true, .pasid = true});
  const auto nested =
      system.domain(DomainType::kNested, {.parent = parent.get(), .guest = {{3, 4}}});
  const auto sva = system.domain(DomainType::kSva, {.address_space = &program});
  EXPECT_TRUE(fake(*parent).request().nest_parent);
  EXPECT_TRUE(fake(*parent).request().pasid);
  EXPECT_TRUE(parent->nesting());
  EXPECT_EQ(fake(*nested).request().parent, &parent->driver_domain());
  EXPECT_EQ(fake(*nested).request().guest.words[1], 4u);
  EXPECT_EQ(fake(*sva).request().address_space, &program);
  EXPECT_FALSE(nested->is_paging());
  EXPECT_FALSE(sva->is_paging());
}

TEST(DomainOptions, ThatContradictTheTypeAreRefused) {
  FakeSystem system;
  FakeSystem other;
  NoProgram program;
  const auto parent = system.domain();
  const auto foreign = other.domain();
  const auto refused = [&](DomainType type, const DomainOptions& options) {
    return system.iommu->create_domain(type, options).error() == kInvalid;
  };
  EXPECT_TRUE(refused(DomainType::kSva, {}));
  EXPECT_TRUE(refused(DomainType::kUnmanaged, {.address_space = &program}));
  EXPECT_TRUE(refused(DomainType::kNested, {}));
  EXPECT_TRUE(refused(DomainType::kNested, {.parent = foreign.get()}));
  EXPECT_TRUE(refused(DomainType::kUnmanaged, {.parent = parent.get()}));
  EXPECT_TRUE(refused(DomainType::kIdentity, {.nest_parent = true}));
  EXPECT_TRUE(refused(DomainType::kBlocked, {.dirty_tracking = true}));
  EXPECT_TRUE(refused(DomainType::kBlocked, {.pasid = true}));
  Device& nic = other.add("nic");
  EXPECT_EQ(system.iommu->create_domain(DomainType::kUnmanaged, {}, &nic).error(), kInvalid);
  EXPECT_EQ(system.driver->live_domains(), 1u);
}

TEST(DomainOptions, ThatTheDriverDoesNotKnowAreRefusedByIt) {
  FakeSystem system;
  system.driver->create_error = std::errc::operation_not_supported;
  EXPECT_EQ(system.iommu->create_domain(DomainType::kUnmanaged).error(),
            std::errc::operation_not_supported);
  EXPECT_TRUE(system.iommu->create_domain(DomainType::kBlocked));
}

TEST(DomainAttributes, CanBeSetUntilItIsAttached) {
  FakeSystem system;
  system.driver->tables_are = TablesAre::kMadeAtFirstAttach;
  const auto domain = system.domain();
  EXPECT_TRUE(domain->set_nesting(true));
  EXPECT_TRUE(domain->nesting());
  EXPECT_TRUE(domain->set_quirks({.dirty = true}));
  EXPECT_TRUE(fake(*domain).quirks().dirty);
  ASSERT_TRUE(system.add("nic").group().attach(*domain));
  EXPECT_EQ(domain->set_nesting(false).error(), std::errc::operation_not_permitted);
  EXPECT_EQ(domain->set_quirks({}).error(), std::errc::operation_not_permitted);
  const auto dma = system.domain(DomainType::kDma);
  EXPECT_EQ(dma->set_quirks({}).error(), kInvalid);
  const auto identity = system.domain(DomainType::kIdentity);
  EXPECT_EQ(identity->set_nesting(true).error(), kInvalid);
}

TEST(DomainAttributes, TellWhatTheDriverSays) {
  FakeSystem system;
  Device& nic = system.add("nic");
  const auto domain = system.domain();
  const auto identity = system.domain(DomainType::kIdentity);
  EXPECT_EQ(domain->geometry(), (Geometry{Iova(0), Iova((1ull << 48) - 1)}));
  EXPECT_EQ(identity->geometry(), (Geometry{Iova(0), Iova(UINT64_MAX), false}));
  EXPECT_EQ(domain->page_sizes(), system.driver->page_sizes);
  EXPECT_EQ(name(domain->type()), "unmanaged");
  EXPECT_EQ(&domain->iommu(), system.iommu.get());
  EXPECT_TRUE(system.iommu->capable(Capability::kNoExec));
  EXPECT_FALSE(system.iommu->capable(Capability::kPciAts));
  EXPECT_TRUE(nic.capable(Capability::kPciAts));
  PageFault fault;
  fault.iova = Iova(0x5000);
  nic.respond(fault, PageAnswer::kSuccess);
  EXPECT_THAT(system.driver->take_calls(),
              ElementsAre("add nic", "attach nic identity", "respond nic 0x5000 success"));
}

class Dirty : public ::testing::Test, public DirtySink {
 protected:
  void dirty(Iova iova, std::uint64_t /*size*/) override {
    EXPECT_THAT(fake(*domain_).take_synced(), IsEmpty());
    told_.push_back(iova.value);
  }

  FakeSystem system_;
  std::unique_ptr<Domain> domain_ =
      system_.domain(DomainType::kUnmanaged, {.dirty_tracking = true});
  std::vector<std::uint64_t> told_;
};

TEST_F(Dirty, IsTrackedWhereTheDomainWasMadeForIt) {
  EXPECT_TRUE(domain_->set_dirty_tracking(true));
  EXPECT_TRUE(fake(*domain_).dirty_tracking());
  const auto other = system_.domain();
  EXPECT_EQ(other->set_dirty_tracking(true).error(), std::errc::operation_not_supported);
}

TEST_F(Dirty, IsForgottenByTheSmmuWhereItWasCleared) {
  MapTables& tables = fake(*domain_).leaves();
  ASSERT_TRUE(domain_->map(Iova(0x1000), Pa(0), 16 * 4096, kReadWrite));
  tables.write(Iova(0x3004));
  tables.write(Iova(0x8000));
  ASSERT_TRUE(domain_->read_and_clear_dirty(Iova(0x1000), 16 * 4096, DirtyBits::kKeep, *this));
  EXPECT_THAT(told_, ElementsAre(0x3000, 0x8000));
  EXPECT_THAT(fake(*domain_).take_synced(), IsEmpty());
  // What is written while the SMMU is told is told next time, since it is cleared by then.
  fake(*domain_).on_sync = [&](const UnmapBatch&) { tables.write(Iova(0x3000)); };
  told_.clear();
  ASSERT_TRUE(domain_->read_and_clear_dirty(Iova(0x1000), 16 * 4096, DirtyBits::kClear, *this));
  EXPECT_THAT(told_, ElementsAre(0x3000, 0x8000));
  EXPECT_THAT(fake(*domain_).take_synced(), ElementsAre(FakeDomain::Range{0x3000, 0x6000, 0x1000}));
  fake(*domain_).on_sync = nullptr;
  told_.clear();
  ASSERT_TRUE(domain_->read_and_clear_dirty(Iova(0x1000), 16 * 4096, DirtyBits::kClear, *this));
  EXPECT_THAT(told_, ElementsAre(0x3000));
  fake(*domain_).take_synced();
  ASSERT_TRUE(domain_->read_and_clear_dirty(Iova(0x1000), 16 * 4096, DirtyBits::kClear, *this));
  EXPECT_THAT(told_, ElementsAre(0x3000));
  EXPECT_THAT(fake(*domain_).take_synced(), IsEmpty());
}

TEST_F(Dirty, ThatWasToldBeforeAnErrorIsForgottenToo) {
  MapTables& tables = fake(*domain_).leaves();
  ASSERT_TRUE(domain_->map(Iova(0x1000), Pa(0), 4096, kReadWrite));
  tables.write(Iova(0x1000));
  EXPECT_EQ(domain_->read_and_clear_dirty(Iova(0x1000), 8192, DirtyBits::kClear, *this).error(),
            kInvalid);
  EXPECT_THAT(told_, ElementsAre(0x1000));
  EXPECT_THAT(fake(*domain_).take_synced(), ElementsAre(FakeDomain::Range{0x1000, 0x1000, 0x1000}));
}

TEST_F(Dirty, OfADomainWithoutTablesIsRefused) {
  const auto identity = system_.domain(DomainType::kIdentity);
  EXPECT_EQ(identity->read_and_clear_dirty(Iova(0), 4096, DirtyBits::kClear, *this).error(),
            kInvalid);
  system_.driver->tables_are = TablesAre::kMadeAtFirstAttach;
  const auto late = system_.domain();
  EXPECT_EQ(late->read_and_clear_dirty(Iova(0), 4096, DirtyBits::kClear, *this).error(),
            std::errc::no_such_device);
}

}  // namespace
}  // namespace smmu::iommu::domain_test
