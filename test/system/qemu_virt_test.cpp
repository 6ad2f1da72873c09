// What software meets on an SMMU like that of QEMU's machine "virt": the consequences of its
// identification registers (IHI 0070, 6.3.1 to 6.3.8).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::qemu_virt_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::CD;
using v3::CMD_SYNC;
using v3::EventType;
using v3::SMMU_CR0;
using v3::SMMU_CR2;
using v3::SMMU_IRQ_CTRL;
using v3::SMMU_STRTAB_BASE_CFG;
using v3::STE;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x8000'0000);

class QemuVirt : public ::testing::Test {
 protected:
  void SetUp() override {
    board_.bring_up();
    page_ = board_.allocate(4096);
    table_.map(kAddress, page_, 4096);
    cd_ = board_.attach(kStream, table_);
  }
  void use(const CD& cd) {
    store(board_.memory(), cd_, cd);
    using v3::CMD_CFGI_CD;
    board_.submit_and_sync(command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, kStream.value),
                           command<v3::CMD_TLBI_NSNH_ALL>());
  }
  DmaDevice device() { return board_.device(kStream); }
  void expect_bad(EventType type) {
    EXPECT_THAT(device().translate(kAddress), Aborts());
    EXPECT_THAT(board_.events(), ElementsAre(IsEvent(type, kStream)));
  }

  Board board_{{.config = emulator::SmmuV3Config::qemu_virt(), .log2_streams = 16}};
  PageTable table_ = board_.page_table();
  Pa page_;
  Pa cd_;
};

TEST_F(QemuVirt, IsIdentifiedByItsRegisters) {  // the words of QEMU 7.2
  auto& smmu = board_.smmu();
  constexpr std::uint32_t kWords[] = {0x0d40'101a, 0x0273'0010, 0, 0x1404, 0, 0x74, 0, 1};
  for (std::uint32_t i = 0; i != std::size(kWords); ++i) EXPECT_EQ(smmu.read32(4 * i), kWords[i]);
  constexpr std::uint32_t kIdBlock[] = {4, 0, 0, 0, 0x84, 0xb4, 0xf0, 0x10, 0x0d, 0xf0, 0x05, 0xb1};
  for (std::uint32_t i = 0; i != std::size(kIdBlock); ++i) {
    EXPECT_EQ(smmu.read32(0xfd0 + 4 * i), kIdBlock[i]);
  }
}

TEST_F(QemuVirt, TranslatesWhatADriverOfItMaps) {
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(QemuVirt, StoresNoMessageConfiguration) {  // 6.3.1, MSI 0: the IRQ_CFG fields are RES0
  auto& smmu = board_.smmu();
  smmu.write(SMMU_IRQ_CTRL());
  for (const std::uint32_t offset : {0x68U, 0x6cU, 0x70U, 0x74U, 0xb0U, 0xb4U, 0xb8U, 0xbcU}) {
    smmu.write32(offset, 0xffff'ffff);
    EXPECT_EQ(smmu.read32(offset), 0U) << std::hex << offset;
  }
}

TEST_F(QemuVirt, SignalsASyncByWireOnly) {  // 4.7.3, SIG_IRQ: MSIAddress and MSIData are ignored
  const Pa target = board_.allocate(4096);
  board_.submit(command<CMD_SYNC>()
                    .set(CMD_SYNC::CS, SyncSignal::kIrq)
                    .set(CMD_SYNC::MSIAddress, target.value)
                    .set(CMD_SYNC::MSIData, 1));
  EXPECT_TRUE(board_.idle());
  EXPECT_EQ(board_.sync_line.count(), 1U);
  EXPECT_EQ(load(board_.memory(), target), 0U);
  // An address where there is no memory is as good.
  board_.submit(
      command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kIrq).set(CMD_SYNC::MSIAddress, 0x1000));
  EXPECT_EQ(board_.sync_line.count(), 2U);
  EXPECT_EQ(board_.error_line.count(), 0U);
}

TEST_F(QemuVirt, SignalsEventsAndErrorsByWire) {  // 3.18
  EXPECT_THAT(board_.device(StreamId(10)).translate(kAddress), Aborts());
  EXPECT_EQ(board_.event_line.count(), 1U);
  board_.submit(v3::CommandHeader());
  EXPECT_EQ(board_.error_line.count(), 1U);
}

TEST_F(QemuVirt, WakesNobody) {  // 4.7.3, SIG_SEV without SEV
  board_.submit(command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kSev));
  EXPECT_TRUE(board_.idle());
  EXPECT_EQ(board_.wake_up_line.count(), 0U);
}

