// What a device is told that it may do, and what it may do.
#include <array>
#include <bit>
#include <iterator>
#include <random>

#include "test/system/ats_stream.h"

namespace smmu::testing::ats_agreement_test {
namespace {

using emulator::CompletionStatus;
using emulator::Content;
using emulator::Direction;
using emulator::Outcome;
using emulator::Pasid;
using emulator::Privilege;
using emulator::Transaction;
using emulator::Translation;
using v3::AtsMode;
using v3::CD;
using v3::STE;

constexpr std::uint64_t kPages = 64;
constexpr std::uint64_t kIpas = 0x3'0000'0000;

// Tables whose leaves have whatever rights, Access flags and dirty states.
class AtsAgreement : public ::testing::TestWithParam<unsigned>, protected AtsStream {
 protected:
  AtsAgreement() : random_(GetParam()) {
    const Pa target = board.allocate(4096 * kPages);
    const auto random_bits = [&](std::uint64_t bits) { return random_() & bits; };
    for (std::uint64_t i = 0; i != kPages; ++i) {
      const Iova iova(kAddress.value + 4096 * (i + 1));
      const Iova ipa(kIpas + 4096 * i);
      const Pa pa(target.value + 4096 * i);
      // AP, AF, DBM, PXN, UXN; S2AP, AF, DBM, XN.
      constexpr std::uint64_t kStage1 = 3U << 6 | 1U << 10 | std::uint64_t{0b1101} << 51;
      constexpr std::uint64_t kStage2 = 3U << 6 | 1U << 10 | std::uint64_t{0b1101} << 51;
      for (PageTable* table : {&stage1, &guest}) {
        if (random_() % 8 == 0) continue;
        table->map(iova, table == &guest ? Pa(ipa.value) : pa, 4096);
        spoil(table->descriptor(iova), kStage1, random_bits(kStage1));
      }
      if (random_() % 8 == 0) continue;
      host.map(ipa, pa, 4096);
      spoil(host.descriptor(ipa), kStage2, random_bits(kStage2));
    }
    cds_ = board.allocate(128, 128);
  }

  void spoil(Pa descriptor, std::uint64_t which, std::uint64_t bits) {
    store(board.memory(), descriptor, (load(board.memory(), descriptor) & ~which) | (bits & which));
  }
  // CD 0 and CD 1 are the same.
  void use(const STE& ste, const CD& both) {
    for (const Pa at : {cds_, Pa(cds_.value + 64)}) store(board.memory(), at, both);
    attach(STE(ste)
               .set(STE::S1ContextPtr, cds_.value)
               .set(STE::S1CDMax, 1U)
               .set(STE::S1DSS, v3::DefaultSubstream::kCd0));
    invalidate_tlbs();
  }

