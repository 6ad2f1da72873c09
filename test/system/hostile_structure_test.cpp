// Structures that say anything at all, and structures that change while they are read: what comes
// of it is an answer, an event of the architecture's or a bit of SMMU_GERROR, and nothing else.
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::hostile_structure_test {
namespace {

using emulator::CachePolicy;
using emulator::Direction;
using ::testing::IsEmpty;
using v3::CD;
using v3::EventType;
using v3::STE;

constexpr StreamId kStream(1);
constexpr StreamId kNeighbour(2);
constexpr Iova kAddress(0x80'0000);
constexpr unsigned kWords = 8;

enum class Target { kSte, kCd, kL1std, kL1cd };

struct Case {
  const char* name;
  Target target;
  v3::SteConfig config;
};
void PrintTo(const Case& shown, std::ostream* out) { *out << shown.name; }

// A stream whose structures are known to be good; a page of it, and of a
// neighbour that nobody touches.
class HostileStructures : public ::testing::TestWithParam<Case> {
 protected:
  HostileStructures() : board_({.config = config()}) {
    board_.bring_up();
    two_levels();
    stage1_.map(kAddress, page_, 4096);
    stage2_.map(Iova(kRam), Pa(kRam), kRamSize);
    stage2_.map(kAddress, page_, 4096);
    cds_ = board_.allocate(4096);
    l1cds_ = board_.allocate(4096);
    store(board_.memory(), cds_, good_cd());
    store(board_.memory(), l1cds_,
          v3::L1CD().set(v3::L1CD::V, true).set(v3::L1CD::L2Ptr, cds_.value));
    set(kNeighbour, bypass());
  }
  static emulator::SmmuV3Config config() {
    auto config = emulator::SmmuV3Config::everything();
    config.caching.policy = CachePolicy::kNone;
    return config;
  }
  // A Stream table of two levels, so that there are descriptors to spoil.
  void two_levels() {
    using v3::SMMU_CR0;
    using v3::SMMU_STRTAB_BASE_CFG;
    l1stds_ = board_.allocate(4096);
    stes_ = board_.allocate(4096);
    store(board_.memory(), l1stds_,
          v3::L1STD().set(v3::L1STD::Span, 7).set(v3::L1STD::L2Ptr, stes_.value));
    const auto enabled = board_.smmu().read<SMMU_CR0>();
    board_.smmu().write(SMMU_CR0());
    board_.smmu().write(v3::SMMU_STRTAB_BASE(l1stds_.value));
    board_.smmu().write(
        SMMU_STRTAB_BASE_CFG()
            .set(SMMU_STRTAB_BASE_CFG::LOG2SIZE, 8)
            .set(SMMU_STRTAB_BASE_CFG::SPLIT, 6)
            .set(SMMU_STRTAB_BASE_CFG::FMT, SMMU_STRTAB_BASE_CFG::Format::kTwoLevel));
    board_.smmu().write(enabled);
  }
  void set(StreamId stream, const STE& ste) {
    store(board_.memory(), Pa(stes_.value + 64 * std::uint64_t{stream.value}), ste);
  }
  CD good_cd() const { return context(stage1_); }
  STE good_ste() const {
    STE ste = translate(l1cds_)
                  .set(STE::S1CDMax, 8)
                  .set(STE::S1DSS, v3::DefaultSubstream::kCd0)
                  .set(STE::S1Fmt, v3::CdTableFormat::kTwoLevel4KLeaf);
    ste = above_stage2(ste, stage2_);
    return ste.set(STE::Config, GetParam().config);
  }
  // Where the words are that a case spoils, how many there are, and what is good.
  Pa place() const {
    switch (GetParam().target) {
      case Target::kSte:
        return Pa(stes_.value + 64 * std::uint64_t{kStream.value});
      case Target::kCd:
        return cds_;
      case Target::kL1std:
        return l1stds_;
      case Target::kL1cd:
        return l1cds_;
    }
    return cds_;
  }
  unsigned words() const {
    return GetParam().target == Target::kSte || GetParam().target == Target::kCd ? kWords : 1;
  }
  std::uint64_t at(unsigned word) { return load(board_.memory(), Pa(place().value + 8 * word)); }
  void put(unsigned word, std::uint64_t value) {
    store(board_.memory(), Pa(place().value + 8 * word), value);
  }

  // An access of every kind, by what stands there now.
  void expect_an_answer_of_the_architectures() {
    for (const Direction direction : {Direction::kRead, Direction::kWrite}) {
      for (const bool substream : {false, true}) {
        DmaDevice device(port_, kStream);
        if (substream) device = device.substream(SubstreamId(0));
        const auto outcome = device.translate(kAddress, direction);
        const auto events = board_.events();
        ASSERT_LE(events.size(), 1U);
        for (const Event& event : events) {
          EXPECT_EQ(event.stream(), kStream);
          EXPECT_TRUE(kExpected.contains(event.type())) << event;
          EXPECT_FALSE(std::holds_alternative<emulator::Translation>(outcome)) << event;
        }
      }
    }
    ASSERT_EQ(board_.smmu().read<v3::SMMU_GERROR>().raw(), 0U);
  }
  void expect_the_neighbour_works() {
    EXPECT_THAT(DmaDevice(port_, kNeighbour).translate(kAddress), TranslatesTo(Pa(kAddress.value)));
    EXPECT_THAT(board_.events(), IsEmpty());
  }

  static constexpr std::uint64_t kRam = 0x4000'0000;
  static constexpr std::uint64_t kRamSize = std::uint64_t{128} << 20;
  static inline const std::set<EventType> kExpected = {
      EventType::C_BAD_STREAMID,    EventType::F_STE_FETCH, EventType::C_BAD_STE,
      EventType::F_STREAM_DISABLED, EventType::F_CD_FETCH,  EventType::C_BAD_CD,
      EventType::C_BAD_SUBSTREAMID, EventType::F_WALK_EABT, EventType::F_TRANSLATION,
      EventType::F_ADDR_SIZE,       EventType::F_ACCESS,    EventType::F_PERMISSION};

  Board board_;
  emulator::Port& port_ = board_.smmu().add_port();
  Pa page_ = board_.allocate(4096);
  PageTable stage1_ = board_.page_table();
  PageTable stage2_ = board_.page_table({.t0sz = 24, .stage = 2});
  Pa l1stds_, stes_, l1cds_, cds_;
};

TEST_P(HostileStructures, MayHaveAnyTwoBitsWrong) {  // every reserved encoding of two bits
  set(kStream, good_ste());
  for (unsigned word = 0; word != words(); ++word) {
    const std::uint64_t good = at(word);
    for (unsigned bit = 0; bit != 64; ++bit) {
      for (const std::uint64_t pattern : {1ULL, 2ULL, 3ULL}) {
        SCOPED_TRACE(::testing::Message() << "word " << word << " bit " << bit);
        put(word, good ^ pattern << bit);
        expect_an_answer_of_the_architectures();
      }
    }
    put(word, good);
  }
  expect_the_neighbour_works();
}

TEST_P(HostileStructures, MayBeAnything) {
  std::mt19937_64 random(20);
  for (unsigned round = 0; round != 2000; ++round) {
    set(kStream, good_ste());
    SCOPED_TRACE(round);
    for (unsigned word = 0; word != words(); ++word) {
      // Sparse, dense, or a good word with a few bits changed.
      const std::uint64_t good = at(word);
      const std::uint64_t one = random();
      const std::uint64_t other = random();
      const std::uint64_t choices[] = {one & other, one | other, good ^ (one & other & random()),
                                       good};
      put(word, choices[random() % 4]);
    }
    expect_an_answer_of_the_architectures();
    // What was spoiled besides the STE.
    store(board_.memory(), cds_, good_cd());
    store(board_.memory(), l1cds_,
          v3::L1CD().set(v3::L1CD::V, true).set(v3::L1CD::L2Ptr, cds_.value));
    store(board_.memory(), l1stds_,
          v3::L1STD().set(v3::L1STD::Span, 7).set(v3::L1STD::L2Ptr, stes_.value));
  }
  expect_the_neighbour_works();
}

INSTANTIATE_TEST_SUITE_P(
    Of, HostileStructures,
    ::testing::Values(Case{"SteThatBypasses", Target::kSte, v3::SteConfig::kBypass},
                      Case{"SteOfStage1", Target::kSte, v3::SteConfig::kS1Translate},
                      Case{"SteOfStage2", Target::kSte, v3::SteConfig::kS2Translate},
                      Case{"SteOfBoth", Target::kSte, v3::SteConfig::kNested},
                      Case{"Cd", Target::kCd, v3::SteConfig::kS1Translate},
                      Case{"CdBehindStage2", Target::kCd, v3::SteConfig::kNested},
                      Case{"L1std", Target::kL1std, v3::SteConfig::kS1Translate},
                      Case{"L1cd", Target::kL1cd, v3::SteConfig::kS1Translate},
                      Case{"L1cdBehindStage2", Target::kL1cd, v3::SteConfig::kNested}),
    [](const auto& tested) { return tested.param.name; });

// Somebody writes them while ports read them.
class HostileConcurrency : public ::testing::TestWithParam<CachePolicy> {
 protected:
  // The device's thread may be the one that consumes them, in its own time; before that, their
  // places are not for others.
  template <class... C>
  static void submit_and_await(Board& board, const C&... commands) {
    board.submit_and_sync(commands...);
    while (!board.idle()) std::this_thread::yield();
  }
};

TEST_P(HostileConcurrency, OfStructuresThatChangeWhileTheyAreRead) {
  auto config = emulator::SmmuV3Config::everything();
  config.caching.policy = GetParam();
  Board board({.config = config});
  board.bring_up();
  PageTable table = board.page_table();
  const Pa page = board.allocate(4096);
  table.map(kAddress, page, 4096);
  const Pa cd = board.attach(kStream, table);
  const STE good = translate(cd);
  const CD context_of_table = context(table);
  emulator::Port& port = board.smmu().add_port();

  std::atomic<bool> done{false};
  std::thread device([&] {
    while (!done.load()) {
      const auto outcome = DmaDevice(port, kStream).translate(kAddress);
      if (const auto* translation = std::get_if<emulator::Translation>(&outcome)) {
        // By stage 1, or by the STE that bypasses; not by a part of each.
        ASSERT_TRUE(translation->pa == page || translation->pa == Pa(kAddress.value));
      }
    }
  });
  std::mt19937_64 random(7);
  for (unsigned round = 0; round != 400; ++round) {
    const std::uint64_t spoiled = random();
    // 3.21.3.1: what is not valid may be anything.
    board.streams().set(kStream, STE());
    submit_and_await(board,
                     command<v3::CMD_CFGI_STE>().set(v3::CMD_CFGI_STE::StreamID, kStream.value));
    store(board.memory(), Pa(cd.value + 8 * (spoiled % 8)), spoiled);
    store(board.memory(), cd, context_of_table);
    board.streams().set(kStream, spoiled % 3 == 0 ? bypass() : good);
    submit_and_await(board,
                     command<v3::CMD_CFGI_STE>().set(v3::CMD_CFGI_STE::StreamID, kStream.value));
    board.events();
  }
  done.store(true);
  device.join();
  EXPECT_EQ(board.smmu().read<v3::SMMU_GERROR>().raw(), 0U);
}

// The same without any order: words come and go as they like.
TEST_P(HostileConcurrency, OfWordsThatComeAndGo) {
  auto config = emulator::SmmuV3Config::everything();
  config.caching.policy = GetParam();
  Board board({.config = config});
  board.bring_up();
  PageTable table = board.page_table();
  table.map(kAddress, board.allocate(4096), 4096);
  const Pa cd = board.attach(kStream, table);
  emulator::Port& port = board.smmu().add_port();
  const Pa places[] = {board.streams().entry(kStream), cd, table.root(),
                       table.descriptor(kAddress)};
  std::atomic<bool> done{false};
  std::thread device([&] {
    while (!done.load()) DmaDevice(port, kStream).translate(kAddress);
  });
  std::mt19937_64 random(8);
  for (unsigned round = 0; round != 3000; ++round) {
    const Pa place = places[random() % 4];
    const Pa word(place.value + 8 * (random() % 8));
    const std::uint64_t before = load(board.memory(), word);
    store(board.memory(), word, before ^ std::uint64_t{1} << random() % 64);
    if (round % 4 != 0) store(board.memory(), word, before);
    if (round % 16 == 0) {
      submit_and_await(board,
                       command<v3::CMD_CFGI_STE>().set(v3::CMD_CFGI_STE::StreamID, kStream.value),
                       command<v3::CMD_TLBI_NSNH_ALL>());
    }
    if (round % 64 == 0) board.events();
  }
  done.store(true);
  device.join();
  // Only records that were lost may be told of.
  EXPECT_EQ(board.smmu().read<v3::SMMU_GERROR>().raw(), 0U);
}

INSTANTIATE_TEST_SUITE_P(, HostileConcurrency,
                         ::testing::Values(CachePolicy::kNone, CachePolicy::kRealistic,
                                           CachePolicy::kAdversarial),
                         [](const auto& policy) {
                           return policy.param == CachePolicy::kNone        ? "None"
                                  : policy.param == CachePolicy::kRealistic ? "Realistic"
                                                                            : "Adversarial";
                         });

// Queues in a memory that ends in the middle of them: a page of each is there.
class QueuesThatEnd : public ::testing::Test {
 protected:
  static constexpr Pa kQueue{0x1'0000'0000};

  void SetUp() override { ASSERT_TRUE(board_.memory().add(kQueue, 4096)); }

  Board board_;
};

TEST_F(QueuesThatEnd, AreAnErrorOfTheCommandQueue) {  // 7.1, CERROR_ABT
  using v3::CommandError;
  using v3::SMMU_CMDQ_CONS;
  using v3::SMMU_CR0;
  for (unsigned i = 0; i != 256; ++i) {
    store(board_.memory(), Pa(kQueue.value + 16 * i), command<v3::CMD_SYNC>());
  }
  emulator::SmmuV3& smmu = board_.smmu();
  smmu.write(v3::SMMU_CMDQ_BASE(kQueue.value | 9));
  smmu.write(SMMU_CR0().set(SMMU_CR0::CMDQEN, true));
  smmu.write(v3::SMMU_CMDQ_PROD(300));
  const auto cons = smmu.read<SMMU_CMDQ_CONS>();
  EXPECT_EQ(cons[SMMU_CMDQ_CONS::RD], 256U);
  EXPECT_EQ(cons[SMMU_CMDQ_CONS::ERR], CommandError::CERROR_ABT);
  EXPECT_EQ(smmu.read<v3::SMMU_GERROR>(), v3::SMMU_GERROR().set(v3::SMMU_GERROR::CMDQ_ERR, true));
}

TEST_F(QueuesThatEnd, LoseEvents) {  // 7.2, EVENTQ_ABT_ERR
  using v3::SMMU_CR0;
  emulator::SmmuV3& smmu = board_.smmu();
  smmu.write(v3::SMMU_EVENTQ_BASE(kQueue.value | 8));
  smmu.write(v3::SMMU_STRTAB_BASE(0x4000'0000));
  smmu.write(v3::SMMU_STRTAB_BASE_CFG().set(v3::SMMU_STRTAB_BASE_CFG::LOG2SIZE, 4));
  smmu.write(SMMU_CR0().set(SMMU_CR0::EVENTQEN, true).set(SMMU_CR0::SMMUEN, true));
  emulator::Port& port = smmu.add_port();
  for (unsigned i = 0; i != 130; ++i) DmaDevice(port, kStream).translate(kAddress);
  EXPECT_EQ(smmu.read<v3::SMMU_EVENTQ_PROD>().raw(), 128U);
  EXPECT_EQ(smmu.read<v3::SMMU_GERROR>(),
            v3::SMMU_GERROR().set(v3::SMMU_GERROR::EVENTQ_ABT_ERR, true));
  EXPECT_EQ(load(board_.memory(), Pa(kQueue.value + 4096 - 32)) & 0xff,
            static_cast<std::uint64_t>(EventType::C_BAD_STE));
}

TEST_F(QueuesThatEnd, LosePageRequests) {  // 8.2, PRIQ_ABT_ERR
  using v3::SMMU_CR0;
  emulator::SmmuV3& smmu = board_.smmu();
  board_.bring_up();
  smmu.write(v3::SMMU_PRIQ_BASE(kQueue.value | 9));
  smmu.write(smmu.read<SMMU_CR0>().set(SMMU_CR0::PRIQEN, true));
  emulator::Port& port = smmu.add_port();
  for (unsigned i = 0; i != 260; ++i) {
    port.request_page({.stream = kStream, .address = kAddress, .read = true, .last = true});
  }
  EXPECT_EQ(smmu.read<v3::SMMU_PRIQ_PROD>().raw(), 256U);
  EXPECT_EQ(smmu.read<v3::SMMU_GERROR>(),
            v3::SMMU_GERROR().set(v3::SMMU_GERROR::PRIQ_ABT_ERR, true));
}

}  // namespace
}  // namespace smmu::testing::hostile_structure_test
