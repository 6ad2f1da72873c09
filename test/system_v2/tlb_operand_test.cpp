// Operands of TLB maintenance as software writes them: whole, by halves in either order, as 32 bits
// to banks of AArch32, and with addresses of the upper half.
#include "test/system_v2/software.h"

namespace smmu::testing::tlb_operand_test {
namespace {

using namespace v2;

constexpr StreamId kStream(5);
constexpr std::uint32_t kBank = 1;
constexpr std::uint32_t kAsid = 0x1a5;
constexpr Iova kHighPage(0x5a'9876'5000);  // the low word of its operand is not all of it
constexpr Iova kLowPage(0x9876'5000);

// A page of a bank, whose translation is in the TLB and whose tables lead elsewhere.
class Stale {
 public:
  enum class Stage { k1, k2, kHypervisor };

  explicit Stale(Iova address, Stage stage = Stage::k1)
      : address_(address),
        table(rig.page_table(stage == Stage::k2 ? stage2_tables() : stage1_tables())) {
    table.map(address, before_, 4096);
    if (stage == Stage::k2) {
      software.stage2(kBank, table);
    } else {
      software.stage1(kBank, table, {.asid = kAsid, .hypervisor = stage == Stage::kHypervisor});
    }
    software.lead(kStream, kBank);
    software.enable();
    make_stale();
  }

  void make_stale() {
    EXPECT_THAT(device_.translate(address_), TranslatesTo(before_));
    std::swap(before_, after_);
    table.map(address_, before_, 4096);
    EXPECT_THAT(device_.translate(address_), TranslatesTo(after_));
  }
  bool is_stale() {
    software.synchronize();
    const auto outcome = device_.translate(address_);
    return std::get<emulator::Translation>(outcome).pa == after_;
  }

  V2Rig rig;
  Software software{rig};
  RegisterPage bank = software.bank(kBank);

 private:
  Iova address_;
  DmaDevice device_ = rig.device(kStream);
  Pa before_ = rig.allocate(4096);  // where the tables lead
  Pa after_ = rig.allocate(4096);

 public:
  PageTable table;
};

template <class R>
R operand() {
  return R().set(R::Address, kHighPage.value >> 12);
}
template <class R>
R operand_with_asid() {
  return operand<R>().set(R::ASID, kAsid);
}

// Begins each as software may, whole or by halves.
template <class R>
void expect_any_way(Stale& stale, const RegisterPage& page, R value) {
  page.write(value);
  EXPECT_FALSE(stale.is_stale()) << "whole";
  stale.make_stale();
  page.write_high_then_low(value);
  EXPECT_FALSE(stale.is_stale()) << "the high half first";
  stale.make_stale();
  // What is left of another operand is not this one's.
  page.write(R(~std::uint64_t{0}));
  EXPECT_TRUE(stale.is_stale());
  page.write_low_then_high(value);
  EXPECT_FALSE(stale.is_stale()) << "the low half first";
}

// A doubleword may be two registers: each is obeyed.
TEST(TlbOperand, OfTwoRegistersIsBoth) {
  for (const auto stage : {Stale::Stage::k1, Stale::Stage::kHypervisor}) {
    Stale stale(kHighPage, stage);
    stale.rig.smmu().write64(SMMU_TLBIALLNSNH::kOffset, 0);  // and SMMU_TLBIALLH
    EXPECT_FALSE(stale.is_stale());
    stale.make_stale();
    // Of which the first is nothing to the hypervisor, and the second is Secure software's.
    stale.rig.smmu().write64(SMMU_TLBIVMIDS1::kOffset, 0);
    EXPECT_EQ(stale.is_stale(), stage == Stale::Stage::kHypervisor);
  }
}

TEST(TlbOperand, Of64BitsIsWrittenInAnyWay) {
  {
    Stale stale(kHighPage);
    expect_any_way(stale, stale.bank, operand_with_asid<SMMU_CBn_TLBIVA_AArch64>());
    stale.make_stale();
    expect_any_way(stale, stale.bank, operand_with_asid<SMMU_CBn_TLBIVAL_AArch64>());
    stale.make_stale();
    expect_any_way(stale, stale.bank, operand<SMMU_CBn_TLBIVAA_AArch64>());
    stale.make_stale();
    expect_any_way(stale, stale.bank, operand<SMMU_CBn_TLBIVAAL_AArch64>());
  }
  {
    Stale stale(kHighPage, Stale::Stage::k2);
    expect_any_way(stale, stale.bank, operand<SMMU_CBn_TLBIIPAS2>());
    stale.make_stale();
    expect_any_way(stale, stale.bank, operand<SMMU_CBn_TLBIIPAS2L>());
  }
  {
    Stale stale(kHighPage, Stale::Stage::kHypervisor);
    expect_any_way(stale, stale.software.gr0, operand<SMMU_TLBIVAH64>());
    stale.make_stale();
    expect_any_way(stale, stale.software.gr0, operand<SMMU_TLBIVALH64>());
  }
}

// Half an operand is an operand, too: the other half is as it was written last.
TEST(TlbOperand, HalfOfItIsOneWithTheOtherHalfOfBefore) {
  using Tlbi = SMMU_CBn_TLBIVA_AArch64;
  Stale stale(kHighPage);
  stale.bank.write_high_then_low(operand_with_asid<Tlbi>());
  EXPECT_FALSE(stale.is_stale());
  stale.make_stale();
  stale.bank.write_low(operand_with_asid<Tlbi>());
  EXPECT_FALSE(stale.is_stale());
}

// Only registers of the same kind: TLBIASID has 32 bits and knows no other half.
TEST(TlbOperand, OfAnASIDHasAllOfIt) {
  Stale stale(kHighPage);
  stale.bank.write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, kAsid & 0xff));
  EXPECT_TRUE(stale.is_stale());
  stale.bank.write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, kAsid));
  EXPECT_FALSE(stale.is_stale());
}

