#include "smmu/iommu/msi_vectors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "smmu/iommu/fixed_window_controller.h"
#include "test/heap/heap.h"
#include "test/msi/doorbells.h"

namespace smmu::iommu::msi_vectors_test {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr DeviceId kNicId{0x107};

// A controller that knows no devices.
class Frame final : public MsiController {
 public:
  Doorbell doorbell() const override { return {.address = Pa(0x802'0040)}; }
  bool isolates() const override { return false; }
  Result<MsiRange, std::errc> allocate(DeviceId, std::uint32_t count) override {
    ++live;
    return MsiRange{64, count};
  }
  void free(DeviceId, MsiRange) override { --live; }
  std::optional<std::uint32_t> interrupt(DeviceId, std::uint32_t data) const override {
    return data;
  }
  int live = 0;
};

class Vectors : public ::testing::Test {
 protected:
  Device& attached(const std::string& name, MsiController* controller) {
    Device& device = system_.add(name, {.msi_controller = controller, .msi_device = kNicId});
    EXPECT_TRUE(device.group().attach(*domain_));
    return device;
  }
  Device& nic() { return attached("nic", its_.its.get()); }

  FakeIts its_;
  FakeIts other_its_{Pa(0x8'080b'0000)};
  FakeSystem system_;
  std::unique_ptr<Domain> domain_ = system_.domain();
};

TEST_F(Vectors, MessagesAreTheBoundAddressAndANumberEach) {
  Device& nic = this->nic();
  alloc_window(*domain_);
  {
    const auto vectors = MsiVectors::create(nic, 4);
    ASSERT_TRUE(vectors);
    EXPECT_EQ(vectors->count(), 4u);
    EXPECT_TRUE(vectors->is_bound());
    for (std::uint32_t i = 0; i != 4; ++i) {
      const auto message = vectors->message(i);
      ASSERT_TRUE(message);
      EXPECT_EQ(domain_->iova_to_phys(message->address), kTranslater);
      EXPECT_EQ(message->data, i);
      EXPECT_EQ(vectors->interrupt(i), its_.events.intids().at({kNicId.value, i}));
    }
    EXPECT_EQ(vectors->message(4).error(), std::errc::invalid_argument);
    EXPECT_EQ(vectors->interrupt(4), std::nullopt);
    EXPECT_EQ(vectors->message(UINT32_MAX).error(), std::errc::invalid_argument);
    EXPECT_THAT(leaves(*domain_), SizeIs(1));
  }
  EXPECT_THAT(leaves(*domain_), IsEmpty());
  EXPECT_THAT(its_.events.intids(), IsEmpty());
}

TEST_F(Vectors, AddressesAreHalvedAsRegistersTakeThem) {
  const MsiMessage message{Iova(0x12'3456'7040), 5};
  EXPECT_EQ(message.address_low(), 0x3456'7040u);
  EXPECT_EQ(message.address_high(), 0x12u);
}

TEST_F(Vectors, NeedAControllerAWindowAndNumbers) {
  Device& mute = attached("mute", nullptr);
  EXPECT_EQ(MsiVectors::create(mute, 1).error(), std::errc::no_such_device);
  Device& nic = this->nic();
  EXPECT_EQ(MsiVectors::create(nic, 1).error(), std::errc::invalid_argument) << "no window";
  EXPECT_THAT(its_.events.intids(), IsEmpty()) << "the numbers were given back";
  alloc_window(*domain_);
  EXPECT_EQ(MsiVectors::create(nic, 0).error(), std::errc::invalid_argument);
  EXPECT_EQ(MsiVectors::create(nic, 65).error(), std::errc::invalid_argument);
  EXPECT_THAT(leaves(*domain_), IsEmpty());
}

// What an interrupt handler may have to do when there is no memory, and no time.
TEST_F(Vectors, ComposingAsksForNoMemoryAndDoesNotTouchTheTables) {
  Device& nic = this->nic();
  alloc_window(*domain_);
  const auto vectors = MsiVectors::create(nic, 4);
  ASSERT_TRUE(vectors);
  const std::uint64_t maps = fake(*domain_).leaves().maps();
  its_.events.take_calls();
  const std::uint64_t before = heap_counts().asked;
  const auto message = vectors->message(3);
  const auto interrupt = vectors->interrupt(3);
  EXPECT_EQ(heap_counts().asked, before);
  EXPECT_TRUE(message && interrupt);
  EXPECT_EQ(fake(*domain_).leaves().maps(), maps);
  EXPECT_THAT(its_.events.take_calls(), IsEmpty());
}

TEST_F(Vectors, OfADeviceThatHasMovedHaveNoMessagesUntilRenewed) {
  Device& nic = this->nic();
  alloc_window(*domain_);
  auto vectors = std::move(*MsiVectors::create(nic, 2));
  const auto other = system_.domain();
  alloc_window(*other, Iova(0x900'0000));

  vectors.unbind();
  EXPECT_THAT(leaves(*domain_), IsEmpty());
  EXPECT_EQ(vectors.message(0).error(), std::errc::invalid_argument);
  EXPECT_THAT(its_.events.intids(), SizeIs(2)) << "the interrupts are still its own";
  EXPECT_TRUE(nic.group().detach());
  domain_.reset();
  ASSERT_TRUE(nic.group().attach(*other));
  EXPECT_FALSE(vectors.is_bound());
  ASSERT_TRUE(vectors.renew());
  const auto message = vectors.message(1);
  ASSERT_TRUE(message);
  EXPECT_GE(message->address, Iova(0x900'0000));
  EXPECT_EQ(other->iova_to_phys(message->address), kTranslater);
  EXPECT_EQ(message->data, 1u);
  vectors.unbind();  // before the other domain goes
  EXPECT_TRUE(nic.group().detach());
}

TEST_F(Vectors, AreNotComposedForADomainThatTheDeviceHasLeft) {
  Device& nic = this->nic();
  alloc_window(*domain_);
  auto vectors = std::move(*MsiVectors::create(nic, 1));
  const auto there = *vectors.message(0);
  EXPECT_TRUE(nic.group().detach());
  EXPECT_EQ(vectors.message(0).error(), std::errc::invalid_argument);
  ASSERT_TRUE(vectors.renew());
  EXPECT_EQ(vectors.message(0)->address, Iova(kTranslater.value)) << "the default is identity";
  EXPECT_THAT(leaves(*domain_), IsEmpty()) << "what was bound before is not any more";
  ASSERT_TRUE(nic.group().attach(*domain_));
  EXPECT_FALSE(vectors.message(0)) << "the PA of the doorbell is anything in this domain";
  ASSERT_TRUE(vectors.renew());
  EXPECT_EQ(*vectors.message(0), there);
  vectors.unbind();
  EXPECT_TRUE(nic.group().detach());
}

TEST_F(Vectors, ThatCannotBeRenewedAreAsTheyWere) {
  Device& nic = this->nic();
  alloc_window(*domain_);
  auto vectors = std::move(*MsiVectors::create(nic, 1));
  const auto bound = *vectors.message(0);
  const auto windowless = system_.domain();
  EXPECT_TRUE(nic.group().detach());
  ASSERT_TRUE(nic.group().attach(*windowless));
  EXPECT_EQ(vectors.renew().error(), std::errc::invalid_argument);
  EXPECT_THAT(leaves(*domain_), SizeIs(1));
  EXPECT_TRUE(nic.group().detach());
  ASSERT_TRUE(nic.group().attach(*domain_));
  EXPECT_EQ(*vectors.message(0), bound) << "it is back where the binding is";
}

TEST_F(Vectors, ThatAreBoundWhereTheDeviceIsAreNotBoundAgain) {
  Device& nic = this->nic();
  alloc_window(*domain_);
  auto vectors = std::move(*MsiVectors::create(nic, 1));
  const std::uint64_t maps = fake(*domain_).leaves().maps();
  ASSERT_TRUE(vectors.renew());
  EXPECT_EQ(fake(*domain_).leaves().maps(), maps);
}

TEST_F(Vectors, GoToAnotherItsWithoutAMomentThatNoDoorbellIsBound) {
  Device& nic = this->nic();
  alloc_window(*domain_);
  auto vectors = std::move(*MsiVectors::create(nic, 3));
  const auto before = *vectors.message(2);
  {
    const auto old = vectors.retarget(*other_its_.its);
    ASSERT_TRUE(old);
    EXPECT_EQ(*old->message(2), before) << "what the device has still arrives";
    EXPECT_EQ(domain_->iova_to_phys(before.address), kTranslater);
    const auto after = vectors.message(2);
    ASSERT_TRUE(after);
    EXPECT_EQ(domain_->iova_to_phys(after->address), Pa(0x8'080b'0040));
    EXPECT_EQ(&vectors.controller(), other_its_.its.get());
    EXPECT_THAT(leaves(*domain_), SizeIs(2));
  }
  EXPECT_THAT(leaves(*domain_), SizeIs(1));
  EXPECT_THAT(its_.events.intids(), IsEmpty());
  EXPECT_THAT(other_its_.events.intids(), SizeIs(3));
}

TEST_F(Vectors, StayWhereTheyAreIfTheOtherControllerCannot) {
  Device& nic = this->nic();
  ASSERT_TRUE(domain_->alloc_reserved_iova_domain(kWindowBase, 4096, 12));
  auto vectors = std::move(*MsiVectors::create(nic, 3));
  const auto before = *vectors.message(0);
  EXPECT_EQ(vectors.retarget(*other_its_.its).error(), std::errc::not_enough_memory)
      << "the window has one page";
  FakeIts small(Pa(0x8'080d'0000), 2);
  EXPECT_EQ(vectors.retarget(*small.its).error(), std::errc::invalid_argument);
  EXPECT_EQ(*vectors.message(0), before);
  EXPECT_THAT(other_its_.events.intids(), IsEmpty());
  EXPECT_THAT(its_.events.intids(), SizeIs(3));
}

TEST_F(Vectors, DoNotGoToAControllerThatIsolatesLess) {
  Frame frame;
  Device& nic = this->nic();
  alloc_window(*domain_);
  auto vectors = std::move(*MsiVectors::create(nic, 1));
  EXPECT_EQ(vectors.retarget(frame).error(), std::errc::operation_not_permitted);
  EXPECT_EQ(frame.live, 0);
  Device& disk = attached("disk", &frame);
  auto unsafe = std::move(*MsiVectors::create(disk, 1));
  EXPECT_TRUE(unsafe.retarget(*its_.its)) << "the other way round it may";
}

TEST_F(Vectors, OfAFixedWindowNeedNoWindowOfTheDomain) {
  EventLog handles;
  const auto fixed = *FixedWindowController::create({.handles = &handles});
  Device& nic = system_.add(
      "nic", {.reserved = {fixed->region()}, .msi_controller = fixed.get(), .msi_device = kNicId});
  ASSERT_TRUE(nic.group().attach(*domain_));
  const auto vectors = MsiVectors::create(nic, 2);
  ASSERT_TRUE(vectors);
  EXPECT_EQ(*vectors->message(1), (MsiMessage{Iova(0xfee0'0000), 1}));
  EXPECT_EQ(vectors->interrupt(1), 0x21u);
  EXPECT_THAT(leaves(*domain_), IsEmpty());
  EXPECT_EQ(domain_->msi_geometry(), std::nullopt);
}

TEST_F(Vectors, MoveAndGoOnce) {
  Device& nic = this->nic();
  alloc_window(*domain_);
  auto first = std::move(*MsiVectors::create(nic, 1));
  auto second = std::move(*MsiVectors::create(nic, 2));
  const auto message = *first.message(0);
  second = std::move(first);
  EXPECT_EQ(*second.message(0), message);
  EXPECT_EQ(first.count(), 0u);      // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(first.message(0));    // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(first.interrupt(0));  // NOLINT(bugprone-use-after-move)
  EXPECT_THAT(its_.events.intids(), SizeIs(1)) << "what was assigned to is freed";
  MsiVectors& self = second;
  second = std::move(self);
  EXPECT_EQ(*second.message(0), message);
}

TEST_F(Vectors, WithoutMemoryTakeNothing) {
  Device& nic = this->nic();
  alloc_window(*domain_);
  for (std::uint64_t granted = 0;; ++granted) {
    std::optional<Result<MsiVectors, std::errc>> vectors;
    {
      const HeapRefusal refusal(granted);
      vectors = MsiVectors::create(nic, 2);
    }
    if (*vectors) {
      EXPECT_GT(granted, 3u) << "numbers and a binding";
      break;
    }
    EXPECT_EQ(vectors->error(), std::errc::not_enough_memory);
    EXPECT_THAT(its_.events.intids(), IsEmpty());
    EXPECT_EQ(its_.events.devices(), 0u);
    EXPECT_THAT(leaves(*domain_), IsEmpty());
  }
}

TEST_F(Vectors, ThatWereMovedFromHaveNothingToRenewOrRetarget) {
  Device& nic = this->nic();
  alloc_window(*domain_);
  auto vectors = std::move(*MsiVectors::create(nic, 2));
  const MsiVectors moved(std::move(vectors));
  EXPECT_EQ(vectors.renew().error(),
            std::errc::invalid_argument);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(vectors.retarget(*its_.its).error(), std::errc::invalid_argument);
  EXPECT_TRUE(moved.is_bound());
}

}  // namespace
}  // namespace smmu::iommu::msi_vectors_test
