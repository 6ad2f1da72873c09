// Messages of devices that somebody else's domain translates, from the allocation of an interrupt
// to the processor that it reaches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <vector>

#include "smmu/iommu/dma_space.h"
#include "smmu/iommu/msi_vectors.h"
#include "test/system_iommu/msi_board.h"

namespace smmu::testing::msi_passthrough_test {
namespace {

using emulator::InterruptMessage;
using iommu::DomainType;
using iommu::MsiMessage;
using iommu::MsiVectors;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr StreamId kNic(7);
constexpr StreamId kDisk(9);
constexpr std::uint8_t kDevice_nGnRE = 0x04;

class Faults final : public iommu::FaultHandler {
 public:
  iommu::FaultAction on_fault(iommu::Domain&, iommu::Device* device,
                              const iommu::Fault& fault) override {
    const std::lock_guard lock(mutex_);
    faults_.push_back(fault);
    devices_.push_back(device);
    return iommu::FaultAction::kTerminate;
  }
  std::vector<iommu::Fault> faults() const {
    const std::lock_guard lock(mutex_);
    return faults_;
  }
  std::vector<iommu::Device*> devices() const {
    const std::lock_guard lock(mutex_);
    return devices_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<iommu::Fault> faults_;
  std::vector<iommu::Device*> devices_;
};

class MsiPassthrough : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override { ASSERT_TRUE(nic_.group().attach(*domain_)); }

  // One message of the device and what becomes of it.
  void expect_arrives(const DmaDevice& device, const MsiVectors& vectors, std::uint32_t index,
                      StreamId stream = kNic) {
    const auto message = vectors.message(index);
    ASSERT_TRUE(message);
    const std::size_t before = board_.processors.messages().size();
    EXPECT_TRUE(MsiBoard::send(device, *message));
    const std::vector<InterruptMessage> raised = board_.processors.messages();
    ASSERT_EQ(raised.size(), before + 1);
    EXPECT_EQ(raised.back().intid, vectors.interrupt(index));
    EXPECT_EQ(raised.back().data, message->data);
    EXPECT_EQ(raised.back().requester->stream, stream);
    EXPECT_EQ(raised.back().device.value_or(MsiBoard::id(stream)), MsiBoard::id(stream));
  }