// TLBIASID and TLBIALL have 32 bits: what is written beside them begins nothing.
TEST(TlbOperand, Of32BitsHasNothingBesideIt) {
  Stale stale(kHighPage);
  const auto asid = SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, kAsid);
  stale.bank.write(asid);
  EXPECT_FALSE(stale.is_stale());
  stale.make_stale();
  const std::uint32_t page = (4096U << 7) + kBank * 4096;  // of 128 banks
  for (const std::uint32_t offset : {SMMU_CBn_TLBIASID::kOffset, SMMU_CBn_TLBIALL::kOffset}) {
    stale.rig.smmu().write32(page + offset + 4, asid.raw());
    EXPECT_TRUE(stale.is_stale()) << std::hex << offset + 4;
  }
  stale.rig.smmu().write64(page + SMMU_CBn_TLBIASID::kOffset, asid.raw());
  EXPECT_FALSE(stale.is_stale()) << "but 64 bits reach the register, too";
}

// Two registers of 32 bits that are written at once begin what each of them says.
TEST(TlbOperand, Of64BitsForTwoRegistersIsOneForEach) {
  Stale guest(kHighPage);
  constexpr StreamId kHypervisorStream(6);
  constexpr std::uint32_t kHypervisorBank = 2;
  PageTable table = guest.rig.page_table(stage1_tables());
  const Pa before = guest.rig.allocate(4096);
  const Pa after = guest.rig.allocate(4096);
  table.map(kHighPage, before, 4096);
  Software software(guest.rig, SecurityState::kNonSecure, 1);
  software.stage1(kHypervisorBank, table, {.hypervisor = true});
  software.lead(kHypervisorStream, kHypervisorBank);
  const DmaDevice device = guest.rig.device(kHypervisorStream);
  EXPECT_THAT(device.translate(kHighPage), TranslatesTo(before));
  table.map(kHighPage, after, 4096);
  static_assert(SMMU_TLBIALLH::kOffset == SMMU_TLBIALLNSNH::kOffset + 4);
  guest.rig.smmu().write64(SMMU_TLBIALLNSNH::kOffset, 0);
  EXPECT_FALSE(guest.is_stale());
  EXPECT_THAT(device.translate(kHighPage), TranslatesTo(after));
}

