// The registers of address translation operations: guards, the page of a virtual machine, what an
// operation waits for and what waits for it (IHI 0070, 6.3.37 to 6.3.44, 9.1.1 and 9.1.6).
#include <array>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/matchers.h"
#include "test/system/interposed.h"
#include "test/system/operation.h"

namespace smmu::testing::operation_register_test {
namespace {

using v3::CD;
using v3::EventType;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CR0;
using v3::SMMU_CR0ACK;
using v3::SMMU_GATOS_ADDR;
using v3::SMMU_GATOS_CTRL;
using v3::SMMU_GATOS_PAR;
using v3::SMMU_GATOS_SID;
using v3::SMMU_IDR0;
using v3::SMMU_IDR1;
using v3::SMMU_IDR2;
using v3::SMMU_VATOS_ADDR;
using v3::SMMU_VATOS_CTRL;
using v3::SMMU_VATOS_PAR;
using v3::SMMU_VATOS_SEL;
using v3::SMMU_VATOS_SID;
using v3::STE;
using v3::TranslationOperationError;
using v3::TranslationType;

constexpr std::uint64_t kOnes = ~std::uint64_t{0};

emulator::SmmuV3Config everything() { return emulator::SmmuV3Config::everything(); }

TEST(OperationRegisters, AreAbsentWithTheirFeature) {  // 6.3.37, 6.3.44, 6.3.99
  const auto found = [](bool atos, bool vatos) {
    auto config = everything();
    config.idr0.set(SMMU_IDR0::ATOS, atos).set(SMMU_IDR0::VATOS, vatos);
    if (!vatos) config.s_idr2 = {};
    Board board({.config = config});
    const std::uint32_t page = 0x2'0000;
    board.smmu().write(SMMU_GATOS_ADDR(kOnes));
    board.smmu().write(SMMU_VATOS_SEL(0xffff));
    board.smmu().write64(page + SMMU_VATOS_ADDR::kOffset, kOnes);
    return std::array{board.smmu().read<SMMU_GATOS_ADDR>().raw() != 0,
                      board.smmu().read<SMMU_VATOS_SEL>().raw() != 0,
                      board.smmu().read64(page + SMMU_VATOS_ADDR::kOffset) != 0};
  };
  EXPECT_EQ(found(false, false), (std::array{false, false, false}));
  EXPECT_EQ(found(true, false), (std::array{true, false, false}));
  EXPECT_EQ(found(true, true), (std::array{true, true, true}));
}

// Every word of the page; pages 0 and 1 are register_map_test's.
TEST(OperationRegisters, OfAVirtualMachineHaveAPage) {  // 6.2.3, 6.3.3
  for (const unsigned place : {0U, 2U, 0x3ffU}) {
    auto config = everything();
    config.idr2.set(SMMU_IDR2::BA_VATOS, place);
    Board board({.config = config});
    const std::uint32_t page = 0x2'0000 + 0x1'0000 * place;
    EXPECT_EQ(virtual_page(board), page);
    for (std::uint32_t offset = 0; offset != 0x1'0000; offset += 4) {
      board.smmu().write32(page + offset, 0xffff'ffff);
      std::uint32_t writable = 0;
      if (offset == 0xa08) writable = 0xffff'ffff;  // SID
      if (offset == 0xa0c) writable = 0x001f'ffff;
      if (offset == 0xa10) writable = 0xffff'ffc0;  // ADDR
      if (offset == 0xa14) writable = 0xffff'ffff;
      ASSERT_EQ(board.smmu().read32(page + offset), writable) << std::hex << offset;
    }
    for (const std::uint32_t misaligned : {0xa09U, 0xa0aU}) {
      EXPECT_EQ(board.smmu().read32(page + misaligned), 0U);
      board.smmu().write32(page + misaligned, 0);
    }
    EXPECT_EQ(board.smmu().read64(page + 0xa0c), 0U);
    board.smmu().write64(page + 0xa0c, 0);
    EXPECT_EQ(board.smmu().read64(page + 0xa08), 0x001f'ffff'ffff'ffffU);
    EXPECT_EQ(board.smmu().read<SMMU_GATOS_SID>().raw(), 0U);  // a group of its own
    board.smmu().reset(emulator::Reset::kWarm);
    EXPECT_EQ(board.smmu().read64(page + 0xa08), 0U);
  }
}

TEST(OperationRegisters, HaveNoBitsForStreamsThatCannotBe) {  // 6.3.38, 6.3.44
  auto config = everything();
  config.idr0.set(SMMU_IDR0::VMID16, false);
  config.idr1.set(SMMU_IDR1::SIDSIZE, 9).set(SMMU_IDR1::SSIDSIZE, 3);
  Board narrow({.config = config});
  narrow.smmu().write(SMMU_GATOS_SID(kOnes));
  EXPECT_EQ(narrow.smmu().read<SMMU_GATOS_SID>().raw(), 0x0010'0007'0000'01ffU);
  narrow.smmu().write(SMMU_VATOS_SEL(0xffff'ffff));
  EXPECT_EQ(narrow.smmu().read<SMMU_VATOS_SEL>().raw(), 0xffU);
  config.idr1.set(SMMU_IDR1::SIDSIZE, 0).set(SMMU_IDR1::SSIDSIZE, 0);
  config.idr3.set(v3::SMMU_IDR3::PPS, false);
  Board one({.config = config});
  one.smmu().write(SMMU_GATOS_SID(kOnes));
  EXPECT_EQ(one.smmu().read<SMMU_GATOS_SID>().raw(), 0U);
}

class RunningOperations : public OperationTest {
 protected:
  static constexpr Pa kDevice{0x1000'0000};

  RunningOperations() { EXPECT_TRUE(board_.memory().add_device(kDevice, 4096, table_)); }

  // Runs an operation, and the program while it walks.
  void during(std::function<void()> program) {
    configure(kStage1Stream, context(stage1_).set(CD::TTB0, kDevice.value));
    table_.word = at(stage1_.root());
    table_.on_read = [&, program = std::move(program)] {
      ++visits_;
      program();
    };
    smmu().write(operation().sid());
    smmu().write(operation().addr());
    smmu().write(SMMU_GATOS_CTRL(1));
    EXPECT_EQ(visits_, 1U);
    EXPECT_EQ(smmu().read<SMMU_GATOS_CTRL>().raw(), 0U);
  }
  Operation operation() const {
    return {.type = TranslationType::kStage1, .stream = kStage1Stream, .address = kAddress};
  }
  Answer answer() { return {smmu().read<SMMU_GATOS_PAR>().raw()}; }
  emulator::SmmuV3& smmu() { return board_.smmu(); }

  Interposed table_;
  unsigned visits_ = 0;
};

TEST_F(RunningOperations, KeepTheirRegisters) {  // 6.3.37: ignored, from SMMUv3.2 on
  during([&] {
    EXPECT_EQ(smmu().read<SMMU_GATOS_CTRL>().raw(), 1U);
    smmu().write(SMMU_GATOS_SID(kOnes));
    smmu().write(SMMU_GATOS_ADDR(kOnes));
    smmu().write(SMMU_GATOS_CTRL(0));
    EXPECT_EQ(smmu().read<SMMU_GATOS_SID>(), operation().sid());
    EXPECT_EQ(smmu().read<SMMU_GATOS_ADDR>(), operation().addr());
    EXPECT_EQ(smmu().read<SMMU_GATOS_CTRL>().raw(), 1U);
    smmu().write(SMMU_GATOS_CTRL(1));
    smmu().write(SMMU_GATOS_PAR(kOnes));
  });
  EXPECT_EQ(answer(), finds(page_.value));
}

TEST_F(RunningOperations, LeaveTheOtherGroupFree) {  // 9
  smmu().write(SMMU_VATOS_SEL(kVmid.value));
  const Operation other{
      .type = TranslationType::kStage1, .stream = kNestedStream, .address = kAddress};
  const std::uint32_t page = virtual_page(board_);
  during([&] {
    smmu().write64(page + SMMU_VATOS_SID::kOffset, other.sid().raw());
    smmu().write64(page + SMMU_VATOS_ADDR::kOffset, other.addr().raw());
    smmu().write32(page + SMMU_VATOS_CTRL::kOffset, 1);
    // 6.3.44: one that is asked for keeps its VMID, too.
    smmu().write(SMMU_VATOS_SEL(0));
    EXPECT_EQ(smmu().read<SMMU_VATOS_SEL>().raw(), kVmid.value);
  });
  EXPECT_EQ(answer(), finds(page_.value));
  EXPECT_EQ(smmu().read32(page + SMMU_VATOS_CTRL::kOffset), 0U);
  EXPECT_EQ(Answer{smmu().read64(page + SMMU_VATOS_PAR::kOffset)}, finds(kIpa));
}

TEST_F(RunningOperations, AreWaitedForByACmdSync) {  // 9; 4.7.3
  const auto before = smmu().read<SMMU_CMDQ_CONS>();
  during([&] {
    const auto now = smmu().read<SMMU_CMDQ_CONS>().raw();
    board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
    EXPECT_EQ(smmu().read<SMMU_CMDQ_CONS>().raw(), now);
  });
  EXPECT_TRUE(board_.idle());
  EXPECT_NE(smmu().read<SMMU_CMDQ_CONS>(), before);
}

TEST_F(RunningOperations, AreCutOffWhenTheSmmuIsDisabled) {  // 6.3.37, 6.3.9
  during([&] {
    smmu().write(SMMU_CR0(smmu().read<SMMU_CR0>()).set(SMMU_CR0::SMMUEN, false));
    EXPECT_TRUE(smmu().read<SMMU_CR0ACK>()[SMMU_CR0ACK::SMMUEN]);
  });
  EXPECT_FALSE(smmu().read<SMMU_CR0ACK>()[SMMU_CR0ACK::SMMUEN]);
  EXPECT_EQ(answer(), fails(TranslationOperationError::INTERNAL_ERR));
}

TEST_F(RunningOperations, AreNotBegunWhileTheSmmuIsOff) {  // 6.3.37
  smmu().write(operation().sid());
  smmu().write(operation().addr());
  smmu().write(SMMU_GATOS_CTRL(0));  // has no effect
  EXPECT_EQ(answer().par, 0U);
  const auto on = smmu().read<SMMU_CR0>();
  smmu().write(SMMU_CR0(on).set(SMMU_CR0::SMMUEN, false));
  smmu().write(SMMU_GATOS_CTRL(1));
  EXPECT_EQ(smmu().read<SMMU_GATOS_CTRL>().raw(), 0U);
  EXPECT_EQ(answer().par, 0U);
  smmu().write(on);
  EXPECT_EQ(answer().par, 0U);
  smmu().write(SMMU_GATOS_CTRL(1));
  EXPECT_EQ(answer(), finds(page_.value));
}

TEST_F(RunningOperations, SeeWhatIsInMemoryAfterAnInvalidation) {  // 9
  EXPECT_EQ(ask(operation()), finds(page_.value));
  board_.device(kStage1Stream).translate(Iova(kAddress));
  const Pa other = board_.allocate(4096);
  stage1_.unmap(Iova(kAddress));
  stage1_.map(Iova(kAddress), other, 4096);
  board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
  EXPECT_EQ(ask(operation()), finds(other.value));
}

// 9: whoever performs an operation, and whatever others do meanwhile.
TEST_F(RunningOperations, AgreeWithInvalidationsOfManyThreadsConcurrency) {
  const Pa pages[] = {page_, board_.allocate(4096)};
  const std::uint64_t leaf = at(stage1_leaf());
  std::atomic<bool> stop{false};
  std::vector<std::thread> devices;
  for (unsigned i = 0; i != 2; ++i) {
    devices.emplace_back([&, device = board_.device(kStage1Stream)] {
      // Some of them fault, so that this thread performs effects as well.
      for (std::uint64_t n = 0; !stop; ++n) device.translate(Iova(kAddress + 4096 * (n % 2)));
    });
  }
  smmu().write(operation().sid());
  smmu().write(operation().addr());
  for (unsigned i = 0; i != 500; ++i) {
    put(stage1_leaf(), leaf ^ (i % 2 == 0 ? 0 : pages[0].value ^ pages[1].value));
    board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
    while (!board_.idle()) std::this_thread::yield();
    smmu().write(SMMU_GATOS_CTRL(1));
    while (smmu().read<SMMU_GATOS_CTRL>().raw() != 0) std::this_thread::yield();
    ASSERT_EQ(answer(), finds(pages[i % 2].value));
  }
  stop = true;
  for (auto& device : devices) device.join();
}

// 9.1.6
class GuestOperations : public OperationTest {
 protected:
  GuestOperations() { board_.smmu().write(SMMU_VATOS_SEL(kVmid.value)); }
  Answer ask_for(StreamId stream, TranslationType type = TranslationType::kStage1) {
    return ask_as_guest(board_, {.type = type, .stream = stream, .address = kAddress});
  }
};

TEST_F(GuestOperations, FindIpas) {
  EXPECT_EQ(ask_for(kNestedStream), finds(kIpa));
  // Stage 1 alone has a VMID, too.
  board_.attach(kStage1Stream, translate(cd_).set(STE::S2VMID, kVmid.value));
  EXPECT_EQ(ask_for(kStage1Stream), finds(page_.value));
}

TEST_F(GuestOperations, AreRefusedForOtherMachines) {
  board_.smmu().write(SMMU_VATOS_SEL(kVmid.value + 1));
  EXPECT_EQ(ask_for(kNestedStream), fails(EventType::C_BAD_STE));
  EXPECT_EQ(ask_for(kStage2Stream), fails(EventType::C_BAD_STE));
}

TEST_F(GuestOperations, AreRefusedWhereThereIsNoVmid) {  // 9.1.3
  board_.smmu().write(SMMU_VATOS_SEL(0));
  for (const STE& ste : {abort_all(), bypass(), translate(cd_).set(STE::STRW, 0b10)}) {
    board_.attach(StreamId(9), ste);
    EXPECT_EQ(ask_for(StreamId(9)), fails(EventType::C_BAD_STE));
  }
  // And found where it is 0.
  board_.attach(StreamId(9), translate(cd_));
  EXPECT_EQ(ask_for(StreamId(9)), finds(page_.value));
}

TEST_F(GuestOperations, AreAboutStage1Alone) {
  for (const unsigned type : {0U, 2U, 3U}) {
    EXPECT_EQ(ask_for(kNestedStream, static_cast<TranslationType>(type)),
              fails(TranslationOperationError::INV_REQ));
    // Before anything is read.
    EXPECT_EQ(ask_for(StreamId(0x100), static_cast<TranslationType>(type)),
              fails(TranslationOperationError::INV_REQ));
  }
  EXPECT_EQ(ask_for(kStage2Stream), fails(TranslationOperationError::INV_STAGE));
  EXPECT_EQ(ask_for(StreamId(0x100)), fails(EventType::C_BAD_STREAMID));
}

TEST_F(GuestOperations, AreToldNothingOfStage2) {  // 9.1.4
  const std::uint64_t leaf = at(stage2_leaf(guest_cd_.value));
  put(stage2_leaf(guest_cd_.value), 0);
  EXPECT_EQ(ask_for(kNestedStream), fails(EventType::F_CD_FETCH));
  put(stage2_leaf(guest_cd_.value), leaf);
  put(stage2_leaf(guest_leaf().value & ~std::uint64_t{0xfff}), 0);
  EXPECT_EQ(ask_for(kNestedStream), fails(EventType::F_WALK_EABT));
}

}  // namespace
}  // namespace smmu::testing::operation_register_test
