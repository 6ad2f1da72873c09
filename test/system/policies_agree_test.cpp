// What is kept may be used again only as if it had been read anew: whatever CD, STE and descriptors
// say, a driver that forgets no invalidation sees no difference between SMMUs that keep nothing, as
// much as they have room for, and all they may (IHI 0070, 3.21).
#include <algorithm>
#include <ostream>
#include <random>

#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing {
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
  Machine(CachePolicy policy, Stages stages, unsigned seed)
      : stages_(stages), dice_(seed), board_(options(policy)) {
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
    transaction.privilege = dice_.one_in(2) ? Privilege::kPrivileged : Privilege::kUnprivileged;
    transaction.direction = dice_.one_in(2) ? Direction::kWrite : Direction::kRead;
    transaction.content = dice_.one_in(3) ? Content::kInstruction : Content::kData;
    constexpr std::uint8_t kTypes[] = {0xff, 0xff, 0xee, 0x77, 0x44, 0x04, 0x4f, 0xbb};
    transaction.attributes = {kTypes[dice_.below(8)], Shareability::kOuter};
    return port_.translate(transaction);
  }
  std::vector<Event> events() { return board_.events(); }

 private:
  static Board::Options options(CachePolicy policy) {
    Board::Options options;
    options.config.caching.policy = policy;
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

  void configure() {
    const auto maybe = [&](unsigned n) { return dice_.one_in(n); };
    const bool updates = maybe(3);
    store(board_.memory(), cd_,
          context(table_)
              .set(CD::PAN, maybe(3))
              .set(CD::EPAN, maybe(2))
              .set(CD::WXN, maybe(4))
              .set(CD::E0PD0, maybe(5))
              .set(CD::HAD0, maybe(3))
              .set(CD::AFFD, maybe(3))
              .set(CD::HA, updates)
              .set(CD::HD, updates && maybe(2))
              .set(CD::TBI0, maybe(2))
              .set(CD::A, maybe(2))
              .set(CD::R, !maybe(4))
              .set(CD::ASET, maybe(2))
              .set(CD::MAIR0, dice_.word())
              .set(CD::MAIR1, dice_.word()));
    STE ste = translate(cd_);
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

  void change() {
    if (dice_.one_in(3)) {
      configure();
      return board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
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
        return board_.submit_and_sync(command<CMD_TLBI_NH_VA>()
                                          .set(CMD_TLBI_NH_VA::VMID, vmid())
                                          .set(CMD_TLBI_NH_VA::ASID, 1)
                                          .set(CMD_TLBI_NH_VA::Address, address)
                                          .set(CMD_TLBI_NH_VA::Leaf, true));
      default:
        return board_.submit_and_sync(
            command<CMD_TLBI_NH_VA>()
                .set(CMD_TLBI_NH_VA::VMID, vmid())
                .set(CMD_TLBI_NH_VA::ASID, 1)
                .set(CMD_TLBI_NH_VA::Address, address)
                .set(CMD_TLBI_NH_VA::TG, CommandTG::k4K)
                .set(CMD_TLBI_NH_VA::TTL, size_of(leaf) == 4096 ? 3U : 2U)
                .set(CMD_TLBI_NH_VA::SCALE, size_of(leaf) == 4096 ? 0U : 9U));
    }
  }
  std::uint16_t vmid() const { return stages_ == Stages::kFirst ? 0 : 1; }

  const Stages stages_;
  Dice dice_;
  Board board_;
  emulator::Port& port_ = board_.smmu().add_port();
  PageTable table_ = board_.page_table({.t0sz = 25});
  PageTable stage2_ = board_.page_table({.t0sz = 25, .stage = 2});
  Pa pages_ = board_.allocate(kPages * 4096);
  Pa cd_ = board_.allocate(4096);
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
  for (unsigned seed = 1; seed != 401; ++seed) {
    Machine none(CachePolicy::kNone, GetParam(), seed);
    Machine realistic(CachePolicy::kRealistic, GetParam(), seed);
    Machine adversarial(CachePolicy::kAdversarial, GetParam(), seed);
    for (unsigned i = 0; i != 150; ++i) {
      const Answer expected = answer(none.step());
      ASSERT_EQ(answer(realistic.step()), expected) << "seed " << seed << ", access " << i;
      ASSERT_EQ(answer(adversarial.step()), expected) << "seed " << seed << ", access " << i;
      const auto events = none.events();
      ASSERT_EQ(realistic.events(), events) << "seed " << seed << ", access " << i;
      ASSERT_EQ(adversarial.events(), events) << "seed " << seed << ", access " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Stages, PoliciesAgree,
                         ::testing::Values(Stages::kFirst, Stages::kSecond, Stages::kBoth));

}  // namespace
}  // namespace smmu::testing
