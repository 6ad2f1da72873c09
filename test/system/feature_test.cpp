// SMMUs that lack one thing or nearly everything, as their identification registers say (IHI 0070,
// 6.3.1 to 6.3.6).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::feature_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::CD;
using v3::CdTableFormat;
using v3::EventType;
using v3::SMMU_CR0;
using v3::SMMU_IDR0;
using v3::SMMU_IDR1;
using v3::SMMU_IDR3;
using v3::SMMU_STRTAB_BASE_CFG;
using v3::STE;

constexpr StreamId kStream(0);
constexpr Iova kAddress(0x8000'0000);
constexpr Pa kPage(0x4800'0000);

// A board with a stream that translates.
struct Machine {
  explicit Machine(const emulator::SmmuV3Config& config) : board({.config = config}) {
    board.bring_up();
    table.map(kAddress, kPage, 4096);
    cd = board.attach(kStream, table);
  }
  void use(const CD& changed) {
    store(board.memory(), cd, changed);
    using v3::CMD_CFGI_CD;
    board.submit_and_sync(command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, kStream.value),
                          command<v3::CMD_TLBI_NSNH_ALL>());
  }
  emulator::Outcome translate() { return board.device(kStream).translate(kAddress); }
  void expect_bad(EventType type) {
    EXPECT_THAT(translate(), Aborts());
    EXPECT_THAT(board.events(), ElementsAre(IsEvent(type, kStream)));
  }

  Board board;
  PageTable table = board.page_table();
  Pa cd;
};

TEST(Minimal, TranslatesItsOnlyStream) {
  Board board({.config = emulator::SmmuV3Config::minimal(),
               .log2_commands = 0,
               .log2_events = 0,
               .log2_streams = 0});
  board.bring_up();
  PageTable table = board.page_table();
  table.map(kAddress, kPage, 4096);
  table.map(Iova(kAddress.value + 4096), Pa(std::uint64_t{1} << 32), 4096);
  board.attach(kStream, table);
  const DmaDevice device = board.device(kStream);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(kPage));
  EXPECT_THAT(board.events(), IsEmpty());
  // Its Event queue has one entry.
  for (unsigned i = 0; i != 2; ++i) {
    EXPECT_THAT(device.translate(Iova(kAddress.value + 4096)), Aborts());
    EXPECT_THAT(board.events(),
                ElementsAre(IsEvent(EventType::F_ADDR_SIZE, kStream, Iova(kAddress.value + 4096))));
  }
  EXPECT_THAT(board.device(StreamId(1)).translate(kAddress), Aborts());
}

TEST(Minimal, HasFewBits) {  // 6.3: what belongs to absent features is RES0
  Board board({.config = emulator::SmmuV3Config::minimal()});
  auto& smmu = board.smmu();
  smmu.write(SMMU_CR0(~std::uint32_t{0}));
  EXPECT_EQ(smmu.read<SMMU_CR0>().raw(), 0xdU);
  smmu.write(SMMU_CR0());
  smmu.write(SMMU_STRTAB_BASE_CFG(~std::uint32_t{0}));
  EXPECT_EQ(smmu.read<SMMU_STRTAB_BASE_CFG>()[SMMU_STRTAB_BASE_CFG::LOG2SIZE], 0x3fU);
  // 6.3.25: FMT and SPLIT without ST_LEVEL.
  EXPECT_EQ(smmu.read<SMMU_STRTAB_BASE_CFG>().raw(), 0x3fU);
}

TEST(WithoutTwoLevelStreamTables, TheFormatIsLinear) {  // 6.3.25, FMT: ST_LEVEL 0
  auto config = emulator::SmmuV3Config::everything().without_secure_state();
  config.idr0.set(SMMU_IDR0::ST_LEVEL, 0);
  config.idr1.set(SMMU_IDR1::SIDSIZE, 6);
  Board board({.config = config, .log2_streams = 6});
  board.smmu().write(SMMU_STRTAB_BASE_CFG().set(SMMU_STRTAB_BASE_CFG::FMT,
                                                SMMU_STRTAB_BASE_CFG::Format::kTwoLevel));
  EXPECT_EQ(board.smmu().read<SMMU_STRTAB_BASE_CFG>()[SMMU_STRTAB_BASE_CFG::FMT],
            SMMU_STRTAB_BASE_CFG::Format::kLinear);
  board.bring_up();
  board.attach(StreamId(63), bypass());
  EXPECT_THAT(board.device(StreamId(63)).translate(kAddress), TranslatesTo(Pa(kAddress.value)));
}

