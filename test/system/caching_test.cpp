// What may be stale and until when (IHI 0070, 3.21, 4.3, 4.4 and 16.2).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::caching_test {
namespace {

using emulator::CachePolicy;
using v3::CMD_CFGI_CD;
using v3::CMD_CFGI_CD_ALL;
using v3::CMD_CFGI_STE;
using v3::CMD_CFGI_STE_RANGE;
using v3::CMD_SYNC;
using v3::CMD_TLBI_NH_ALL;
using v3::CMD_TLBI_NH_ASID;
using v3::CMD_TLBI_NH_VA;
using v3::CMD_TLBI_NH_VAA;
using v3::CMD_TLBI_NSNH_ALL;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x40'0000);
constexpr Asid kAsid(5);
constexpr Asid kOther(6);

emulator::SmmuV3Config config_with(CachePolicy policy) {
  auto config = emulator::SmmuV3Config::everything();
  config.caching.policy = policy;
  return config;
}

// All that may be kept is kept: what a driver forgets shows.
class Caching : public ::testing::Test {
 protected:
  explicit Caching(CachePolicy policy = CachePolicy::kAdversarial, unsigned granule_bits = 12)
      : board_({.config = config_with(policy)}),
        table_(board_.page_table({.granule_bits = granule_bits})) {}

  void SetUp() override {
    board_.bring_up();
    const std::uint64_t granule = std::uint64_t{1} << table_.options().granule_bits;
    size_ = granule;
    before_ = board_.allocate(granule * kPages, granule);
    after_ = board_.allocate(granule * kPages, granule);
    map(before_);
    cd_ = board_.attach(kStream, table_, kAsid);
  }
  void map(Pa pa, PageAttributes attributes = {}) {
    table_.map(kAddress, pa, size_ * kPages, attributes);
  }
  // Maps, translates and remaps: every page is cached, and stale.
  void make_stale(PageAttributes attributes = {}) {
    map(before_, attributes);
    board_.submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
    for (unsigned page = 0; page != kPages; ++page) EXPECT_TRUE(stale(page)) << page;
    map(after_, attributes);
    for (unsigned page = 0; page != kPages; ++page) EXPECT_TRUE(stale(page)) << page;
  }
  bool stale(unsigned page) {
    const auto outcome = device_.translate(Iova(kAddress.value + page * size_));
    const auto* translation = std::get_if<emulator::Translation>(&outcome);
    if (translation == nullptr) return false;
    if (translation->pa.value == before_.value + page * size_) return true;
    EXPECT_EQ(translation->pa.value, after_.value + page * size_);
    return false;
  }
  unsigned stale_pages() {
    unsigned count = 0;
    for (unsigned page = 0; page != kPages; ++page) count += stale(page) ? 1 : 0;
    return count;
  }
  Iova page(unsigned number) const { return Iova(kAddress.value + number * size_); }

  static constexpr unsigned kPages = 16;
  Board board_;
  PageTable table_;
  DmaDevice device_ = board_.device(kStream);
  std::uint64_t size_ = 0;
  Pa before_;
  Pa after_;
  Pa cd_;
};

CMD_TLBI_NH_VA one_address(Iova address, Asid asid = kAsid) {
  return command<CMD_TLBI_NH_VA>()
      .set(CMD_TLBI_NH_VA::ASID, asid.value)
      .set(CMD_TLBI_NH_VA::Address, address.value);
}

TEST_F(Caching, AnInvalidationTakesEffectAtTheSync) {  // 4.7.3
  make_stale();
  board_.submit(command<CMD_TLBI_NH_ALL>());
  EXPECT_TRUE(board_.idle());
  EXPECT_EQ(stale_pages(), kPages);  // consumed, but the SYNC is missing
  board_.submit(command<CMD_SYNC>());
  EXPECT_EQ(stale_pages(), 0U);
}

TEST_F(Caching, ASyncWithoutAnInvalidationChangesNothing) {  // 4.7.3
  make_stale();
  board_.submit(command<CMD_SYNC>());
  EXPECT_EQ(stale_pages(), kPages);
}

TEST_F(Caching, OneAddressIsInvalidated) {  // 4.4.2.4
  make_stale();
  board_.submit_and_sync(one_address(page(3)));
  EXPECT_FALSE(stale(3));
  EXPECT_EQ(stale_pages(), kPages - 1);
}

TEST_F(Caching, AnotherAsidsInvalidationChangesNothing) {  // 4.4.2
  make_stale();
  board_.submit_and_sync(one_address(page(3), kOther),
                         command<CMD_TLBI_NH_ASID>().set(CMD_TLBI_NH_ASID::ASID, kOther.value));
  EXPECT_EQ(stale_pages(), kPages);
  board_.submit_and_sync(command<CMD_TLBI_NH_ASID>().set(CMD_TLBI_NH_ASID::ASID, kAsid.value));
  EXPECT_EQ(stale_pages(), 0U);
}

TEST_F(Caching, VaaInvalidatesInAllAsids) {  // 4.4.2.3
  make_stale();
  board_.submit_and_sync(command<CMD_TLBI_NH_VAA>().set(CMD_TLBI_NH_VAA::Address, page(3).value));
  EXPECT_EQ(stale_pages(), kPages - 1);
}

TEST_F(Caching, GlobalEntriesOutliveTheInvalidationOfAnAsid) {  // 4.4.2.2
  make_stale({.global = true});
  board_.submit_and_sync(command<CMD_TLBI_NH_ASID>().set(CMD_TLBI_NH_ASID::ASID, kAsid.value));
  EXPECT_EQ(stale_pages(), kPages);
  board_.submit_and_sync(one_address(page(3), kOther));  // 4.4.2.4: whatever the ASID
  EXPECT_EQ(stale_pages(), kPages - 1);
  board_.submit_and_sync(command<CMD_TLBI_NH_ALL>());
  EXPECT_EQ(stale_pages(), 0U);
}

TEST_F(Caching, GlobalEntriesAreSharedByAsids) {  // 3.17
  make_stale({.global = true});
  store(board_.memory(), cd_, context(table_, kOther));
  board_.submit_and_sync(command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, kStream.value));
  EXPECT_EQ(stale_pages(), kPages);
}

