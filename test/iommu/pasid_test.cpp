#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/iommu/fake_driver.h"

namespace smmu::iommu::pasid_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kInvalid = std::errc::invalid_argument;

class Pasid : public ::testing::Test {
 protected:
  FakeSystem system_;
  Device& nic_ = system_.add("nic", {.pasid_bits = 4});
  std::unique_ptr<Domain> domain_ = system_.domain();
};

TEST_F(Pasid, GoesToADomainOfItsOwn) {
  const auto other = system_.domain();
  ASSERT_TRUE(nic_.attach_pasid(SubstreamId(15), *domain_));
  ASSERT_TRUE(nic_.attach_pasid(SubstreamId(1), *other));
  EXPECT_EQ(nic_.pasid_domain(SubstreamId(15)), domain_.get());
  EXPECT_EQ(nic_.pasid_domain(SubstreamId(1)), other.get());
  EXPECT_EQ(nic_.pasid_domain(SubstreamId(2)), nullptr);
  EXPECT_EQ(nic_.group().domain(), &nic_.group().default_domain());
  EXPECT_EQ(domain_->attachments(), 0u);
  nic_.detach_pasid(SubstreamId(15));
  nic_.detach_pasid(SubstreamId(15));
  EXPECT_EQ(nic_.pasid_domain(SubstreamId(15)), nullptr);
  EXPECT_THAT(system_.driver->take_calls(),
              ElementsAre("add nic", "attach nic identity", "attach nic:15 unmanaged",
                          "attach nic:1 unmanaged", "attach nic:15 blocked"));
}

TEST_F(Pasid, ThatTheDeviceDoesNotHaveIsRefused) {
  Device& plain = system_.add("plain");
  Device& all = system_.add("all", {.pasid_bits = 32});
  EXPECT_EQ(nic_.attach_pasid(SubstreamId(0), *domain_).error(), kInvalid);
  EXPECT_EQ(nic_.attach_pasid(SubstreamId(16), *domain_).error(), kInvalid);
  EXPECT_EQ(plain.attach_pasid(SubstreamId(1), *domain_).error(), kInvalid);
  EXPECT_TRUE(all.attach_pasid(SubstreamId(UINT32_MAX), *domain_));
}

TEST_F(Pasid, IsAttachedOnce) {
  ASSERT_TRUE(nic_.attach_pasid(SubstreamId(1), *domain_));
  EXPECT_EQ(nic_.attach_pasid(SubstreamId(1), *domain_).error(),
            std::errc::device_or_resource_busy);
}

TEST_F(Pasid, DoesNotGoToADomainThatCannotBeForIt) {
  FakeSystem other;
  const auto foreign = other.domain();
  const auto blocked = system_.domain(DomainType::kBlocked);
  EXPECT_EQ(nic_.attach_pasid(SubstreamId(1), *foreign).error(), kInvalid);
  EXPECT_EQ(nic_.attach_pasid(SubstreamId(1), *blocked).error(), kInvalid);
  system_.driver->fail_attach(0, std::errc::operation_not_supported);
  EXPECT_EQ(nic_.attach_pasid(SubstreamId(1), *domain_).error(),
            std::errc::operation_not_supported);
  EXPECT_EQ(nic_.pasid_domain(SubstreamId(1)), nullptr);
  EXPECT_THAT(system_.driver->attached_pasids(), IsEmpty());
}

TEST_F(Pasid, OfADeviceThatIsNotAloneInItsGroupIsRefused) {
  system_.add("port", {.not_isolated_from = {&nic_}});
  EXPECT_EQ(nic_.attach_pasid(SubstreamId(1), *domain_).error(), kInvalid);
}

TEST_F(Pasid, OfAGroupThatIsOwnedIsForWhatTheOwnerAttached) {
  ASSERT_TRUE(nic_.group().claim(this));
  EXPECT_EQ(nic_.attach_pasid(SubstreamId(1), *domain_).error(),
            std::errc::device_or_resource_busy);
  ASSERT_TRUE(nic_.group().attach(*domain_, this));
  EXPECT_TRUE(nic_.attach_pasid(SubstreamId(1), *domain_));
}

TEST_F(Pasid, IsDetachedWhenItsDomainOrItsDeviceGoes) {
  ASSERT_TRUE(nic_.attach_pasid(SubstreamId(1), *domain_));
  ASSERT_TRUE(nic_.attach_pasid(SubstreamId(2), *domain_));
  domain_.reset();
  EXPECT_THAT(system_.driver->attached_pasids(), IsEmpty());
  EXPECT_EQ(nic_.pasid_domain(SubstreamId(2)), nullptr);
  domain_ = system_.domain();
  ASSERT_TRUE(nic_.attach_pasid(SubstreamId(2), *domain_));
  ASSERT_TRUE(nic_.attach_pasid(SubstreamId(1), *domain_));
  system_.driver->take_calls();
  system_.iommu->remove_device(nic_);
  EXPECT_THAT(system_.driver->take_calls(),
              ElementsAre("attach nic:1 blocked", "attach nic:2 blocked", "attach nic blocked",
                          "remove nic"));
}

}  // namespace
}  // namespace smmu::iommu::pasid_test
