// What is kept may be used again only as if it had been read anew: whatever CD, STE and descriptors
// say, a driver that forgets no invalidation sees no difference between SMMUs that keep nothing, as
// much as they have room for, and all they may (IHI 0070, 3.21).
#include <algorithm>
#include <memory>
#include <ostream>
#include <random>
#include <vector>

#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::policies_agree_test {
namespace {

using emulator::CachePolicy;
using emulator::Content;
using emulator::Direction;
using emulator::Privilege;
using emulator::Transaction;
using v3::CD;
using v3::STE;

enum class Stages : std::uint8_t { kFirst, kSecond, kBoth };

constexpr StreamId kStream(5);
constexpr Iova kAddress(0x8000'0000);
constexpr std::uint64_t kIpa = 0x9000'0000;
constexpr unsigned kPages = 12;
// Behind the pages, of 2 MiB; where both stages are, stage 2 may have pages there.
constexpr unsigned kBlocks = 3;
constexpr std::uint64_t kBlockBytes = std::uint64_t{2} << 20;
constexpr std::uint64_t kBlockTarget = 0x12'3400'0000;
constexpr Pa kRam(0x4000'0000);
constexpr std::uint64_t kRamBytes = std::uint64_t{16} << 20;

// Bits, each by itself: a seed makes the same of them whoever asks.
class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  bool one_in(unsigned n) { return engine_() % n == 0; }
  unsigned below(unsigned n) { return static_cast<unsigned>(engine_() % n); }
  std::uint32_t word() { return static_cast<std::uint32_t>(engine_()); }
  // Any of these bits of a descriptor.
  std::uint64_t some_of(std::initializer_list<unsigned> positions) {
    std::uint64_t bits = 0;
    for (const unsigned position : positions) {
      if (one_in(2)) bits |= std::uint64_t{1} << position;
    }
    return bits;
  }

 private:
  std::mt19937_64 engine_;
};

// A machine with one stream, and everything that a seed decides.
class Machine {
 public:
  Machine(const emulator::Caching& caching, Stages stages, unsigned seed)
      : stages_(stages), dice_(seed), board_(options(caching)) {
    board_.bring_up();
    stage2_.map(Iova(kRam.value), kRam, kRamBytes);
    for (unsigned leaf = 0; leaf != kPages + kBlocks; ++leaf) write_leaves(leaf);
    if (dice_.one_in(3)) {
      // PXNTable, UXNTable, APTable
      const Pa root = table_.root();
      const Pa at(root.value + 8 * (kAddress.value >> 30));
      store(board_.memory(), at, load(board_.memory(), at) | dice_.some_of({59, 60, 61, 62}));
    }
    configure();
  }

  // An access, perhaps after something has changed.
  emulator::Outcome step() {
    if (dice_.one_in(12)) change();
    Transaction transaction{.stream = kStream, .address = {}};
    const Iova page = stages_ == Stages::kSecond ? Iova(kIpa) : kAddress;
    const unsigned leaf = dice_.below(kPages + kBlocks);
    transaction.address = Iova(page.value + offset_of(leaf) + dice_.below(0x3000) % size_of(leaf));
    if (dice_.one_in(8)) transaction.address.value |= std::uint64_t{dice_.below(256)} << 56;
    if (dice_.one_in(2)) transaction.substream = SubstreamId(1);
    if (dice_.one_in(20)) transaction.substream = SubstreamId(2 * dice_.below(2));
    if (stages_ == Stages::kSecond && !dice_.one_in(20)) transaction.substream = std::nullopt;
    transaction.privilege = dice_.one_in(2) ? Privilege::kPrivileged : Privilege::kUnprivileged;
    transaction.direction = dice_.one_in(2) ? Direction::kWrite : Direction::kRead;
    transaction.content = dice_.one_in(3) ? Content::kInstruction : Content::kData;
    constexpr std::uint8_t kTypes[] = {0xff, 0xff, 0xee, 0x77, 0x44, 0x04, 0x4f, 0xbb};
    transaction.attributes = {kTypes[dice_.below(8)], Shareability::kOuter};
    return (dice_.one_in(2) ? port_ : other_port_).translate(transaction);
  }
  std::vector<Event> events() { return board_.events(); }

 private:
  static Board::Options options(const emulator::Caching& caching) {
    Board::Options options;
    options.config.caching = caching;
    options.ram_size = kRamBytes;
    return options;
  }

  static std::uint64_t offset_of(unsigned leaf) {
    return leaf < kPages ? std::uint64_t{leaf} * 4096 : (1 + leaf - kPages) * kBlockBytes;
  }
  static std::uint64_t size_of(unsigned leaf) { return leaf < kPages ? 4096 : kBlockBytes; }

  void write_leaves(unsigned leaf) {
    const std::uint64_t offset = offset_of(leaf);
    const std::uint64_t size = size_of(leaf);
    const Iova iova(kAddress.value + offset);
    const Iova ipa(kIpa + offset);
    const Pa target(leaf < kPages ? pages_.value + offset : kBlockTarget + offset);
    table_.map(iova, stages_ == Stages::kBoth ? Pa(ipa.value) : target, size);
    // AttrIndx, AP, SH, nG, DBM, PXN, UXN; AF is there more often than not.
    alter(table_.descriptor(iova), dice_.some_of({2, 3, 4, 6, 7, 8, 9, 11, 51, 53, 54}));
    // The last block in pages.
    const std::uint64_t step = leaf == kPages + kBlocks - 1 ? 4096 : size;
    for (std::uint64_t i = 0; i < std::min(size, 4 * step); i += step) {
      stage2_.map(Iova(ipa.value + i), Pa(target.value + i), step);
      // MemAttr, S2AP, SH, DBM, XN
      alter(stage2_.descriptor(Iova(ipa.value + i)),
            dice_.some_of({2, 3, 4, 5, 6, 7, 8, 9, 51, 53, 54}));
    }
  }
  void alter(Pa descriptor, std::uint64_t bits) {
    if (!dice_.one_in(5)) bits |= 1U << 10;
    const std::uint64_t before = load(board_.memory(), descriptor);
    store(board_.memory(), descriptor, (before & 0x0000'ffff'ffff'f003) | bits);
  }

  // CD `number`, of that ASID and ASID set: two of one set would share global translations, and
  // have to be alike.
  CD cd(unsigned number) {
    const auto maybe = [&](unsigned n) { return dice_.one_in(n); };
    return context(table_, Asid(static_cast<std::uint16_t>(1 + number)))
        .set(CD::ASET, number != 0)
        .set(CD::PAN, maybe(3))
        .set(CD::EPAN, maybe(2))
        .set(CD::WXN, maybe(4))
        .set(CD::E0PD0, maybe(5))
        .set(CD::HAD0, maybe(3))
        .set(CD::AFFD, maybe(3))
        .set(CD::HA, updates_)
        .set(CD::HD, updates_ && dirties_)
        .set(CD::TBI0, maybe(2))
        .set(CD::A, maybe(2))
        .set(CD::R, !maybe(4))
        .set(CD::MAIR0, dice_.word())
        .set(CD::MAIR1, dice_.word());
  }
  void configure() {
    const auto maybe = [&](unsigned n) { return dice_.one_in(n); };
    // One must see what the other has dirtied.
    updates_ = maybe(3);
    dirties_ = maybe(2);
    for (unsigned i = 0; i != kContexts; ++i) store(board_.memory(), cd_place(i), cd(i));
    STE ste =
        translate(cds_)
            .set(STE::S1CDMax, 1)
            .set(STE::S1DSS, maybe(6) ? v3::DefaultSubstream::kBypass : v3::DefaultSubstream::kCd0);
    if (stages_ == Stages::kSecond) ste = translate_stage2(stage2_);
    if (stages_ == Stages::kBoth) ste = above_stage2(ste, stage2_);
    if (stages_ != Stages::kFirst) {
      const bool updates2 = maybe(3);
      ste.set(STE::S2AFFD, maybe(3))
          .set(STE::S2HA, updates2)
          .set(STE::S2HD, updates2 && maybe(2))
          .set(STE::S2PTW, maybe(3))
          .set(STE::S2FWB, maybe(3))
          .set(STE::S2R, !maybe(4));
    }
    board_.attach(kStream, ste);
  }
  Pa cd_place(unsigned number) const { return Pa(cds_.value + 64 * number); }

  void change() {
    if (dice_.one_in(4)) {
      configure();
      return board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
    }
    if (dice_.one_in(4)) {
      using v3::CMD_CFGI_CD;
      using v3::CMD_TLBI_NH_ALL;
      const unsigned number = dice_.below(kContexts);
      store(board_.memory(), cd_place(number), cd(number));
      return board_.submit_and_sync(command<CMD_CFGI_CD>()
                                        .set(CMD_CFGI_CD::StreamID, kStream.value)
                                        .set(CMD_CFGI_CD::SubstreamID, number)
                                        .set(CMD_CFGI_CD::Leaf, dice_.one_in(2)),
                                    command<CMD_TLBI_NH_ALL>().set(CMD_TLBI_NH_ALL::VMID, vmid()));
    }
    const unsigned leaf = dice_.below(kPages + kBlocks);
    write_leaves(leaf);
    if (stages_ == Stages::kFirst) return invalidate_stage1(leaf);
    using v3::CMD_TLBI_S2_IPA;
    const std::uint64_t ipa = kIpa + offset_of(leaf);
    for (std::uint64_t i = 0; i != (size_of(leaf) == 4096 ? 1 : 4); ++i) {
      board_.submit(command<CMD_TLBI_S2_IPA>()
                        .set(CMD_TLBI_S2_IPA::VMID, vmid())
                        .set(CMD_TLBI_S2_IPA::Address, ipa + i * 4096)
                        .set(CMD_TLBI_S2_IPA::Leaf, dice_.one_in(2)));
    }
    // 4.4.3.1: what both stages make takes another command.
    if (stages_ == Stages::kBoth) return invalidate_stage1(leaf);
    board_.submit(command<v3::CMD_SYNC>());
  }
  // Any of the commands that cover it.
  void invalidate_stage1(unsigned leaf) {
    using v3::CMD_TLBI_NH_ALL;
    using v3::CMD_TLBI_NH_VA;
    using v3::CMD_TLBI_NH_VAA;
    const std::uint64_t address = kAddress.value + offset_of(leaf);
    switch (dice_.below(4)) {
      case 0:
        return board_.submit_and_sync(
            command<CMD_TLBI_NH_ALL>().set(CMD_TLBI_NH_ALL::VMID, vmid()));
      case 1:
        return board_.submit_and_sync(command<CMD_TLBI_NH_VAA>()
                                          .set(CMD_TLBI_NH_VAA::VMID, vmid())
                                          .set(CMD_TLBI_NH_VAA::Address, address)
                                          .set(CMD_TLBI_NH_VAA::Leaf, dice_.one_in(2)));
      case 2:
        for (unsigned asid = 1; asid <= kContexts; ++asid) {
          board_.submit(command<CMD_TLBI_NH_VA>()
                            .set(CMD_TLBI_NH_VA::VMID, vmid())
                            .set(CMD_TLBI_NH_VA::ASID, asid)
                            .set(CMD_TLBI_NH_VA::Address, address)
                            .set(CMD_TLBI_NH_VA::Leaf, dice_.one_in(2)));
        }
        return board_.submit(command<v3::CMD_SYNC>());
      default:
        for (unsigned asid = 1; asid <= kContexts; ++asid) {
          board_.submit(command<CMD_TLBI_NH_VA>()
                            .set(CMD_TLBI_NH_VA::VMID, vmid())
                            .set(CMD_TLBI_NH_VA::ASID, asid)
                            .set(CMD_TLBI_NH_VA::Address, address)
                            .set(CMD_TLBI_NH_VA::TG, CommandTG::k4K)
                            .set(CMD_TLBI_NH_VA::TTL, size_of(leaf) == 4096 ? 3U : 2U)
                            .set(CMD_TLBI_NH_VA::SCALE, size_of(leaf) == 4096 ? 0U : 9U));
        }
        return board_.submit(command<v3::CMD_SYNC>());
    }
  }
  std::uint16_t vmid() const { return stages_ == Stages::kFirst ? 0 : 1; }

  const Stages stages_;
  Dice dice_;
  Board board_;
  emulator::Port& port_ = board_.smmu().add_port();
  emulator::Port& other_port_ = board_.smmu().add_port();
  PageTable table_ = board_.page_table({.t0sz = 25});
  PageTable stage2_ = board_.page_table({.t0sz = 25, .stage = 2});
  Pa pages_ = board_.allocate(kPages * 4096);
  static constexpr unsigned kContexts = 2;
  Pa cds_ = board_.allocate(4096);
  bool updates_ = false;
  bool dirties_ = false;
};

// The rights of a translation are left out: what has been dirtied may still be kept as clean.
struct Answer {
  std::size_t kind = 0;
  std::uint64_t pa = 0;
  std::uint64_t size = 0;
  MemoryAttributes attributes = {};
  emulator::Response response = emulator::Response::kAbort;

  friend bool operator==(const Answer&, const Answer&) = default;
};
void PrintTo(const Answer& answer, std::ostream* out) {
  *out << answer.kind << std::hex << " 0x" << answer.pa << " 0x" << answer.size << " type 0x"
       << unsigned{answer.attributes.type} << " SH "
       << static_cast<unsigned>(answer.attributes.shareability) << " response "
       << static_cast<unsigned>(answer.response) << std::dec;
}

Answer answer(const emulator::Outcome& outcome) {
  Answer answer{.kind = outcome.index()};
  if (const auto* translation = std::get_if<emulator::Translation>(&outcome)) {
    answer.pa = translation->pa.value;
    answer.size = translation->size;
    answer.attributes = translation->attributes;
  } else if (const auto* end = std::get_if<emulator::Terminated>(&outcome)) {
    answer.response = end->response;
  }
  return answer;
}

class PoliciesAgree : public ::testing::TestWithParam<Stages> {};

TEST_P(PoliciesAgree, OnEveryAccess) {
  constexpr emulator::Caching kCachings[] = {
      {.policy = CachePolicy::kRealistic},
      {.policy = CachePolicy::kRealistic,
       .main_tlb = {.sets = 1, .ways = 2},
       .configuration = {.sets = 1, .ways = 1},
       .stage2 = {.sets = 0, .ways = 0},
       .walk = {.sets = 0, .ways = 0}},
      {.policy = CachePolicy::kAdversarial},
      {.policy = CachePolicy::kAdversarial, .prefetch = emulator::SpeculativePrefetch::kOn},
  };
  for (unsigned seed = 1; seed != 201; ++seed) {
    Machine truth({.policy = CachePolicy::kNone}, GetParam(), seed);
    std::vector<std::unique_ptr<Machine>> machines;
    for (const auto& caching : kCachings) {
      machines.push_back(std::make_unique<Machine>(caching, GetParam(), seed));
    }
    for (unsigned i = 0; i != 150; ++i) {
      const Answer expected = answer(truth.step());
      const auto events = truth.events();
      for (std::size_t which = 0; which != machines.size(); ++which) {
        ASSERT_EQ(answer(machines[which]->step()), expected)
            << "seed " << seed << ", access " << i << ", caching " << which;
        ASSERT_EQ(machines[which]->events(), events)
            << "seed " << seed << ", access " << i << ", caching " << which;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Stages, PoliciesAgree,
                         ::testing::Values(Stages::kFirst, Stages::kSecond, Stages::kBoth));

}  // namespace
}  // namespace smmu::testing::policies_agree_test
