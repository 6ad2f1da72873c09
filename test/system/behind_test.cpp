// An SMMU whose own accesses go through another one: what the outer one refuses, the inner one
// sees as an external abort (IHI 0070, 7.1, 7.2.2, 7.3.4, 7.3.10, 7.3.12 and 7.5).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::behind_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::CMD_SYNC;
using v3::CMD_TLBI_NH_VA;
using v3::CMD_TLBI_NSNH_ALL;
using v3::CommandError;
using v3::EventClass;
using v3::EventType;
using v3::F_CD_FETCH;
using v3::F_STE_FETCH;
using v3::F_WALK_EABT;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_GERROR;

// Memory as one device of an SMMU reaches it.
class TranslatedMemory final : public PhysicalMemory {
 public:
  explicit TranslatedMemory(const DmaDevice& device) : device_(device) {}

  BusResponse read(Pa pa, std::span<std::byte> bytes) override {
    return response(device_.read(Iova(pa.value), bytes).bytes == bytes.size());
  }
  BusResponse write(Pa pa, std::span<const std::byte> bytes) override {
    return response(device_.write(Iova(pa.value), bytes).bytes == bytes.size());
  }
  const DirectRegion* direct_region(Pa) override { return nullptr; }

 private:
  static BusResponse response(bool done) { return done ? BusResponse::kOkay : BusResponse::kAbort; }

  Result<std::uint64_t, ExternalAbort> load64_indirect(Pa pa) override {
    const auto word = device_.read64(Iova(pa.value));
    if (!word) return ExternalAbort{};
    return *word;
  }
  BusResponse store64_indirect(Pa pa, std::uint64_t value) override {
    return response(device_.write64(Iova(pa.value), value).bytes == 8);
  }
  Result<std::uint64_t, ExternalAbort> compare_exchange64_indirect(Pa, std::uint64_t,
                                                                   std::uint64_t) override {
    return ExternalAbort{};
  }

  DmaDevice device_;
};

// The RAM of one board, on the bus of another.
class OtherRam final : public emulator::DeviceRegion {
 public:
  explicit OtherRam(Pa base) : base_(base) {}
  void connect(emulator::Ram& ram) { ram_ = &ram; }

  BusResponse read(std::uint64_t offset, std::span<std::byte> bytes) override {
    return ram_->read(Pa(base_.value + offset), bytes);
  }
  BusResponse write(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return ram_->write(Pa(base_.value + offset), bytes);
  }

 private:
  Pa base_;
  emulator::Ram* ram_ = nullptr;
};

