// Event records, whole, with every field as wide as it is (IHI 0070, 7.3).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::event_fields_test {
namespace {

using ::testing::ElementsAre;
using v3::CD;
using v3::EventType;
using v3::SMMU_CR0;
using v3::STE;

constexpr StreamId kStream(0xd5);
constexpr SubstreamId kSubstream(0xa'bcde);
constexpr std::uint64_t kSsv = 1 << 11;
constexpr std::uint64_t kIn = std::uint64_t{0b10} << 40;  // CLASS
constexpr std::uint64_t kTt = std::uint64_t{0b01} << 40;
constexpr std::uint64_t kS2 = std::uint64_t{1} << 39;
constexpr std::uint64_t kRead = std::uint64_t{1} << 35;
// No memory is there.
constexpr std::uint64_t kNowhere = 0x000e'dcba'9876'0000;

std::uint64_t first_word(EventType type, std::uint64_t stream, std::uint64_t rest = 0) {
  return static_cast<std::uint64_t>(type) | rest | stream << 32;
}
std::uint64_t with_substream(EventType type) {
  return first_word(type, kStream.value, kSsv | std::uint64_t{kSubstream.value} << 12);
}

class EventFields : public ::testing::Test {
 protected:
  void SetUp() override { board_.bring_up(); }
  DmaDevice device() { return board_.device(kStream); }
  DmaDevice in_substream() { return device().substream(kSubstream); }
  // 2^20 substreams, by tables of 64 KiB.
  static STE substreams(Pa l1cds) {
    return translate(l1cds)
        .set(STE::S1CDMax, 20)
        .set(STE::S1Fmt, v3::CdTableFormat::kTwoLevel64KLeaf);
  }
  // The CD of kSubstream.
  void use(const CD& cd) {
    const Pa top = board_.allocate(8 << 10, 8 << 10);
    const Pa cds = board_.allocate(64 << 10, 64 << 10);
    store(board_.memory(), Pa(top.value + 8 * (kSubstream.value >> 10)),
          v3::L1CD().set(v3::L1CD::V, true).set(v3::L1CD::L2Ptr, cds.value));
    store(board_.memory(), Pa(cds.value + 64 * (kSubstream.value & 0x3ff)), cd);
    board_.attach(kStream, substreams(top));
  }
  void expect(const std::array<std::uint64_t, 4>& words) {
    EXPECT_THAT(board_.events(), ElementsAre(Event{words}));
  }

  Board board_;
};

TEST_F(EventFields, OfCBadStreamid) {  // 7.3.3
  const auto enabled = board_.smmu().read<SMMU_CR0>();
  board_.smmu().write(SMMU_CR0());
  board_.smmu().write(v3::SMMU_CR2().set(v3::SMMU_CR2::RECINVSID, true));
  board_.smmu().write(enabled);
  const DmaDevice unknown = board_.device(StreamId(0xfedc'ba98));
  EXPECT_THAT(unknown.substream(kSubstream).translate(Iova(0x1000)), Aborts());
  expect({first_word(EventType::C_BAD_STREAMID, 0xfedc'ba98, kSsv | 0xabcde000), 0, 0, 0});
  EXPECT_THAT(unknown.translate(Iova(0x1000)), Aborts());
  expect({first_word(EventType::C_BAD_STREAMID, 0xfedc'ba98), 0, 0, 0});
}

TEST_F(EventFields, OfConfigurationErrors) {  // 7.3.5, 7.3.7, 7.3.9, 7.3.11
  EXPECT_THAT(in_substream().translate(Iova(0x1000)), Aborts());
  expect({with_substream(EventType::C_BAD_STE), 0, 0, 0});

  board_.attach(kStream, bypass());
  EXPECT_THAT(in_substream().translate(Iova(0x1000)), Aborts());
  // The substream is always valid, and there is no SSV.
  expect({first_word(EventType::C_BAD_SUBSTREAMID, kStream.value, 0xabcde000), 0, 0, 0});

  use(CD());
  EXPECT_THAT(in_substream().translate(Iova(0x1000)), Aborts());
  expect({with_substream(EventType::C_BAD_CD), 0, 0, 0});
  EXPECT_THAT(device().translate(Iova(0x1000)), Aborts());
  expect({first_word(EventType::F_STREAM_DISABLED, kStream.value), 0, 0, 0});
}

TEST_F(EventFields, OfFSteFetch) {  // 7.3.4
  const Pa top = board_.allocate(4096);
  store(board_.memory(), Pa(top.value + 8 * (kStream.value >> 6)),
        v3::L1STD().set(v3::L1STD::Span, 7).set(v3::L1STD::L2Ptr, kNowhere));
  const auto enabled = board_.smmu().read<SMMU_CR0>();
  const auto two_level = [&](Pa base) {
    using v3::SMMU_STRTAB_BASE_CFG;
    board_.smmu().write(SMMU_CR0());
    board_.smmu().write(v3::SMMU_STRTAB_BASE(base.value));
    board_.smmu().write(
        SMMU_STRTAB_BASE_CFG()
            .set(SMMU_STRTAB_BASE_CFG::LOG2SIZE, 8)
            .set(SMMU_STRTAB_BASE_CFG::SPLIT, 6)
            .set(SMMU_STRTAB_BASE_CFG::FMT, SMMU_STRTAB_BASE_CFG::Format::kTwoLevel));
    board_.smmu().write(enabled);
  };
  two_level(top);
  EXPECT_THAT(in_substream().translate(Iova(0x1000)), Aborts());
  expect({with_substream(EventType::F_STE_FETCH), 0, 0, kNowhere + 64 * (kStream.value & 0x3f)});
  two_level(Pa(kNowhere));
  board_.submit_and_sync(
      command<v3::CMD_CFGI_STE>().set(v3::CMD_CFGI_STE::StreamID, kStream.value));
  EXPECT_THAT(in_substream().translate(Iova(0x1000)), Aborts());
  expect({with_substream(EventType::F_STE_FETCH), 0, 0, kNowhere + 8 * (kStream.value >> 6)});
}

TEST_F(EventFields, OfFCdFetch) {  // 7.3.10
  board_.attach(kStream, substreams(Pa(kNowhere)));
  EXPECT_THAT(in_substream().translate(Iova(0x1000)), Aborts());
  expect({with_substream(EventType::F_CD_FETCH), 0, 0, kNowhere + 8 * (kSubstream.value >> 10)});
}

TEST_F(EventFields, OfFWalkEabt) {  // 7.3.12
  PageTable table = board_.page_table({.granule_bits = 16, .t0sz = 12, .output_bits = 52});
  use(context(table).set(CD::TTB0, kNowhere));
  const Iova address(0x000f'edcb'a987'6543);
  EXPECT_THAT(in_substream().translate(address), Aborts());
  // The first of three levels has the bits from 42 on.
  expect({with_substream(EventType::F_WALK_EABT), kRead | kTt, address.value,
          kNowhere + 8 * (address.value >> 42)});
}

TEST_F(EventFields, OfTranslationFaults) {  // 7.3.13; 3.4.1: InputAddr is as it came
  PageTable table = board_.page_table({.granule_bits = 16, .t0sz = 12, .output_bits = 52});
  use(context(table).set(CD::TBI0, true));
  const Iova address(0x7b0f'edcb'a987'6543);
  EXPECT_THAT(in_substream().privileged().translate(address), Aborts());
  expect({with_substream(EventType::F_TRANSLATION), kRead | kIn | std::uint64_t{1} << 33,
          address.value, 0});
  EXPECT_THAT(in_substream().fetching_instructions().translate(address), Aborts());
  expect({with_substream(EventType::F_TRANSLATION), kRead | kIn | std::uint64_t{1} << 34,
          address.value, 0});
}

TEST_F(EventFields, OfStage2Faults) {  // 7.3.13: IPA
  PageTable table =
      board_.page_table({.granule_bits = 16, .t0sz = 12, .output_bits = 52, .stage = 2});
  board_.attach(kStream, translate_stage2(table));
  const Iova address(0x000f'edcb'a987'6543);
  EXPECT_THAT(device().translate(address), Aborts());
  expect({first_word(EventType::F_TRANSLATION, kStream.value), kRead | kIn | kS2, address.value,
          0x000f'edcb'a987'6000});
}

TEST_F(EventFields, OfAccessAndPermissionFaults) {  // 7.3.14 to 7.3.16
  PageTable table = board_.page_table();
  const Iova address(0x1234'5678'9abc);
  const Iova page(address.value & ~std::uint64_t{0xfff});
  table.map(page, Pa(0x4000'0000), 4096, {.access_flag = false});
  use(context(table));
  EXPECT_THAT(in_substream().translate(address), Aborts());
  expect({with_substream(EventType::F_ACCESS), kRead | kIn, address.value, 0});
  table.map(page, Pa(0x4000'0000), 4096, {.writable = false});
  EXPECT_THAT(in_substream().translate(address, emulator::Direction::kWrite), Aborts());
  expect({with_substream(EventType::F_PERMISSION), kIn, address.value, 0});
  // Beyond what the CD says an address may have.
  table.map(page, Pa(0x0000'8000'0000'0000), 4096);
  board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
  use(context(table).set(CD::IPS, OutputSize::k42Bits));
  EXPECT_THAT(in_substream().translate(address), Aborts());
  expect({with_substream(EventType::F_ADDR_SIZE), kRead | kIn, address.value, 0});
}

TEST_F(EventFields, OfPermissionFaultsOfStage2) {  // 7.3.16: IPA
  PageTable stage2 = board_.page_table({.t0sz = 24, .stage = 2});
  const Iova ipa(0x12'3456'7000);
  stage2.map(ipa, Pa(0x4000'0000), 4096, {.writable = false});
  board_.attach(kStream, translate_stage2(stage2));
  const Iova address(ipa.value | 0x89a);
  EXPECT_THAT(device().translate(address, emulator::Direction::kWrite), Aborts());
  expect({first_word(EventType::F_PERMISSION, kStream.value), kIn | kS2, address.value, ipa.value});
}

TEST_F(EventFields, OfTranslatedTransactions) {  // 7.3.8
  board_.attach(kStream, bypass());
  const Iova address(0x0001'2345'6789'abcd);
  const auto access = [&](emulator::Direction direction) {
    return board_.smmu().add_port().translate({.stream = kStream,
                                               .address = address,
                                               .direction = direction,
                                               .address_type = emulator::AddressType::kTranslated});
  };
  board_.smmu().write(board_.smmu().read<SMMU_CR0>().set(SMMU_CR0::ATSCHK, true));
  EXPECT_THAT(access(emulator::Direction::kRead), Aborts());
  expect({first_word(EventType::F_TRANSL_FORBIDDEN, kStream.value), kRead, address.value, 0});
  EXPECT_THAT(access(emulator::Direction::kWrite), Aborts());
  expect({first_word(EventType::F_TRANSL_FORBIDDEN, kStream.value), 0, address.value, 0});
}

}  // namespace
}  // namespace smmu::testing::event_fields_test
