// Accesses that wait for software, and pages that devices ask for: who is told, who answers, and
// what it is too late to answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

#include "smmu/arch/v3/registers.h"
#include "smmu/testing/driven_board.h"
#include "smmu/testing/matchers.h"
#include "smmu/testing/recording_handler.h"
#include "test/driver_v3/program.h"

namespace smmu::testing::stall_test {
namespace {

using iommu::DomainType;
using iommu::Fault;
using iommu::FaultAction;
using iommu::kReadWrite;
using iommu::PageAnswer;
using iommu::PageFault;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr StreamId kNic = StreamId(0);
constexpr Iova kPage = Iova(0x1000);

TEST(Stall, AnAccessThatWaitsGoesOnWhereTheHandlerHasMapped) {
  DrivenBoard board;
  Resumptions ends;
  const DmaDevice nic = board.device(kNic, ends);
  iommu::Device& device = board.add({.streams = {{kNic}}, .can_stall = true});
  const auto domain = board.domain();
  RecordingHandler handler;
  handler.answer = [](iommu::Domain& where, const Fault& fault) {
    EXPECT_TRUE(fault.stalled);
    if (fault.iova != kPage) return FaultAction::kTerminate;
    EXPECT_TRUE(where.map(kPage, Pa(0x4000'0000), 4096, kReadWrite));
    return FaultAction::kRetry;
  };
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  ASSERT_TRUE(device.group().attach(*domain));
  const auto waits = nic.translate(kPage);
  ASSERT_THAT(waits, Stalls());
  const auto end = ends.take(waits);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, TranslatesTo(Pa(0x4000'0000)));
  const auto in_vain = nic.translate(Iova(0x9000));
  ASSERT_THAT(in_vain, Stalls());
  const auto failed = ends.take(in_vain);
  ASSERT_TRUE(failed);
  EXPECT_THAT(*failed, Aborts());
}

TEST(Stall, AHandlerMayUnmapAndWaitForIt) {
  DrivenBoard board;
  const DmaDevice nic = board.device(kNic);
  const auto domain = board.domain();
  RecordingHandler handler;
  handler.answer = [](iommu::Domain& where, const Fault& fault) {
    EXPECT_EQ(where.unmap(kPage, 4096), fault.iova == kPage ? 0U : 4096U);
    return FaultAction::kTerminate;
  };
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  ASSERT_TRUE(domain->map(kPage, Pa(0x4000'0000), 4096, kReadWrite));
  ASSERT_TRUE(board.add(kNic).group().attach(*domain));
  EXPECT_THAT(nic.translate(kPage), TranslatesTo(Pa(0x4000'0000)));
  EXPECT_THAT(nic.translate(Iova(0x5000)), Aborts());
  EXPECT_THAT(nic.translate(kPage), Aborts());
  EXPECT_THAT(board.log.sentences(), IsEmpty());
}

TEST(Stall, PagesAreBroughtInForAPasidAsTheDeviceAsks) {
  DrivenBoard board;
  AtsDevice nic = board.ats_device(kNic);
  iommu::Device& device =
      board.add({.streams = {{kNic}}, .pasid_bits = 4, .ats = true, .pri = true});
  Program program(board);
  program.answer = [&](const PageFault& fault) {
    if (fault.iova.value >= 0x10'0000) return PageAnswer::kInvalid;
    EXPECT_TRUE(program.tables().map(fault.iova, Pa(0x4000'0000), 4096, kReadWrite));
    return PageAnswer::kSuccess;
  };
  const auto domain = board.domain(DomainType::kSva, {.address_space = &program});
  ASSERT_TRUE(device.attach_pasid(SubstreamId(3), *domain));
  nic.use(emulator::Pasid{.substream = SubstreamId(3)});
  nic.ask_for_page(kPage, 1, true, true);
  ASSERT_EQ(program.faults.size(), 1U);
  EXPECT_EQ(program.faults[0].substream, SubstreamId(3));
  EXPECT_TRUE(program.faults[0].write && program.faults[0].last);
  auto responses = nic.responses();
  ASSERT_EQ(responses.size(), 1U);
  EXPECT_EQ(responses[0].code, emulator::PageResponseCode::kSuccess);
  EXPECT_TRUE(nic.write64(kPage, 1));
  // One that cannot be, before one that can: the answer is for all.
  nic.ask_for_page(Iova(0x10'0000), 2, false);
  EXPECT_THAT(nic.responses(), IsEmpty());
  nic.ask_for_page(Iova(0x3000), 2, true);
  responses = nic.responses();
  ASSERT_EQ(responses.size(), 1U);
  EXPECT_EQ(responses[0].code, emulator::PageResponseCode::kInvalidRequest);
  // Later.
  PageFault kept;
  program.answer = [&kept](const PageFault& fault) {
    kept = fault;
    return PageAnswer::kLater;
  };
  nic.ask_for_page(Iova(0x5000), 3);
  EXPECT_THAT(nic.responses(), IsEmpty());
  device.respond(kept, PageAnswer::kFailure);
  responses = nic.responses();
  ASSERT_EQ(responses.size(), 1U);
  EXPECT_EQ(responses[0].code, emulator::PageResponseCode::kResponseFailure);
  // The program's own changes.
  EXPECT_EQ(program.tables().unmap(kPage, 4096), 4096U);
  domain->invalidate(kPage, 4096);
  EXPECT_FALSE(nic.knows(kPage));
  EXPECT_FALSE(nic.write64(kPage, 1));
  device.detach_pasid(SubstreamId(3));
  nic.ask_for_page(kPage, 4);
  responses = nic.responses();
  ASSERT_EQ(responses.size(), 1U);
  EXPECT_EQ(responses[0].code, emulator::PageResponseCode::kInvalidRequest);
}

TEST(Stall, PagesAreBroughtInForAnAccessThatWaits) {
  DrivenBoard board;
  Resumptions ends;
  const DmaDevice nic = board.device(kNic, ends).substream(SubstreamId(3));
  iommu::Device& device = board.add({.streams = {{kNic}}, .pasid_bits = 4, .can_stall = true});
  Program program(board);
  program.answer = [&](const PageFault& fault) {
    if (fault.iova != kPage) return PageAnswer::kLater;
    EXPECT_TRUE(program.tables().map(kPage, Pa(0x4000'0000), 4096, kReadWrite));
    return PageAnswer::kSuccess;
  };
  const auto domain = board.domain(DomainType::kSva, {.address_space = &program});
  ASSERT_TRUE(device.attach_pasid(SubstreamId(3), *domain));
  const auto waits = nic.translate(kPage);
  ASSERT_THAT(waits, Stalls());
  auto end = ends.take(waits);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, TranslatesTo(Pa(0x4000'0000)));
  const auto longer = nic.translate(Iova(0x7000));
  ASSERT_THAT(longer, Stalls());
  EXPECT_FALSE(ends.take(longer));
  device.respond(program.faults.back(), PageAnswer::kInvalid);
  end = ends.take(longer);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, Aborts());
}

// A device whose accesses with PASID 3 wait for a program that answers later.
class PagedLater {
 public:
  enum class Stalls : std::uint8_t { kWhereDevicesCan, kEverywhere };

  explicit PagedLater(Stalls stalls = Stalls::kWhereDevicesCan)
      : board(options(stalls)),
        device(board.add({.streams = {{kNic}},
                          .pasid_bits = 4,
                          .can_stall = stalls == Stalls::kWhereDevicesCan})),
        nic(board.device(kNic, ends).substream(SubstreamId(3))),
        program(board),
        domain(board.domain(DomainType::kSva, {.address_space = &program})) {
    program.answer = [](const PageFault&) { return PageAnswer::kLater; };
    EXPECT_TRUE(device.attach_pasid(SubstreamId(3), *domain));
  }
  // The program gets the page.
  void answer() {
    ASSERT_TRUE(program.tables().map(kPage, Pa(0x4000'0000), 4096, kReadWrite));
    device.respond(program.faults.back(), PageAnswer::kSuccess);
  }

  DrivenBoard board;
  Resumptions ends;
  iommu::Device& device;
  const DmaDevice nic;
  Program program;
  const std::unique_ptr<iommu::Domain> domain;

 private:
  static DrivenBoard::Options options(Stalls stalls) {
    DrivenBoard::Options options;
    options.iommu.default_domain = DomainType::kBlocked;
    if (stalls == Stalls::kEverywhere) {
      options.config.idr0.set(v3::SMMU_IDR0::STALL_MODEL, StallModel::kStallForced);
      options.config.s_idr0.set(v3::SMMU_S_IDR0::STALL_MODEL, StallModel::kStallForced);
    }
    return options;
  }
};

TEST(Stall, PagesAreBroughtInForAnAccessThatHasToWaitAsWell) {
  PagedLater paged(PagedLater::Stalls::kEverywhere);
  const auto waits = paged.nic.translate(kPage);
  ASSERT_THAT(waits, Stalls());
  EXPECT_FALSE(paged.ends.take(waits));
  paged.answer();
  const auto end = paged.ends.take(waits);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, TranslatesTo(Pa(0x4000'0000)));
}

TEST(Stall, WhatWaitsEndsWhenItsDeviceIsBlocked) {
  PagedLater paged;
  const auto waits = paged.nic.translate(kPage);
  ASSERT_THAT(waits, Stalls());
  paged.device.detach_pasid(SubstreamId(3));
  paged.board.iommu().remove_device(paged.device);
  const auto end = paged.ends.take(waits);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, Aborts());
}

// 4.7.2: not before the STE ends all new accesses, those with a PASID included.
TEST(Stall, WhatWaitsWithAPasidGoesOnWhenTheRestIsBlocked) {
  PagedLater paged;
  const auto main = paged.board.domain();
  ASSERT_TRUE(paged.device.group().attach(*main));
  const auto waits = paged.nic.translate(kPage);
  ASSERT_THAT(waits, Stalls());
  EXPECT_TRUE(paged.device.group().detach());
  EXPECT_FALSE(paged.ends.take(waits));
  paged.answer();
  auto end = paged.ends.take(waits);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, TranslatesTo(Pa(0x4000'0000)));
  // With the last PASID all are blocked.
  const auto longer = paged.nic.translate(Iova(0x7000));
  ASSERT_THAT(longer, Stalls());
  paged.device.detach_pasid(SubstreamId(3));
  end = paged.ends.take(longer);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, Aborts());
}

// 4.7.1: a STAG is free for another access once CMD_STALL_TERM has answered the one that had it, or
// the SMMU was off.  Here there is but one, and nobody is told of events before the test pulses.
class OneStallAtATime : public ::testing::Test {
 protected:
  static DrivenBoard::Options options() {
    DrivenBoard::Options options;
    options.config.idr5.set(v3::SMMU_IDR5::STALL_MAX, 1);
    options.config.most_stalled = 1;
    options.iommu.default_domain = DomainType::kBlocked;
    return options;
  }
  OneStallAtATime() { hold_events_back(); }
  void hold_events_back() {
    board.registers().write(v3::SMMU_IRQ_CTRL().set(v3::SMMU_IRQ_CTRL::GERROR_IRQEN, true));
  }
  void pulse() { board.driver().event_queue_line().pulse(); }
  iommu::Device& add() {
    return board.add({.streams = {{kNic}}, .pasid_bits = 4, .can_stall = true});
  }

  DrivenBoard board{options()};
  Resumptions ends;
  const DmaDevice nic = board.device(kNic, ends);
};

TEST_F(OneStallAtATime, ARecordOfAnAccessThatWasEndedIsNotThatOfALaterOne) {
  const auto before = board.domain();
  const auto after = board.domain();
  RecordingHandler of_before;
  RecordingHandler of_after;
  of_after.answer = [](iommu::Domain& where, const Fault& fault) {
    EXPECT_TRUE(where.map(fault.iova, Pa(0x4000'0000), 4096, kReadWrite));
    return FaultAction::kRetry;
  };
  ASSERT_TRUE(before->set_fault_handler(&of_before));
  ASSERT_TRUE(after->set_fault_handler(&of_after));
  for (const bool removed : {true, false}) {
    iommu::Device* device = &add();
    ASSERT_TRUE(device->group().attach(*before));
    const auto first = nic.translate(Iova(0x9000));
    ASSERT_THAT(first, Stalls());
    if (removed) {
      board.iommu().remove_device(*device);
      device = &add();
    } else {
      EXPECT_TRUE(device->group().detach());
    }
    auto end = ends.take(first);
    ASSERT_TRUE(end);
    EXPECT_THAT(*end, Aborts());
    ASSERT_TRUE(device->group().attach(*after));
    const auto second = nic.translate(kPage);
    ASSERT_THAT(second, Stalls());
    ASSERT_EQ(std::get<emulator::Stalled>(first).tag, std::get<emulator::Stalled>(second).tag);
    pulse();
    end = ends.take(second);
    ASSERT_TRUE(end);
    EXPECT_THAT(*end, TranslatesTo(Pa(0x4000'0000)));
    ASSERT_EQ(of_after.faults.size(), 1U);
    EXPECT_EQ(of_after.faults[0].iova, kPage);
    EXPECT_THAT(of_before.faults, IsEmpty()) << "it has ended, and nothing is attached there";
    EXPECT_THAT(board.log.sentences(), Contains(HasSubstr("InputAddr 0x9000")));
    of_after.faults.clear();
    EXPECT_EQ(after->unmap(kPage, 4096), 4096U);
    board.iommu().remove_device(*device);
  }
}

TEST_F(OneStallAtATime, AnAnswerThatComesTooLateIsForNobody) {
  Program program(board);
  program.answer = [](const PageFault&) { return PageAnswer::kLater; };
  const auto domain = board.domain(DomainType::kSva, {.address_space = &program});
  iommu::Device& device = add();
  const DmaDevice with_pasid = nic.substream(SubstreamId(3));
  ASSERT_TRUE(device.attach_pasid(SubstreamId(3), *domain));
  for (const bool suspended : {false, true}) {
    const auto first = with_pasid.translate(Iova(0x9000));
    ASSERT_THAT(first, Stalls());
    pulse();
    const PageFault old = program.faults.back();
    if (suspended) {
      ASSERT_TRUE(board.iommu().suspend());
      ASSERT_TRUE(board.iommu().resume());
      hold_events_back();
    } else {
      device.detach_pasid(SubstreamId(3));
      ASSERT_TRUE(device.attach_pasid(SubstreamId(3), *domain));
    }
    EXPECT_TRUE(ends.take(first));
    const auto second = with_pasid.translate(kPage);
    ASSERT_THAT(second, Stalls());
    pulse();
    const PageFault now = program.faults.back();
    EXPECT_EQ(now.iova, kPage);
    ASSERT_EQ(now.group_index, old.group_index);
    device.respond(old, PageAnswer::kInvalid);
    EXPECT_FALSE(ends.take(second));
    device.respond(now, PageAnswer::kInvalid);
    EXPECT_TRUE(ends.take(second));
  }
}

TEST(Stall, ADeviceDoesNotAnswerForAnother) {
  DrivenBoard board;
  Resumptions ends;
  AtsDevice disk = board.ats_device(StreamId(1));
  const DmaDevice nic = board.device(kNic, ends).substream(SubstreamId(3));
  iommu::Device& waits = board.add({.streams = {{kNic}}, .pasid_bits = 4, .can_stall = true});
  iommu::Device& asks =
      board.add({.streams = {{StreamId(1)}}, .pasid_bits = 4, .ats = true, .pri = true});
  Program program(board);
  program.answer = [](const PageFault&) { return PageAnswer::kLater; };
  const auto domain = board.domain(DomainType::kSva, {.address_space = &program});
  ASSERT_TRUE(waits.attach_pasid(SubstreamId(3), *domain));
  ASSERT_TRUE(asks.attach_pasid(SubstreamId(3), *domain));
  const auto stalled = nic.translate(kPage);
  ASSERT_THAT(stalled, Stalls());
  disk.use(emulator::Pasid{.substream = SubstreamId(3)});
  disk.ask_for_page(kPage, 1);
  ASSERT_EQ(program.faults.size(), 2U);
  const PageFault of_access = program.faults[0];
  const PageFault of_request = program.faults[1];
  iommu::Device& third = board.add({.streams = {{StreamId(2)}}, .can_stall = true});
  third.respond(of_access, PageAnswer::kFailure);
  waits.respond(of_request, PageAnswer::kFailure);
  asks.respond(of_access, PageAnswer::kFailure);
  EXPECT_FALSE(ends.take(stalled));
  EXPECT_THAT(disk.responses(), IsEmpty());
  waits.respond(of_access, PageAnswer::kFailure);
  asks.respond(of_request, PageAnswer::kFailure);
  EXPECT_TRUE(ends.take(stalled));
  EXPECT_THAT(disk.responses(), ::testing::SizeIs(1));
}

}  // namespace
}  // namespace smmu::testing::stall_test
