// What memory configuration structures are read as (IHI 0070, 13.8; 5.2, S1CIR; 6.3.11).
#include <vector>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/emulator/observer.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::fetch_attributes_test {
namespace {

using emulator::ConfigurationFetch;
using emulator::ConfigurationStructure;
using v3::CdCacheability;
using v3::SMMU_CR0;
using v3::SMMU_CR1;
using v3::SMMU_STRTAB_BASE;
using v3::STE;

constexpr StreamId kStream(3);
constexpr Iova kAddress(0x80'0000);

class Fetches final : public emulator::Observer {
 public:
  void on_configuration_fetch(const ConfigurationFetch& fetch) override {
    fetches_.emplace_back(fetch.structure, fetch.attributes);
  }
  // Of the last structure of the kind that was read.
  MemoryAttributes of(ConfigurationStructure structure) const {
    for (auto fetch = fetches_.rbegin(); fetch != fetches_.rend(); ++fetch) {
      if (fetch->first == structure) return fetch->second;
    }
    ADD_FAILURE() << "none was read";
    return {};
  }

 private:
  std::vector<std::pair<ConfigurationStructure, MemoryAttributes>> fetches_;
};

class FetchAttributes : public ::testing::Test {
 protected:
  FetchAttributes() : board_({.config = config(), .observer = &fetches_}) { board_.bring_up(); }
  static emulator::SmmuV3Config config() {
    auto config = emulator::SmmuV3Config::everything();
    config.caching.policy = emulator::CachePolicy::kNone;
    return config;
  }
  MemoryAttributes of_ste(const SMMU_CR1& cr1, bool read_allocate) {
    const auto enabled = board_.smmu().read<SMMU_CR0>();
    board_.smmu().write(SMMU_CR0());
    board_.smmu().write(cr1);
    board_.smmu().write(
        board_.smmu().read<SMMU_STRTAB_BASE>().set(SMMU_STRTAB_BASE::RA, read_allocate));
    board_.smmu().write(enabled);
    board_.device(kStream).translate(kAddress);
    return fetches_.of(ConfigurationStructure::kSTE);
  }
  MemoryAttributes of_cd(const STE& ste) {
    board_.attach(kStream, ste);
    board_.device(kStream).translate(kAddress);
    return fetches_.of(ConfigurationStructure::kCD);
  }
  STE stage1() {
    const PageTable table = board_.page_table();
    const Pa cd = board_.allocate(4096);
    store(board_.memory(), cd, context(table));
    return translate(cd);
  }

  Fetches fetches_;
  Board board_;
};

constexpr MemoryAttributes attributes(std::uint8_t type, Shareability shareability) {
  return {.type = type, .shareability = shareability};
}

TEST_F(FetchAttributes, OfStesAreThoseOfCr1) {
  const auto cr1 = [](Cacheability outer, Cacheability inner, Shareability shareability) {
    return SMMU_CR1()
        .set(SMMU_CR1::TABLE_OC, outer)
        .set(SMMU_CR1::TABLE_IC, inner)
        .set(SMMU_CR1::TABLE_SH, shareability);
  };
  using enum Cacheability;
  const auto inner = Shareability::kInner;
  EXPECT_EQ(of_ste(cr1(kWriteBack, kWriteThrough, inner), true), attributes(0xea, inner));
  EXPECT_EQ(of_ste(cr1(kWriteBack, kWriteThrough, inner), false), attributes(0xc8, inner));
  EXPECT_EQ(of_ste(cr1(kNonCacheable, kWriteBack, Shareability::kNonShareable), true),
            attributes(0x4e, Shareability::kNonShareable));
  // What is not cached is Outer Shareable; reserved codes are 0.
  EXPECT_EQ(of_ste(cr1(kNonCacheable, kNonCacheable, inner), true),
            attributes(0x44, Shareability::kOuter));
  EXPECT_EQ(
      of_ste(cr1(static_cast<Cacheability>(3), kWriteBack, static_cast<Shareability>(1)), true),
      attributes(0x4e, Shareability::kNonShareable));
}

TEST_F(FetchAttributes, OfCdsAreThoseOfTheSte) {
  const auto ste = [&](CdCacheability outer, CdCacheability inner, Shareability shareability) {
    return stage1().set(STE::S1COR, outer).set(STE::S1CIR, inner).set(STE::S1CSH, shareability);
  };
  using enum CdCacheability;
  const auto outer = Shareability::kOuter;
  EXPECT_EQ(of_cd(ste(kWriteBackReadAllocate, kWriteThroughReadAllocate, outer)),
            attributes(0xea, outer));
  EXPECT_EQ(of_cd(ste(kWriteBackNoReadAllocate, kNonCacheable, Shareability::kInner)),
            attributes(0xc4, Shareability::kInner));
  EXPECT_EQ(of_cd(ste(kNonCacheable, kNonCacheable, Shareability::kInner)),
            attributes(0x44, outer));
}

TEST_F(FetchAttributes, OfL1cdsAreTheSame) {
  board_.attach(kStream, stage1()
                             .set(STE::S1CDMax, 8)
                             .set(STE::S1Fmt, v3::CdTableFormat::kTwoLevel4KLeaf)
                             .set(STE::S1COR, CdCacheability::kWriteBackReadAllocate)
                             .set(STE::S1CIR, CdCacheability::kWriteBackNoReadAllocate)
                             .set(STE::S1CSH, Shareability::kInner));
  board_.device(kStream).substream(SubstreamId(1)).translate(kAddress);
  EXPECT_EQ(fetches_.of(ConfigurationStructure::kL1CD), attributes(0xec, Shareability::kInner));
}

TEST_F(FetchAttributes, OfCdsAreCombinedWithThoseOfStage2) {
  PageTable stage2 = board_.page_table({.t0sz = 24, .stage = 2});
  const STE ste = above_stage2(stage1()
                                   .set(STE::S1COR, CdCacheability::kWriteBackReadAllocate)
                                   .set(STE::S1CIR, CdCacheability::kWriteBackReadAllocate)
                                   .set(STE::S1CSH, Shareability::kNonShareable),
                               stage2);
  const Iova cd(ste[STE::S1ContextPtr]);
  stage2.map(cd, Pa(cd.value), 4096);
  const Pa leaf = stage2.descriptor(cd);
  const std::uint64_t usual = load(board_.memory(), leaf) & ~std::uint64_t{0x33c};
  const auto of_stage2 = [&](std::uint64_t memattr, Shareability shareability) {
    store(board_.memory(), leaf,
          usual | memattr << 2 | static_cast<std::uint64_t>(shareability) << 8);
    return of_cd(ste);
  };
  EXPECT_EQ(of_stage2(0b1111, Shareability::kInner), attributes(0xee, Shareability::kInner));
  EXPECT_EQ(of_stage2(0b0101, Shareability::kNonShareable), attributes(0x44, Shareability::kOuter));
  EXPECT_EQ(of_stage2(0b0000, Shareability::kNonShareable).type, 0x00);  // Device
}

}  // namespace
}  // namespace smmu::testing::fetch_attributes_test
