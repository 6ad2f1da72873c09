// Which registers can be written when, and what other accesses do (IHI 0070, 6.2 and 6.3).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::register_access_test {
namespace {

using v3::SMMU_CR0;
using v3::SMMU_IRQ_CTRL;

// What has to be off so that a register can be written.
enum class GuardedBy : std::uint8_t {
  kNothing,
  kSmmu,
  kCommands,
  kEvents,
  kPageRequests,
  kErrorIrq,
  kEventIrq,
  kPageRequestIrq,
};

struct Writable {
  const char* name;
  std::uint32_t offset;
  std::uint32_t bits;  // that are kept, of a 64-bit register in this half
  GuardedBy guard;
};

// Chapter 6, each register's fields and "Accessing".  CR0 and IRQ_CTRL guard the others, and have
// tests of their own; CR1's fields differ.
constexpr Writable kWritable[] = {
    {"CR2", 0x2c, 0xb, GuardedBy::kSmmu},
    {"GERRORN", 0x64, 0x3fd, GuardedBy::kNothing},
    {"GERROR_IRQ_CFG0", 0x68, 0xffff'fffc, GuardedBy::kErrorIrq},
    {"GERROR_IRQ_CFG0, high", 0x6c, 0x00ff'ffff, GuardedBy::kErrorIrq},
    {"GERROR_IRQ_CFG1", 0x70, 0xffff'ffff, GuardedBy::kErrorIrq},
    {"GERROR_IRQ_CFG2", 0x74, 0x3f, GuardedBy::kErrorIrq},
    {"STRTAB_BASE", 0x80, 0xffff'ffc0, GuardedBy::kSmmu},
    {"STRTAB_BASE, high", 0x84, 0x40ff'ffff, GuardedBy::kSmmu},
    {"STRTAB_BASE_CFG", 0x88, 0x0003'07ff, GuardedBy::kSmmu},
    {"CMDQ_BASE", 0x90, 0xffff'ffff, GuardedBy::kCommands},
    {"CMDQ_BASE, high", 0x94, 0x40ff'ffff, GuardedBy::kCommands},
    {"EVENTQ_BASE", 0xa0, 0xffff'ffff, GuardedBy::kEvents},
    {"EVENTQ_BASE, high", 0xa4, 0x40ff'ffff, GuardedBy::kEvents},
    {"CMDQ_PROD", 0x98, 0xf'ffff, GuardedBy::kNothing},
    {"EVENTQ_IRQ_CFG0", 0xb0, 0xffff'fffc, GuardedBy::kEventIrq},
    {"EVENTQ_IRQ_CFG0, high", 0xb4, 0x00ff'ffff, GuardedBy::kEventIrq},
    {"EVENTQ_IRQ_CFG1", 0xb8, 0xffff'ffff, GuardedBy::kEventIrq},
    {"EVENTQ_IRQ_CFG2", 0xbc, 0x3f, GuardedBy::kEventIrq},
    {"GATOS_SID", 0x108, 0xffff'ffff, GuardedBy::kNothing},
    {"GATOS_SID, high", 0x10c, 0x001f'ffff, GuardedBy::kNothing},
    {"GATOS_ADDR", 0x110, 0xffff'ffc0, GuardedBy::kNothing},
    {"GATOS_ADDR, high", 0x114, 0xffff'ffff, GuardedBy::kNothing},
    {"VATOS_SEL", 0x180, 0xffff, GuardedBy::kNothing},
    {"EVENTQ_CONS", 0x1'00ac, 0x800f'ffff, GuardedBy::kNothing},
    {"PRIQ_BASE", 0xc0, 0xffff'ffff, GuardedBy::kPageRequests},
    {"PRIQ_BASE, high", 0xc4, 0x40ff'ffff, GuardedBy::kPageRequests},
    {"PRIQ_IRQ_CFG0", 0xd0, 0xffff'fffc, GuardedBy::kPageRequestIrq},
    {"PRIQ_IRQ_CFG0, high", 0xd4, 0x00ff'ffff, GuardedBy::kPageRequestIrq},
    {"PRIQ_IRQ_CFG1", 0xd8, 0xffff'ffff, GuardedBy::kPageRequestIrq},
    {"PRIQ_IRQ_CFG2", 0xdc, 0x8000'003f, GuardedBy::kPageRequestIrq},
    {"PRIQ_CONS", 0x1'00cc, 0x800f'ffff, GuardedBy::kNothing},
};

// Everything that software cannot write.
constexpr std::uint32_t kReadOnly[] = {0x00,  0x04,   0x08,   0x0c,   0x10,   0x14,   0x18,
                                       0x1c,  0x24,   0x40,   0x54,   0x60,   0x118,  0x11c,
                                       0x190, 0x4000, 0x4008, 0x400c, 0x4020, 0x4028, 0x402c};

class Registers : public ::testing::Test {
 protected:
  emulator::SmmuV3& smmu() { return board_.smmu(); }
  // Exactly these are on.
  void enable(std::initializer_list<GuardedBy> which) {
    SMMU_CR0 cr0;
    SMMU_IRQ_CTRL irq;
    for (const GuardedBy each : which) {
      if (each == GuardedBy::kSmmu) cr0.set(SMMU_CR0::SMMUEN, true);
      if (each == GuardedBy::kCommands) cr0.set(SMMU_CR0::CMDQEN, true);
      if (each == GuardedBy::kEvents) cr0.set(SMMU_CR0::EVENTQEN, true);
      if (each == GuardedBy::kPageRequests) cr0.set(SMMU_CR0::PRIQEN, true);
      if (each == GuardedBy::kErrorIrq) irq.set(SMMU_IRQ_CTRL::GERROR_IRQEN, true);
      if (each == GuardedBy::kEventIrq) irq.set(SMMU_IRQ_CTRL::EVENTQ_IRQEN, true);
      if (each == GuardedBy::kPageRequestIrq) irq.set(SMMU_IRQ_CTRL::PRIQ_IRQEN, true);
    }
    smmu().write(cr0);
    smmu().write(irq);
  }

  Board board_;
};

TEST_F(Registers, KeepTheBitsThatTheyHave) {
  for (const Writable& each : kWritable) {
    smmu().write32(each.offset, 0xffff'ffff);
    EXPECT_EQ(smmu().read32(each.offset), each.bits) << each.name;
    smmu().write32(each.offset, 0);
    EXPECT_EQ(smmu().read32(each.offset), 0U) << each.name;
  }
}

TEST_F(Registers, AreGuardedByTheirOwnEnableOnly) {
  using enum GuardedBy;
  for (const Writable& each : kWritable) {
    for (const GuardedBy on :
         {kSmmu, kCommands, kEvents, kPageRequests, kErrorIrq, kEventIrq, kPageRequestIrq}) {
      // The two queues have nothing to do and nowhere to do it.
      if (each.guard == kNothing && on == kCommands) continue;
      enable({on});
      smmu().write32(each.offset, 0xffff'ffff);
      EXPECT_EQ(smmu().read32(each.offset), on == each.guard ? 0 : each.bits)
          << each.name << ", enable " << static_cast<unsigned>(on);
      enable({});
      smmu().write32(each.offset, 0);
    }
  }
}

TEST_F(Registers, OfTheQueuesAreGuardedWhereTheSmmuWrites) {  // 6.3.28, 6.3.95, 6.3.97
  smmu().write32(0x90, 19);
  smmu().write32(0xa0, 19);
  smmu().write32(0xc0, 19);
  constexpr std::uint32_t kCmdqCons = 0x9c;
  constexpr std::uint32_t kEventqProd = 0x1'00a8;
  enable({GuardedBy::kCommands});
  smmu().write32(kCmdqCons, 0x12345);
  EXPECT_EQ(smmu().read32(kCmdqCons), 0U);
  enable({GuardedBy::kEvents, GuardedBy::kSmmu});
  smmu().write32(kCmdqCons, 0x12345);
  EXPECT_EQ(smmu().read32(kCmdqCons) & 0xfffff, 0x12345U);
  smmu().write32(kEventqProd, 0x12345);
  EXPECT_EQ(smmu().read32(kEventqProd), 0U);
  enable({GuardedBy::kSmmu});
  smmu().write32(kEventqProd, 0x8001'2345);
  EXPECT_EQ(smmu().read32(kEventqProd), 0x8001'2345U);
  constexpr std::uint32_t kPriqProd = 0x1'00c8;
  enable({GuardedBy::kPageRequests});
  smmu().write32(kPriqProd, 0x12345);
  EXPECT_EQ(smmu().read32(kPriqProd), 0U);
  enable({GuardedBy::kSmmu});
  smmu().write32(kPriqProd, 0x8001'2345);
  EXPECT_EQ(smmu().read32(kPriqProd), 0x8001'2345U);
}

TEST_F(Registers, OfAccessAttributesAreGuardedByField) {  // 6.3.11: TABLE_*, QUEUE_*
  constexpr std::uint32_t kCr1 = 0x28;
  constexpr std::uint32_t kTable = 0xfc0;
  constexpr std::uint32_t kQueue = 0x03f;
  const struct {
    std::initializer_list<GuardedBy> on;
    std::uint32_t writable;
  } kCases[] = {
      {{}, kTable | kQueue},
      {{GuardedBy::kSmmu}, kQueue},
      {{GuardedBy::kCommands}, kTable},
      {{GuardedBy::kEvents}, kTable},
      {{GuardedBy::kPageRequests}, kTable},
      {{GuardedBy::kSmmu, GuardedBy::kEvents}, 0},
  };
  for (const auto& [on, writable] : kCases) {
    enable({});
    smmu().write32(kCr1, 0);
    enable(on);
    smmu().write32(kCr1, 0xffff'ffff);
    EXPECT_EQ(smmu().read32(kCr1), writable);
  }
}

TEST_F(Registers, ThatAreReadOnlyIgnoreWrites) {  // 6.2, "RO"
  for (const std::uint32_t offset : kReadOnly) {
    const std::uint32_t before = smmu().read32(offset);
    smmu().write32(offset, ~before);
    EXPECT_EQ(smmu().read32(offset), before) << std::hex << offset;
  }
  for (std::uint32_t offset = 0xfd0; offset != 0x1000; offset += 4) {
    smmu().write32(offset, 0xffff'ffff);
    EXPECT_EQ(smmu().read32(offset), 0U) << std::hex << offset;
  }
}

// Both pages whole.  In page 1 what is undefined reads 0 rather than being an alias of page 0, and
// the event registers are no alias in page 0: docs/conformance.md, Choices.
TEST_F(Registers, ThatAreNotThereReadZeroAndIgnoreWrites) {  // 6.2
  std::vector<std::uint32_t> defined = {0x20, 0x28, 0x44, 0x50, 0x9c, 0x1'00a8, 0x1'00c8};
  for (const Writable& each : kWritable) defined.push_back(each.offset);
  for (const std::uint32_t offset : kReadOnly) defined.push_back(offset);
  const auto values = [&] {
    std::vector<std::uint32_t> words;
    for (const std::uint32_t offset : defined) words.push_back(smmu().read32(offset));
    return words;
  };
  const auto before = values();
  for (std::uint32_t offset = 0; offset != 0x2'0000; offset += 4) {
    if (std::ranges::find(defined, offset) != defined.end()) continue;
    smmu().write32(offset, 0xffff'ffff);
    EXPECT_EQ(smmu().read32(offset), 0U) << std::hex << offset;
  }
  EXPECT_EQ(values(), before);
  smmu().write32(0xffff'fffc, 0xffff'ffff);
  EXPECT_EQ(smmu().read32(0xffff'fffc), 0U);
}

TEST_F(Registers, Of64BitsAreWrittenInHalvesOrWhole) {  // 6.2
  const struct {
    std::uint32_t offset;
    std::uint64_t bits;
  } kDoublewords[] = {{0x68, 0x00ff'ffff'ffff'fffc}, {0x80, 0x40ff'ffff'ffff'ffc0},
                      {0x90, 0x40ff'ffff'ffff'ffff}, {0xa0, 0x40ff'ffff'ffff'ffff},
                      {0xb0, 0x00ff'ffff'ffff'fffc}, {0xc0, 0x40ff'ffff'ffff'ffff},
                      {0xd0, 0x00ff'ffff'ffff'fffc}};
  for (const auto& [offset, bits] : kDoublewords) {
    smmu().write64(offset, ~std::uint64_t{0});
    EXPECT_EQ(smmu().read64(offset), bits) << std::hex << offset;
    EXPECT_EQ(smmu().read32(offset), static_cast<std::uint32_t>(bits));
    EXPECT_EQ(smmu().read32(offset + 4), static_cast<std::uint32_t>(bits >> 32));
    smmu().write32(offset, 0);
    EXPECT_EQ(smmu().read64(offset), bits >> 32 << 32);
    smmu().write32(offset + 4, 0);
    EXPECT_EQ(smmu().read64(offset), 0U);
  }
}

// 6.2, illegal accesses: of the behaviours that are permitted this one is RAZ/WI.
TEST_F(Registers, AreNotReachedByMisalignedAccesses) {
  smmu().write64(0x80, ~std::uint64_t{0});
  smmu().write64(0x88, ~std::uint64_t{0});
  for (const std::uint32_t misaligned : {1U, 2U, 3U, 5U, 6U, 7U}) {
    EXPECT_EQ(smmu().read32(0x80 + misaligned), 0U);
    smmu().write32(0x80 + misaligned, 0);
    EXPECT_EQ(smmu().read64(0x80 + misaligned), 0U);
    smmu().write64(0x80 + misaligned, 0);
  }
  EXPECT_EQ(smmu().read64(0x84), 0U);
  smmu().write64(0x84, 0);
  EXPECT_EQ(smmu().read64(0x80), 0x40ff'ffff'ffff'ffc0U);
  EXPECT_EQ(smmu().read32(0x88), 0x307ffU);
}

// 6.2: of the behaviours that are permitted this one takes both registers.
TEST_F(Registers, OfAPairAreReachedByOne64BitAccess) {
  const auto& config = smmu().config();
  EXPECT_EQ(smmu().read64(0), std::uint64_t{config.idr1.raw()} << 32 | config.idr0.raw());
  smmu().write64(0xb8, 0x0000'003f'1234'5678);
  EXPECT_EQ(smmu().read32(0xb8), 0x1234'5678U);
  EXPECT_EQ(smmu().read32(0xbc), 0x3fU);
}

TEST_F(Registers, AreAlikeForAllResets) {  // 6.3: what has a reset value
  for (const Writable& each : kWritable) smmu().write32(each.offset, 0xffff'ffff);
  enable({GuardedBy::kSmmu, GuardedBy::kErrorIrq});
  smmu().reset(emulator::Reset::kWarm);
  for (const std::uint32_t offset : {0x20U, 0x24U, 0x40U, 0x50U, 0x54U, 0x60U, 0x64U}) {
    EXPECT_EQ(smmu().read32(offset), 0U) << std::hex << offset;
  }
  // Guards are open again.
  smmu().write32(0x80, 0);
  EXPECT_EQ(smmu().read32(0x80), 0U);
}

}  // namespace
}  // namespace smmu::testing::register_access_test