TEST(WithoutAsid16, AnAsidHas8Bits) {  // 5.4, ASID
  auto config = emulator::SmmuV3Config::everything();
  config.idr0.set(SMMU_IDR0::ASID16, false);
  Machine machine(config);
  machine.use(context(machine.table, Asid(0xff)));
  EXPECT_THAT(machine.translate(), TranslatesTo(kPage));
  machine.use(context(machine.table, Asid(0x100)));
  machine.expect_bad(EventType::C_BAD_CD);
}

TEST(WithoutTwoLevelCdTables, TheyAreBadStes) {  // 5.2, S1Fmt: CD2L 0
  auto config = emulator::SmmuV3Config::everything();
  config.idr0.set(SMMU_IDR0::CD2L, false);
  Machine machine(config);
  const Pa cds = machine.board.allocate(4096);
  store(machine.board.memory(), Pa(cds.value + 64), context(machine.table));
  const auto with = [&](CdTableFormat format) {
    machine.board.attach(kStream, translate(cds).set(STE::S1CDMax, 3).set(STE::S1Fmt, format));
    return machine.board.device(kStream).substream(SubstreamId(1)).translate(kAddress);
  };
  EXPECT_THAT(with(CdTableFormat::kLinear), TranslatesTo(kPage));
  EXPECT_THAT(with(static_cast<CdTableFormat>(3)), TranslatesTo(kPage));  // behaves as linear
  EXPECT_THAT(machine.board.events(), IsEmpty());
  EXPECT_THAT(with(CdTableFormat::kTwoLevel4KLeaf), Aborts());
  EXPECT_THAT(with(CdTableFormat::kTwoLevel64KLeaf), Aborts());
  EXPECT_THAT(machine.board.events(), ElementsAre(IsEvent(EventType::C_BAD_STE, kStream),
                                                  IsEvent(EventType::C_BAD_STE, kStream)));
}

TEST(FewSubstreams, LimitTheCdTable) {  // 5.2, S1CDMax: SSIDSIZE
  auto config = emulator::SmmuV3Config::everything();
  config.idr1.set(SMMU_IDR1::SSIDSIZE, 4);
  Machine machine(config);
  const Pa cds = machine.board.allocate(64 << 5, 64 << 5);
  store(machine.board.memory(), Pa(cds.value + 64 * 15), context(machine.table));
  const DmaDevice device = machine.board.device(kStream).substream(SubstreamId(15));
  machine.board.attach(kStream, translate(cds).set(STE::S1CDMax, 4));
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(kPage));
  machine.board.attach(kStream, translate(cds).set(STE::S1CDMax, 5));
  EXPECT_THAT(device.translate(kAddress), Aborts());
  EXPECT_THAT(machine.board.events(), ElementsAre(IsEvent(EventType::C_BAD_STE, kStream)));
}

