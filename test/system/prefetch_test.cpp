// Prefetching, by command and by speculation (IHI 0070, 3.21, 4.2 and 16.2).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::prefetch_test {
namespace {

using emulator::CachePolicy;
using emulator::ConfigurationStructure;
using emulator::SpeculativePrefetch;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using v3::CMD_PREFETCH_ADDR;
using v3::CMD_PREFETCH_CONFIG;
using v3::CMD_TLBI_NSNH_ALL;
using v3::CommandError;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CR0;
using v3::STE;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x40'0000);
constexpr Pa kPages(0x8000'0000);

// What the SMMU read, filled and hit since the last call of forget().
class Record final : public emulator::Observer {
 public:
  void on_configuration_fetch(const emulator::ConfigurationFetch& fetch) override {
    structures.push_back(fetch.structure);
  }
  void on_table_access(const emulator::TableAccess&) override { ++descriptors; }
  void on_tlb_fill(const emulator::TlbEntryInfo& entry) override {
    fills.push_back(entry.address.value);
  }
  void on_tlb_hit(const emulator::TlbEntryInfo&) override { ++hits; }
  void on_event(const emulator::EventReported&) override { ++events; }
  void forget() { *this = Record(); }

  std::vector<ConfigurationStructure> structures;
  std::vector<std::uint64_t> fills;
  unsigned descriptors = 0;
  unsigned hits = 0;
  unsigned events = 0;
};

class Prefetches : public ::testing::Test {
 protected:
  explicit Prefetches(CachePolicy policy = CachePolicy::kRealistic)
      : board_({.config = config_with(policy), .observer = &record_}) {}

  static emulator::SmmuV3Config config_with(CachePolicy policy) {
    auto config = emulator::SmmuV3Config::everything();
    config.caching.policy = policy;
    return config;
  }
  // Sixteen pages; the stream's STE was never read.
  void SetUp() override {
    board_.bring_up();
    table_.map(kAddress, kPages, 16 * 4096);
    board_.attach(kStream, table_);
    record_.forget();
  }
  static CMD_PREFETCH_CONFIG configuration(StreamId stream = kStream) {
    return command<CMD_PREFETCH_CONFIG>().set(CMD_PREFETCH_CONFIG::StreamID, stream.value);
  }
  // 2^size addresses, 2^(12 + stride) bytes apart.
  static CMD_PREFETCH_ADDR addresses(Iova first, unsigned size, unsigned stride = 0) {
    return command<CMD_PREFETCH_ADDR>()
        .set(CMD_PREFETCH_ADDR::StreamID, kStream.value)
        .set(CMD_PREFETCH_ADDR::Address, first.value)
        .set(CMD_PREFETCH_ADDR::Size, size)
        .set(CMD_PREFETCH_ADDR::Stride, stride);
  }
  static Iova page(unsigned number) { return Iova(kAddress.value + number * 4096); }
  void expect_nothing_happens(const auto& command) {
    record_.forget();
    board_.submit_and_sync(command);
    EXPECT_TRUE(board_.idle());
    EXPECT_EQ(record_.events, 0U);
    EXPECT_THAT(record_.fills, IsEmpty());
    EXPECT_THAT(board_.events(), IsEmpty());
    EXPECT_EQ(board_.error_line.count(), 0U);
  }
  DmaDevice device() { return board_.device(kStream); }

  Record record_;
  Board board_;
  PageTable table_ = board_.page_table();
};

TEST_F(Prefetches, OfConfigurationReadItBeforeATransactionDoes) {  // 4.2.1
  board_.submit_and_sync(configuration());
  EXPECT_THAT(record_.structures,
              ElementsAre(ConfigurationStructure::kSTE, ConfigurationStructure::kCD));
  EXPECT_EQ(record_.descriptors, 0U);
  record_.forget();
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(kPages));
  EXPECT_THAT(record_.structures, IsEmpty());
  EXPECT_NE(record_.descriptors, 0U);
}

TEST_F(Prefetches, OfConfigurationCanBeForASubstream) {  // 4.2.1, SSV
  const Pa cds = board_.allocate(64 * 8, 64 * 8);
  store(board_.memory(), Pa(cds.value + 64 * 5), context(table_));
  board_.attach(kStream, translate(cds).set(STE::S1CDMax, 3));
  board_.submit_and_sync(
      configuration().set(CMD_PREFETCH_CONFIG::SSV, true).set(CMD_PREFETCH_CONFIG::SubstreamID, 5));
  EXPECT_EQ(record_.events, 0U);
  record_.forget();
  EXPECT_THAT(device().substream(SubstreamId(5)).translate(kAddress), TranslatesTo(kPages));
  EXPECT_THAT(record_.structures, IsEmpty());
}

TEST_F(Prefetches, OfAddressesFillTheTlb) {  // 4.2.2, Size
  board_.submit_and_sync(addresses(page(2), 2));
  EXPECT_THAT(record_.fills,
              ElementsAre(page(2).value, page(3).value, page(4).value, page(5).value));
  record_.forget();
  EXPECT_THAT(device().translate(page(4)), TranslatesTo(Pa(kPages.value + 4 * 4096)));
  EXPECT_EQ(record_.hits, 1U);
  EXPECT_THAT(record_.structures, IsEmpty());
  EXPECT_EQ(record_.descriptors, 0U);
}

TEST_F(Prefetches, OfAddressesGoInStrides) {  // 4.2.2: 2^(12 + Stride) bytes
  board_.submit_and_sync(addresses(page(0), 2, 2));
  EXPECT_THAT(record_.fills,
              ElementsAre(page(0).value, page(4).value, page(8).value, page(12).value));
}

TEST_F(Prefetches, OfManyAddressesEndInReasonableTime) {  // 4.2.2: the number is limited
  board_.submit_and_sync(addresses(Iova(0), 31));
  EXPECT_TRUE(board_.idle());
  EXPECT_EQ(record_.events, 0U);
}

TEST_F(Prefetches, OfWhatFaultsAreSilent) {  // 4.2: no event for whatever reason
  table_.map(page(16), kPages, 4096, {.access_flag = false});
  expect_nothing_happens(addresses(page(16), 0));
  expect_nothing_happens(addresses(Iova(0x1'0000'0000), 3));             // not mapped
  expect_nothing_happens(addresses(Iova(std::uint64_t{1} << 52), 0));    // beyond T0SZ
  expect_nothing_happens(addresses(Iova(0xffff'ffff'0000'0000), 0));     // EPD1
  expect_nothing_happens(addresses(Iova(0xffff'ffff'ffff'f000), 4, 9));  // beyond 2^64
}

TEST_F(Prefetches, OfFaultingConfigurationAreSilent) {        // 4.2
  expect_nothing_happens(configuration(StreamId(10)));        // its STE is invalid
  expect_nothing_happens(configuration(StreamId(0x1'0000)));  // beyond the Stream table
  board_.attach(kStream, translate(Pa(0x2000)));              // no memory there
  expect_nothing_happens(configuration());
  expect_nothing_happens(addresses(kAddress, 2));
  board_.attach(kStream, translate(board_.allocate(4096)));  // its CD is invalid
  expect_nothing_happens(configuration());
  expect_nothing_happens(addresses(kAddress, 2));
}

TEST_F(Prefetches, OfStreamsThatDoNotTranslateDoNothing) {
  board_.attach(kStream, bypass());
  expect_nothing_happens(addresses(kAddress, 2));
  board_.attach(kStream, abort_all());
  expect_nothing_happens(addresses(kAddress, 2));
}

TEST_F(Prefetches, OfSubstreamsThatThereAreNotAreSilent) {  // 4.2: STE.S1CDMax is 0
  expect_nothing_happens(
      configuration().set(CMD_PREFETCH_CONFIG::SSV, true).set(CMD_PREFETCH_CONFIG::SubstreamID, 5));
}

TEST_F(Prefetches, AreConsumedButNotPerformedWhileTheSmmuIsOff) {  // 4.2, 3.21.3
  auto cr0 = board_.smmu().read<SMMU_CR0>();
  board_.smmu().write(cr0.set(SMMU_CR0::SMMUEN, false));
  board_.submit_and_sync(configuration(), addresses(kAddress, 2));
  EXPECT_TRUE(board_.idle());
  EXPECT_THAT(record_.structures, IsEmpty());
  EXPECT_EQ(record_.descriptors, 0U);
}

TEST_F(Prefetches, FindNothingWithoutTheAccessFlagIfHardwareSetsIt) {  // 5.4, HA: AFFD is ignored
  const Pa cd = board_.allocate(4096);
  store(board_.memory(), cd, context(table_).set(v3::CD::HA, true).set(v3::CD::AFFD, true));
  board_.attach(kStream, translate(cd));
  const auto unflagged =
      load(board_.memory(), table_.descriptor(kAddress)) & ~std::uint64_t{1 << 10};
  store(board_.memory(), table_.descriptor(kAddress), unflagged);
  board_.submit_and_sync(addresses(kAddress, 0));
  EXPECT_EQ(load(board_.memory(), table_.descriptor(kAddress)), unflagged);
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(kPages));
  EXPECT_EQ(load(board_.memory(), table_.descriptor(kAddress)), unflagged | 1 << 10);
}

TEST_F(Prefetches, OfSecureStreamsAreIllegal) {  // 4.1.6, SSec
  board_.submit(configuration().set(CMD_PREFETCH_CONFIG::SSec, true));
  EXPECT_EQ(board_.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR], CommandError::CERROR_ILL);
  Board other;
  other.bring_up();
  other.submit(addresses(kAddress, 0).set(CMD_PREFETCH_ADDR::SSec, true));
  EXPECT_EQ(other.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR], CommandError::CERROR_ILL);
}

TEST_F(Prefetches, AreInvalidatedAsAnyOther) {  // 4.7.3
  board_.submit_and_sync(addresses(page(0), 4));
  table_.map(kAddress, Pa(kPages.value + 0x10'0000), 16 * 4096);
  board_.submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
  EXPECT_THAT(device().translate(page(3)), TranslatesTo(Pa(kPages.value + 0x10'3000)));
}

class UncachedPrefetches : public Prefetches {
 protected:
  UncachedPrefetches() : Prefetches(CachePolicy::kNone) {}
};

TEST_F(UncachedPrefetches, AreConsumed) {  // 4.2.1: prefetching is not required
  expect_nothing_happens(configuration());
  expect_nothing_happens(addresses(kAddress, 4));
}

// 3.21.1: an SMMU may walk for any address at any time, and keep what it finds.
class Speculation : public ::testing::TestWithParam<unsigned> {
 protected:
  static emulator::SmmuV3Config speculating() {
    auto config = emulator::SmmuV3Config::everything();
    config.caching.policy = CachePolicy::kAdversarial;
    config.caching.prefetch = SpeculativePrefetch::kOn;
    return config;
  }
  static std::uint64_t granule() { return std::uint64_t{1} << GetParam(); }
  // Three cache lines of descriptors.
  void SetUp() override {
    board_.bring_up();
    map(1);
    board_.attach(kStream, table_);
  }
  static Iova page(unsigned number) { return Iova(kBase + number * granule()); }
  static Pa target(unsigned number, unsigned version) {
    return Pa(kBase + (64 * version + number) * granule());
  }
  void map(unsigned version) { table_.map(page(0), target(0, version), kPagesHere * granule()); }
  bool stale(unsigned number) {
    const auto outcome = device_.translate(page(number));
    const auto* translation = std::get_if<emulator::Translation>(&outcome);
    return translation != nullptr && translation->pa == target(number, 1);
  }

  static constexpr std::uint64_t kBase = 0x4000'0000;
  static constexpr unsigned kPagesHere = 24;
  Record record_;
  Board board_{{.config = speculating(), .observer = &record_}};
  PageTable table_ = board_.page_table({.granule_bits = GetParam()});
  DmaDevice device_ = board_.device(kStream);
};

TEST_P(Speculation, CachesTheDescriptorsOfTheSameCacheLine) {
  EXPECT_TRUE(stale(11));
  EXPECT_THAT(record_.fills, SizeIs(8));
  map(2);
  for (unsigned number = 8; number != 16; ++number) EXPECT_TRUE(stale(number)) << number;
  EXPECT_FALSE(stale(7));
  EXPECT_FALSE(stale(16));
}

TEST_P(Speculation, IsUndoneByTheInvalidationOfEachAddress) {  // 4.4.2.4
  EXPECT_TRUE(stale(11));
  map(2);
  using v3::CMD_TLBI_NH_VA;
  board_.submit_and_sync(command<CMD_TLBI_NH_VA>()
                             .set(CMD_TLBI_NH_VA::ASID, 1)
                             .set(CMD_TLBI_NH_VA::Address, page(11).value));
  EXPECT_TRUE(stale(10));
  EXPECT_FALSE(stale(11));
}

TEST_P(Speculation, ReportsNoFaultsAndKeepsNone) {  // 3.21.1
  table_.unmap(page(9));
  table_.map(page(10), target(10, 1), granule(), {.access_flag = false});
  EXPECT_TRUE(stale(11));
  EXPECT_EQ(record_.events, 0U);
  EXPECT_THAT(record_.fills, SizeIs(6));
  map(2);
  EXPECT_TRUE(stale(12));
  EXPECT_FALSE(stale(9));
  EXPECT_FALSE(stale(10));
}

INSTANTIATE_TEST_SUITE_P(Granule, Speculation, ::testing::Values(12U, 14U, 16U));

}  // namespace
}  // namespace smmu::testing::prefetch_test