constexpr StreamId kInner(1);   // of the inner SMMU, at the outer one
constexpr StreamId kStream(9);  // of a device, at the inner one
constexpr Iova kAddress(0x8000'0000);

// Both SMMUs have tables, and the inner one's are in memory that the outer one maps page by page:
// structures where they are, the device's pages elsewhere.
class BehindAnSmmu : public ::testing::Test {
 protected:
  static constexpr Pa kInnerRam{0x4000'0000};
  static constexpr std::uint64_t kInnerSize = std::uint64_t{4} << 20;
  static constexpr Pa kOuterRam{0x1'0000'0000};

  BehindAnSmmu() {
    other_ram_.connect(inner_.memory());
    EXPECT_TRUE(outer_.memory().add_device(kInnerRam, kInnerSize, other_ram_));
  }
  void SetUp() override {
    outer_.bring_up();
    outer_.attach(kInner, window_);
    for (std::uint64_t offset = 0; offset != kInnerSize; offset += 4096) {
      const Pa page(kInnerRam.value + offset);
      window_.map(Iova(page.value), page, 4096);
    }
    inner_.bring_up();
    // Where the device's page is, as the inner SMMU and as the bus sees it.
    page_ = Pa(kInnerRam.value + kInnerSize);
    frame_ = outer_.allocate(4096);
    window_.map(Iova(page_.value), frame_, 4096);
    table_.map(kAddress, page_, 4096);
    cd_ = inner_.attach(kStream, table_);
  }
  // From the outer SMMU's tables, and from its cache.
  void unmap(Pa page) {
    window_.unmap(Iova(page.value));
    outer_.submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
  }
  std::uint32_t active_errors() {
    return inner_.smmu().read<SMMU_GERROR>().raw() ^ inner_.smmu().read<v3::SMMU_GERRORN>().raw();
  }
  void expect_outer_fault(Pa page) {
    const auto events = outer_.events();
    ASSERT_FALSE(events.empty());
    EXPECT_THAT(events[0], IsEvent(EventType::F_TRANSLATION, kInner));
    const std::uint64_t address = events[0].words[2];
    EXPECT_EQ(address & ~std::uint64_t{4095}, page.value & ~std::uint64_t{4095});
  }
  DmaDevice device() { return inner_.device(kStream); }

  OtherRam other_ram_{kInnerRam};
  Board outer_{{.ram_base = kOuterRam}};
  PageTable window_ = outer_.page_table();
  TranslatedMemory memory_{outer_.device(kInner)};
  Board inner_{{.ram_base = kInnerRam, .ram_size = kInnerSize, .smmu_memory = &memory_}};
  PageTable table_ = inner_.page_table();
  Pa page_;
  Pa frame_;
  Pa cd_;
};

TEST_F(BehindAnSmmu, ADeviceIsTranslatedTwice) {
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  EXPECT_EQ(device().write64(Iova(kAddress.value + 16), 42).bytes, 8U);
  EXPECT_EQ(load(outer_.memory(), Pa(frame_.value + 16)), 42U);
  EXPECT_EQ(device().read64(Iova(kAddress.value + 16)), 42U);
  EXPECT_THAT(inner_.events(), IsEmpty());
  EXPECT_THAT(outer_.events(), IsEmpty());
}

TEST_F(BehindAnSmmu, AFaultOfTheInnerOneIsNoneOfTheOuterOnes) {
  EXPECT_THAT(device().translate(Iova(0x1000)), Aborts());
  EXPECT_THAT(inner_.events(),
              ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, Iova(0x1000))));
  EXPECT_THAT(outer_.events(), IsEmpty());
}

TEST_F(BehindAnSmmu, ADataAccessThatTheOuterOneRefusesIsABusErrorAndNoEvent) {  // 3.12
  unmap(page_);
  EXPECT_FALSE(device().read64(kAddress));
  EXPECT_THAT(inner_.events(), IsEmpty());
  expect_outer_fault(page_);
}

TEST_F(BehindAnSmmu, ATableThatTheOuterOneRefusesIsAnExternalAbort) {  // 7.3.12
  const Pa descriptor = table_.descriptor(kAddress);
  unmap(descriptor);
  EXPECT_THAT(device().translate(kAddress), Aborts());
  const auto events = inner_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_WALK_EABT, kStream, kAddress)));
  const auto record = events[0].as<F_WALK_EABT>();
  EXPECT_EQ(record[F_WALK_EABT::FetchAddr], descriptor.value);
  EXPECT_EQ(record[F_WALK_EABT::CLASS], EventClass::kTt);
  EXPECT_FALSE(record[F_WALK_EABT::S2]);
  expect_outer_fault(descriptor);
}

TEST_F(BehindAnSmmu, ACdThatTheOuterOneRefusesIsAFetchFault) {  // 7.3.10
  const Pa cd = inner_.allocate(4096);
  store(inner_.memory(), cd, context(table_));
  inner_.attach(kStream, translate(cd));
  unmap(cd);
  EXPECT_THAT(device().translate(kAddress), Aborts());
  const auto events = inner_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_CD_FETCH, kStream)));
  EXPECT_EQ(events[0].as<F_CD_FETCH>()[F_CD_FETCH::FetchAddr], cd.value);
  expect_outer_fault(cd);
}

TEST_F(BehindAnSmmu, AnSteThatTheOuterOneRefusesIsAFetchFault) {  // 7.3.4
  const StreamId far(130);  // in another page of the Stream table
  const Pa ste = inner_.streams().entry(far);
  unmap(ste);
  EXPECT_THAT(inner_.device(far).translate(kAddress), Aborts());
  const auto events = inner_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_STE_FETCH, far)));
  EXPECT_EQ(events[0].as<F_STE_FETCH>()[F_STE_FETCH::FetchAddr], ste.value);
  expect_outer_fault(ste);
}