// A block of VMSAv8-32 (DDI 0487, G5.5) that maps the first 1 GiB to the second, without its Access
// flag.
CD aarch32(Board& board) {
  const Pa root = board.allocate(4096);
  store(board.memory(), root, std::uint64_t{0x4000'0000} | 0b01 | 1U << 6);
  return CD()
      .set(CD::V, true)
      .set(CD::EPD1, true)
      .set(CD::R, true)
      .set(CD::A, true)
      .set(CD::TTB0, root.value);
}

TEST(HardwareUpdates, AreIgnoredWithVmsav8_32) {  // 5.4, HA and HD; 5.4.2
  for (const auto httu : {SMMU_IDR0::FlagUpdates::kNone, SMMU_IDR0::FlagUpdates::kAccess,
                          SMMU_IDR0::FlagUpdates::kAccessAndDirty}) {
    auto config = emulator::SmmuV3Config::everything();
    config.idr0.set(SMMU_IDR0::HTTU, httu);
    Machine machine(config);
    const CD cd = aarch32(machine.board).set(CD::HA, true).set(CD::HD, true);
    const auto descriptor = load(machine.board.memory(), Pa(cd[CD::TTB0]));
    machine.use(cd);
    const auto device = machine.board.device(kStream);
    EXPECT_THAT(device.translate(Iova(0x1000)), Aborts());
    EXPECT_THAT(machine.board.events(), ElementsAre(IsEvent(EventType::F_ACCESS, kStream)));
    EXPECT_EQ(load(machine.board.memory(), Pa(cd[CD::TTB0])), descriptor);
    // AFFD counts, then.
    machine.use(CD(cd).set(CD::AFFD, true));
    EXPECT_THAT(device.translate(Iova(0x1000)), TranslatesTo(Pa(0x4000'1000)));
    EXPECT_EQ(load(machine.board.memory(), Pa(cd[CD::TTB0])), descriptor);
  }
}

TEST(HardwareUpdates, ThatAreAbsentAreIllegalWithVmsav8_64) {  // 5.4, HA and HD
  auto config = emulator::SmmuV3Config::everything();
  config.idr0.set(SMMU_IDR0::HTTU, SMMU_IDR0::FlagUpdates::kNone);
  Machine machine(config);
  machine.use(context(machine.table).set(CD::HA, true));
  machine.expect_bad(EventType::C_BAD_CD);
  machine.use(context(machine.table).set(CD::HD, true));
  machine.expect_bad(EventType::C_BAD_CD);
}

TEST(HardwareUpdates, OfTheAccessFlagAloneForbidHd) {  // 5.4, HD: HTTU 0b01
  auto config = emulator::SmmuV3Config::everything();
  config.idr0.set(SMMU_IDR0::HTTU, SMMU_IDR0::FlagUpdates::kAccess);
  Machine machine(config);
  machine.use(context(machine.table).set(CD::HA, true));
  EXPECT_THAT(machine.translate(), TranslatesTo(kPage));
  machine.use(context(machine.table).set(CD::HA, true).set(CD::HD, true));
  machine.expect_bad(EventType::C_BAD_CD);
}

TEST(WithoutHad, TableAttributesAlwaysCount) {  // 5.4, HAD0: ignored
  auto config = emulator::SmmuV3Config::everything().of_version(0);
  config.idr3.set(SMMU_IDR3::HAD, false);
  Machine machine(config);
  const Pa first = machine.table.root();
  constexpr std::uint64_t kNoUnprivileged = std::uint64_t{1} << 61;  // APTable[0]
  store(machine.board.memory(), first, load(machine.board.memory(), first) | kNoUnprivileged);
  machine.use(context(machine.table).set(CD::HAD0, true));
  machine.expect_bad(EventType::F_PERMISSION);
}

TEST(BigEndianTables, AreReadAsTheCdSays) {  // 5.4, ENDI: TTENDIAN 0b00
  Machine machine(emulator::SmmuV3Config::everything());
  auto& memory = machine.board.memory();
  // Every descriptor on the way, the last first.
  Pa at = machine.table.root();
  std::vector<Pa> way;
  for (unsigned shift = 39;; shift -= 9) {
    way.push_back(Pa(at.value + 8 * ((kAddress.value >> shift) % 512)));
    if (shift == 12) break;
    at = Pa(load(memory, way.back()) & 0x0000'ffff'ffff'f000);
  }
  for (const Pa descriptor : way) {
    store(memory, descriptor, __builtin_bswap64(load(memory, descriptor)));
  }
  machine.use(context(machine.table));
  EXPECT_THAT(machine.translate(), Aborts());
  machine.board.events();
  machine.use(context(machine.table).set(CD::ENDI, true));
  EXPECT_THAT(machine.translate(), TranslatesTo(kPage));
}

TEST(BigEndianTables, AreAllThatSomeRead) {  // 5.4, ENDI: TTENDIAN 0b11
  auto config = emulator::SmmuV3Config::everything();
  config.idr0.set(SMMU_IDR0::TTENDIAN, SMMU_IDR0::Endianness::kBig);
  Machine machine(config);
  machine.expect_bad(EventType::C_BAD_CD);
  machine.use(context(machine.table).set(CD::ENDI, true));
  machine.expect_bad(EventType::F_TRANSLATION);  // its tables are little-endian
}

}  // namespace
}  // namespace smmu::testing::feature_test
