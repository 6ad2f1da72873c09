// The memory type and shareability that an access leaves with (IHI 0070, 5.2, 5.4, 6.3.14 and
// 13.1; DDI 0487, MAIR_EL1).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::memory_attributes_test {
namespace {

using v3::CD;
using v3::SMMU_CR0;
using v3::SMMU_GBPA;
using v3::STE;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x8000'0000);
constexpr Pa kPage(0x4567'8000);

constexpr std::uint8_t kDevice_nGnRE = 0x04;
constexpr std::uint8_t kDevice_GRE = 0x0c;
constexpr std::uint8_t kWriteThrough = 0xbb;
constexpr std::uint8_t kInnerOnly = 0x4f;  // outer Non-cacheable, inner Write-Back
constexpr std::uint8_t kOuterOnly = 0xf4;

class Attributes : public ::testing::Test {
 protected:
  void SetUp() override { board_.bring_up(); }

  // What an access with these attributes leaves with.
  MemoryAttributes leaving(MemoryAttributes incoming = {}) {
    const auto outcome =
        port_.translate({.stream = kStream, .address = kAddress, .attributes = incoming});
    const auto* translation = std::get_if<emulator::Translation>(&outcome);
    EXPECT_NE(translation, nullptr);
    return translation == nullptr ? MemoryAttributes{} : translation->attributes;
  }

  static emulator::SmmuV3Config config() {
    auto config = emulator::SmmuV3Config::everything();
    config.idr1.set(v3::SMMU_IDR1::ATTR_TYPES_OVR, false);
    return config;
  }

  Board board_{{.config = config()}};
  emulator::Port& port_ = board_.smmu().add_port();
};

// Through the tables of stage 1.
class Stage1Attributes : public Attributes {
 protected:
  static constexpr unsigned kIndex = 5;

  void SetUp() override {
    Attributes::SetUp();
    table_.map(kAddress, kPage, 4096);
    cd_ = board_.attach(kStream, table_);
    descriptor_ = load(board_.memory(), table_.descriptor(kAddress));
  }
  // MAIR attribute `kIndex`, and a page that has it and this SH.
  void use(std::uint8_t type, unsigned sh) {
    static_assert(kIndex >= 4);
    store(board_.memory(), cd_,
          context(table_).set(CD::MAIR1, std::uint32_t{type} << 8 * (kIndex - 4)));
    store(board_.memory(), table_.descriptor(kAddress),
          (descriptor_ & ~std::uint64_t{0x31c}) | kIndex << 2 | sh << 8);
    using v3::CMD_CFGI_CD;
    board_.submit_and_sync(command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, kStream.value),
                           command<v3::CMD_TLBI_NSNH_ALL>());
  }

  PageTable table_ = board_.page_table();
  Pa cd_;
  std::uint64_t descriptor_ = 0;
};

constexpr unsigned kNonShareable = 0;
constexpr unsigned kReserved = 1;
constexpr unsigned kOuter = 2;
constexpr unsigned kInner = 3;

TEST_F(Stage1Attributes, AreThoseOfTheIndexedMairField) {  // 5.4, MAIR0 and MAIR1
  // Every index has a type of its own.
  constexpr std::uint8_t kTypes[] = {0xff, 0x04, 0x44, 0xbb, 0x00, 0x77, 0x4f, 0xf4};
  std::uint64_t mair = 0;
  for (unsigned i = 0; i != 8; ++i) mair |= std::uint64_t{kTypes[i]} << 8 * i;
  store(board_.memory(), cd_,
        context(table_)
            .set(CD::MAIR0, static_cast<std::uint32_t>(mair))
            .set(CD::MAIR1, static_cast<std::uint32_t>(mair >> 32)));
  using v3::CMD_CFGI_CD;
  board_.submit_and_sync(command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, kStream.value));
  for (unsigned i = 0; i != 8; ++i) {
    store(board_.memory(), table_.descriptor(kAddress),
          (descriptor_ & ~std::uint64_t{0x1c}) | i << 2);
    board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
    EXPECT_EQ(leaving().type, kTypes[i]) << i;
  }
}

TEST_F(Stage1Attributes, OfCacheableMemoryAreSharedAsTheDescriptorSays) {  // 13.1.1, SH
  for (const std::uint8_t type :
       {MemoryAttributes::kWriteBack, kWriteThrough, kInnerOnly, kOuterOnly}) {
    use(type, kNonShareable);
    EXPECT_EQ(leaving(), (MemoryAttributes{type, Shareability::kNonShareable}));
    use(type, kOuter);
    EXPECT_EQ(leaving(), (MemoryAttributes{type, Shareability::kOuter}));
    use(type, kInner);
    EXPECT_EQ(leaving(), (MemoryAttributes{type, Shareability::kInner}));
  }
}