  std::mt19937_64 random_;
  Pa cds_;
};

TEST_P(AtsAgreement, IsBetweenRequestsAndAccesses) {
  emulator::Port& port = board.smmu().add_port();
  unsigned granted = 0;
  for (unsigned round = 0; round != 24; ++round) {
    const bool both = round % 2 != 0;
    const bool split = round % 4 == 3;
    const bool updates = round % 3 != 0;
    check(split);
    STE ste = both ? nested(split ? AtsMode::kSplitStage : AtsMode::kFull) : of_stage1();
    ste.set(STE::S2HA, both && updates).set(STE::S2HD, both && updates);
    if (round % 5 == 4) ste.set(STE::PRIVCFG, PrivilegeOverride::kPrivileged);
    use(ste, context(both ? guest : stage1)
                 .set(CD::HA, updates)
                 .set(CD::HD, updates)
                 .set(CD::PAN, round % 7 == 6));
    for (std::uint64_t i = 0; i != kPages; ++i) {
      const Iova address(kAddress.value + 4096 * (i + 1));
      std::optional<Pasid> pasid;
      if (random_() % 2 != 0) {
        pasid = Pasid{.substream = SubstreamId(1),
                      .execute = random_() % 2 != 0,
                      .privilege = static_cast<Privilege>(random_() % 2)};
      }
      device.use(pasid);
      const bool no_write = random_() % 4 == 0;
      const auto completion = device.request(address, 1, no_write);
      ASSERT_THAT(completion, HasStatus(CompletionStatus::kSuccess));
      const auto& range = completion.ranges()[0];

      // The same as accesses, which are not stopped by anything else.
      Transaction transaction{.stream = kStream, .address = address};
      if (pasid) {
        transaction.substream = pasid->substream;
        transaction.privilege = pasid->privilege;
      }
      const auto access = [&](Direction direction, Content content) {
        transaction.direction = direction;
        transaction.content = content;
        const Outcome outcome = port.translate(transaction);
        if (const auto* found = std::get_if<Translation>(&outcome)) return found->pa.value;
        return std::uint64_t{0};
      };
      const std::uint64_t reads = access(Direction::kRead, Content::kData);
      const std::uint64_t executes = access(Direction::kRead, Content::kInstruction);
      EXPECT_EQ(range.read, reads != 0) << round << ", page " << i;
      EXPECT_EQ(range.execute, pasid && pasid->execute && reads != 0 && executes != 0)
          << round << ", page " << i;
      if (!no_write) {
        EXPECT_EQ(range.write, access(Direction::kWrite, Content::kData) != 0)
            << round << ", page " << i;
      }
      if (!range.accessible()) continue;
      ++granted;
      const Direction direction = range.read ? Direction::kRead : Direction::kWrite;
      EXPECT_EQ(range.address, address);
      if (!split) {
        EXPECT_EQ(range.translated, Iova(access(direction, Content::kData)));
      } else {
        EXPECT_EQ(range.translated, Iova(kIpas + 4096 * i));
      }
    }
  }
  EXPECT_GT(granted, 100U);
  board.events();
}

// Whatever configuration says, and whatever the device asks.
TEST_P(AtsAgreement, IsNotDisturbedByAnything) {
  board.bring_up_page_requests(1);
  const STE seeds[] = {of_stage1(), of_stage2(), nested(), nested(AtsMode::kSplitStage), bypass()};
  for (unsigned round = 0; round != 400; ++round) {
    check(random_() % 2 != 0);
    STE ste = seeds[random_() % std::size(seeds)];
    ste.set(STE::EATS, static_cast<AtsMode>(random_() % 4));
    std::array<std::uint64_t, 8> words = ste.words();
    // A few bits that are wrong.
    const auto wrong = random_() % 3;
    for (unsigned i = 0; i != wrong; ++i) {
      words[random_() % 4] ^= std::uint64_t{1} << (random_() % 64);
    }
    attach(STE(words));
    if (random_() % 2 != 0) {
      device.use(Pasid{.substream = SubstreamId(static_cast<std::uint32_t>(random_())),
                       .execute = random_() % 2 != 0});
    } else {
      device.use(std::nullopt);
    }
    const Iova address(random_() % 2 != 0 ? kAddress.value : random_());
    const auto completion =
        device.request(address, static_cast<std::uint8_t>(random_()), random_() % 2 != 0);
    EXPECT_EQ(completion.ranges().empty(), completion.status != CompletionStatus::kSuccess);
    for (const auto& range : completion.ranges()) {
      EXPECT_TRUE(std::has_single_bit(range.size));
      EXPECT_EQ(range.address.value % range.size, 0U);
      EXPECT_EQ(range.translated.value % range.size, 0U);
    }
    device.access_translated(Iova(random_()), static_cast<Direction>(random_() % 2));
    device.ask_for_page(Iova(random_()), static_cast<std::uint16_t>(random_()), random_() % 2 != 0);
    board.events();
    board.page_requests();
  }
  EXPECT_TRUE(board.idle());
}

INSTANTIATE_TEST_SUITE_P(Seeds, AtsAgreement, ::testing::Values(1U, 2U, 3U));

}  // namespace
}  // namespace smmu::testing::ats_agreement_test
