#include "smmu/iommu/msi_binding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "test/heap/heap.h"
#include "test/msi/doorbells.h"

namespace smmu::iommu::msi_binding_test {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Doorbell kDoorbell{.address = kTranslater};
constexpr std::uint64_t kPage = 4096;

class Binding : public ::testing::Test {
 protected:
  Device& attached(const std::string& name, Domain& domain, DeviceConfig config = {}) {
    Device& device = system_.add(name, std::move(config));
    EXPECT_TRUE(device.group().attach(domain));
    return device;
  }

  FakeSystem system_;
  std::unique_ptr<Domain> domain_ = system_.domain();
};

TEST_F(Binding, InAReservedWindowMapsTheDoorbellAsADeviceThatIsWritten) {
  Device& nic = attached("nic", *domain_);
  alloc_window(*domain_);
  {
    const auto binding = MsiBinding::create(nic, kDoorbell);
    ASSERT_TRUE(binding);
    EXPECT_TRUE(binding->is_current());
    EXPECT_GE(binding->address(), kWindowBase);
    EXPECT_LT(binding->address().value, kWindowBase.value + kWindowSize);
    EXPECT_EQ(domain_->iova_to_phys(binding->address()), kTranslater);
    const auto mapped = leaves(*domain_);
    ASSERT_THAT(mapped, SizeIs(1));
    EXPECT_EQ(mapped.begin()->second.prot, Prot::kWrite | Prot::kNoExec | Prot::kMmio);
    EXPECT_EQ(mapped.begin()->second.size, kPage) << "no more than the register needs";
  }
  EXPECT_THAT(leaves(*domain_), IsEmpty());
}

TEST_F(Binding, OfOneDoorbellIsMappedOnceAndAsLongAsTheLastIsThere) {
  Device& nic = attached("nic", *domain_);
  Device& disk = attached("disk", *domain_);
  alloc_window(*domain_);
  std::optional<MsiBinding> first = std::move(*MsiBinding::create(nic, kDoorbell));
  std::optional<MsiBinding> second = std::move(*MsiBinding::create(disk, kDoorbell));
  EXPECT_EQ(first->address(), second->address());
  EXPECT_THAT(leaves(*domain_), SizeIs(1));
  first.reset();
  EXPECT_EQ(domain_->iova_to_phys(second->address()), kTranslater);
  second.reset();
  EXPECT_THAT(leaves(*domain_), IsEmpty());
}

TEST_F(Binding, OfTwoDoorbellsAreTwoPages) {
  Device& nic = attached("nic", *domain_);
  alloc_window(*domain_);
  const auto first = MsiBinding::create(nic, kDoorbell);
  const auto second = MsiBinding::create(nic, {.address = Pa(kTranslater.value + 0x1'0000)});
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->address(), second->address());
  EXPECT_THAT(leaves(*domain_), SizeIs(2));
}

TEST_F(Binding, WithoutAWindowIsRefused) {
  Device& nic = attached("nic", *domain_);
  EXPECT_EQ(MsiBinding::create(nic, kDoorbell).error(), std::errc::invalid_argument);
  ASSERT_TRUE(domain_->alloc_reserved_iova_domain(kWindowBase, kWindowSize, 12,
                                                  Prot::kRead | Prot::kNoExec));
  EXPECT_EQ(MsiBinding::create(nic, kDoorbell).error(), std::errc::invalid_argument)
      << "a window that may not be written";
  EXPECT_THAT(leaves(*domain_), IsEmpty());
}

TEST_F(Binding, InAWindowThatIsFullIsRefused) {
  Device& nic = attached("nic", *domain_);
  ASSERT_TRUE(domain_->alloc_reserved_iova_domain(kWindowBase, kPage, 12));
  std::optional<MsiBinding> first = std::move(*MsiBinding::create(nic, kDoorbell));
  const Doorbell other{.address = Pa(0x802'0040)};
  EXPECT_EQ(MsiBinding::create(nic, other).error(), std::errc::not_enough_memory);
  first.reset();
  EXPECT_TRUE(MsiBinding::create(nic, other));
}

TEST_F(Binding, HandsOnWhatTheTablesAndTheDriverSay) {
  Device& nic = attached("nic", *domain_);
  alloc_window(*domain_);
  fake(*domain_).leaves().fail_map(fake(*domain_).leaves().maps(), std::errc::not_enough_memory);
  EXPECT_EQ(MsiBinding::create(nic, kDoorbell).error(), std::errc::not_enough_memory);
  fake(*domain_).sync_map_error = std::errc::io_error;
  EXPECT_EQ(MsiBinding::create(nic, kDoorbell).error(), std::errc::io_error);
  EXPECT_THAT(leaves(*domain_), IsEmpty());
}

TEST_F(Binding, InAnIdentityDomainIsTheAddressItself) {
  Device& nic = system_.add("nic");
  const auto binding = MsiBinding::create(nic, kDoorbell);
  ASSERT_TRUE(binding);
  EXPECT_EQ(binding->address(), Iova(kTranslater.value));
  EXPECT_TRUE(binding->is_current());
  const auto other = system_.domain(DomainType::kIdentity);
  ASSERT_TRUE(nic.group().attach(*other));
  EXPECT_TRUE(binding->is_current()) << "it is the same in any";
  EXPECT_TRUE(nic.group().detach());
  ASSERT_TRUE(nic.group().attach(*domain_));
  EXPECT_FALSE(binding->is_current());
}

TEST_F(Binding, ThatBypassesTheSmmuIsTheAddressItselfWhereverTheDeviceIs) {
  Device& nic = attached("nic", *domain_);
  const Doorbell fixed{.address = Pa(0xfee0'0000), .path = DoorbellPath::kBypasses};
  const auto binding = MsiBinding::create(nic, fixed);
  ASSERT_TRUE(binding);
  EXPECT_EQ(binding->address(), Iova(0xfee0'0000));
  EXPECT_THAT(leaves(*domain_), IsEmpty()) << "no window was asked for, none is used";
  ASSERT_EQ(domain_->msi_geometry(), std::nullopt);
  EXPECT_TRUE(nic.group().detach());
  ASSERT_TRUE(nic.group().claim(this));
  EXPECT_TRUE(binding->is_current()) << "even where all is blocked";
  EXPECT_TRUE(MsiBinding::create(nic, fixed));
  nic.group().release(this);
}

TEST_F(Binding, InAnMsiRegionOfTheDeviceIsTheAddressItself) {
  const ReservedRegion region{Iova(kTranslater.value), 4, ReservedType::kMsi, Prot::kNone};
  Device& nic = attached("nic", *domain_, {.reserved = {region}});
  alloc_window(*domain_);
  const auto binding = MsiBinding::create(nic, kDoorbell);
  ASSERT_TRUE(binding);
  EXPECT_EQ(binding->address(), Iova(kTranslater.value));
  EXPECT_THAT(leaves(*domain_), IsEmpty());
  for (const Pa beside : {Pa(kTranslater.value - 4), Pa(kTranslater.value + 4)}) {
    const auto translated = MsiBinding::create(nic, {.address = beside});
    ASSERT_TRUE(translated);
    EXPECT_NE(translated->address(), Iova(beside.value));
    EXPECT_EQ(domain_->iova_to_phys(translated->address()), beside);
  }
  const auto larger = MsiBinding::create(nic, {.address = kTranslater, .size = 8});
  ASSERT_TRUE(larger);
  EXPECT_EQ(domain_->iova_to_phys(larger->address()), kTranslater) << "half of it is outside";
}

TEST_F(Binding, InARegionOfAnotherKindIsMappedAsEver) {
  const ReservedRegion region{Iova(kTranslater.value), 4, ReservedType::kReserved, Prot::kNone};
  Device& nic = attached("nic", *domain_, {.reserved = {region}});
  alloc_window(*domain_);
  const auto binding = MsiBinding::create(nic, kDoorbell);
  ASSERT_TRUE(binding);
  EXPECT_EQ(domain_->iova_to_phys(binding->address()), kTranslater);
}

TEST_F(Binding, WhereNothingArrivesOrTheAddressesAreAnothersIsNotSupported) {
  Device& nic = system_.add("nic");
  const auto blocked = system_.domain(DomainType::kBlocked);
  ASSERT_TRUE(nic.group().attach(*blocked));
  EXPECT_EQ(MsiBinding::create(nic, kDoorbell).error(), std::errc::operation_not_supported);
  EXPECT_TRUE(nic.group().detach());
  ASSERT_TRUE(nic.group().claim(this));
  EXPECT_EQ(MsiBinding::create(nic, kDoorbell).error(), std::errc::operation_not_supported);
  nic.group().release(this);
  const auto nested = system_.domain(DomainType::kNested, {.parent = domain_.get()});
  ASSERT_TRUE(nic.group().attach(*nested));
  EXPECT_EQ(MsiBinding::create(nic, kDoorbell).error(), std::errc::operation_not_supported);
  EXPECT_TRUE(nic.group().detach());
}

class DmaBinding : public ::testing::TestWithParam<DomainType> {};

TEST_P(DmaBinding, IsMadeByWhoeverGivesOutItsAddresses) {
  FakeSystem system(GetParam());
  Device& nic = system.add("nic");
  Domain& domain = *nic.group().domain();
  ASSERT_EQ(domain.type(), GetParam());
  EXPECT_EQ(MsiBinding::create(nic, kDoorbell).error(), std::errc::operation_not_supported)
      << "nobody does";

  FakeSpace space;
  ASSERT_TRUE(domain.set_doorbell_space(space));
  {
    const auto binding = MsiBinding::create(nic, kDoorbell);
    ASSERT_TRUE(binding);
    EXPECT_EQ(binding->address(), Iova(0xffff'f040));
    EXPECT_THAT(space.bound(), SizeIs(1));
    EXPECT_TRUE(binding->is_current());
    FakeSpace other;
    EXPECT_EQ(domain.set_doorbell_space(other).error(), std::errc::file_exists);
    domain.clear_doorbell_space(other);
    EXPECT_TRUE(binding->is_current()) << "it is the other one's to say that it goes";
    domain.clear_doorbell_space(space);
    EXPECT_FALSE(binding->is_current());
    ASSERT_TRUE(domain.set_doorbell_space(other));
    EXPECT_FALSE(binding->is_current()) << "somebody else gives the addresses out now";
    domain.clear_doorbell_space(other);
    ASSERT_TRUE(domain.set_doorbell_space(space));
    EXPECT_TRUE(binding->is_current());
  }
  EXPECT_THAT(space.bound(), IsEmpty());
  space.error = std::errc::not_enough_memory;
  EXPECT_EQ(MsiBinding::create(nic, kDoorbell).error(), std::errc::not_enough_memory);
}

INSTANTIATE_TEST_SUITE_P(All, DmaBinding, ::testing::Values(DomainType::kDma, DomainType::kDmaLazy),
                         [](const auto& test) {
                           return test.param == DomainType::kDma ? "Strict" : "Lazy";
                         });

TEST_F(Binding, IsOfOneDomainAndNotCurrentInAnother) {
  Device& nic = attached("nic", *domain_);
  alloc_window(*domain_);
  std::optional<MsiBinding> binding = std::move(*MsiBinding::create(nic, kDoorbell));
  const auto other = system_.domain();
  alloc_window(*other);
  EXPECT_TRUE(nic.group().detach());
  EXPECT_FALSE(binding->is_current());
  ASSERT_TRUE(nic.group().attach(*other));
  EXPECT_FALSE(binding->is_current());
  EXPECT_THAT(leaves(*other), IsEmpty());
  binding.reset();
  EXPECT_THAT(leaves(*domain_), IsEmpty()) << "it went from where it was made";
}

TEST_F(Binding, IsNotCurrentWithoutItsWindow) {
  Device& nic = attached("nic", *domain_);
  alloc_window(*domain_);
  std::optional<MsiBinding> binding = std::move(*MsiBinding::create(nic, kDoorbell));
  domain_->free_reserved_iova_domain();
  EXPECT_FALSE(binding->is_current());
  const Iova page(binding->address().value & ~(kPage - 1));
  ASSERT_TRUE(domain_->map(page, Pa(0x1000), kPage, kReadWrite));
  binding.reset();
  EXPECT_EQ(domain_->iova_to_phys(page), Pa(0x1000)) << "what is there now is somebody else's";
}

TEST_F(Binding, OfAWindowThatIsGoneIsNothingOfTheNextOne) {
  Device& nic = attached("nic", *domain_);
  alloc_window(*domain_);
  std::optional<MsiBinding> late = std::move(*MsiBinding::create(nic, kDoorbell));
  domain_->free_reserved_iova_domain();
  alloc_window(*domain_);
  const auto now = MsiBinding::create(nic, kDoorbell);
  ASSERT_TRUE(now);
  ASSERT_EQ(now->address(), late->address());
  EXPECT_FALSE(late->is_current());
  late.reset();
  EXPECT_TRUE(now->is_current());
  EXPECT_EQ(domain_->iova_to_phys(now->address()), kTranslater);
}

// As a container leaves it to a driver that did not unbind before the group was detached.
TEST_F(Binding, OfADomainThatIsGoneIsNothingOfTheNextOne) {
  Device& nic = system_.add("nic");
  std::optional<Iova> address;
  std::vector<MsiBinding> late;
  for (int round = 0; round != 8; ++round) {
    domain_ = system_.domain();  // often where the one of before was
    ASSERT_TRUE(nic.group().attach(*domain_));
    alloc_window(*domain_);
    for (const MsiBinding& binding : late) EXPECT_FALSE(binding.is_current()) << round;
    auto now = std::move(*MsiBinding::create(nic, kDoorbell));
    EXPECT_TRUE(now.is_current());
    EXPECT_EQ(address.value_or(now.address()), now.address());
    address = now.address();
    late.clear();
    EXPECT_TRUE(now.is_current()) << round;
    EXPECT_EQ(domain_->iova_to_phys(now.address()), kTranslater) << round;
    late.push_back(std::move(now));
    domain_.reset();
    EXPECT_FALSE(late.back().is_current()) << round;
  }
}

TEST_F(Binding, MovesAndIsUnboundOnce) {
  Device& nic = attached("nic", *domain_);
  alloc_window(*domain_);
  auto first = std::move(*MsiBinding::create(nic, kDoorbell));
  auto second = std::move(*MsiBinding::create(nic, {.address = Pa(0x802'0040)}));
  const Iova address = first.address();
  MsiBinding moved(std::move(first));
  EXPECT_EQ(moved.address(), address);
  EXPECT_TRUE(moved.is_current());
  EXPECT_FALSE(first.is_current());  // NOLINT(bugprone-use-after-move)
  EXPECT_THAT(leaves(*domain_), SizeIs(2));
  second = std::move(moved);
  EXPECT_THAT(leaves(*domain_), SizeIs(1)) << "what was assigned to is unbound";
  MsiBinding& self = second;
  second = std::move(self);
  EXPECT_TRUE(second.is_current());
  EXPECT_THAT(leaves(*domain_), SizeIs(1));
}

TEST_F(Binding, TakesNoMemoryThatMayNotBeRefused) {
  Device& nic = attached("nic", *domain_);
  alloc_window(*domain_);
  for (std::uint64_t granted = 0;; ++granted) {
    std::optional<Result<MsiBinding, std::errc>> binding;
    {
      const HeapRefusal refusal(granted);
      binding = MsiBinding::create(nic, kDoorbell);
    }
    if (*binding) {
      EXPECT_GT(granted, 0u);
      break;
    }
    EXPECT_EQ(binding->error(), std::errc::not_enough_memory);
    EXPECT_THAT(leaves(*domain_), IsEmpty());
  }
}

}  // namespace
}  // namespace smmu::iommu::msi_binding_test