TEST_F(Stage1Attributes, WithAReservedShareabilityAreStillTranslated) {  // DDI 0487, D8.6: SH 0b01
  use(MemoryAttributes::kWriteBack, kReserved);
  EXPECT_EQ(leaving().type, MemoryAttributes::kWriteBack);
}

TEST_F(Stage1Attributes, OfDevicesAndNonCacheableMemoryAreOuterShareable) {  // 13.1.7
  for (const std::uint8_t type : {MemoryAttributes::kDevice_nGnRnE, kDevice_nGnRE, kDevice_GRE,
                                  MemoryAttributes::kNonCacheable}) {
    for (const unsigned sh : {kNonShareable, kReserved, kOuter, kInner}) {
      use(type, sh);
      EXPECT_EQ(leaving(), (MemoryAttributes{type, Shareability::kOuter}))
          << unsigned{type} << ' ' << sh;
    }
  }
}

TEST_F(Stage1Attributes, OfReservedTypesAreThoseThatTheManualNames) {  // 5.4, MAIR0, the table
  const struct {
    std::uint8_t code;
    std::uint8_t behaves_as;
  } kReservedTypes[] = {
      {0x01, 0x00}, {0x03, 0x00}, {0x05, 0x04}, {0x0a, 0x08}, {0x0f, 0x0c},  // Device
      {0x10, 0x13}, {0x40, 0x43}, {0xf0, 0xf3},  // inner Write-Through transient, RW 0b11
  };
  for (const auto& [code, behaves_as] : kReservedTypes) {
    use(code, kInner);
    EXPECT_EQ(leaving().type, behaves_as) << unsigned{code};
  }
}

TEST_F(Stage1Attributes, ReplaceThoseOfTheTransaction) {  // 13.1.4
  use(kWriteThrough, kInner);
  for (const MemoryAttributes incoming :
       {MemoryAttributes{MemoryAttributes::kDevice_nGnRnE, Shareability::kOuter},
        MemoryAttributes{MemoryAttributes::kNonCacheable, Shareability::kOuter},
        MemoryAttributes{MemoryAttributes::kWriteBack, Shareability::kNonShareable}}) {
    EXPECT_EQ(leaving(incoming), (MemoryAttributes{kWriteThrough, Shareability::kInner}));
  }
}

// 13.4.2: R, W and Transient of MAIR's nibbles, of what comes in and of the tables; outer in [7:4].
struct Hints {
  std::uint8_t incoming;
  std::uint8_t translated;
  std::uint8_t leaving;
};
constexpr Hints kHints[] = {
    {0xff, 0xee, 0xee},  // nothing is asked of what comes in
    {0xee, 0xff, 0xee},  // not to allocate on writes
    {0xee, 0xdd, 0xcc},  // nor on reads, say the tables
    {0x77, 0xff, 0x77},  // Transient
    {0x66, 0xdd, 0xcc},  // neither allocated nor, then, Transient
    {0xee, 0xbb, 0xaa},  // Write-Through, as the tables say
    {0xaa, 0xff, 0xee},  // Write-Back, as the tables say
    {0xcf, 0xff, 0xcf},  // each level by itself
    {0x4e, 0xff, 0xfe},  // what is not cached has no hints
    {0xee, 0x4f, 0x4e}, {0x44, 0xff, 0xff}, {0x04, 0xff, 0xff},
    {0xee, 0x44, 0x44}, {0xee, 0x04, 0x04},
};

TEST_F(Stage1Attributes, TakeTheHintsOfTheTransaction) {  // 13.4.2, 13.1.5, 13.1.7
  for (const Hints& hints : kHints) {
    use(hints.translated, kInner);
    for (unsigned hit = 0; hit != 3; ++hit) {
      EXPECT_EQ(leaving({hints.incoming, Shareability::kOuter}).type, hints.leaving)
          << std::hex << unsigned{hints.incoming} << ' ' << unsigned{hints.translated};
      // One says nothing of the next.
      EXPECT_EQ(leaving().type, hints.translated);
    }
  }
}

