// Address translation operations: what they find (IHI 0070, chapter 9 and 6.3.40).
#include "test/system/operation.h"
#include "smmu/arch/vmsa/aarch64.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::operation_test {
namespace {

using emulator::Direction;
using ::testing::IsEmpty;
using v3::CD;
using v3::EventType;
using v3::SMMU_GATOS_PAR;
using v3::STE;
using v3::TranslationType;
using vmsa::Leaf_Stage1;
using vmsa::Leaf_Stage2;

class Operations : public OperationTest {};

TEST_F(Operations, TranslateThroughTheStagesThatAreAskedFor) {  // 9.1.3
  using enum TranslationType;
  const auto here = finds(page_.value);
  EXPECT_EQ(ask({.type = kStage1, .stream = kStage1Stream, .address = kAddress}), here);
  EXPECT_EQ(ask({.type = kStage2, .stream = kStage2Stream, .address = kIpa}), here);
  EXPECT_EQ(ask({.type = kStage1, .stream = kNestedStream, .address = kAddress}), finds(kIpa));
  EXPECT_EQ(ask({.type = kStage2, .stream = kNestedStream, .address = kIpa}), here);
  EXPECT_EQ(ask({.type = kBothStages, .stream = kNestedStream, .address = kAddress}), here);
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(Operations, FindWhatASubstreamWould) {  // 9.1.2
  const Pa cds = board_.allocate(4 * CD::kSize);
  auto second = board_.page_table();
  const Pa page = board_.allocate(4096);
  second.map(Iova(kAddress), page, 4096);
  store(board_.memory(), cds, context(stage1_));
  store(board_.memory(), Pa(cds.value + 2 * CD::kSize), context(second, Asid(2)));
  board_.attach(kStage1Stream,
                translate(cds).set(STE::S1CDMax, 2).set(STE::S1DSS, v3::DefaultSubstream::kCd0));
  Operation operation{
      .type = TranslationType::kStage1, .stream = kStage1Stream, .address = kAddress};
  EXPECT_EQ(ask(operation), finds(page_.value));
  operation.substream = SubstreamId(2);
  EXPECT_EQ(ask(operation), finds(page.value));
}

// 6.3.40: the lowest bit of ADDR that is set is the half of the size.
TEST_F(Operations, TellTheSizeOfATranslation) {
  const struct {
    unsigned granule_bits;
    unsigned size_bits;
    std::uint64_t marked;  // the bit, in place
  } kSizes[] = {
      {12, 12, 0},          {12, 21, 0x10'0000}, {12, 30, 0x2000'0000}, {14, 14, 0x2000},
      {14, 25, 0x100'0000}, {16, 16, 0x8000},    {16, 29, 0x1000'0000},
  };
  for (const auto& size : kSizes) {
    auto table = board_.page_table({.granule_bits = size.granule_bits});
    const std::uint64_t bytes = std::uint64_t{1} << size.size_bits;
    table.map(Iova(0x40'0000'0000), Pa(0x8'0000'0000), bytes);
    configure(kStage1Stream, context(table));
    Answer expected = finds(0x8'0000'0000 | size.marked);
    if (size.marked != 0) expected.par |= SMMU_GATOS_PAR::Size.kMask;
    // Whatever page of it is asked about.
    for (const std::uint64_t offset : {std::uint64_t{0}, bytes - 4096}) {
      EXPECT_EQ(ask({.type = TranslationType::kStage1,
                     .stream = kStage1Stream,
                     .address = 0x40'0000'0000 + offset}),
                expected)
          << size.granule_bits << ' ' << size.size_bits;
    }
  }
}

TEST_F(Operations, TellTheSmallerSizeOfBothStages) {
  stage2_.map(Iova(0x1'4000'0000), Pa(0x8'0000'0000), 0x20'0000);
  guest_.map(Iova(0x1'0000'0000), Pa(0x1'4000'0000), 0x4000'0000);
  Operation operation{
      .type = TranslationType::kBothStages, .stream = kNestedStream, .address = 0x1'0000'1000};
  EXPECT_EQ(ask(operation).par, finds(0x8'0010'0000).par | SMMU_GATOS_PAR::Size.kMask);
  operation.type = TranslationType::kStage1;
  EXPECT_EQ(ask(operation).par, finds(0x1'6000'0000).par | SMMU_GATOS_PAR::Size.kMask);
}

TEST_F(Operations, GiveAddressesOf52Bits) {
  auto table = board_.page_table({.output_bits = 52});
  table.map(Iova(kAddress), Pa(0xf'edcb'a987'6000), 4096);
  configure(kStage1Stream, context(table));
  const Operation operation{
      .type = TranslationType::kStage1, .stream = kStage1Stream, .address = kAddress};
  EXPECT_EQ(ask(operation), finds(0xf'edcb'a987'6000));
}

TEST_F(Operations, TakeTheWholeAddress) {  // 9: the upper half, and the top byte
  auto upper = board_.page_table();
  upper.map(Iova(0xffff'8000'0000'0000), page_, 4096);
  CD cd = context(stage1_)
              .set(CD::EPD1, false)
              .set(CD::T1SZ, 16)
              .set(CD::TG1, TG1::k4K)
              .set(CD::TTB1, upper.root().value);
  configure(kStage1Stream, cd);
  const auto at_address = [&](std::uint64_t address) {
    return ask({.type = TranslationType::kStage1, .stream = kStage1Stream, .address = address});
  };
  EXPECT_EQ(at_address(0xffff'8000'0000'0000), finds(page_.value));
  EXPECT_EQ(at_address(0x12ff'8000'0000'0000), fails(EventType::F_TRANSLATION));
  configure(kStage1Stream, cd.set(CD::TBI1, true));
  EXPECT_EQ(at_address(0x12ff'8000'0000'0000), finds(page_.value));
}

TEST_F(Operations, GiveTheAttributesOfTheStageThatIsAskedAbout) {  // 6.3.40
  configure(kNestedStream, context(guest_).set(CD::MAIR0, 0xb7));
  put(stage2_leaf(), Leaf_Stage2({at(stage2_leaf())})
                         .set(Leaf_Stage2::MemAttr, 0b1010)  // Write-Through
                         .set(Leaf_Stage2::SH, Shareability::kOuter)
                         .word(0));
  const auto attributes = [&](TranslationType type) {
    const bool by_ipa = type == TranslationType::kStage2;
    const auto par =
        ask({.type = type, .stream = kNestedStream, .address = by_ipa ? kIpa : kAddress}).success();
    return std::pair(par[SMMU_GATOS_PAR::ATTR], par[SMMU_GATOS_PAR::SH]);
  };
  EXPECT_EQ(attributes(TranslationType::kStage1), std::pair(0xb7U, Shareability::kInner));
  // Read- and write-allocate, not transient.
  EXPECT_EQ(attributes(TranslationType::kStage2), std::pair(0xbbU, Shareability::kOuter));
  // 13.1.5: the weaker type, the stronger shareability, the hints of stage 1:
  // the inner ones are Transient Write-Back, made Write-Through.
  EXPECT_EQ(attributes(TranslationType::kBothStages), std::pair(0xb3U, Shareability::kOuter));
}

// 9.1.4: OSH is for Device memory, and what has no hints.
TEST_F(Operations, GiveDeviceMemoryAsOuterShareable) {
  const auto par = [&](unsigned mair) {
    configure(kStage1Stream, context(stage1_).set(CD::MAIR0, mair));
    return ask({.type = TranslationType::kStage1, .stream = kStage1Stream, .address = kAddress})
        .success();
  };
  EXPECT_EQ(par(0x04)[SMMU_GATOS_PAR::ATTR], 0x04U);
  EXPECT_EQ(par(0x04)[SMMU_GATOS_PAR::SH], Shareability::kOuter);
  EXPECT_EQ(par(0x44)[SMMU_GATOS_PAR::SH], Shareability::kOuter);
  EXPECT_EQ(par(0xbb)[SMMU_GATOS_PAR::SH], Shareability::kInner);
  put(stage2_leaf(), Leaf_Stage2({at(stage2_leaf())}).set(Leaf_Stage2::MemAttr, 0b0010).word(0));
  const auto device =
      ask({.type = TranslationType::kStage2, .stream = kStage2Stream, .address = kIpa}).success();
  EXPECT_EQ(device[SMMU_GATOS_PAR::ATTR], 0x08U);  // nGRE
  EXPECT_EQ(device[SMMU_GATOS_PAR::SH], Shareability::kOuter);
}

TEST_F(Operations, SeeWhatS2fwbDoes) {  // 13.1.6
  put(stage2_leaf(), Leaf_Stage2({at(stage2_leaf())}).set(Leaf_Stage2::MemAttr, 0b0110).word(0));
  configure(kNestedStream, context(guest_).set(CD::MAIR0, 0x44));
  const Operation operation{
      .type = TranslationType::kBothStages, .stream = kNestedStream, .address = kAddress};
  board_.attach(kNestedStream, nested().set(STE::S2FWB, true));
  EXPECT_EQ(ask(operation).success()[SMMU_GATOS_PAR::ATTR], 0xffU);
  board_.attach(kNestedStream, nested());
  EXPECT_EQ(ask(operation).success()[SMMU_GATOS_PAR::ATTR], 0x44U);
}

TEST_F(Operations, AreNotChangedByTheOverridesOfAnSte) {  // 9; 13.1.4, 13.1.2
  const STE ste = translate(cd_)
                      .set(STE::MTCFG, true)
                      .set(STE::MemAttr, 0)
                      .set(STE::SHCFG, ShareabilityOverride::kNonShareable)
                      .set(STE::PRIVCFG, PrivilegeOverride::kPrivileged)
                      .set(STE::INSTCFG, InstructionOverride::kInstruction);
  board_.attach(kStage1Stream, ste);
  const Operation operation{
      .type = TranslationType::kStage1, .stream = kStage1Stream, .address = kAddress};
  EXPECT_EQ(ask(operation), finds(page_.value));
  // Neither the privilege of an unprivileged request, nor the content of data.
  put(stage1_leaf(), Leaf_Stage1({at(stage1_leaf())}).set(Leaf_Stage1::AP, 0).word(0));
  EXPECT_EQ(ask(operation), fails(EventType::F_PERMISSION));
  put(stage1_leaf(), Leaf_Stage1({at(stage1_leaf())})
                         .set(Leaf_Stage1::AP, 0b11)
                         .set(Leaf_Stage1::UXN, true)
                         .set(Leaf_Stage1::PXN, true)
                         .word(0));
  EXPECT_EQ(ask(operation), finds(page_.value));
}

struct Kind {
  bool privileged, read, instruction;
};
constexpr Kind kKinds[] = {{false, false, false}, {false, false, true}, {false, true, false},
                           {false, true, true},   {true, false, false}, {true, false, true},
                           {true, true, false},   {true, true, true}};

// 9: permissions are those of a transaction with these properties; 6.3.39: InD is ignored for
// writes.
TEST_F(Operations, ArePermittedAsTransactionsAre) {
  const DmaDevice plain = board_.device(kStage1Stream);
  const DmaDevice both_stages = board_.device(kNestedStream);
  for (unsigned rights = 0; rights != 64; ++rights) {
    const unsigned ap = rights & 0b11;
    const auto leaf = [&](Pa where) {
      put(where, Leaf_Stage1({at(where)})
                     .set(Leaf_Stage1::AP, ap)
                     .set(Leaf_Stage1::PXN, (rights & 0b100) != 0)
                     .set(Leaf_Stage1::UXN, (rights & 0b1000) != 0)
                     .word(0));
    };
    leaf(stage1_leaf());
    leaf(guest_leaf());
    put(stage2_leaf(),
        Leaf_Stage2({at(stage2_leaf())}).set(Leaf_Stage2::S2AP, rights >> 4).word(0));
    board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
    for (const Kind& kind : kKinds) {
      const auto as_transaction = [&](DmaDevice device) {
        if (kind.privileged) device = device.privileged();
        if (kind.instruction) device = device.fetching_instructions();
        const auto outcome =
            device.translate(Iova(kAddress), kind.read ? Direction::kRead : Direction::kWrite);
        return std::holds_alternative<emulator::Translation>(outcome);
      };
      Operation operation{.type = TranslationType::kStage1,
                          .stream = kStage1Stream,
                          .address = kAddress,
                          .privileged = kind.privileged,
                          .read = kind.read,
                          .instruction = kind.instruction};
      EXPECT_EQ(!ask(operation).failed(), as_transaction(plain)) << rights;
      const bool alone = !ask(operation).failed();
      operation.stream = kNestedStream;
      // Of one stage, its own permissions alone.
      EXPECT_EQ(!ask(operation).failed(), alone) << rights;
      operation.type = TranslationType::kBothStages;
      EXPECT_EQ(!ask(operation).failed(), as_transaction(both_stages)) << rights;
      operation.type = TranslationType::kStage2;
      operation.address = kIpa;
      // Nothing here forbids to execute.
      const bool executes = kind.read && kind.instruction;
      const bool wanted = executes || (rights >> 4 & (kind.read ? 0b01 : 0b10)) != 0;
      EXPECT_EQ(!ask(operation).failed(), wanted) << rights;
    }
  }
}

TEST_F(Operations, SeeWhatACdSaysOfPermissions) {  // 9: PAN, WXN, E0PD
  Operation operation{.type = TranslationType::kStage1,
                      .stream = kStage1Stream,
                      .address = kAddress,
                      .privileged = true};
  configure(kStage1Stream, context(stage1_).set(CD::PAN, true));
  EXPECT_EQ(ask(operation), fails(EventType::F_PERMISSION));
  operation.privileged = false;
  EXPECT_EQ(ask(operation), finds(page_.value));
  configure(kStage1Stream, context(stage1_).set(CD::E0PD0, true));
  EXPECT_EQ(ask(operation), fails(EventType::F_TRANSLATION));
  configure(kStage1Stream, context(stage1_).set(CD::WXN, true));
  EXPECT_EQ(ask(operation), finds(page_.value));
  operation.instruction = true;
  EXPECT_EQ(ask(operation), fails(EventType::F_PERMISSION));
}

// 9: what is of stage 1 does not bear on stage 2 alone.
TEST_F(Operations, AboutStage2LeaveTheCdAlone) {
  put(Pa(guest_cd_.value), 0);
  board_.attach(kNestedStream, nested().set(STE::S1CDMax, 4));
  EXPECT_EQ(ask({.type = TranslationType::kStage2, .stream = kNestedStream, .address = kIpa}),
            finds(page_.value));
}

class UpdatingOperations : public OperationTest {
 protected:
  UpdatingOperations() {
    configure(kStage1Stream, context(stage1_).set(CD::HA, true).set(CD::HD, true));
    configure(kNestedStream, context(guest_).set(CD::HA, true).set(CD::HD, true));
    attach_nested(nested());
    put(stage1_leaf(), clean1(at(stage1_leaf())));
    put(guest_leaf(), clean1(at(guest_leaf())));
    put(stage2_leaf(), clean2(at(stage2_leaf())));
  }
  void attach_nested(STE ste) {
    board_.attach(kNestedStream, ste.set(STE::S2HA, true).set(STE::S2HD, true));
  }
  // Neither accessed nor written yet.
  static std::uint64_t clean1(std::uint64_t leaf) {
    return Leaf_Stage1({leaf})
        .set(Leaf_Stage1::AF, false)
        .set(Leaf_Stage1::DBM, true)
        .set(Leaf_Stage1::AP, 0b11)
        .word(0);
  }
  static std::uint64_t clean2(std::uint64_t leaf) {
    return Leaf_Stage2({leaf})
        .set(Leaf_Stage2::AF, false)
        .set(Leaf_Stage2::DBM, true)
        .set(Leaf_Stage2::S2AP, 0b01)
        .word(0);
  }
  bool accessed(Pa leaf) { return Leaf_Stage1({at(leaf)})[Leaf_Stage1::AF]; }
  bool dirty1(Pa leaf) { return Leaf_Stage1({at(leaf)})[Leaf_Stage1::AP] == 0b01; }
  bool dirty2(Pa leaf) { return Leaf_Stage2({at(leaf)})[Leaf_Stage2::S2AP] == 0b11; }
};

TEST_F(UpdatingOperations, SetFlagsAsATransactionDoes) {  // 9
  Operation operation{
      .type = TranslationType::kStage1, .stream = kStage1Stream, .address = kAddress};
  EXPECT_EQ(ask(operation), finds(page_.value));
  EXPECT_TRUE(accessed(stage1_leaf()));
  EXPECT_FALSE(dirty1(stage1_leaf()));
  operation.read = false;
  EXPECT_EQ(ask(operation), finds(page_.value));
  EXPECT_TRUE(dirty1(stage1_leaf()));
}

TEST_F(UpdatingOperations, SetFlagsOfBothStages) {
  // The guest's table is in a page that has not been written yet.
  const Pa table_leaf = stage2_leaf(guest_leaf().value);
  put(table_leaf, clean2(at(table_leaf)));
  EXPECT_EQ(ask({.type = TranslationType::kBothStages,
                 .stream = kNestedStream,
                 .address = kAddress,
                 .read = false}),
            finds(page_.value));
  EXPECT_TRUE(accessed(guest_leaf()) && dirty1(guest_leaf()));
  EXPECT_TRUE(accessed(stage2_leaf()) && dirty2(stage2_leaf()));
  EXPECT_TRUE(accessed(table_leaf) && dirty2(table_leaf));
}

TEST_F(UpdatingOperations,
       AboutStage1LeaveThePageItself) {  // 9: not dirty; not accessed, by choice
  const std::uint64_t before = at(stage2_leaf());
  EXPECT_EQ(ask({.type = TranslationType::kStage1,
                 .stream = kNestedStream,
                 .address = kAddress,
                 .read = false}),
            finds(kIpa));
  EXPECT_TRUE(accessed(guest_leaf()) && dirty1(guest_leaf()));
  EXPECT_EQ(at(stage2_leaf()), before);
}

TEST_F(UpdatingOperations, AreToldToChangeNothing) {  // 9, HTTUI
  const Pa table_leaf = stage2_leaf(guest_leaf().value);
  const Pa cd_leaf = stage2_leaf(guest_cd_.value);
  // A table that could not be written: nothing is.
  put(table_leaf, Leaf_Stage2({at(table_leaf)})
                      .set(Leaf_Stage2::AF, false)
                      .set(Leaf_Stage2::S2AP, 0b01)
                      .word(0));
  put(cd_leaf, clean2(at(cd_leaf)));
  const std::uint64_t before[] = {at(stage1_leaf()), at(guest_leaf()), at(stage2_leaf()),
                                  at(table_leaf), at(cd_leaf)};
  using v3::CMD_CFGI_STE;
  board_.submit_and_sync(command<CMD_CFGI_STE>().set(CMD_CFGI_STE::StreamID, kNestedStream.value));
  for (const bool read : {true, false}) {
    const auto quietly = [&](TranslationType type, StreamId stream, std::uint64_t address) {
      return ask({.type = type,
                  .stream = stream,
                  .address = address,
                  .read = read,
                  .inhibit_updates = true});
    };
    EXPECT_EQ(quietly(TranslationType::kStage1, kStage1Stream, kAddress), finds(page_.value));
    EXPECT_EQ(quietly(TranslationType::kStage1, kNestedStream, kAddress), finds(kIpa));
    EXPECT_EQ(quietly(TranslationType::kStage2, kNestedStream, kIpa), finds(page_.value));
    EXPECT_EQ(quietly(TranslationType::kBothStages, kNestedStream, kAddress), finds(page_.value));
  }
  const std::uint64_t after[] = {at(stage1_leaf()), at(guest_leaf()), at(stage2_leaf()),
                                 at(table_leaf), at(cd_leaf)};
  EXPECT_EQ(std::to_array(before), std::to_array(after));
  // And a transaction that comes now does not profit by it.
  board_.device(kStage1Stream).translate(Iova(kAddress));
  EXPECT_TRUE(accessed(stage1_leaf()));
}

TEST_F(UpdatingOperations, OfWhatIsNotUpdatedAreNotHelpedByThat) {  // 9: HTTUI has no effect
  configure(kStage1Stream, context(stage1_));
  Operation operation{.type = TranslationType::kStage1,
                      .stream = kStage1Stream,
                      .address = kAddress,
                      .inhibit_updates = true};
  EXPECT_EQ(ask(operation), fails(EventType::F_ACCESS));
  configure(kStage1Stream, context(stage1_).set(CD::HA, true));
  EXPECT_EQ(ask(operation), finds(page_.value));
  operation.read = false;
  EXPECT_EQ(ask(operation), fails(EventType::F_PERMISSION));
}

// 9.1.3: S1DSS lets pass what has no SubstreamID.
class BypassingOperations : public OperationTest {
 protected:
  BypassingOperations() {
    board_.attach(kStage1Stream, passing(translate(cd_)));
    board_.attach(kNestedStream, passing(nested()));
  }
  static STE passing(STE ste) {
    return ste.set(STE::S1CDMax, 4).set(STE::S1DSS, v3::DefaultSubstream::kBypass);
  }
};

TEST_F(BypassingOperations, GiveTheAddressBack) {
  for (const StreamId stream : {kStage1Stream, kNestedStream}) {
    const auto par =
        ask({.type = TranslationType::kStage1, .stream = stream, .address = 0xf'0000'0000'3000});
    ASSERT_FALSE(par.failed());
    EXPECT_EQ(par.success()[SMMU_GATOS_PAR::ADDR], 0xf'0000'0000'3000U);
    EXPECT_FALSE(par.success()[SMMU_GATOS_PAR::Size]);
    // An address that it cannot pass on.
    EXPECT_EQ(ask({.type = TranslationType::kStage1,
                   .stream = stream,
                   .address = std::uint64_t{1} << 52}),
              fails(EventType::F_ADDR_SIZE));
  }
}

TEST_F(BypassingOperations, GoThroughStage2) {
  Operation operation{
      .type = TranslationType::kBothStages, .stream = kNestedStream, .address = kIpa};
  EXPECT_EQ(ask(operation), finds(page_.value));
  operation.address = 0x5000;
  EXPECT_EQ(ask(operation),
            fails(EventType::F_TRANSLATION, v3::TranslationFaultReason::kIn, 0x5000));
  operation.address = std::uint64_t{1} << 52;
  EXPECT_EQ(ask(operation), fails(EventType::F_ADDR_SIZE));
}

TEST_F(BypassingOperations, WithASubstreamDoNot) {
  // There is no such CD, which shows that it is looked for.
  EXPECT_EQ(ask({.type = TranslationType::kStage1,
                 .stream = kStage1Stream,
                 .address = kAddress,
                 .substream = SubstreamId(16)}),
            fails(EventType::C_BAD_SUBSTREAMID));
}

TEST(SmallestTranslations, AreOfTheSmallestGranuleThereIs) {  // 9.1.3
  auto config = emulator::SmmuV3Config::everything();
  config.idr0.set(v3::SMMU_IDR0::TTF, v3::SMMU_IDR0::TableFormats::kAArch64);
  config.idr5.set(v3::SMMU_IDR5::GRAN4K, false);
  Board board({.config = config});
  board.bring_up();
  board.attach(StreamId(1), translate(board.allocate(16 * CD::kSize))
                                .set(STE::S1CDMax, 4)
                                .set(STE::S1DSS, v3::DefaultSubstream::kBypass));
  const auto par =
      ask(board, {.type = TranslationType::kStage1, .stream = StreamId(1), .address = 0x1234'5000});
  EXPECT_TRUE(par.success()[SMMU_GATOS_PAR::Size]);
  EXPECT_EQ(par.success()[SMMU_GATOS_PAR::ADDR], 0x1234'4000U | 0x2000U);
}

}  // namespace
}  // namespace smmu::testing::operation_test
