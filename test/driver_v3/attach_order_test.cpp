// In which order the driver writes STEs, CDs and commands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "smmu/arch/v3/context_table.h"
#include "smmu/arch/v3/events.h"
#include "smmu/arch/v3/registers.h"
#include "smmu/arch/v3/stream_table.h"
#include "smmu/platform/memory.h"
#include "test/driver_v3/scripted_board.h"

namespace smmu::testing::attach_order_test {
namespace {

using emulator::SmmuV3Config;
using iommu::DomainType;
using iommu::kReadWrite;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using v3::CD;
using v3::L1STD;
using v3::SMMU_STRTAB_BASE;
using v3::STE;
using v3::SteConfig;

constexpr StreamId kStream = StreamId(0x205);

class AttachOrder : public ::testing::Test {
 protected:
  AttachOrder() {
    EXPECT_EQ(board.start(), "");
    device = &board.add({.streams = {{kStream}}, .pasid_bits = 4});
    board.smmu.story();
    board.smmu.commands();
    // What the SMMU finds whenever it has forgotten what it knew.
    board.smmu.on_sync = [this] {
      stes.push_back(ste());
      cds.push_back(cd());
    };
  }

  // Its entries are gone with the device.
  ~AttachOrder() override { board.smmu.on_sync = nullptr; }

  template <class S>
  S load(std::uint64_t address) {
    const std::uint64_t* const words = board.pool().words(Pa(address));
    auto array = S().words();
    for (std::size_t i = 0; i != array.size(); ++i) array[i] = little_endian(words[i]);
    return S(array);
  }
  STE ste(StreamId stream = kStream) {
    const std::uint64_t top = board.smmu.get<SMMU_STRTAB_BASE>()[SMMU_STRTAB_BASE::ADDR];
    const auto descriptor = load<L1STD>(top + 8 * (stream.value >> 8));
    return load<STE>(descriptor[L1STD::L2Ptr] + 64 * (stream.value & 0xff));
  }
  CD cd() {
    const STE entry = ste();
    if (entry[STE::Config] != SteConfig::kS1Translate) return CD();
    return load<CD>(entry[STE::S1ContextPtr]);
  }

