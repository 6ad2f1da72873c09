// Guests with a stage 1 of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "smmu/arch/v3/commands.h"
#include "smmu/arch/v3/registers.h"
#include "smmu/arch/v3/stream_table.h"
#include "smmu/testing/driven_board.h"
#include "smmu/testing/matchers.h"
#include "smmu/testing/tables.h"

namespace smmu::testing::nested_test {
namespace {

using iommu::Domain;
using iommu::DomainOptions;
using iommu::DomainType;
using iommu::GuestStream;
using iommu::kReadWrite;
using v3::CMD_ATC_INV;
using v3::CMD_CFGI_CD;
using v3::CMD_CFGI_STE;
using v3::CMD_SYNC;
using v3::CMD_TLBI_NH_ASID;
using v3::CMD_TLBI_NH_VA;
using v3::STE;
using v3::SteConfig;
using Words = std::array<std::uint64_t, 2>;

constexpr StreamId kNic = StreamId(5);
constexpr Iova kPage = Iova(0x1000);
// The guest's memory: its address 0 is here.
constexpr std::uint64_t kGuestBytes = std::uint64_t{8} << 20;

class Nested : public ::testing::Test {
 protected:
  explicit Nested(const DrivenBoard::Options& options = Nested::options()) : board(options) {
    parent = board.domain(DomainType::kUnmanaged, {.nest_parent = true});
    guest_memory = board.allocate(kGuestBytes, kGuestBytes);
    // One to one, so that tables made by physical addresses are those of the guest.
    EXPECT_TRUE(parent->map(Iova(guest_memory.value), guest_memory, kGuestBytes, kReadWrite));
    table.emplace(
        board.memory(),
        [this](std::uint64_t bytes, std::uint64_t alignment) {
          next = (next + alignment - 1) / alignment * alignment;
          const Pa pa(guest_memory.value + next);
          next += bytes;
          return pa;
        },
        PageTable::Options{});
    cd = Pa(guest_memory.value + 0x70'0000);
    page = Pa(guest_memory.value + 0x60'0000);
    table->map(kPage, page, 4096);
    store(board.memory(), cd, context(*table, Asid(9)));
  }

  static DrivenBoard::Options options() {
    DrivenBoard::Options options;
    options.config.caching.policy = emulator::CachePolicy::kAdversarial;
    return options;
  }
  GuestStream translating() const {
    const STE ste = STE()
                        .set(STE::V, true)
                        .set(STE::Config, SteConfig::kS1Translate)
                        .set(STE::S1ContextPtr, cd.value);
    return {{ste.word(0), ste.word(1)}};
  }
  Result<std::unique_ptr<Domain>, std::errc> nested(const GuestStream& guest) {
    return board.iommu().create_domain(DomainType::kNested,
                                       {.parent = parent.get(), .guest = guest});
  }
  template <class C>
  static Words words(const C& command) {
    return command.words();
  }

  DrivenBoard board;
  std::unique_ptr<Domain> parent;
  Pa guest_memory;
  std::uint64_t next = 0;
  std::optional<PageTable> table;
  Pa cd;
  Pa page;
};

TEST_F(Nested, BothStagesTranslateAndEachIsInvalidatedByItsOwner) {
  iommu::Device& device = board.add(kNic);
  const DmaDevice nic = board.device(kNic);
  const auto domain = nested(translating());
  ASSERT_TRUE(domain);
  ASSERT_TRUE(device.group().attach(**domain));
  EXPECT_THAT(nic.translate(kPage), TranslatesTo(page));
  // The guest's: until it says so, the SMMU may know the page.
  table->unmap(kPage);
  EXPECT_THAT(nic.translate(kPage), TranslatesTo(page));
  const std::vector<Words> forget = {words(command<CMD_TLBI_NH_VA>()
                                               .set(CMD_TLBI_NH_VA::VMID, 77)
                                               .set(CMD_TLBI_NH_VA::ASID, 9)
                                               .set(CMD_TLBI_NH_VA::Leaf, true)
                                               .set(CMD_TLBI_NH_VA::Address, kPage.value)),
                                     words(command<CMD_SYNC>())};
  auto done = (*domain)->invalidate(forget);
  EXPECT_EQ(done.commands, 2U);
  EXPECT_EQ(done.error, std::errc{});
  EXPECT_THAT(nic.translate(kPage), Aborts());
  table->map(kPage, page, 4096);
  EXPECT_THAT(nic.translate(kPage), TranslatesTo(page));
  // The host's, below.
  EXPECT_EQ(parent->unmap(Iova(guest_memory.value), kGuestBytes), kGuestBytes);
  EXPECT_THAT(nic.translate(kPage), Aborts());
  EXPECT_TRUE(device.group().detach());
}

TEST_F(Nested, TheGuestsCdIsReadAnewWhenItSaysSo) {
  iommu::Device& device = board.add(kNic);
  const DmaDevice nic = board.device(kNic);
  const auto domain = nested(translating());
  ASSERT_TRUE(domain);
  ASSERT_TRUE(device.group().attach(**domain));
  EXPECT_THAT(nic.translate(kPage), TranslatesTo(page));
  store(board.memory(), cd, v3::CD());
  EXPECT_THAT(nic.translate(kPage), TranslatesTo(page));
  // Of whichever stream the guest calls its own.
  const std::vector<Words> forget = {
      words(command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, 0x1234).set(CMD_CFGI_CD::Leaf, true)),
      words(command<CMD_TLBI_NH_ASID>().set(CMD_TLBI_NH_ASID::ASID, 9))};
  EXPECT_EQ((*domain)->invalidate(forget).commands, 2U);
  EXPECT_THAT(nic.translate(kPage), Aborts());
}

TEST_F(Nested, AGuestMayBypassOrBlock) {
  iommu::Device& device = board.add(kNic);
  const DmaDevice nic = board.device(kNic);
  const STE bypass = STE().set(STE::V, true).set(STE::Config, SteConfig::kBypass);
  {
    const auto domain = nested({{bypass.word(0), 0}});
    ASSERT_TRUE(domain);
    ASSERT_TRUE(device.group().attach(**domain));
    EXPECT_THAT(nic.translate(Iova(page.value)), TranslatesTo(page));
    EXPECT_THAT(nic.translate(kPage), Aborts()) << "the host does not map that";
  }
  const auto blocked = nested({});
  ASSERT_TRUE(blocked);
  ASSERT_TRUE(device.group().attach(**blocked));
  EXPECT_THAT(nic.translate(Iova(page.value)), Aborts());
}

TEST_F(Nested, WordsThatAGuestMayNotHaveAreRefused) {
  const auto refusal = [this](const GuestStream& guest) {
    const auto made = nested(guest);
    return made ? std::errc{} : made.error();
  };
  const GuestStream good = translating();
  EXPECT_EQ(refusal(good), std::errc{});
  const std::uint64_t first[] = {0b110 << 1 | 1, 0b111 << 1 | 1};
  for (const std::uint64_t word : first)
    EXPECT_EQ(refusal({{word, 0}}), std::errc::invalid_argument);
  for (unsigned bit = 0; bit != 64; ++bit) {
    // S1DSS, S1CIR, S1COR, S1CSH, S1STALLD, and one of EATS.
    const bool allowed = bit < 8 || bit == 27 || bit == 28;
    EXPECT_EQ(refusal({{good.words[0], std::uint64_t{1} << bit}}),
              allowed ? std::errc{} : std::errc::invalid_argument)
        << bit;
  }
  EXPECT_EQ(refusal({{good.words[0] | std::uint64_t{1} << 56, 0}}), std::errc::invalid_argument);
  // S1CDMax beyond what the SMMU has.
  EXPECT_EQ(refusal({{good.words[0] | std::uint64_t{21} << 59, 0}}), std::errc::invalid_argument);
  const auto plain = board.domain();
  const auto above =
      board.iommu().create_domain(DomainType::kNested, {.parent = plain.get(), .guest = good});
  ASSERT_FALSE(above);
  EXPECT_EQ(above.error(), std::errc::invalid_argument) << "its parent is no stage 2";
}

TEST_F(Nested, CommandsThatAreNotTheGuestsToGiveEndTheList) {
  iommu::Device& device = board.add(kNic);
  const auto domain = nested(translating());
  ASSERT_TRUE(domain);
  const Words sound = words(command<CMD_TLBI_NH_ASID>());
  const auto commands_before = [&](const Words& bad) {
    const std::vector<Words> list = {sound, sound, bad, sound};
    const auto done = (*domain)->invalidate(list);
    EXPECT_EQ(done.error, std::errc::invalid_argument);
    return done.commands;
  };
  for (const bool attached : {false, true}) {
    if (attached) {
      ASSERT_TRUE(device.group().attach(**domain));
    }
    EXPECT_EQ(commands_before(words(command<CMD_CFGI_STE>())), 2U);
    EXPECT_EQ(commands_before({0x30'0000'0010'0000 | 0x12, 0}), 2U) << "a reserved field";
    EXPECT_EQ(commands_before({0xff, 0}), 2U);
    EXPECT_EQ(commands_before({0x2a, 0}), 2U) << "stage 2 is the host's";
    EXPECT_EQ(commands_before({0x12, 0x400}), 2U) << "TG without a range or a level";
    EXPECT_EQ(commands_before({0x1012, 0}), 2U) << "NUM without TG";
    EXPECT_EQ(commands_before({0x05 | 1 << 10, 0}), 2U) << "SSec";
    EXPECT_EQ(commands_before(words(command<CMD_ATC_INV>().set(CMD_ATC_INV::Size, 53))), 2U);
  }
  for (const std::string& sentence : board.log.sentences()) ADD_FAILURE() << sentence;
}

TEST_F(Nested, ADeviceBehindAGuestForgetsAllWhenTheHostUnmaps) {
  AtsDevice nic = board.ats_device(kNic);
  iommu::Device& device = board.add({.streams = {{kNic}}, .ats = true});
  GuestStream guest = translating();
  guest.words[1] |= std::uint64_t{1} << 28;
  const auto domain = nested(guest);
  ASSERT_TRUE(domain);
  ASSERT_TRUE(device.group().attach(**domain));
  EXPECT_TRUE(nic.write64(kPage, 3));
  EXPECT_TRUE(nic.knows(kPage));
  const std::vector<Words> forget = {words(command<CMD_ATC_INV>().set(CMD_ATC_INV::Size, 52))};
  EXPECT_EQ((*domain)->invalidate(forget).commands, 1U);
  EXPECT_FALSE(nic.knows(kPage));
  EXPECT_TRUE(nic.write64(kPage, 3));
  EXPECT_EQ(parent->unmap(Iova(guest_memory.value), kGuestBytes), kGuestBytes);
  EXPECT_EQ(nic.known(), 0U);
}

class NestedForcedToStall : public Nested {
 protected:
  NestedForcedToStall() : Nested(forced()) {}
  static DrivenBoard::Options forced() {
    DrivenBoard::Options forced = options();
    forced.config.idr0.set(v3::SMMU_IDR0::STALL_MODEL, StallModel::kStallForced);
    forced.config.s_idr0.set(v3::SMMU_S_IDR0::STALL_MODEL, StallModel::kStallForced);
    return forced;
  }
};

// 5.2: a stage 2 that stalls makes an STE with ATS illegal.
TEST_F(NestedForcedToStall, ADeviceIsWithoutAtsAboveStage2) {
  iommu::Device& device = board.add({.streams = {{kNic}}, .ats = true});
  const DmaDevice nic = board.device(kNic);
  store(board.memory(), cd, context(*table, Asid(9)).set(v3::CD::S, true));
  GuestStream guest = translating();
  guest.words[1] |= std::uint64_t{1} << 28;
  const auto domain = nested(guest);
  ASSERT_TRUE(domain);
  ASSERT_TRUE(device.group().attach(**domain));
  EXPECT_THAT(nic.translate(kPage), TranslatesTo(page));
  ASSERT_TRUE(device.group().detach());
  ASSERT_TRUE(device.group().attach(*parent));
  EXPECT_THAT(nic.translate(Iova(page.value)), TranslatesTo(page));
  AtsDevice asks = board.ats_device(kNic);
  EXPECT_TRUE(asks.request(Iova(page.value)).ranges().empty());
  // Stage 1 alone may stall.
  const auto plain = board.domain();
  ASSERT_TRUE(plain->map(kPage, page, 4096, kReadWrite));
  ASSERT_TRUE(device.group().detach());
  ASSERT_TRUE(device.group().attach(*plain));
  EXPECT_TRUE(asks.write64(kPage, 3));
}

// What the guest says before it is attached is as right as what it says after.
TEST_F(Nested, AGuestInvalidatesWhileItIsAttachedFirst) {
  iommu::Device& device = board.add(kNic);
  const DmaDevice nic = board.device(kNic);
  const std::vector<Words> forget = {words(command<CMD_TLBI_NH_VA>()
                                               .set(CMD_TLBI_NH_VA::ASID, 9)
                                               .set(CMD_TLBI_NH_VA::Leaf, true)
                                               .set(CMD_TLBI_NH_VA::Address, kPage.value)),
                                     words(command<CMD_SYNC>())};
  for (int round = 0; round != 20; ++round) {
    const auto domain = nested(translating());
    ASSERT_TRUE(domain);
    table->map(kPage, page, 4096);
    std::atomic<bool> begun{false};
    std::thread guest([&] {
      for (int i = 0; i != 50; ++i) {
        const auto done = (*domain)->invalidate(forget);
        EXPECT_EQ(done.commands, 2U);
        EXPECT_EQ(done.error, std::errc{});
        begun = true;
      }
      table->unmap(kPage);
      EXPECT_EQ((*domain)->invalidate(forget).commands, 2U);
    });
    while (!begun) std::this_thread::yield();
    ASSERT_TRUE(device.group().attach(**domain));
    guest.join();
    EXPECT_THAT(nic.translate(kPage), Aborts());
    ASSERT_TRUE(device.group().detach());
  }
}

}  // namespace
}  // namespace smmu::testing::nested_test