TEST_F(QemuVirt, HasStreamsOf16Bits) {  // 6.3.25: LOG2SIZE is limited at SIDSIZE
  auto& smmu = board_.smmu();
  const auto enabled = smmu.read<SMMU_CR0>();
  smmu.write(SMMU_CR0(enabled).set(SMMU_CR0::SMMUEN, false));
  smmu.write(SMMU_CR2().set(SMMU_CR2::RECINVSID, true));
  // 6.3.24: the table is aligned to what LOG2SIZE says all the same.
  const Pa table = board_.allocate(64 << 17, 64 << 17);
  store(board_.memory(), Pa(table.value + 64 * 0xffff), bypass());
  smmu.write(v3::SMMU_STRTAB_BASE(table.value + (64 << 16)));
  smmu.write(SMMU_STRTAB_BASE_CFG().set(SMMU_STRTAB_BASE_CFG::LOG2SIZE, 17));
  smmu.write(enabled);
  EXPECT_THAT(board_.device(StreamId(0xffff)).translate(kAddress),
              TranslatesTo(Pa(kAddress.value)));
  EXPECT_THAT(board_.device(StreamId(0x1'0000)).translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_STREAMID, StreamId(0x1'0000))));
}

TEST_F(QemuVirt, HasNoSubstreams) {  // 5.2, S1CDMax: ignored, and S1Fmt with it; 7.3.9
  for (const auto format : {v3::CdTableFormat::kLinear, v3::CdTableFormat::kTwoLevel4KLeaf,
                            v3::CdTableFormat::kTwoLevel64KLeaf}) {
    board_.attach(kStream, translate(cd_).set(STE::S1CDMax, 31).set(STE::S1Fmt, format));
    EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
    for (const std::uint32_t substream : {0U, 1U}) {
      EXPECT_THAT(device().substream(SubstreamId(substream)).translate(kAddress), Aborts());
      EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_SUBSTREAMID, kStream)));
    }
  }
}

TEST_F(QemuVirt, AlwaysAbortsWhatFaults) {  // 6.3.1, TERM_MODEL 1; 5.5: CD.A must be 1
  use(context(table_).set(CD::A, false));
  expect_bad(EventType::C_BAD_CD);
}

TEST_F(QemuVirt, ReadsLittleEndianTablesOnly) {  // 5.4, ENDI: TTENDIAN 0b10
  use(context(table_).set(CD::ENDI, true));
  expect_bad(EventType::C_BAD_CD);
  // 5.4: ignored if no table is walked.
  use(context(table_).set(CD::ENDI, true).set(CD::EPD0, true));
  expect_bad(EventType::F_TRANSLATION);
}

TEST_F(QemuVirt, HasNoSmallTables) {  // 5.4, T0SZ: STT 0
  use(context(table_).set(CD::T0SZ, 40));
  expect_bad(EventType::C_BAD_CD);
}

TEST_F(QemuVirt, IgnoresControlsOfAbsentFeatures) {  // 5.4: E0PD and EPAN are 0
  use(context(table_).set(CD::E0PD0, true));
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  table_.map(kAddress, page_, 4096, {.unprivileged = false});  // it can be executed all the same
  use(context(table_).set(CD::PAN, true).set(CD::EPAN, true));
  EXPECT_THAT(device().privileged().translate(kAddress), TranslatesTo(page_));
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(QemuVirt, PutsOut44Bits) {  // 3.4: OAS
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 44;
  const Iova high(0x1'0000'0000);
  table_.map(high, Pa(kEnd - 4096), 4096);
  table_.map(Iova(high.value + 4096), Pa(kEnd), 4096);
  EXPECT_THAT(device().translate(high), TranslatesTo(Pa(kEnd - 4096)));
  EXPECT_THAT(device().translate(Iova(high.value + 4096)), Aborts());
  EXPECT_THAT(board_.events(),
              ElementsAre(IsEvent(EventType::F_ADDR_SIZE, kStream, Iova(high.value + 4096))));
  // 5.4, TTB0
  use(context(table_).set(CD::TTB0, kEnd));
  expect_bad(EventType::C_BAD_CD);
  // 3.4.3, from SMMUv3.1 on
  board_.attach(kStream, translate(Pa(kEnd)));
  expect_bad(EventType::C_BAD_STE);
  // 3.4, for what bypasses
  board_.attach(kStream, bypass());
  EXPECT_THAT(device().translate(Iova(kEnd - 8)), TranslatesTo(Pa(kEnd - 8)));
  EXPECT_THAT(device().translate(Iova(kEnd)), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_ADDR_SIZE, kStream, Iova(kEnd))));
}

TEST_F(QemuVirt, HasAllGranules) {  // 6.3.6
  for (const unsigned granule_bits : {12U, 14U, 16U}) {
    const std::uint64_t granule = std::uint64_t{1} << granule_bits;
    PageTable table = board_.page_table({.granule_bits = granule_bits});
    table.map(kAddress, Pa(granule), granule);
    board_.attach(kStream, table, Asid(static_cast<std::uint16_t>(0xff00 + granule_bits)));
    EXPECT_THAT(device().translate(kAddress), TranslatesTo(Pa(granule)));
  }
  EXPECT_THAT(board_.events(), IsEmpty());
}

}  // namespace
}  // namespace smmu::testing::qemu_virt_test