  ScriptedBoard board;
  iommu::Device* device = nullptr;
  std::vector<STE> stes;
  std::vector<CD> cds;
};

TEST_F(AttachOrder, ADeviceThatIsAddedIsBlockedBeforeAnythingElse) {
  EXPECT_EQ(ste(), STE().set(STE::V, true).set(STE::Config, SteConfig::kAbort));
  EXPECT_EQ(ste(StreamId(0x2ff)), STE().set(STE::V, true).set(STE::Config, SteConfig::kAbort));
  ScriptedBoard other;
  ASSERT_EQ(other.start(), "");
  other.smmu.story();
  other.smmu.commands();
  other.add({.streams = {{kStream}}});
  // A level 1 descriptor that was not valid may be known as such; the entry is what it was.
  EXPECT_THAT(other.smmu.story(), ElementsAre("CMD_CFGI_STE", "CMD_SYNC"));
  EXPECT_THAT(other.smmu.commands(), ElementsAre(CommandWords{0x205'0000'0003, 0}));
}

// From a fault handler, say, which the driver may call in the middle of it.
TEST_F(AttachOrder, NobodySuspendsFromInsideACallThatAttaches) {
  unsigned refused = 0;
  const auto domain = board.domain();  // which is detached when it goes
  board.smmu.on_sync = [&] {
    for (const auto& result : {board.iommu->suspend(), board.iommu->resume()}) {
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error(), std::errc::device_or_resource_busy);
      ++refused;
    }
  };
  ASSERT_TRUE(device->group().attach(*domain));
  EXPECT_GT(refused, 0U);
  EXPECT_THAT(board.smmu.story(), ::testing::Each(::testing::StartsWith("CMD_")));
}

// 3.3.1, 4.3.2: the SMMU has forgotten where the entries are before they are somebody else's.
TEST_F(AttachOrder, TheLastDeviceOfASecondLevelTakesItAlong) {
  const std::uint64_t live = board.pool().live();
  iommu::Device& near = board.add({.streams = {{StreamId(0x2ff)}}});
  iommu::Device& far = board.add({.streams = {{StreamId(0x300)}, {StreamId(0x401)}}});
  EXPECT_EQ(board.pool().live(), live + 2);
  board.smmu.story();
  board.smmu.commands();
  board.iommu->remove_device(near);
  EXPECT_THAT(board.smmu.story(), ElementsAre()) << "another device is there";
  const std::uint64_t top = board.smmu.get<SMMU_STRTAB_BASE>()[SMMU_STRTAB_BASE::ADDR];
  std::uint64_t live_at_sync = 0;
  board.smmu.on_sync = [&] {
    EXPECT_EQ(load<L1STD>(top + 8 * 3), L1STD());
    EXPECT_EQ(load<L1STD>(top + 8 * 4), L1STD());
    live_at_sync = board.pool().live();
  };
  board.iommu->remove_device(far);
  EXPECT_THAT(board.smmu.story(),
              ElementsAre("CMD_CFGI_STE_RANGE", "CMD_CFGI_STE_RANGE", "CMD_SYNC"));
  EXPECT_THAT(board.smmu.commands(),
              ElementsAre(CommandWords{0x300'0000'0004, 7}, CommandWords{0x400'0000'0004, 7}));
  EXPECT_EQ(live_at_sync, live + 2);
  EXPECT_EQ(board.pool().live(), live);
  // And is made again for the next one.
  board.smmu.on_sync = nullptr;
  board.add({.streams = {{StreamId(0x300)}}});
  EXPECT_EQ(ste(StreamId(0x300))[STE::Config], SteConfig::kAbort);
}

TEST_F(AttachOrder, ASecondLevelThatTheSmmuMayReadStays) {
  iommu::Device& far = board.add({.streams = {{StreamId(0x300)}}});
  const std::uint64_t live = board.pool().live();
  board.smmu.consumes = false;
  board.iommu->remove_device(far);
  EXPECT_EQ(board.pool().live(), live);
  EXPECT_EQ(ste(StreamId(0x300))[STE::Config], SteConfig::kAbort) << "it is found as before";
}

TEST_F(AttachOrder, TheCdIsThereBeforeTheSteThatLeadsToIt) {
  const auto domain = board.domain();
  ASSERT_TRUE(device->group().attach(*domain));
  EXPECT_THAT(board.smmu.story(),
              ElementsAre("CMD_CFGI_CD", "CMD_SYNC", "CMD_CFGI_CD", "CMD_SYNC",    // the CD
                          "CMD_CFGI_STE", "CMD_SYNC", "CMD_CFGI_STE", "CMD_SYNC",  // the STE
                          "CMD_PREFETCH_CONFIG"));
  EXPECT_THAT(board.smmu.commands(),
              ElementsAre(CommandWords{0x205'0000'0005, 1}, CommandWords{0x205'0000'0005, 1},
                          CommandWords{0x205'0000'0003, 1}, CommandWords{0x205'0000'0003, 1},
                          CommandWords{0x205'0000'0001, 0}));
  // The STE was blocking while all else of it was written, and changed by one word.
  ASSERT_EQ(stes.size(), 4U);
  EXPECT_EQ(stes[2][STE::Config], SteConfig::kAbort);
  EXPECT_EQ(stes[2].word(1), stes[3].word(1));
  EXPECT_EQ(stes[3][STE::Config], SteConfig::kS1Translate);
  EXPECT_EQ(stes[3][STE::S1DSS], v3::DefaultSubstream::kCd0);
  EXPECT_EQ(stes[3][STE::S1CDMax], 4U);
  EXPECT_TRUE(stes[3][STE::S1STALLD]);
  EXPECT_EQ(stes[3][STE::SHCFG], ShareabilityOverride::kIncoming);
  const CD found = cd();
  EXPECT_TRUE(found[CD::V] && found[CD::AA64] && found[CD::A] && found[CD::R] && found[CD::ASET]);
  EXPECT_TRUE(found[CD::EPD1]);
  EXPECT_FALSE(found[CD::S] || found[CD::HA] || found[CD::HD]);
  EXPECT_EQ(found[CD::ASID], 1U);
  EXPECT_EQ(found[CD::T0SZ], 16U);
  EXPECT_EQ(found[CD::TTB0], domain->driver_domain().tables()->registers().root.value);
  EXPECT_EQ(found[CD::MAIR0], 0xf404ff44U);
}

TEST_F(AttachOrder, WhatIsUnmappedIsInvalidatedByOneDoorbell) {
  const auto domain = board.domain();
  EXPECT_EQ(domain->unmap(Iova(0), 4096), 0U);
  ASSERT_TRUE(domain->map(Iova(0x40'0000), Pa(0x8000'0000), 0x40'0000, kReadWrite));
  ASSERT_TRUE(domain->map(Iova(0x1000), Pa(0x8000'0000), 0x5000, kReadWrite));
  EXPECT_EQ(domain->unmap(Iova(0x5000), 4096), 4096U);
  EXPECT_THAT(board.smmu.story(), IsEmpty()) << "nothing is attached yet";
  ASSERT_TRUE(device->group().attach(*domain));
  board.smmu.story();
  board.smmu.commands();
  EXPECT_EQ(domain->unmap(Iova(0x1000), 0x1000), 0x1000U);
  EXPECT_EQ(domain->unmap(Iova(0x2000), 0x3000), 0x3000U);
  EXPECT_EQ(domain->unmap(Iova(0x40'0000), 0x20'0000), 0x20'0000U);
  EXPECT_THAT(board.smmu.story(), ElementsAre("CMD_TLBI_NH_VA", "CMD_SYNC", "CMD_TLBI_NH_VA",
                                              "CMD_SYNC", "CMD_TLBI_NH_VA", "CMD_SYNC"));
  EXPECT_THAT(board.smmu.commands(),
              ElementsAre(CommandWords{0x0001'0000'0000'0012, 0x1701},  // one page, 4K, level 3
                          CommandWords{0x0001'0000'0000'2012, 0x2701},  // 3 pages
                          CommandWords{0x0001'0000'0000'0012, 0x40'0601}));  // a block of level 2
  domain->flush_all();
  EXPECT_THAT(board.smmu.commands(), ElementsAre(CommandWords{0x0001'0000'0000'0011, 0}));
}

// 4.4.1.1: a level, and an address that is no beginning of its blocks, make a range UNPREDICTABLE.
TEST_F(AttachOrder, BlocksThatAreUnmappedWithPagesBehindThemAreInvalidatedAlone) {
  const auto domain = board.domain();
  ASSERT_TRUE(domain->map(Iova(0), Pa(0x8000'0000), 0x40'0000, kReadWrite));
  ASSERT_TRUE(domain->map(Iova(0x40'0000), Pa(0x9000'1000), 0x3000, kReadWrite));
  ASSERT_TRUE(device->group().attach(*domain));
  board.smmu.commands();
  EXPECT_EQ(domain->unmap(Iova(0), 0x80'0000), 0x40'3000U);
  EXPECT_THAT(board.smmu.commands(),
              ElementsAre(CommandWords{0x0001'0000'0000'2012, 0x40'0400},  // 3 pages, at once
                          CommandWords{0x0001'0000'00a0'0012, 0x0601}));   // 2^10 pages of level 2
}

TEST_F(AttachOrder, WithoutRangesThereIsACommandForEachPageUpToTheLimit) {
  SmmuV3Config config = SmmuV3Config::mmu600();
  ScriptedBoard plain(config);
  ASSERT_EQ(plain.start(), "");
  iommu::Device& other = plain.add({.streams = {{kStream}}});
  const auto domain = plain.domain();
  ASSERT_TRUE(domain->map(Iova(0), Pa(0x8000'1000), 0x40'0000, kReadWrite));
  ASSERT_TRUE(other.group().attach(*domain));
  plain.smmu.commands();
  EXPECT_EQ(domain->unmap(Iova(0x1000), 100 * 0x1000), 100U * 0x1000);
  const auto commands = plain.smmu.commands();
  ASSERT_EQ(commands.size(), 100U);
  for (std::size_t i = 0; i != commands.size(); ++i) {
    EXPECT_EQ(commands[i], (CommandWords{0x0001'0000'0000'0012, 0x1000 * (i + 1) + 1}));
  }
  EXPECT_EQ(domain->unmap(Iova(0x20'0000), 0x20'0000), 0x20'0000U);
  EXPECT_THAT(plain.smmu.commands(), ::testing::Contains(CommandWords{0x0001'0000'0000'0011, 0}));
}

TEST_F(AttachOrder, ADomainThatIsLeftIsForgottenAfterTheSteHasChanged) {
  const auto domain = board.domain();
  ASSERT_TRUE(device->group().attach(*domain));
  board.smmu.story();
  stes.clear();
  EXPECT_TRUE(device->group().detach());
  EXPECT_THAT(board.smmu.story(),
              ElementsAre("CMD_CFGI_STE", "CMD_SYNC", "CMD_CFGI_STE", "CMD_SYNC",
                          "CMD_PREFETCH_CONFIG",                                 // the STE
                          "CMD_CFGI_CD", "CMD_SYNC", "CMD_CFGI_CD", "CMD_SYNC",  // the CD
                          "CMD_TLBI_NH_ASID", "CMD_SYNC"));
  EXPECT_EQ(stes.front()[STE::Config], SteConfig::kAbort) << "by one word, and at once";
  EXPECT_FALSE(cd()[CD::V]);
}

TEST_F(AttachOrder, ACdThatChangesInTwoWordsIsInvalidMeanwhile) {
  const auto first = board.domain();
  const auto second = board.domain();
  ASSERT_TRUE(device->group().attach(*first));
  EXPECT_TRUE(device->group().detach());
  ASSERT_TRUE(device->group().attach(*first));
  board.smmu.story();
  cds.clear();
  // As the generic layer does not: from one domain to another.
  ASSERT_TRUE(
      board.driver->attach(*device, {iommu::AttachKind::kDomain, &second->driver_domain()}));
  EXPECT_THAT(board.smmu.story(),
              ElementsAre("CMD_CFGI_CD", "CMD_SYNC", "CMD_CFGI_CD", "CMD_SYNC", "CMD_CFGI_CD",
                          "CMD_SYNC", "CMD_TLBI_NH_ASID", "CMD_SYNC"));
  ASSERT_GE(cds.size(), 3U);
  EXPECT_FALSE(cds[0][CD::V]);
  EXPECT_FALSE(cds[1][CD::V]);
  EXPECT_TRUE(cds[2][CD::V]);
  EXPECT_EQ(cds[2][CD::ASID], 2U);
  ASSERT_TRUE(board.driver->attach(*device, {iommu::AttachKind::kDomain, &first->driver_domain()}));
}

TEST_F(AttachOrder, BetweenIdentityAndBlockedNoAccessFindsAnythingElse) {
  ASSERT_TRUE(board.driver->attach(*device, {iommu::AttachKind::kIdentity}));
  // One word to set up what blocking does not look at, one to make it count.
  EXPECT_THAT(board.smmu.story(), ElementsAre("CMD_CFGI_STE", "CMD_SYNC", "CMD_CFGI_STE",
                                              "CMD_SYNC", "CMD_PREFETCH_CONFIG"));
  for (const STE& entry : stes) EXPECT_TRUE(entry[STE::V]);
  EXPECT_EQ(stes.back()[STE::Config], SteConfig::kBypass);
  EXPECT_EQ(stes.back()[STE::SHCFG], ShareabilityOverride::kIncoming);
  ASSERT_TRUE(board.driver->attach(*device, {iommu::AttachKind::kIdentity}));
  EXPECT_THAT(board.smmu.story(), IsEmpty()) << "it is there already";
  ASSERT_TRUE(board.driver->attach(*device, {iommu::AttachKind::kBlocked}));
}

TEST_F(AttachOrder, Stage2IsInTheSteAndInvalidatedByIpa) {
  const auto domain = board.domain(DomainType::kUnmanaged, {.nest_parent = true});
  ASSERT_TRUE(domain->map(Iova(0x1000), Pa(0x8000'0000), 0x1000, kReadWrite));
  iommu::Device& other = board.add({.streams = {{StreamId(7)}}});
  board.smmu.story();
  ASSERT_TRUE(other.group().attach(*domain));
  const STE entry = ste(StreamId(7));
  EXPECT_EQ(entry[STE::Config], SteConfig::kS2Translate);
  EXPECT_EQ(entry[STE::S2VMID], 1U);
  EXPECT_TRUE(entry[STE::S2AA64] && entry[STE::S2R] && entry[STE::S2PTW] && entry[STE::S2FWB]);
  EXPECT_FALSE(entry[STE::S2S]);
  EXPECT_EQ(entry[STE::S2TTB], domain->driver_domain().tables()->registers().root.value);
  board.smmu.commands();
  EXPECT_EQ(domain->unmap(Iova(0x1000), 0x1000), 0x1000U);
  EXPECT_THAT(board.smmu.commands(), ElementsAre(CommandWords{0x0000'0001'0000'002a, 0x1701}));
  EXPECT_TRUE(other.group().detach());
  EXPECT_THAT(board.smmu.commands(), ::testing::Contains(CommandWords{0x0000'0001'0000'0028, 0}));
}

TEST_F(AttachOrder, ADeviceWithAtsForgetsAfterTheSmmuHas) {
  iommu::Device& other = board.add({.streams = {{StreamId(7)}}, .ats = true});
  const auto domain = board.domain();
  ASSERT_TRUE(domain->map(Iova(0x1000), Pa(0x8000'1000), 0x4000, kReadWrite));
  ASSERT_TRUE(other.group().attach(*domain));
  EXPECT_EQ(ste(StreamId(7))[STE::EATS], v3::AtsMode::kFull);
  board.smmu.story();
  board.smmu.commands();
  EXPECT_EQ(domain->unmap(Iova(0x1000), 0x3000), 0x3000U);
  EXPECT_THAT(board.smmu.story(),
              ElementsAre("CMD_TLBI_NH_VA", "CMD_SYNC", "CMD_ATC_INV", "CMD_SYNC"));
  // 0x1000 to 0x3fff is in 2^2 pages from 0.
  EXPECT_EQ(board.smmu.commands().back(), (CommandWords{0x7'0000'0040, 2}));
  EXPECT_TRUE(other.group().detach());
  EXPECT_EQ(ste(StreamId(7))[STE::EATS], v3::AtsMode::kNone);
  EXPECT_THAT(board.smmu.commands(), ::testing::Contains(CommandWords{0x7'0000'0040, 52}));
}

TEST_F(AttachOrder, EachStreamOfEachDeviceWithAtsIsTold) {
  const auto domain = board.domain();
  ASSERT_TRUE(domain->map(Iova(0x1000), Pa(0x8000'1000), 0x1000, kReadWrite));
  std::vector<CommandWords> told;
  // One after another, of two streams and of one.
  for (std::uint32_t i = 0; i != 100; ++i) {
    iommu::DeviceConfig config{.streams = {{StreamId(0x100 + 2 * i)}}, .ats = true};
    told.push_back({0x0100'0000'0040 + (std::uint64_t{2 * i} << 32), 0x1000});
    if (i % 3 == 0) {
      config.streams.push_back({StreamId(0x101 + 2 * i)});
      told.push_back({0x0101'0000'0040 + (std::uint64_t{2 * i} << 32), 0x1000});
    }
    ASSERT_TRUE(board.add(config).group().attach(*domain));
  }
  board.smmu.commands();
  EXPECT_EQ(domain->unmap(Iova(0x1000), 0x1000), 0x1000U);
  auto commands = board.smmu.commands();
  commands.erase(commands.begin());
  EXPECT_EQ(commands, told);
}

// 3.9.2: what goes on must not be held up by translations that the device may not use any more.
TEST_F(AttachOrder, ADeviceWithAtsForgetsBeforeItMayNotAskAndAfter) {
  iommu::Device& other = board.add({.streams = {{StreamId(7)}}, .pasid_bits = 4, .ats = true});
  const auto domain = board.domain(DomainType::kUnmanaged, {.pasid = true});
  const iommu::Attachment identity{iommu::AttachKind::kIdentity};
  const iommu::Attachment blocked{iommu::AttachKind::kBlocked};
  const iommu::Attachment there{iommu::AttachKind::kDomain, &domain->driver_domain()};
  const auto invalidations = [this] {
    std::vector<CommandWords> found;
    for (const CommandWords& words : board.smmu.commands()) {
      const std::uint64_t opcode = words[0] & 0xff;
      if (opcode == 0x40 || opcode == 0x03) found.push_back(words);
    }
    return found;
  };
  const CommandWords forget{0x7'0000'0040, 52};
  const CommandWords forget_pasid{0x7'0000'3840, 52};
  const CommandWords entry{0x7'0000'0003, 1};
  ASSERT_TRUE(board.driver->attach(other, there));
  invalidations();
  ASSERT_TRUE(board.driver->attach(other, identity));
  auto found = invalidations();
  ASSERT_GE(found.size(), 3U);
  EXPECT_EQ(found.front(), forget);
  EXPECT_EQ(found[1], entry);
  EXPECT_EQ(found.back(), forget);
  ASSERT_TRUE(board.driver->attach_pasid(other, SubstreamId(3), there));
  EXPECT_THAT(invalidations(), ::testing::Each(entry)) << "it could not ask before";
  ASSERT_TRUE(board.driver->attach(other, there));
  found = invalidations();
  EXPECT_EQ(found.front(), entry);
  EXPECT_EQ(found.back(), forget);
  ASSERT_TRUE(board.driver->attach(other, identity));
  invalidations();
  ASSERT_TRUE(board.driver->attach_pasid(other, SubstreamId(3), blocked));
  found = invalidations();
  ASSERT_GE(found.size(), 4U);
  EXPECT_EQ(found.front(), forget);
  EXPECT_EQ(found[found.size() - 2], forget_pasid);
  EXPECT_EQ(found.back(), forget);
  ASSERT_TRUE(board.driver->attach(other, blocked));
  EXPECT_THAT(invalidations(), ::testing::Each(entry));
}

// 4.7.1: CMD_STALL_TERM has answered it, while the handler thought.
TEST_F(AttachOrder, AnAccessThatItsHandlerHasEndedIsNotResumed) {
  class Detaches final : public iommu::FaultHandler {
   public:
    iommu::FaultAction on_fault(iommu::Domain&, iommu::Device* device,
                                const iommu::Fault&) override {
      if (detaches) {
        EXPECT_TRUE(device->group().detach());
      }
      ++told;
      return iommu::FaultAction::kRetry;
    }
    bool detaches = false;
    int told = 0;
  } handler;
  iommu::Device& other = board.add({.streams = {{StreamId(7)}}, .can_stall = true});
  const auto domain = board.domain();
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  ASSERT_TRUE(other.group().attach(*domain));
  const auto base = board.smmu.get<v3::SMMU_EVENTQ_BASE>();
  std::uint64_t* const words = board.pool().words(Pa(base[v3::SMMU_EVENTQ_BASE::ADDR]));
  const auto record = v3::F_TRANSLATION()
                          .set(v3::F_TRANSLATION::EventNumber, v3::EventType::F_TRANSLATION)
                          .set(v3::F_TRANSLATION::StreamID, 7)
                          .set(v3::F_TRANSLATION::STAG, 5)
                          .set(v3::F_TRANSLATION::Stall, true)
                          .words();
  for (std::size_t i = 0; i != 8; ++i) words[i] = little_endian(record[i % 4]);
  board.smmu.story();
  for (const bool detaches : {false, true}) {
    handler.detaches = detaches;
    board.smmu.set(v3::SMMU_EVENTQ_PROD(detaches ? 2 : 1));
    board.driver->event_queue_line().pulse();
    const auto story = board.smmu.story();
    EXPECT_THAT(story, ::testing::Contains(detaches ? "CMD_STALL_TERM" : "CMD_RESUME"));
    EXPECT_THAT(story, Not(::testing::Contains(detaches ? "CMD_RESUME" : "CMD_STALL_TERM")));
  }
  EXPECT_EQ(handler.told, 2);
}

TEST_F(AttachOrder, APasidHasACdOfItsOwnAndTheOthersStayWhereTheyWere) {
  const auto domain = board.domain(DomainType::kUnmanaged, {.pasid = true});
  ASSERT_TRUE(board.driver->attach(*device, {iommu::AttachKind::kIdentity}));
  board.smmu.story();
  ASSERT_TRUE(board.driver->attach_pasid(*device, SubstreamId(3),
                                         {iommu::AttachKind::kDomain, &domain->driver_domain()}));
  EXPECT_EQ(ste()[STE::Config], SteConfig::kS1Translate);
  EXPECT_EQ(ste()[STE::S1DSS], v3::DefaultSubstream::kBypass);
  EXPECT_TRUE(load<CD>(ste()[STE::S1ContextPtr] + 3 * 64)[CD::V]);
  EXPECT_FALSE(load<CD>(ste()[STE::S1ContextPtr])[CD::V]);
  ASSERT_TRUE(board.driver->attach(*device, {iommu::AttachKind::kBlocked}));
  EXPECT_EQ(ste()[STE::S1DSS], v3::DefaultSubstream::kTerminate);
  const auto below = board.domain(DomainType::kUnmanaged, {.nest_parent = true});
  const auto refused =
      board.driver->attach(*device, {iommu::AttachKind::kDomain, &below->driver_domain()});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::device_or_resource_busy);
  ASSERT_TRUE(board.driver->attach_pasid(*device, SubstreamId(3), {iommu::AttachKind::kBlocked}));
  EXPECT_EQ(ste()[STE::Config], SteConfig::kAbort);
  ASSERT_TRUE(board.driver->attach_pasid(*device, SubstreamId(3), {iommu::AttachKind::kBlocked}));
}

TEST_F(AttachOrder, ASyncThatNeverCompletesIsAnErrorAndEverythingIsPutBack) {
  const auto domain = board.domain();
  const STE before = ste();
  board.smmu.consumes = false;
  const auto refused = device->group().attach(*domain);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::timed_out);
  EXPECT_EQ(ste(), before);
  EXPECT_FALSE(board.log.sentences().empty());
  EXPECT_LT(board.clock.now(), std::chrono::seconds(60));
}

TEST_F(AttachOrder, UnmapSaysSoWhenTheSmmuDoesNotAnswerAndGoesOn) {
  const auto domain = board.domain();
  ASSERT_TRUE(domain->map(Iova(0x1000), Pa(0x8000'1000), 0x4000, kReadWrite));
  ASSERT_TRUE(device->group().attach(*domain));
  board.smmu.consumes = false;
  EXPECT_EQ(domain->unmap(Iova(0x1000), 0x1000), 0x1000U);
  EXPECT_THAT(board.log.sentences(),
              ::testing::Contains(::testing::HasSubstr("CMD_SYNC did not complete in 1000 ms")));
  // Until the queue is full, and then.
  for (int i = 0; i != 300; ++i) domain->flush_all();
  EXPECT_THAT(board.log.sentences(), ::testing::Contains(::testing::HasSubstr("stays full")));
  board.smmu.consumes = true;
}

TEST_F(AttachOrder, AnIndexBeyondTheQueueIsNoProgress) {
  const auto domain = board.domain();
  ASSERT_TRUE(device->group().attach(*domain));
  for (const std::uint32_t index : {0xfffffU, 0x1ffU, 0x7ffff000U, 0xffffffffU}) {
    board.smmu.consumer_index = [index] { return index; };
    domain->flush_all();
  }
  board.smmu.consumer_index = nullptr;
  board.log.sentences();
  domain->flush_all();
  EXPECT_THAT(board.log.sentences(), IsEmpty());
}

TEST_F(AttachOrder, EveryRefusalLeavesNothingBehindWhateverMemoryRunsOut) {
  const auto domain = board.domain(DomainType::kUnmanaged, {.pasid = true});
  iommu::Device& other = board.add({.streams = {{StreamId(9)}}, .pasid_bits = 12});
  board.smmu.commands();
  const std::uint64_t live = board.pool().live();
  for (std::uint64_t granted = 0;; ++granted) {
    board.pool().grant(granted);
    const auto attached = other.group().attach(*domain);
    board.pool().grant(iommu::PagePool::kUnlimited);
    if (attached) {
      EXPECT_EQ(granted, 2U) << "two levels of the CD table";
      break;
    }
    EXPECT_EQ(attached.error(), std::errc::not_enough_memory);
    EXPECT_EQ(board.pool().live(), live);
    EXPECT_EQ(ste(StreamId(9))[STE::Config], SteConfig::kAbort);
    EXPECT_THAT(board.smmu.commands(), IsEmpty());
  }
}

TEST_F(AttachOrder, NumbersRunOutAndComeBack) {
  ScriptedBoard few;
  few.driver_config.asid_bits = 1;
  ASSERT_EQ(few.start(), "");
  iommu::Device& one = few.add({.streams = {{StreamId(1)}}});
  iommu::Device& two = few.add({.streams = {{StreamId(2)}}});
  auto first = few.domain();
  const auto second = few.domain();
  ASSERT_TRUE(one.group().attach(*first));
  const auto refused = two.group().attach(*second);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::no_space_on_device);
  first.reset();
  EXPECT_TRUE(two.group().attach(*second));
}

TEST_F(AttachOrder, StreamsThatCannotBeAreRefused) {
  const auto refusal = [this](iommu::DeviceConfig config) {
    const auto added = board.iommu->add_device(std::move(config));
    return added ? std::errc{} : added.error();
  };
  EXPECT_EQ(refusal({.streams = {{StreamId(0x10000)}}}), std::errc::invalid_argument);
  EXPECT_EQ(refusal({.streams = {{kStream}}}), std::errc::invalid_argument) << "another has it";
  EXPECT_EQ(refusal({.streams = {{StreamId(1)}}, .pasid_bits = 21}), std::errc::invalid_argument);
  EXPECT_EQ(refusal({.streams = {{StreamId(0), 0xffff}}}), std::errc::invalid_argument);
  EXPECT_EQ(refusal({.streams = {{StreamId(0x300), 0x3}, {StreamId(0x301)}}}), std::errc{});
  EXPECT_EQ(refusal({.streams = {{StreamId(0x303)}}}), std::errc::invalid_argument);
}

// What happens while somebody waits for commands.
class Interposed final : public Mmio {
 public:
  explicit Interposed(ScriptedSmmu& smmu) : smmu_(smmu) {}
  std::uint32_t read32(std::uint32_t offset) override { return smmu_.read32(offset); }
  std::uint64_t read64(std::uint32_t offset) override { return smmu_.read64(offset); }
  void write64(std::uint32_t offset, std::uint64_t value) override { smmu_.write64(offset, value); }
  void write32(std::uint32_t offset, std::uint32_t value) override {
    smmu_.write32(offset, value);
    if (offset != v3::SMMU_CMDQ_PROD::kOffset || !once) return;
    std::exchange(once, nullptr)();
  }
  std::function<void()> once;  // after a doorbell

 private:
  ScriptedSmmu& smmu_;
};

// It may have been told what the TLB had until then.
TEST(Attach, ADeviceThatIsAttachedDuringAnUnmapForgetsTheSame) {
  ScriptedBoard board;
  Interposed registers(board.smmu);
  board.driver_config.registers = &registers;
  ASSERT_EQ(board.start(), "");
  iommu::Device& plain = board.add({.streams = {{kStream}}});
  iommu::Device& far = board.add({.streams = {{StreamId(7)}}, .ats = true});
  auto domain = board.domain();
  ASSERT_TRUE(domain->map(Iova(0x1000), Pa(0x8000'1000), 0x4000, kReadWrite));
  const iommu::Attachment there{iommu::AttachKind::kDomain, &domain->driver_domain()};
  const iommu::Attachment nowhere{iommu::AttachKind::kBlocked};
  ASSERT_TRUE(board.driver->attach(plain, there));
  const auto last_of = [&](const std::function<void()>& invalidates) {
    board.smmu.commands();
    registers.once = [&] { ASSERT_TRUE(board.driver->attach(far, there)); };
    invalidates();
    const CommandWords last = board.smmu.commands().back();
    EXPECT_TRUE(board.driver->attach(far, nowhere));
    return last;
  };
  EXPECT_EQ(last_of([&] { EXPECT_EQ(domain->unmap(Iova(0x1000), 0x1000), 0x1000U); }),
            (CommandWords{0x7'0000'0040, 0x1000}));
  EXPECT_EQ(last_of([&] { EXPECT_EQ(domain->unmap(Iova(0x2000), 0x2000), 0x2000U); }),
            (CommandWords{0x7'0000'0040, 0x2001}));
  EXPECT_EQ(last_of([&] { domain->flush_all(); }), (CommandWords{0x7'0000'0040, 52}));
  ASSERT_TRUE(board.driver->attach(plain, nowhere));
  domain.reset();
  board.iommu.reset();
}

}  // namespace
}  // namespace smmu::testing::attach_order_test
