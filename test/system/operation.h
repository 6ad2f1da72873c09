// Software that asks by address translation operations (IHI 0070, chapter 9).
#ifndef SMMU_TEST_SYSTEM_OPERATION_H_
#define SMMU_TEST_SYSTEM_OPERATION_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <ostream>

#include "smmu/arch/v3/events.h"
#include "smmu/arch/v3/translation_operation_registers.h"
#include "smmu/testing/board.h"

namespace smmu::testing {

// What is asked.
struct Operation {
  v3::TranslationType type;
  StreamId stream;
  std::uint64_t address;
  std::optional<SubstreamId> substream = std::nullopt;
  bool privileged = false;
  bool read = true;
  bool instruction = false;
  bool inhibit_updates = false;

  v3::SMMU_GATOS_SID sid() const {
    auto sid = v3::SMMU_GATOS_SID().set(v3::SMMU_GATOS_SID::STREAMID, stream.value);
    if (substream) {
      sid.set(v3::SMMU_GATOS_SID::SSID_VALID, true)
          .set(v3::SMMU_GATOS_SID::SUBSTREAMID, substream->value);
    }
    return sid;
  }
  v3::SMMU_GATOS_ADDR addr() const {
    using v3::SMMU_GATOS_ADDR;
    return SMMU_GATOS_ADDR()
        .set(SMMU_GATOS_ADDR::ADDR, address)
        .set(SMMU_GATOS_ADDR::TYPE, type)
        .set(SMMU_GATOS_ADDR::PnU, privileged)
        .set(SMMU_GATOS_ADDR::RnW, read)
        .set(SMMU_GATOS_ADDR::InD, instruction)
        .set(SMMU_GATOS_ADDR::HTTUI, inhibit_updates);
  }
};

// What SMMU_*_PAR says: either layout.
struct Answer {
  std::uint64_t par = 0;

  bool failed() const { return v3::SMMU_GATOS_PAR(par)[v3::SMMU_GATOS_PAR::FAULT]; }
  v3::SMMU_GATOS_PAR success() const { return v3::SMMU_GATOS_PAR(par); }
  v3::SMMU_GATOS_PAR_Fault fault() const { return v3::SMMU_GATOS_PAR_Fault(par); }
  unsigned code() const { return fault()[v3::SMMU_GATOS_PAR_Fault::FAULTCODE]; }