  MsiBoard board_{GetParam().generation, GetParam().messages};
  const DmaDevice nic_hardware_ = board_.hardware(kNic);
  std::unique_ptr<iommu::Domain> domain_ = board_.domain();
  iommu::Device& nic_ = board_.add(kNic);
};

class TranslatedMsi : public MsiPassthrough {};
class MsiOfAnIts : public MsiPassthrough {};

TEST_P(MsiPassthrough, AMessageArrivesAsTheDevicesAndAsAnAccessToADevice) {
  const auto vectors = MsiVectors::create(nic_, 4);
  ASSERT_TRUE(vectors);
  for (std::uint32_t index = 0; index != 4; ++index) {
    expect_arrives(nic_hardware_, *vectors, index);
  }
  const InterruptMessage last = board_.processors.messages().back();
  EXPECT_EQ(bool(last.device), board_.controller().isolates());
  EXPECT_EQ(last.requester->attributes.type == kDevice_nGnRE, board_.translated());
}

TEST_P(MsiPassthrough, AWindowIsRequiredWhereMessagesAreTranslatedAndElseNotUsed) {
  const auto geometry = domain_->msi_geometry();
  ASSERT_EQ(bool(geometry), board_.translated());
  EXPECT_EQ(geometry && geometry->required, board_.translated());
  const auto vectors = MsiVectors::create(nic_, 1);
  ASSERT_TRUE(vectors);
  const auto message = vectors->message(0);
  ASSERT_TRUE(message);
  const Pa doorbell = board_.controller().doorbell().address;
  if (board_.translated()) {
    EXPECT_TRUE(domain_->in_reserved_window(message->address, 4));
    EXPECT_EQ(domain_->iova_to_phys(message->address), doorbell);
  } else {
    EXPECT_EQ(message->address, Iova(doorbell.value));
    EXPECT_EQ(domain_->iova_to_phys(message->address), std::nullopt);
  }
}

TEST_P(TranslatedMsi, WhatIsNotBoundAnyMoreIsNotReachedAndIsAFault) {
  auto vectors = MsiVectors::create(nic_, 1);
  ASSERT_TRUE(vectors);
  expect_arrives(nic_hardware_, *vectors, 0);  // so that translations are cached
  const MsiMessage message = *vectors->message(0);
  vectors->unbind();
  EXPECT_THAT(board_.log().sentences(), IsEmpty());
  EXPECT_FALSE(MsiBoard::send(nic_hardware_, message));
  EXPECT_THAT(board_.processors.messages(), SizeIs(1));
  // A domain with a window has no fault handler, so it is the driver that says so.
  const auto sentences = board_.log().sentences();
  const std::uint64_t iova = message.address.value;
  if (GetParam().generation == Generation::kV3) {
    EXPECT_THAT(sentences, ElementsAre(AllOf(StartsWith("F_TRANSLATION StreamID 0x7 "),
                                             HasSubstr(fmt::format("InputAddr {:#x}", iova)))));
  } else {
    EXPECT_THAT(sentences, ElementsAre(AllOf(HasSubstr("(TF, "),
                                             HasSubstr(fmt::format("SMMU_CBn_FAR {:#x},", iova)),
                                             EndsWith("SMMU_CBFRSYNRAn 0x7 (StreamID 7)"))));
  }
  ASSERT_TRUE(vectors->renew());
  expect_arrives(nic_hardware_, *vectors, 0);
  EXPECT_THAT(board_.log().sentences(), IsEmpty());
}

TEST_P(TranslatedMsi, SoftwareThatKnowsNoSmmuSendsAFault) {
  const auto other = *board_.iommu().create_domain(DomainType::kUnmanaged);
  Faults faults;
  ASSERT_TRUE(other->set_fault_handler(&faults));
  EXPECT_TRUE(nic_.group().detach());
  ASSERT_TRUE(nic_.group().attach(*other));
  EXPECT_EQ(MsiVectors::create(nic_, 1).error(), std::errc::invalid_argument) << "no window";

  const auto range = *board_.controller().allocate(MsiBoard::id(kNic), 1);
  const Iova doorbell(board_.controller().doorbell().address.value);
  EXPECT_FALSE(MsiBoard::send(nic_hardware_, {doorbell, range.first}));
  EXPECT_THAT(board_.processors.messages(), IsEmpty());
  ASSERT_THAT(faults.faults(), SizeIs(1));
  const iommu::Fault fault = faults.faults()[0];
  EXPECT_EQ(fault.reason, iommu::FaultReason::kTranslation);
  EXPECT_EQ(fault.direction, iommu::FaultDirection::kWrite);
  EXPECT_EQ(fault.iova, doorbell);
  EXPECT_EQ(fault.stream, kNic);
  EXPECT_THAT(faults.devices(), ElementsAre(&nic_));
  board_.controller().free(MsiBoard::id(kNic), range);
  EXPECT_TRUE(nic_.group().detach());
  EXPECT_TRUE(other->set_fault_handler(nullptr));
}

TEST_P(MsiPassthrough, AnotherDeviceRaisesTheInterruptOnlyWhereNothingIsolates) {
  iommu::Device& disk = board_.add(kDisk);
  ASSERT_TRUE(disk.group().attach(*domain_));
  const DmaDevice disk_hardware = board_.hardware(kDisk);
  const auto vectors = MsiVectors::create(nic_, 1);
  ASSERT_TRUE(vectors);
  EXPECT_EQ(group_has_isolated_msi(disk.group()), board_.controller().isolates());
  EXPECT_TRUE(MsiBoard::send(disk_hardware, *vectors->message(0))) << "it is no fault";
  EXPECT_THAT(board_.processors.messages(), SizeIs(board_.controller().isolates() ? 0 : 1));
}

TEST_P(MsiPassthrough, TwoDevicesShareADoorbellAndHaveInterruptsOfTheirOwn) {
  iommu::Device& disk = board_.add(kDisk);
  ASSERT_TRUE(disk.group().attach(*domain_));
  const DmaDevice disk_hardware = board_.hardware(kDisk);
  auto of_nic = MsiVectors::create(nic_, 2);
  const auto of_disk = MsiVectors::create(disk, 2);
  ASSERT_TRUE(of_nic && of_disk);
  EXPECT_EQ(of_nic->message(0)->address, of_disk->message(0)->address);
  expect_arrives(nic_hardware_, *of_nic, 1, kNic);
  expect_arrives(disk_hardware, *of_disk, 1, kDisk);
  of_nic->unbind();
  expect_arrives(disk_hardware, *of_disk, 0, kDisk);
}

TEST_P(MsiPassthrough, ADeviceThatMovesIsBoundAnew) {
  const auto other = board_.domain(Iova(0x1000'0000));
  auto vectors = MsiVectors::create(nic_, 1);
  ASSERT_TRUE(vectors);
  const MsiMessage before = *vectors->message(0);
  vectors->unbind();
  EXPECT_TRUE(nic_.group().detach());
  domain_.reset();
  ASSERT_TRUE(nic_.group().attach(*other));
  ASSERT_TRUE(vectors->renew());
  expect_arrives(nic_hardware_, *vectors, 0);
  EXPECT_EQ(MsiBoard::send(nic_hardware_, before), !board_.translated())
      << "the old address is nothing here";
  EXPECT_TRUE(nic_.group().detach());
}

TEST_P(MsiPassthrough, InAnIdentityDomainTheDoorbellIsWhereItIs) {
  EXPECT_TRUE(nic_.group().detach());
  const auto vectors = MsiVectors::create(nic_, 1);
  ASSERT_TRUE(vectors);
  EXPECT_EQ(vectors->message(0)->address, Iova(board_.controller().doorbell().address.value));
  expect_arrives(nic_hardware_, *vectors, 0);
}

// Refused at every page of tables that a binding needs, and every time nothing is different.
TEST_P(TranslatedMsi, ABindingThatMemoryIsRefusedForLeavesAllAsItWas) {
  const auto tables = [&] { return domain_->driver_domain().tables()->live_tables(); };
  std::uint64_t refused = 0;
  for (std::uint64_t granted = 0;; ++granted) {
    domain_->trim();
    const std::uint64_t live = board_.pool().live();
    const std::uint64_t tables_before = tables();
    const std::vector<std::uint32_t> registers = board_.registers();
    board_.pool().grant(granted);
    auto vectors = MsiVectors::create(nic_, 2);
    board_.pool().grant(iommu::PagePool::kUnlimited);
    if (vectors) {
      expect_arrives(nic_hardware_, *vectors, 1);
      break;
    }
    ASSERT_LT(++refused, 10u);
    EXPECT_EQ(vectors.error(), std::errc::not_enough_memory);
    EXPECT_EQ(board_.registers(), registers) << "nothing to invalidate either";
    domain_->trim();
    EXPECT_EQ(tables(), tables_before);
    EXPECT_EQ(board_.pool().live(), live);
    // The addresses are free: all of the window can be had in one piece.
    const auto all = domain_->get_reserved_iova(Pa(0), MsiBoard::kWindowSize);
    ASSERT_TRUE(all);
    EXPECT_EQ(*all, MsiBoard::kWindow);
    domain_->put_reserved_iova(*all);
  }
  EXPECT_GT(refused, 0u);
}

TEST_P(MsiPassthrough, WhereAllIsBlockedOnlyTheFixedWindowIsReached) {
  EXPECT_TRUE(nic_.group().detach());
  ASSERT_TRUE(nic_.group().claim(this));
  const auto vectors = MsiVectors::create(nic_, 1);
  ASSERT_EQ(bool(vectors), !board_.translated());
  if (vectors) {
    expect_arrives(nic_hardware_, *vectors, 0);
  } else {
    EXPECT_EQ(vectors.error(), std::errc::operation_not_supported);
  }
  nic_.group().release(this);
}

TEST_P(MsiPassthrough, InADmaDomainTheDoorbellHasAnAddressOfThatSpace) {
  for (const DomainType type : {DomainType::kDma, DomainType::kDmaLazy}) {
    EXPECT_TRUE(nic_.group().detach());
    const auto domain = *board_.iommu().create_domain(type);
    ASSERT_TRUE(nic_.group().attach(*domain));
    const auto space = iommu::DmaSpace::create(*domain, nic_.reserved_regions());
    ASSERT_TRUE(space);
    auto vectors = MsiVectors::create(nic_, 1);
    ASSERT_TRUE(vectors);
    expect_arrives(nic_hardware_, *vectors, 0);
    const MsiMessage message = *vectors->message(0);
    vectors->unbind();
    // Where unmaps are lazy, too.
    EXPECT_EQ(MsiBoard::send(nic_hardware_, message), !board_.translated());
  }
}

TEST_P(MsiOfAnIts, InterruptsGoToAnotherItsWhileTheDeviceSendsThem) {
  auto vectors = MsiVectors::create(nic_, 2);
  ASSERT_TRUE(vectors);
  {
    const auto old = vectors->retarget(board_.other_its());
    ASSERT_TRUE(old);
    expect_arrives(nic_hardware_, *old, 1);
    expect_arrives(nic_hardware_, *vectors, 1);
    EXPECT_NE(old->interrupt(1), vectors->interrupt(1));
  }
  expect_arrives(nic_hardware_, *vectors, 0);
}

INSTANTIATE_TEST_SUITE_P(All, MsiPassthrough, ::testing::ValuesIn(kWays), name_of);
INSTANTIATE_TEST_SUITE_P(All, TranslatedMsi, ::testing::ValuesIn(kWays, kWays + 4), name_of);
INSTANTIATE_TEST_SUITE_P(All, MsiOfAnIts, ::testing::ValuesIn(kWays, kWays + 2), name_of);

}  // namespace
}  // namespace smmu::testing::msi_passthrough_test