// The same tables, by a CD of the other set of ASIDs.
class AsidSets : public Caching {
 protected:
  void use_set(bool aset) {
    store(board_.memory(), cd_, context(table_, kAsid).set(v3::CD::ASET, aset));
    board_.submit_and_sync(command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, kStream.value));
  }
};

TEST_F(AsidSets, GlobalEntriesAreFoundInTheirOwnSetAlone) {  // 3.17.1
  use_set(true);
  make_stale({.global = true});
  use_set(false);
  EXPECT_EQ(stale_pages(), 0U);
  map(before_, {.global = true});
  use_set(true);
  EXPECT_EQ(stale_pages(), kPages);  // what was there before is there still
  map(Pa(before_.value + size_), {.global = true});
  use_set(false);
  for (unsigned i = 0; i != kPages; ++i) {
    EXPECT_THAT(device_.translate(page(i)), TranslatesTo(Pa(after_.value + i * size_)));
  }
}

TEST_F(AsidSets, OtherEntriesAreOfBothSets) {  // 3.17
  use_set(true);
  make_stale();
  use_set(false);
  EXPECT_EQ(stale_pages(), kPages);
}

TEST_F(AsidSets, InvalidationsAreOfBothSets) {  // 3.17, 4.4
  for (const bool aset : {false, true}) {
    use_set(aset);
    make_stale({.global = true});
    board_.submit_and_sync(one_address(page(3), kOther));
    EXPECT_EQ(stale_pages(), kPages - 1);
    board_.submit_and_sync(command<CMD_TLBI_NH_VAA>().set(CMD_TLBI_NH_VAA::Address, page(4).value));
    EXPECT_EQ(stale_pages(), kPages - 2);
    board_.submit_and_sync(command<CMD_TLBI_NH_ALL>());
    EXPECT_EQ(stale_pages(), 0U);
  }
}