  friend bool operator==(const Answer&, const Answer&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Answer& answer) {
    return out << "PAR 0x" << std::hex << answer.par << std::dec;
  }
};

// A page of Write-Back memory, Inner Shareable: what the tables of this library
// say unless they are told otherwise.
inline Answer finds(std::uint64_t address) {
  using v3::SMMU_GATOS_PAR;
  return {SMMU_GATOS_PAR()
              .set(SMMU_GATOS_PAR::ATTR, 0xff)
              .set(SMMU_GATOS_PAR::SH, Shareability::kInner)
              .set(SMMU_GATOS_PAR::ADDR, address)
              .raw()};
}
inline Answer fails(unsigned code,
                    v3::TranslationFaultReason reason = v3::TranslationFaultReason::kNotStage2,
                    std::uint64_t address = 0) {
  using v3::SMMU_GATOS_PAR_Fault;
  return {SMMU_GATOS_PAR_Fault()
              .set(SMMU_GATOS_PAR_Fault::FAULT, true)
              .set(SMMU_GATOS_PAR_Fault::REASON, reason)
              .set(SMMU_GATOS_PAR_Fault::FAULTCODE, code)
              .set(SMMU_GATOS_PAR_Fault::FADDR, address)
              .raw()};
}
inline Answer fails(v3::EventType type,
                    v3::TranslationFaultReason reason = v3::TranslationFaultReason::kNotStage2,
                    std::uint64_t address = 0) {
  return fails(static_cast<unsigned>(type), reason, address);
}
inline Answer fails(v3::TranslationOperationError error) {
  return fails(static_cast<unsigned>(error));
}

// By SMMU_GATOS_*.
inline Answer ask(Board& board, const Operation& operation) {
  using v3::SMMU_GATOS_CTRL;
  emulator::SmmuV3& smmu = board.smmu();
  smmu.write(operation.sid());
  smmu.write(operation.addr());
  smmu.write(SMMU_GATOS_CTRL().set(SMMU_GATOS_CTRL::RUN, true));
  EXPECT_FALSE(smmu.read<SMMU_GATOS_CTRL>()[SMMU_GATOS_CTRL::RUN]);
  return {smmu.read<v3::SMMU_GATOS_PAR>().raw()};
}

// By SMMU_VATOS_*, as the virtual machine that SMMU_VATOS_SEL names.
inline std::uint32_t virtual_page(Board& board) {
  using v3::SMMU_IDR2;
  return 0x2'0000 + 0x1'0000 * board.smmu().read<SMMU_IDR2>()[SMMU_IDR2::BA_VATOS];
}
inline Answer ask_as_guest(Board& board, const Operation& operation) {
  emulator::SmmuV3& smmu = board.smmu();
  const std::uint32_t page = virtual_page(board);
  smmu.write64(page + v3::SMMU_VATOS_SID::kOffset, operation.sid().raw());
  smmu.write64(page + v3::SMMU_VATOS_ADDR::kOffset, operation.addr().raw());
  smmu.write32(page + v3::SMMU_VATOS_CTRL::kOffset, 1);
  EXPECT_EQ(smmu.read32(page + v3::SMMU_VATOS_CTRL::kOffset), 0U);
  return {smmu.read64(page + v3::SMMU_VATOS_PAR::kOffset)};
}

// A board with a stream of each kind, whose pages end in the same one.
class OperationTest : public ::testing::Test {
 protected:
  static constexpr StreamId kStage1Stream{1};
  static constexpr StreamId kStage2Stream{2};
  static constexpr StreamId kNestedStream{3};
  static constexpr Vmid kVmid{7};
  static constexpr std::uint64_t kAddress = 0x8000'0000;
  static constexpr std::uint64_t kIpa = 0x1'2345'6000;  // the guest's for it

  explicit OperationTest(Board::Options options = {}) : board_(options) {
    board_.bring_up();
    page_ = board_.allocate(4096);
    stage1_.map(Iova(kAddress), page_, 4096);
    cd_ = board_.attach(kStage1Stream, stage1_);
    stage2_.map(Iova(kIpa), page_, 4096);
    board_.attach(kStage2Stream, translate_stage2(stage2_, kVmid));
    guest_.map(Iova(kAddress), Pa(kIpa), 4096);
    guest_cd_ = guest_allocate();
    store(board_.memory(), guest_cd_, context(guest_));
    board_.attach(kNestedStream, nested());
  }

  v3::STE nested() const { return above_stage2(translate(guest_cd_), stage2_, kVmid); }
  // A page of the guest's, at an IPA that is its PA.
  Pa guest_allocate() {
    const Pa pa = board_.allocate(4096);
    stage2_.map(Iova(pa.value), pa, 4096);
    return pa;
  }
  // Gives a stream's CD another content.
  void configure(StreamId stream, const v3::CD& cd) {
    store(board_.memory(), stream == kNestedStream ? guest_cd_ : cd_, cd);
    using v3::CMD_CFGI_CD;
    board_.submit_and_sync(command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, stream.value));
  }
  std::uint64_t at(Pa pa) { return load(board_.memory(), pa); }
  void put(Pa pa, std::uint64_t word) { store(board_.memory(), pa, word); }

  // Where the last descriptors are.
  Pa stage1_leaf() const { return stage1_.descriptor(Iova(kAddress)); }
  Pa guest_leaf() const { return guest_.descriptor(Iova(kAddress)); }
  Pa stage2_leaf(std::uint64_t ipa = kIpa) const { return stage2_.descriptor(Iova(ipa)); }

  Answer ask(const Operation& operation) { return testing::ask(board_, operation); }

  Board board_;
  PageTable stage1_ = board_.page_table();
  PageTable stage2_ = board_.page_table({.stage = 2});
  PageTable guest_{
      board_.memory(), [this](std::uint64_t, std::uint64_t) { return guest_allocate(); }, {}};
  Pa page_;
  Pa cd_;
  Pa guest_cd_;
};

}  // namespace smmu::testing

#endif  // SMMU_TEST_SYSTEM_OPERATION_H_
