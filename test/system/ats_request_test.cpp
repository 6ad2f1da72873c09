// Translation Requests (IHI 0070, 3.9.1.2, 3.13.7, 13.6 and 13.7).
#include "test/system/ats_stream.h"

namespace smmu::testing::ats_request_test {
namespace {

using emulator::CompletionStatus;
using emulator::Pasid;
using emulator::Privilege;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::AtsMode;
using v3::CD;
using v3::EventType;
using v3::F_BAD_ATS_TREQ;
using v3::SMMU_CR0;
using v3::SMMU_IDR0;
using v3::STE;

constexpr auto kStream = AtsStream::kStream;
constexpr auto kAddress = AtsStream::kAddress;
constexpr std::uint64_t kAF = 1U << 10;
constexpr std::uint64_t kReadOnlyAp = 1U << 7;
constexpr std::uint64_t kDbm = std::uint64_t{1} << 51;
constexpr std::uint64_t kS2Writable = 0b10U << 6;

class AtsRequests : public ::testing::Test, protected AtsStream {
 protected:
  // The leaf of a table, to be changed; the TLBs forget what it was.
  std::uint64_t leaf(const PageTable& table, Iova address) {
    return load(board.memory(), table.descriptor(address));
  }
  void set_leaf(const PageTable& table, Iova address, std::uint64_t descriptor) {
    store(board.memory(), table.descriptor(address), descriptor);
    invalidate_tlbs();
  }
  std::uint64_t stage1_leaf() { return leaf(stage1, kAddress); }
  std::uint64_t guest_leaf() { return leaf(guest, kAddress); }
  std::uint64_t host_leaf() { return leaf(host, kPage); }
};

TEST_F(AtsRequests, AreNeverGlobal) {  // 3.9.1
  stage1.map(kAddress, page, 4096, {.global = true});
  attach(of_stage1());
  const auto completion =
      board.smmu().add_port().request_translation({.stream = kStream, .address = kAddress});
  ASSERT_EQ(completion.ranges().size(), 1U);
  EXPECT_TRUE(completion.ranges()[0].read);
  EXPECT_FALSE(completion.ranges()[0].global);
}

TEST_F(AtsRequests, AreAnsweredByWhatEachStageSays) {
  for (const bool both : {false, true}) {
    attach(both ? nested() : of_stage1());
    const auto completion = device.request(kAddress);
    ASSERT_THAT(completion, Grants(kReadWrite));
    EXPECT_EQ(completion.ranges()[0].address, kAddress);
    EXPECT_EQ(completion.ranges()[0].translated, Iova(page.value));
    EXPECT_EQ(completion.ranges()[0].size, 4096U);
    EXPECT_THAT(device.request(kUnmapped), Grants(kNoAccess));
  }
  attach(of_stage2());
  const auto completion = device.request(kPage);
  ASSERT_THAT(completion, Grants(kReadWrite));
  EXPECT_EQ(completion.ranges()[0].translated, Iova(page.value));
  EXPECT_THAT(device.request(kAddress), Grants(kNoAccess));
  EXPECT_THAT(board.events(), IsEmpty());
}

TEST_F(AtsRequests, GiveTheIpaWithSplitStageAts) {  // 13.6.3
  attach(nested(AtsMode::kSplitStage));
  check(true);
  const auto completion = device.request(Iova(kAddress.value + 0x123));
  ASSERT_THAT(completion, Grants(kReadWrite));
  EXPECT_EQ(completion.ranges()[0].address, kAddress);
  EXPECT_EQ(completion.ranges()[0].translated, kPage);
  // Of what both stages permit.
  set_leaf(host, kPage, host_leaf() & ~kS2Writable);
  EXPECT_THAT(device.request(kAddress), Grants(kReadOnly));
  // From the TLB, too.
  EXPECT_EQ(device.request(kAddress).ranges()[0].translated, kPage);
}

TEST_F(AtsRequests, HaveTheSmallerSizeOfBothStages) {
  constexpr std::uint64_t kBlock = 2 << 20;
  const Pa large = board.allocate(kBlock, kBlock);
  guest.map(Iova(0xa000'0000), large, kBlock);
  guest.map(Iova(0xb000'0000), Pa(0x2'0000'0000), kBlock);
  host.map(Iova(0x2'0000'0000), large, 4096);
  attach(nested());
  auto completion = device.request(Iova(0xa000'5000));
  ASSERT_THAT(completion, Grants(kReadWrite));
  EXPECT_EQ(completion.ranges()[0].size, kBlock);
  EXPECT_EQ(completion.ranges()[0].address, Iova(0xa000'0000));
  EXPECT_EQ(completion.ranges()[0].translated, Iova(large.value));
  completion = device.request(Iova(0xb000'0000));
  ASSERT_THAT(completion, Grants(kReadWrite));
  EXPECT_EQ(completion.ranges()[0].size, 4096U);
}

TEST_F(AtsRequests, OfSeveralUnitsHaveSeveralRanges) {
  for (std::uint64_t i = 1; i != 12; ++i) {
    stage1.map(Iova(kAddress.value + 4096 * i), Pa(page.value + 0x1'0000 - 4096 * i), 4096);
  }
  attach(of_stage1());
  auto completion = device.request(kAddress, 3);
  ASSERT_EQ(completion.ranges().size(), 3U);
  EXPECT_EQ(completion.ranges()[2].address, Iova(kAddress.value + 0x2000));
  EXPECT_EQ(completion.ranges()[2].translated, Iova(page.value + 0xe000));
  // There may be fewer than were asked for.
  EXPECT_EQ(device.request(kAddress, 200).ranges().size(), 8U);
  EXPECT_EQ(device.request(kAddress, 0).ranges().size(), 1U);
  // What is not there ends it, or is all of it.
  completion = device.request(Iova(kAddress.value + 0xa000), 8);
  EXPECT_EQ(completion.ranges().size(), 2U);
  EXPECT_THAT(device.request(Iova(kAddress.value + 0xc000), 8), Grants(kNoAccess));
  EXPECT_THAT(device.request(Iova(~std::uint64_t{0}), 8), Grants(kNoAccess));
}

TEST_F(AtsRequests, GrantWhatTheTablesOf13_7Say) {
  const struct {
    PageAttributes page;
    bool no_write;
    std::optional<Pasid> pasid;
    Grant grant;
  } kRows[] = {
      {{.writable = false}, true, {}, kReadOnly},
      {{}, false, {}, kReadWrite},
      {{.writable = false}, false, {}, kReadOnly},
      {{}, true, {}, kReadWrite},  // what is writable already may be granted
      {{.unprivileged = false}, false, {}, kNoAccess},
      {{.unprivileged = false}, false, Pasid{SubstreamId(1)}, kNoAccess},
      {{.unprivileged = false},
       false,
       Pasid{.substream = SubstreamId(1), .privilege = Privilege::kPrivileged},
       kReadWrite},
      {{}, false, Pasid{.substream = SubstreamId(1), .execute = true}, {true, true, true}},
      {{.unprivileged_execute_never = true},
       false,
       Pasid{.substream = SubstreamId(1), .execute = true},
       kReadWrite},
      // Only to execute: nothing, by a device that asks for more.
      {{.unprivileged = false},
       false,
       Pasid{.substream = SubstreamId(1), .execute = true},
       kNoAccess},
  };
  const Pa cds = board.allocate(128, 128);
  const STE ste = translate(cds)
                      .set(STE::EATS, AtsMode::kFull)
                      .set(STE::S1CDMax, 1U)
                      .set(STE::S1DSS, v3::DefaultSubstream::kCd0);
  for (const auto& row : kRows) {
    PageTable table = board.page_table();
    table.map(kAddress, page, 4096, row.page);
    store(board.memory(), cds, context(table));
    store(board.memory(), Pa(cds.value + 64), context(table));
    attach(ste);
    invalidate_tlbs();
    device.use(row.pasid);
    const auto completion = device.request(kAddress, 1, row.no_write);
    EXPECT_THAT(completion, Grants(row.grant)) << &row - kRows;
    const auto privilege = row.pasid ? row.pasid->privilege : Privilege::kUnprivileged;
    EXPECT_EQ(completion.ranges()[0].privilege, privilege) << &row - kRows;
  }
}

TEST_F(AtsRequests, AreOverriddenAsTheSteSays) {  // 13.7.1
  const Pasid privileged{.substream = SubstreamId(1), .privilege = Privilege::kPrivileged};
  const Pa cds = board.allocate(128, 128);
  PageTable table = board.page_table();
  table.map(kAddress, page, 4096, {.unprivileged = false});
  for (const Pa cd_at : {cds, Pa(cds.value + 64)}) store(board.memory(), cd_at, context(table));
  const STE ste = translate(cds)
                      .set(STE::EATS, AtsMode::kFull)
                      .set(STE::S1CDMax, 1U)
                      .set(STE::S1DSS, v3::DefaultSubstream::kCd0);
  // Who is taken for unprivileged may do what the unprivileged may, and is told
  // that it is for the privileged that it asked for.
  device.use(privileged);
  attach(STE(ste).set(STE::PRIVCFG, PrivilegeOverride::kUnprivileged));
  auto completion = device.request(kAddress);
  EXPECT_THAT(completion, Grants(kNoAccess));
  EXPECT_EQ(completion.ranges()[0].privilege, Privilege::kPrivileged);
  device.use(std::nullopt);
  attach(STE(ste).set(STE::PRIVCFG, PrivilegeOverride::kPrivileged));
  EXPECT_THAT(device.request(kAddress), Grants(kReadWrite));
  // The page may be executed by the unprivileged, and not read.
  attach(STE(ste).set(STE::INSTCFG, InstructionOverride::kInstruction));
  EXPECT_THAT(device.request(kAddress), Grants(kReadOnly));
  device.use(Pasid{.substream = SubstreamId(1), .execute = true});
  EXPECT_THAT(device.request(kAddress), Grants(Grant{true, false, true}));
  attach(STE(ste).set(STE::INSTCFG, InstructionOverride::kData));
  EXPECT_THAT(device.request(kAddress), Grants(kNoAccess));
  PageTable readable = board.page_table();
  readable.map(kAddress, page, 4096, {.unprivileged_execute_never = true});
  use(context(readable));
  store(board.memory(), Pa(cds.value + 64), context(readable));
  attach(STE(ste).set(STE::INSTCFG, InstructionOverride::kData));
  invalidate_tlbs();
  EXPECT_THAT(device.request(kAddress), Grants(Grant{true, true, true}));
}

TEST_F(AtsRequests, SetTheAccessFlagIfAnythingIsGranted) {  // 3.13.7
  attach(of_stage1());
  set_leaf(stage1, kAddress, stage1_leaf() & ~kAF);
  EXPECT_THAT(device.request(kAddress), Grants(kNoAccess));
  EXPECT_EQ(stage1_leaf() & kAF, 0U);
  use(context(stage1).set(CD::HA, true));
  EXPECT_THAT(device.request(kAddress), Grants(kReadWrite));
  EXPECT_NE(stage1_leaf() & kAF, 0U);
  // Not if nothing is.
  set_leaf(stage1, kAddress, stage1_leaf() & ~(kAF | 1U << 6));
  EXPECT_THAT(device.request(kAddress), Grants(kNoAccess));
  EXPECT_EQ(stage1_leaf() & kAF, 0U);
}

TEST_F(AtsRequests, MakePagesDirtyOnlyForDevicesThatWillWrite) {  // 3.13.7, 13.7
  attach(of_stage1());
  use(context(stage1).set(CD::HA, true).set(CD::HD, true));
  set_leaf(stage1, kAddress, stage1_leaf() | kReadOnlyAp | kDbm);
  EXPECT_THAT(device.request(kAddress, 1, true), Grants(kReadOnly));
  EXPECT_NE(stage1_leaf() & kReadOnlyAp, 0U);
  EXPECT_THAT(device.request(kAddress), Grants(kReadWrite));
  EXPECT_EQ(stage1_leaf() & kReadOnlyAp, 0U);
  // Once it is dirty there is nothing to be kept back.
  EXPECT_THAT(device.request(kAddress, 1, true), Grants(kReadWrite));
  // With the Access flag alone DBM says nothing.
  use(context(stage1).set(CD::HA, true));
  set_leaf(stage1, kAddress, stage1_leaf() | kReadOnlyAp | kDbm);
  EXPECT_THAT(device.request(kAddress), Grants(kReadOnly));
  EXPECT_NE(stage1_leaf() & kReadOnlyAp, 0U);
}

TEST_F(AtsRequests, LeaveStage2CleanWhereStage1IsReadOnly) {  // 3.13.7
  attach(nested().set(STE::S2HA, true).set(STE::S2HD, true));
  set_leaf(host, kPage, (host_leaf() & ~kS2Writable) | kDbm);
  set_leaf(guest, kAddress, guest_leaf() | kReadOnlyAp);
  EXPECT_THAT(device.request(kAddress), Grants(kReadOnly));
  EXPECT_EQ(host_leaf() & kS2Writable, 0U);
  set_leaf(guest, kAddress, guest_leaf() & ~kReadOnlyAp);
  EXPECT_THAT(device.request(kAddress, 1, true), Grants(kReadOnly));
  EXPECT_EQ(host_leaf() & kS2Writable, 0U);
  EXPECT_THAT(device.request(kAddress), Grants(kReadWrite));
  EXPECT_NE(host_leaf() & kS2Writable, 0U);
}

TEST_F(AtsRequests, FindWhatMayOnlyBeWritten) {
  attach(of_stage2());
  set_leaf(host, kPage, host_leaf() & ~(std::uint64_t{0b01} << 6));
  EXPECT_THAT(device.request(kPage), Grants(Grant{false, true}));
  EXPECT_THAT(device.request(kPage, 1, true), Grants(kNoAccess));
}

TEST_F(AtsRequests, AreRefusedWhereAtsIsNotAllowed) {  // 3.9.1.2, 7.3.6
  const auto refused = [&](Iova address, std::uint8_t count, bool no_write) {
    EXPECT_THAT(device.request(address, count, no_write),
                HasStatus(CompletionStatus::kUnsupportedRequest));
    const auto events = board.events();
    EXPECT_THAT(events, ElementsAre(IsEvent(EventType::F_BAD_ATS_TREQ, kStream)));
    return events.empty() ? F_BAD_ATS_TREQ() : events[0].as<F_BAD_ATS_TREQ>();
  };
  attach(of_stage1(AtsMode::kNone));
  auto record = refused(Iova(0x8000'0fff), 5, false);
  EXPECT_EQ(record[F_BAD_ATS_TREQ::Span], 5U);
  EXPECT_EQ(record[F_BAD_ATS_TREQ::InputAddr], 0x8000'0000U);
  EXPECT_TRUE(record[F_BAD_ATS_TREQ::R]);
  EXPECT_TRUE(record[F_BAD_ATS_TREQ::W]);
  EXPECT_FALSE(record[F_BAD_ATS_TREQ::SSV]);
  device.use(Pasid{.substream = SubstreamId(3), .execute = true});
  record = refused(kAddress, 1, true);
  EXPECT_FALSE(record[F_BAD_ATS_TREQ::W]);
  EXPECT_TRUE(record[F_BAD_ATS_TREQ::X]);
  EXPECT_FALSE(record[F_BAD_ATS_TREQ::PRIV]);
  EXPECT_TRUE(record[F_BAD_ATS_TREQ::SSV]);
  EXPECT_EQ(record[F_BAD_ATS_TREQ::SubstreamID], 3U);
  device.use(std::nullopt);
  attach(of_stage1(AtsMode::kFullWithDpt));  // without SMMU_IDR3.DPT: none
  refused(kAddress, 1, false);
  attach(bypass().set(STE::EATS, AtsMode::kFull));
  refused(kAddress, 1, false);
  attach(nested(AtsMode::kSplitStage));  // without ATSCHK: none
  refused(kAddress, 1, false);
  control(SMMU_CR0::SMMUEN, false);
  refused(kAddress, 1, false);
}

TEST_F(AtsRequests, AreRefusedInSilenceByWhatAborts) {
  attach(abort_all().set(STE::EATS, AtsMode::kFull));
  EXPECT_THAT(device.request(kAddress), HasStatus(CompletionStatus::kUnsupportedRequest));
  EXPECT_THAT(board.events(), IsEmpty());
}

TEST_F(AtsRequests, EndInCompleterAbortsWhereConfigurationIsAtFault) {  // 3.9.1.2
  const STE good = of_stage1();
  const STE nobody =
      STE(good).set(STE::S1CDMax, 1U).set(STE::S1DSS, v3::DefaultSubstream::kTerminate);
  const struct {
    STE ste;
    EventType type;
  } kRows[] = {
      {STE(good).set(STE::V, false), EventType::C_BAD_STE},
      {STE(good).set(STE::S1ContextPtr, 0x10'0000), EventType::F_CD_FETCH},
      {nobody, EventType::F_STREAM_DISABLED},
  };
  for (const bool recorded : {false, true}) {
    record(recorded);
    for (const auto& row : kRows) {
      attach(row.ste);
      EXPECT_THAT(device.request(kAddress), HasStatus(CompletionStatus::kCompleterAbort));
      if (recorded) {
        EXPECT_THAT(board.events(), ElementsAre(IsEvent(row.type, kStream)));
      } else {
        EXPECT_THAT(board.events(), IsEmpty());
      }
    }
    attach(good);
    use(CD());
    EXPECT_THAT(device.request(kAddress), HasStatus(CompletionStatus::kCompleterAbort));
    EXPECT_EQ(board.events().size(), recorded ? 1U : 0U);
    use(context(stage1));
    // A table that is not there.
    use(context(stage1).set(CD::TTB0, 0x10'0000));
    EXPECT_THAT(device.request(kAddress), HasStatus(CompletionStatus::kCompleterAbort));
    EXPECT_EQ(board.events().size(), recorded ? 1U : 0U);
    use(context(stage1));
    device.use(Pasid{SubstreamId(1)});
    EXPECT_THAT(device.request(kAddress), HasStatus(CompletionStatus::kCompleterAbort));
    EXPECT_EQ(board.events().size(), recorded ? 1U : 0U);
    device.use(std::nullopt);
  }
}

TEST_F(AtsRequests, OfStreamsThatAreNotThereAreRecordedIfBothBitsSaySo) {
  AtsDevice nobody(board.fabric, board.smmu().add_port(), StreamId(1000));
  for (const bool configuration : {false, true}) {
    for (const bool streams : {false, true}) {
      record(configuration, streams);
      EXPECT_THAT(nobody.request(kAddress), HasStatus(CompletionStatus::kCompleterAbort));
      EXPECT_EQ(board.events().size(), configuration && streams ? 1U : 0U);
    }
  }
}

TEST_F(AtsRequests, HaveNoAccessWhereStage2DoesNotLeadToTheTables) {
  record(true);
  attach(nested());
  ASSERT_THAT(device.request(kAddress), Grants(kReadWrite));
  attach(nested().set(STE::S1ContextPtr, 0x20'0000));  // an IPA that is not mapped
  EXPECT_THAT(device.request(kAddress), Grants(kNoAccess));
  attach(nested());
  use(context(guest).set(CD::TTB0, 0x20'0000));
  EXPECT_THAT(device.request(kAddress), Grants(kNoAccess));
  EXPECT_THAT(board.events(), IsEmpty());
}

TEST_F(AtsRequests, DoNotStall) {  // CD.A and S do not concern them
  attach(of_stage1());
  use(context(stage1).set(CD::S, true));
  EXPECT_THAT(device.request(kUnmapped), Grants(kNoAccess));
  use(context(stage1).set(CD::A, false));
  EXPECT_THAT(device.request(kUnmapped), Grants(kNoAccess));
  EXPECT_THAT(board.events(), IsEmpty());
}

// Stage 1 that is bypassed (13.6.4, 13.6.5).
TEST_F(AtsRequests, FindTheAddressItselfWhereStage1IsSkipped) {
  const auto skip = [](STE ste) {
    return ste.set(STE::S1CDMax, 1U).set(STE::S1DSS, v3::DefaultSubstream::kBypass);
  };
  attach(skip(of_stage1()));
  auto completion = device.request(Iova(0x1234'5000));
  ASSERT_THAT(completion, Grants(kReadWrite));
  EXPECT_EQ(completion.ranges()[0].address, completion.ranges()[0].translated);
  EXPECT_EQ(completion.ranges()[0].size, std::uint64_t{1} << 52);
  EXPECT_THAT(device.request(Iova(std::uint64_t{1} << 52)), Grants(kNoAccess));

  attach(skip(nested()));
  completion = device.request(kPage);
  ASSERT_THAT(completion, Grants(kReadWrite));
  EXPECT_EQ(completion.ranges()[0].translated, Iova(page.value));

  check(true);
  attach(skip(nested(AtsMode::kSplitStage)));
  completion = device.request(kPage);
  ASSERT_THAT(completion, Grants(kReadWrite));
  EXPECT_EQ(completion.ranges()[0].translated, kPage);
  EXPECT_THAT(device.request(kUnmapped), Grants(kNoAccess));
  EXPECT_THAT(board.events(), IsEmpty());
}

TEST_F(AtsRequests, SeeWhatIsDeniedByE0pd) {
  attach(of_stage1());
  use(context(stage1).set(CD::E0PD0, true));
  EXPECT_THAT(device.request(kAddress), Grants(kNoAccess));
}

TEST(AtsUnits, AreTheSmallestGranule) {  // 3.9.1
  Board::Options options;
  options.config.idr0.set(SMMU_IDR0::TTF, SMMU_IDR0::TableFormats::kAArch64);
  options.config.idr5.set(v3::SMMU_IDR5::GRAN4K, false).set(v3::SMMU_IDR5::GRAN16K, false);
  options.config.idr5.set(v3::SMMU_IDR5::DS, false);
  Board board(options);
  board.bring_up();
  PageTable table = board.page_table({.granule_bits = 16});
  const Pa page = board.allocate(0x1'0000, 0x1'0000);
  table.map(Iova(0x8000'0000), page, 0x1'0000);
  const Pa cd = board.allocate(64, 64);
  store(board.memory(), cd, context(table));
  board.attach(kStream, translate(cd).set(STE::EATS, AtsMode::kFull));
  AtsDevice device = board.ats_device(kStream);
  const auto completion = device.request(Iova(0x8000'f000), 2);
  ASSERT_THAT(completion, Grants(kReadWrite));
  EXPECT_EQ(completion.ranges()[0].size, 0x1'0000U);
  const auto none = device.request(Iova(0x9000'f000));
  ASSERT_THAT(none, Grants(kNoAccess));
  EXPECT_EQ(none.ranges()[0].address, Iova(0x9000'0000));
  EXPECT_EQ(none.ranges()[0].size, 0x1'0000U);
}

TEST(AtsAbsent, RequestsAreRefusedInSilence) {
  Board::Options options;
  options.config.s_idr3 = {};
  options.config.idr0.set(SMMU_IDR0::ATS, false).set(SMMU_IDR0::PRI, false);
  options.config.idr0.set(SMMU_IDR0::ATSRECERR, false);
  options.config.idr3.set(v3::SMMU_IDR3::PPS, false);
  AtsStream stream(options);
  // EATS is ignored, whatever it says.
  stream.attach(stream.of_stage1(AtsMode::kSplitStage));
  EXPECT_THAT(stream.device.request(kAddress), HasStatus(CompletionStatus::kUnsupportedRequest));
  EXPECT_THAT(stream.device.access_translated(Iova(stream.page.value)), Aborts());
  EXPECT_THAT(stream.board.events(), IsEmpty());
  EXPECT_THAT(stream.board.device(kStream).translate(kAddress), TranslatesTo(stream.page));
}

}  // namespace
}  // namespace smmu::testing::ats_request_test