TEST_F(Caching, AnSteChangeNeedsItsInvalidation) {  // 4.3.1, 16.2
  EXPECT_THAT(device_.translate(kAddress), TranslatesTo(before_));
  board_.streams().set(kStream, bypass());
  EXPECT_THAT(device_.translate(kAddress), TranslatesTo(before_));
  board_.submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
  EXPECT_THAT(device_.translate(kAddress), TranslatesTo(before_));
  board_.submit(command<CMD_CFGI_STE>()
                    .set(CMD_CFGI_STE::StreamID, kStream.value)
                    .set(CMD_CFGI_STE::Leaf, true));
  EXPECT_THAT(device_.translate(kAddress), TranslatesTo(before_));
  board_.submit(command<CMD_SYNC>());
  EXPECT_THAT(device_.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
}

TEST_F(Caching, ARangeOfStreamsIsAlignedToItsSize) {  // 4.3.2
  EXPECT_THAT(device_.translate(kAddress), TranslatesTo(before_));
  board_.streams().set(kStream, bypass());
  // Streams 10 and 11, then 8 to 11.
  board_.submit_and_sync(command<CMD_CFGI_STE_RANGE>().set(CMD_CFGI_STE_RANGE::StreamID, 11));
  EXPECT_THAT(device_.translate(kAddress), TranslatesTo(before_));
  board_.submit_and_sync(command<CMD_CFGI_STE_RANGE>()
                             .set(CMD_CFGI_STE_RANGE::StreamID, 11)
                             .set(CMD_CFGI_STE_RANGE::Range, 1));
  EXPECT_THAT(device_.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
}

TEST_F(Caching, ACdChangeNeedsItsInvalidation) {  // 4.3.3, 16.2
  EXPECT_THAT(device_.translate(kAddress), TranslatesTo(before_));
  store(board_.memory(), cd_, context(table_, kAsid).set(v3::CD::V, false));
  EXPECT_THAT(device_.translate(kAddress), TranslatesTo(before_));
  board_.submit_and_sync(command<CMD_CFGI_CD>()
                             .set(CMD_CFGI_CD::StreamID, kStream.value)
                             .set(CMD_CFGI_CD::SubstreamID, 1));
  EXPECT_THAT(device_.translate(kAddress), TranslatesTo(before_));
  board_.submit_and_sync(command<CMD_CFGI_CD_ALL>().set(CMD_CFGI_CD_ALL::StreamID, kStream.value));
  EXPECT_THAT(device_.translate(kAddress), Aborts());
}

TEST_F(Caching, AFaultIsNeverStale) {  // 16.2: only successful walks are cached
  const Iova unmapped(0x1'0000'0000);
  EXPECT_THAT(device_.translate(unmapped), Aborts());
  table_.map(unmapped, after_, size_);
  EXPECT_THAT(device_.translate(unmapped), TranslatesTo(after_));
}

class Uncached : public Caching {
 protected:
  Uncached() : Caching(CachePolicy::kNone) {}
};

TEST_F(Uncached, NothingIsStale) {
  EXPECT_EQ(stale_pages(), kPages);
  map(after_);
  EXPECT_EQ(stale_pages(), 0U);
  board_.streams().set(kStream, bypass());
  EXPECT_THAT(device_.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
}

// 4.4.1.1, for each granule.
class Ranges : public Caching, public ::testing::WithParamInterface<unsigned> {
 protected:
  Ranges() : Caching(CachePolicy::kAdversarial, GetParam()) {}

  static CommandTG code(unsigned granule_bits) {
    return granule_bits == 12   ? CommandTG::k4K
           : granule_bits == 14 ? CommandTG::k16K
                                : CommandTG::k64K;
  }
  CMD_TLBI_NH_VA range(unsigned first, unsigned num, unsigned scale, unsigned ttl = 0) const {
    return one_address(page(first))
        .set(CMD_TLBI_NH_VA::TG, code(GetParam()))
        .set(CMD_TLBI_NH_VA::NUM, num)
        .set(CMD_TLBI_NH_VA::SCALE, scale)
        .set(CMD_TLBI_NH_VA::TTL, ttl);
  }
};

TEST_P(Ranges, CoverNumPlusOneTimesTwoToTheScaleGranules) {
  const struct {
    unsigned first, num, scale, count;
  } kRanges[] = {{2, 1, 0, 2}, {3, 4, 0, 5}, {4, 0, 2, 4}, {2, 2, 1, 6}, {0, 31, 4, 16}};
  for (const auto& [first, num, scale, count] : kRanges) {
    make_stale();
    board_.submit_and_sync(range(first, num, scale));
    for (unsigned i = 0; i != kPages; ++i) {
      EXPECT_EQ(stale(i), i < first || i >= first + count) << i << " NUM " << num;
    }
  }
}

TEST_P(Ranges, OfOnePageNeedALevel) {  // TTL 0, NUM 0 and SCALE 0 are CERROR_ILL
  make_stale();
  board_.submit_and_sync(range(3, 0, 0, 3));
  EXPECT_EQ(stale_pages(), kPages - 1);
  board_.submit_and_sync(range(4, 0, 0, 0));
  EXPECT_EQ(board_.error_line.count(), 1U);
}

TEST_P(Ranges, OfLevel3CoverPages) {  // TTL 3
  make_stale();
  board_.submit_and_sync(range(0, 15, 0, 3));
  EXPECT_EQ(stale_pages(), 0U);
}

TEST_P(Ranges, OfAnotherGranuleMayLeavePages) {  // TG names the tables that entries come from
  make_stale();
  const unsigned other = GetParam() == 12 ? 16 : 12;
  board_.submit_and_sync(range(0, 15, 4).set(CMD_TLBI_NH_VA::TG, code(other)));
  EXPECT_EQ(stale_pages(), kPages);
}

INSTANTIATE_TEST_SUITE_P(Granule, Ranges, ::testing::Values(12U, 14U, 16U));

}  // namespace
}  // namespace smmu::testing::caching_test