TEST_F(BehindAnSmmu, RefusalsAreNotRemembered) {  // 3.21.3, 16.2: only what could be read is kept
  const Pa descriptor = table_.descriptor(kAddress);
  unmap(descriptor);
  EXPECT_THAT(device().translate(kAddress), Aborts());
  window_.map(Iova(descriptor.value & ~std::uint64_t{4095}),
              Pa(descriptor.value & ~std::uint64_t{4095}), 4096);
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
}

TEST_F(BehindAnSmmu, CommandsThatTheOuterOneRefusesStopTheQueue) {  // 7.1, CERROR_ABT
  unmap(inner_.command_queue());
  inner_.submit(command<CMD_SYNC>());
  EXPECT_FALSE(inner_.idle());
  EXPECT_EQ(inner_.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR], CommandError::CERROR_ABT);
  expect_outer_fault(inner_.command_queue());
  // Both drivers repair it.
  window_.map(Iova(inner_.command_queue().value), inner_.command_queue(), 4096);
  inner_.smmu().write(v3::SMMU_GERRORN(inner_.smmu().read<SMMU_GERROR>().raw()));
  EXPECT_TRUE(inner_.idle());
}

TEST_F(BehindAnSmmu, EventsThatTheOuterOneRefusesAreAGlobalError) {  // 7.2.2
  unmap(inner_.event_queue());
  EXPECT_THAT(device().translate(Iova(0x1000)), Aborts());
  EXPECT_EQ(active_errors(), SMMU_GERROR().set(SMMU_GERROR::EVENTQ_ABT_ERR, true).raw());
  expect_outer_fault(inner_.event_queue());
}

TEST_F(BehindAnSmmu, AMessageThatTheOuterOneRefusesIsAGlobalError) {  // 7.5
  unmap(page_);
  inner_.submit(command<CMD_SYNC>()
                    .set(CMD_SYNC::CS, SyncSignal::kIrq)
                    .set(CMD_SYNC::MSIAddress, page_.value));
  EXPECT_TRUE(inner_.idle());
  EXPECT_EQ(active_errors(), SMMU_GERROR().set(SMMU_GERROR::MSI_CMDQ_ABT_ERR, true).raw());
  expect_outer_fault(page_);
}

TEST_F(BehindAnSmmu, AReadOnlyPageTakesNoEvents) {  // 7.2.2; the outer one's F_PERMISSION
  window_.map(Iova(inner_.event_queue().value), inner_.event_queue(), 4096, {.writable = false});
  outer_.submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
  EXPECT_THAT(device().translate(Iova(0x1000)), Aborts());
  EXPECT_EQ(active_errors(), SMMU_GERROR().set(SMMU_GERROR::EVENTQ_ABT_ERR, true).raw());
  EXPECT_THAT(outer_.events(), ElementsAre(IsEvent(EventType::F_PERMISSION, kInner)));
}

TEST_F(BehindAnSmmu, ReadsOfZeroAreNoDescriptors) {  // 5.5: the outer CD says RAZ/WI
  using v3::CD;
  const Pa outer_cd = outer_.allocate(4096);
  store(outer_.memory(), outer_cd, context(window_).set(CD::A, false).set(CD::R, false));
  outer_.attach(kInner, translate(outer_cd));
  unmap(table_.descriptor(kAddress));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  EXPECT_THAT(inner_.events(), ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, kAddress)));
  EXPECT_THAT(outer_.events(), IsEmpty());
}

TEST_F(BehindAnSmmu, EachHasACacheOfItsOwn) {  // 4.4
  EXPECT_EQ(device().write64(kAddress, 1).bytes, 8U);
  // The outer one moves the page; the inner one has nothing to invalidate.
  const Pa other = outer_.allocate(4096);
  window_.map(Iova(page_.value), other, 4096);
  outer_.submit_and_sync(command<CMD_TLBI_NH_VA>()
                             .set(CMD_TLBI_NH_VA::ASID, 1)
                             .set(CMD_TLBI_NH_VA::Address, page_.value));
  EXPECT_EQ(device().write64(kAddress, 2).bytes, 8U);
  EXPECT_EQ(load(outer_.memory(), frame_), 1U);
  EXPECT_EQ(load(outer_.memory(), other), 2U);
}

}  // namespace
}  // namespace smmu::testing::behind_test