// Of AArch32, whose operands have 32 bits: only the low word begins one.
TEST(TlbOperand, OfAArch32IsTheLowWord) {
  constexpr std::uint32_t kSmallAsid = 0x44;
  using Tlbi = SMMU_CBn_TLBIVA_AArch32;
  Stale stale(kLowPage);
  // The same tables, for they are alike.
  PageTable table = stale.rig.page_table({.t0sz = 32});
  const Pa before = stale.rig.allocate(4096);
  const Pa after = stale.rig.allocate(4096);
  table.map(kLowPage, before, 4096);
  stale.software.gr1.write(kBank, SMMU_CBA2Rn());
  stale.bank.write(
      SMMU_CBn_TCR_Long().set(SMMU_CBn_TCR_Long::EAE, true).set(SMMU_CBn_TCR_Long::EPD1, true));
  stale.bank.write(SMMU_CBn_TTBR0_Long()
                       .set(SMMU_CBn_TTBR0_Long::BaseAddress, table.root().value)
                       .set(SMMU_CBn_TTBR0_Long::ASID, kSmallAsid));
  const DmaDevice device = stale.rig.device(kStream);
  const auto translate = [&] {
    stale.software.synchronize(kBank);
    return device.translate(kLowPage);
  };
  EXPECT_THAT(translate(), TranslatesTo(before));
  table.map(kLowPage, after, 4096);
  const auto narrow = Tlbi().set(Tlbi::ASID, kSmallAsid).set(Tlbi::VA, kLowPage.value);
  stale.bank.write(Tlbi(narrow).set(Tlbi::ASID, 0x45));
  EXPECT_THAT(translate(), TranslatesTo(before)) << "of another ASID";
  stale.bank.write(Tlbi(narrow).set(Tlbi::VA, kLowPage.value + 4096));
  EXPECT_THAT(translate(), TranslatesTo(before)) << "of another address";
  stale.bank.write(narrow);
  EXPECT_THAT(translate(), TranslatesTo(after));

  // 64 bits are as good: the upper ones are nothing.
  table.map(kLowPage, before, 4096);
  EXPECT_THAT(translate(), TranslatesTo(after));
  stale.bank.write(SMMU_CBn_TLBIVA_AArch64(std::uint64_t{0xffff'ffff} << 32 | narrow.raw()));
  EXPECT_THAT(translate(), TranslatesTo(before));
  using Vaa = SMMU_CBn_TLBIVAA_AArch32;
  table.map(kLowPage, after, 4096);
  stale.bank.write(Vaa().set(Vaa::VA, kLowPage.value));
  EXPECT_THAT(translate(), TranslatesTo(after));
  // ASIDs have 8 bits.
  table.map(kLowPage, before, 4096);
  stale.bank.write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, 0xff00 | kSmallAsid));
  EXPECT_THAT(translate(), TranslatesTo(before));
}

// Bits [55:12] say all of an address: those above are the sign's.
TEST(TlbOperand, OfTheUpperHalfIsItsSignToo) {
  V2Rig rig;
  Software software(rig);
  const RegisterPage bank = software.bank(kBank);
  PageTable table = rig.page_table(stage1_tables());
  const Pa before = rig.allocate(4096);
  const Pa after = rig.allocate(4096);
  // What the tables know of the address are its low 39 bits.
  constexpr Iova kUpper(0xffff'ffda'9876'5000);
  constexpr Iova kInTable(kUpper.value & ((std::uint64_t{1} << 39) - 1));
  table.map(kInTable, before, 4096);
  PageTable lower = rig.page_table(stage1_tables());
  software.stage1(kBank, lower, {.asid = kAsid});
  bank.write(SMMU_CBn_TCR_AArch64()
                 .set(SMMU_CBn_TCR_AArch64::T0SZ, 25)
                 .set(SMMU_CBn_TCR_AArch64::T1SZ, 25)
                 .set(SMMU_CBn_TCR_AArch64::TG1, TG1::k4K));
  bank.write(SMMU_CBn_TTBR1_AArch64().set(SMMU_CBn_TTBR1_AArch64::BaseAddress, table.root().value));
  software.lead(kStream, kBank);
  software.enable();
  const DmaDevice device = rig.device(kStream);
  EXPECT_THAT(device.translate(kUpper), TranslatesTo(before));
  table.map(kInTable, after, 4096);
  using Tlbi = SMMU_CBn_TLBIVA_AArch64;
  const auto invalidate = [&](std::uint64_t address) {
    bank.write(Tlbi()
                   .set(Tlbi::Address, address >> 12 & ((std::uint64_t{1} << 44) - 1))
                   .set(Tlbi::ASID, kAsid));
    software.synchronize(kBank);
  };
  invalidate(kInTable.value);
  EXPECT_THAT(device.translate(kUpper), TranslatesTo(before)) << "that is the lower half";
  invalidate(kUpper.value);
  EXPECT_THAT(device.translate(kUpper), TranslatesTo(after));
}

}  // namespace
}  // namespace smmu::testing::tlb_operand_test