TEST_F(Stage1Attributes, TakeTheHintsOfTheTransactionThroughStage2) {  // 13.4.3: passed on
  PageTable stage2 = board_.page_table({.stage = 2});
  stage2.map(Iova(0x4000'0000), Pa(0x4000'0000), std::uint64_t{128} << 20);
  board_.attach(kStream, above_stage2(translate(cd_), stage2));
  for (const Hints& hints : kHints) {
    use(hints.translated, kInner);
    for (unsigned hit = 0; hit != 2; ++hit) {
      EXPECT_EQ(leaving({hints.incoming, Shareability::kOuter}).type, hints.leaving)
          << std::hex << unsigned{hints.incoming} << ' ' << unsigned{hints.translated};
    }
  }
}

TEST_F(Attributes, OfAStage2AloneHaveTheHintsOfTheTransaction) {  // 13.4.3
  PageTable stage2 = board_.page_table({.stage = 2});
  stage2.map(kAddress, kPage, 4096);
  board_.attach(kStream, translate_stage2(stage2));
  for (const Hints& hints : kHints) {
    const std::uint8_t type = hints.incoming;
    EXPECT_EQ(leaving({type, Shareability::kOuter}).type, type);
  }
}

TEST_F(Stage1Attributes, AreTheSameOnAHit) {
  use(kWriteThrough, kInner);
  EXPECT_EQ(leaving(), leaving());
}

// Attributes that an interconnect may supply.
constexpr MemoryAttributes kConsistent[] = {
    {MemoryAttributes::kWriteBack, Shareability::kNonShareable},
    {MemoryAttributes::kWriteBack, Shareability::kInner},
    {kWriteThrough, Shareability::kOuter},
    {kInnerOnly, Shareability::kInner},
    {MemoryAttributes::kNonCacheable, Shareability::kOuter},
    {kDevice_nGnRE, Shareability::kOuter},
};

TEST_F(Attributes, OfABypassingStreamAreTheIncomingOnes) {  // 5.2, SHCFG: ATTR_TYPES_OVR 0
  for (unsigned shcfg = 0; shcfg != 4; ++shcfg) {
    board_.attach(kStream, bypass().set(STE::SHCFG, static_cast<ShareabilityOverride>(shcfg)));
    for (const MemoryAttributes incoming : kConsistent) EXPECT_EQ(leaving(incoming), incoming);
  }
}

TEST_F(Attributes, OfABypassingStreamAreNotOverriddenInType) {  // 5.2, MTCFG: ATTR_TYPES_OVR 0
  board_.attach(kStream, bypass().set(STE::MTCFG, true).set(STE::MemAttr, 0x5));
  for (const MemoryAttributes incoming : kConsistent) EXPECT_EQ(leaving(incoming), incoming);
}

TEST_F(Attributes, OfATransactionWithoutASubstreamThatBypassesAreTheIncomingOnes) {  // 5.2, S1DSS
  board_.attach(kStream, translate(board_.allocate(4096))
                             .set(STE::S1CDMax, 1)
                             .set(STE::S1DSS, v3::DefaultSubstream::kBypass));
  for (const MemoryAttributes incoming : kConsistent) EXPECT_EQ(leaving(incoming), incoming);
}

TEST_F(Attributes, WhileTheSmmuIsOffAreTheIncomingOnes) {  // 6.3.14: ATTR_TYPES_OVR 0
  board_.smmu().write(SMMU_CR0());
  for (unsigned shcfg = 0; shcfg != 4; ++shcfg) {
    board_.smmu().write(SMMU_GBPA()
                            .set(SMMU_GBPA::SHCFG, static_cast<ShareabilityOverride>(shcfg))
                            .set(SMMU_GBPA::MTCFG, true)
                            .set(SMMU_GBPA::MemAttr, 0x5)
                            .set(SMMU_GBPA::Update, true));
    for (const MemoryAttributes incoming : kConsistent) EXPECT_EQ(leaving(incoming), incoming);
  }
}

// Attributes that contradict themselves, and what leaves for them.
TEST_F(Attributes, OfWhatIsAlwaysOuterShareableAreMadeSo) {  // 13.1.7: "or bad input"
  const auto expect_outer = [&] {
    for (const std::uint8_t type : {MemoryAttributes::kDevice_nGnRnE, kDevice_nGnRE, kDevice_GRE,
                                    MemoryAttributes::kNonCacheable}) {
      for (const auto shareability : {Shareability::kNonShareable, Shareability::kInner}) {
        EXPECT_EQ(leaving({type, shareability}), (MemoryAttributes{type, Shareability::kOuter}));
      }
    }
  };
  board_.attach(kStream, bypass());
  expect_outer();
  board_.smmu().write(SMMU_CR0());
  expect_outer();
}

}  // namespace
}  // namespace smmu::testing::memory_attributes_test
