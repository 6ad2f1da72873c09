// The committed captures of a real kernel: everything agrees, and whatever is changed in one is
// noticed by the check it belongs to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "emulator/cli/capture.h"
#include "emulator/cli/replay_checks.h"
#include "smmu/arch/v3/registers.h"

namespace smmu::cli::captures_test {
namespace {

using emulator::CachePolicy;
using emulator::Caching;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Capture& committed(const std::string& name) {
  static const Capture strict =
      Capture::load(std::filesystem::path(SMMU_TEST_DATA) / "captures/linux-6.1-strict");
  static const Capture vfio =
      Capture::load(std::filesystem::path(SMMU_TEST_DATA) / "captures/linux-6.1-vfio");
  return name == "linux-6.1-strict" ? strict : vfio;
}

Capture vfio() {
  return Capture::load(std::filesystem::path(SMMU_TEST_DATA) / "captures/linux-6.1-vfio");
}

Caching caching_of(CachePolicy policy) {
  return {.policy = policy,
          .main_tlb = {.sets = 16, .ways = 2},
          .configuration = {.sets = 2, .ways = 2}};
}

class CommittedCapture : public ::testing::TestWithParam<std::tuple<const char*, CachePolicy>> {
 protected:
  const Capture& capture() const { return committed(std::get<0>(GetParam())); }
  Caching caching() const { return caching_of(std::get<1>(GetParam())); }
};

void expect_agreement(const Check& check, std::size_t compared) {
  EXPECT_EQ(check.compared, compared) << check.name;
  EXPECT_THAT(check.details, IsEmpty()) << check.name;
  EXPECT_TRUE(check.agrees()) << check.name;
}

TEST_P(CommittedCapture, EveryTranslationAgrees) {
  expect_agreement(check_translations(capture(), caching()), capture().translations.size());
}

TEST_P(CommittedCapture, EveryLeafIsFoundAndThePortAgrees) {
  const std::vector<Check> checks = check_mappings(capture(), caching());
  ASSERT_EQ(checks.size(), 3);
  expect_agreement(checks[0], capture().streams.size());
  expect_agreement(checks[1], capture().mappings.size());
  expect_agreement(checks[2], capture().mappings.size());
}

TEST_P(CommittedCapture, EveryFaultAgrees) {
  const Check check = check_faults(capture(), caching());
  expect_agreement(check, capture().faults.size());
  EXPECT_THAT(check.notes, IsEmpty());
}

TEST_P(CommittedCapture, EveryRecordIsGivenAgain) {
  const Check check = check_events(capture(), caching());
  expect_agreement(check, capture().events.size());
  EXPECT_THAT(check.notes, IsEmpty());
  // QEMU left CLASS out of each of them.
  EXPECT_EQ(check.masked, capture().faults.size());
}

TEST_P(CommittedCapture, EveryAbortedAccessAborts) {
  expect_agreement(check_bypass(capture(), caching()), capture().bypass.size());
}

TEST_P(CommittedCapture, EveryWalkReadsItsDescriptorsInOrder) {
  expect_agreement(check_walks(capture(), caching()), 3000);
}

TEST_P(CommittedCapture, TheStoryFromPowerOnAgrees) {
  const std::vector<Check> checks = check_bring_up(capture(), caching());
  ASSERT_EQ(checks.size(), 3);
  expect_agreement(checks[0], capture().accesses.size());
  expect_agreement(checks[1], capture().commands.size());
  expect_agreement(checks[2], capture().registers.by_offset().size() - 1);  // SMMU_EVENTQ_PROD
}

TEST_P(CommittedCapture, ThePolicyKeepsWhatItSays) {
  const Check check = check_caching(capture(), caching());
  EXPECT_THAT(check.details, IsEmpty());
  EXPECT_GE(check.compared, capture().translations.size());
}

INSTANTIATE_TEST_SUITE_P(All, CommittedCapture,
                         ::testing::Combine(::testing::Values("linux-6.1-strict", "linux-6.1-vfio"),
                                            ::testing::Values(CachePolicy::kNone,
                                                              CachePolicy::kRealistic,
                                                              CachePolicy::kAdversarial)));

// --- What a check would be worth if it could not fail. ---

void expect_noticed(const Check& check, std::string_view detail) {
  EXPECT_EQ(check.disagreements, 1) << check.name;
  EXPECT_THAT(check.details, Each(HasSubstr(detail)));
  EXPECT_EQ(check.details.size(), 1) << check.name;
}

const Caching kNone = caching_of(CachePolicy::kNone);

TEST(ChangedCapture, AnotherAddressOfATranslationIsNoticed) {
  Capture capture = vfio();
  capture.translations[3].pa += 0x1000;
  expect_noticed(check_translations(capture, kNone),
                 "translations.tsv:5: stream 0x10, read of 0xffb1f000: "
                 "expected ok 0x1054e8000, got ok 0x1054e7000");
}

TEST(ChangedCapture, AnotherPermissionOfATranslationIsNoticed) {
  Capture capture = vfio();
  ASSERT_TRUE(capture.translations[3].allows.write);
  capture.translations[3].allows.write = false;
  expect_noticed(check_translations(capture, kNone),
                 "write of 0xffb1f000: expected a fault, got ok");
  capture = vfio();
  for (RecordedTranslation& line : capture.translations) {
    if (line.allows.write) continue;
    line.allows.write = true;
    break;
  }
  expect_noticed(check_translations(capture, kNone), "got abort, event 0x");
}

TEST(ChangedCapture, AnExcludedTranslationExcusesNoLine) {
  Capture capture = vfio();
  // Where the tables translate the address to now has nothing to do with where they did.
  RecordedTranslation stale = capture.translations[3];
  stale.pa += 0x1000;
  capture.excluded.push_back(stale);
  const Check check = check_translations(capture, kNone);
  expect_agreement(check, capture.translations.size());
  EXPECT_THAT(check.notes, Each(HasSubstr("1 are excluded")));

  capture.translations[3].pa += 0x1000;
  expect_noticed(check_translations(capture, kNone), "translations.tsv:5:");

  // Not even if every line is excluded.
  capture = vfio();
  for (RecordedTranslation& line : capture.translations) line.pa += 0x1000;
  capture.excluded = capture.translations;
  EXPECT_EQ(check_translations(capture, kNone).disagreements, capture.translations.size());
}

TEST(ChangedCapture, AnExcludedTranslationThatTheTablesGiveIsNoticed) {
  Capture capture = vfio();
  capture.excluded.push_back(capture.translations[3]);
  expect_noticed(check_translations(capture, kNone), "excluded.tsv:5: stream 0x10, 0xffb1f000");
  // An address that is mapped with other permissions now was stale.
  capture.excluded[0].allows.write = false;
  expect_agreement(check_translations(capture, kNone), capture.translations.size());
}

TEST(ChangedCapture, AMappingThatIsMissingOrOneTooManyIsNoticed) {
  Capture capture = vfio();
  capture.mappings.pop_back();
  expect_noticed(check_mappings(capture, kNone)[1], "is not in mappings.tsv");
  capture = vfio();
  capture.mappings.push_back(capture.mappings.front());
  capture.mappings.back().iova = 0x1000;
  expect_noticed(check_mappings(capture, kNone)[1], "0x1000: the tables have no such leaf");
}

TEST(ChangedCapture, EveryColumnOfAMappingIsCompared) {
  constexpr std::pair<const char*, std::uint64_t Mapping::*> kColumns[] = {
      {"asid", &Mapping::asid},
      {"pa", &Mapping::pa},
      {"size", &Mapping::size},
      {"level", &Mapping::level},
      {"descriptor ", &Mapping::descriptor},
      {"descriptor_address", &Mapping::descriptor_address},
      {"attrindx", &Mapping::attrindx},
      {"mair_attr", &Mapping::mair_attr},
      {"sh", &Mapping::sh},
      {"ap", &Mapping::ap},
      {"af", &Mapping::af},
      {"ng", &Mapping::ng},
      {"cont", &Mapping::cont},
      {"dbm", &Mapping::dbm},
      {"pxn", &Mapping::pxn},
      {"xn", &Mapping::xn}};
  Capture capture = vfio();
  for (const auto& [name, column] : kColumns) {
    capture.mappings[7].*column ^= 1;
    expect_noticed(check_mappings(capture, kNone)[1], std::string("expected ") + name);
    capture.mappings[7].*column ^= 1;
  }
}

TEST(ChangedCapture, AStreamThatIsMissingOrOtherIsNoticed) {
  Capture capture = vfio();
  capture.streams.pop_back();
  expect_noticed(check_mappings(capture, kNone)[0], "is not in streams.tsv");
  capture = vfio();
  capture.streams[1].ste[1] ^= 1;
  expect_noticed(check_mappings(capture, kNone)[0], "its STE has other words");
  capture = vfio();
  (*capture.streams[1].cd)[3] ^= 1;
  expect_noticed(check_mappings(capture, kNone)[0], "its CD has other words");
}

TEST(ChangedCapture, AnotherFaultOrLevelOrRecordIsNoticed) {
  Capture capture = vfio();
  ASSERT_EQ(capture.faults[6].event, v3::EventType::F_PERMISSION);
  capture.faults[6].write = false;
  expect_noticed(check_faults(capture, kNone), "read of 0x400040: expected a fault, got ok");
  capture = vfio();
  capture.faults[0].level = 1;
  expect_noticed(check_faults(capture, kNone), "expected the walk to end at level 1");
  capture = vfio();
  capture.faults[0].event = v3::EventType::F_ACCESS;
  expect_noticed(check_faults(capture, kNone), "expected one record, of this event, got record 0x");
}

TEST(ChangedCapture, ARecordThatIsMissingIsNoticed) {
  Capture capture = vfio();
  capture.events.erase(capture.events.begin() + 7);
  expect_noticed(check_faults(capture, kNone), "expected its record in events.tsv, found none");
  EXPECT_THAT(check_events(capture, kNone).details,
              Contains("events.tsv has 169 records, SMMU_EVENTQ_PROD in registers.txt counts 170"));
  capture.events.clear();
  EXPECT_EQ(check_faults(capture, kNone).disagreements, 170);
  expect_noticed(check_events(capture, kNone), "events.tsv has 0 records");
}

TEST(ChangedCapture, ARecordTooManyIsNoticed) {
  Capture capture = vfio();
  capture.events.push_back(capture.events[7]);
  EXPECT_THAT(check_events(capture, kNone).details,
              Contains("events.tsv has 171 records, SMMU_EVENTQ_PROD in registers.txt counts 170"));
}

TEST(ChangedCapture, ARecordThatIsOtherIsNoticedByTheDumpAndByTheReplay) {
  Capture capture = vfio();
  capture.events[5].words[1] ^= std::uint64_t{1} << 33;  // PnU
  const Check check = check_events(capture, kNone);
  EXPECT_EQ(check.disagreements, 2);
  EXPECT_THAT(check.details, Contains(HasSubstr("events.tsv:7: expected the record 0x4000000013,"
                                                "0x0,0x400054,0x0 that memory.txt has at")));
  EXPECT_THAT(check.details, Contains(HasSubstr("events.tsv:7: stream 0x40, write of 0x400054: "
                                                "expected the record 0x4000000013,0x200000000")));
}

// The capture without what the dump says of the queue, for records that QEMU did not write.
Capture vfio_with_events(std::vector<EventWords> records) {
  Capture capture = vfio();
  RegisterValues registers;
  for (const auto& [offset, value] : capture.registers.by_offset()) {
    if (offset != v3::SMMU_EVENTQ_PROD::kOffset) registers.add(offset, value);
  }
  capture.registers = registers;
  capture.faults.clear();
  capture.events.clear();
  for (const EventWords& words : records) {
    capture.events.push_back({capture.events.size() + 2, words});
  }
  return capture;
}

TEST(ChangedCapture, ARecordWithoutAFaultLineIsReplayedAlone) {
  Capture capture = vfio();
  capture.faults.clear();
  const Check check = check_events(capture, kNone);
  expect_agreement(check, 170);
  EXPECT_THAT(check.notes, Each("170 of them have no line in faults.tsv and were replayed alone"));
  // A stream that the table does not have; its record tells neither address nor direction.
  expect_agreement(check_events(vfio_with_events({{0x123400000002, 0, 0, 0}}), kNone), 1);
  expect_noticed(check_events(vfio_with_events({{0x123400000002, 0, 0x1000, 0}}), kNone),
                 "events.tsv:2: stream 0x1234");
}

TEST(ChangedCapture, ARecordOfWhatTheDumpDoesNotGiveAnyMoreIsCounted) {
  // Stream 0x40 has an STE and a CD, and 0x400040 may be read.
  const Check check = check_events(
      vfio_with_events({{0x4000000004, 0, 0, 0},                     // C_BAD_STE
                        {0x400000000a, 0, 0, 0},                     // C_BAD_CD
                        {0x4000000010, 0x800000000, 0x400040, 0}}),  // F_TRANSLATION, read
      kNone);
  EXPECT_TRUE(check.agrees()) << check.details[0];
  EXPECT_EQ(check.compared, 0);
  EXPECT_THAT(check.notes, Each(HasSubstr("3 more are not compared: faults.tsv and the tables")));
}

TEST(ChangedCapture, ARecordThatTheTablesStillGiveIsNotGone) {
  // Nothing is mapped at 0x140000, but the record says that this was a privileged access: no
  // replay gives it.
  expect_noticed(check_events(vfio_with_events({{0x4000000010, 0xa00000000, 0x140000, 0}}), kNone),
                 "events.tsv:2: stream 0x40, read of 0x140000: expected the record");
}

TEST(ChangedCapture, RecordsMayBeLostWhereTheQueueWasFull) {
  Capture capture = vfio();
  capture.events.resize(100);
  capture.accesses.push_back({99, false, v3::SMMU_GERROR::kOffset, 4, 0x4});  // EVENTQ_ABT_ERR
  const Check faults = check_faults(capture, kNone);
  expect_agreement(faults, 170);
  EXPECT_THAT(faults.notes, Each(HasSubstr("70 have no record in events.tsv, because the Event")));
  const Check events = check_events(capture, kNone);
  expect_agreement(events, 100);
  EXPECT_THAT(events.notes, Each(HasSubstr("the Event queue was full")));
}

// The capture with every CD.R 0: its faults are not recorded.
Capture vfio_without_records() {
  Capture capture = vfio_with_events({});
  capture.faults = vfio().faults;
  for (const RecordedStream& stream : capture.streams) {
    if (const auto cd = stream.cd_address)
      capture.memory.set(*cd, *capture.memory.word(*cd) & ~(std::uint64_t{1} << 45));
  }
  return capture;
}

TEST(ChangedCapture, AFaultThatIsNotRecordedIsComparedByItsEvent) {
  Capture capture = vfio_without_records();
  const Check check = check_faults(capture, kNone);
  expect_agreement(check, 170);
  EXPECT_THAT(check.notes, Each(HasSubstr("170 are not recorded, as CD.R")));
  expect_agreement(check_events(capture, kNone), 0);
  capture.faults[0].event = v3::EventType::F_ACCESS;
  expect_noticed(check_faults(capture, kNone), "expected a fault of this event, got record 0x");
  // What was recorded before is given by an SMMU that records.
  capture.events = vfio().events;
  expect_agreement(check_events(capture, kNone), 170);
}

TEST(ChangedCapture, TranslationsThatFaultShowNothingOfCopies) {
  for (const CachePolicy policy :
       {CachePolicy::kNone, CachePolicy::kRealistic, CachePolicy::kAdversarial}) {
    Capture capture = vfio();
    capture.memory = MemoryImage();
    const Check check = check_caching(capture, caching_of(policy));
    EXPECT_GE(check.disagreements, capture.translations.size());
    EXPECT_THAT(check.details, Contains(HasSubstr("expected a translation, got abort")));
  }
}

TEST(ChangedCapture, ATlbMayEvictAboveItsCap) {
  Caching caching = caching_of(CachePolicy::kAdversarial);
  caching.cap = 64;
  const Check check = check_caching(committed("linux-6.1-vfio"), caching);
  EXPECT_THAT(check.details, IsEmpty());
  EXPECT_THAT(check.notes, Each(HasSubstr("because there are more than the cap")));
}

TEST(ChangedCapture, ABypassedAccessIsAskedWithTheSteOfItsTime) {
  Capture capture = vfio();
  capture.bypass = {{2, 0x30, BypassKind::kDisable, 0x1234},
                    {3, 0x30, BypassKind::kBypass, 0x1234},
                    {4, 0x40, BypassKind::kAbort, 0x400000}};
  const Check check = check_bypass(capture, kNone);
  expect_agreement(check, 3);
  EXPECT_THAT(check.notes, Each(HasSubstr("2 with an STE that memory.txt no longer has")));
  // A stream that has no STE at all is refused, and with an event.
  capture.bypass = {{2, 0x4000, BypassKind::kAbort, 0x1234}};
  expect_noticed(check_bypass(capture, kNone),
                 "bypass.tsv:2: stream 0x4000, 0x1234: expected abort and no "
                 "event, got abort, event 0x400000000002");
}

TEST(ChangedCapture, AnotherWalkIsNoticed) {
  Capture capture = vfio();
  capture.walks.resize(8);
  capture.walks[2].steps[3].descriptor ^= 0x1000;
  expect_noticed(check_walks(capture, kNone), "walks.tsv:4:");
  capture = vfio();
  capture.walks.resize(8);
  capture.walks[2].steps[1].address += 8;
  expect_noticed(check_walks(capture, kNone), "walks.tsv:4:");
  capture = vfio();
  capture.walks.resize(8);
  capture.walks[2].allows.write = !capture.walks[2].allows.write;
  expect_noticed(check_walks(capture, kNone), "write expected");
}

TEST(ChangedCapture, AWalkWhoseTablesAreGoneGetsACdOfItsOwn) {
  Capture capture = vfio();
  capture.walks.resize(1);
  // Another domain: the dump's CD has another ASID.
  capture.walks[0].asid = 77;
  const Check check = check_walks(capture, kNone);
  expect_agreement(check, 1);
  EXPECT_THAT(check.notes, Each(HasSubstr("1 with a CD made up from the walk")));
}

TEST(ChangedCapture, AnotherRegisterValueIsNoticed) {
  Capture capture = vfio();
  ASSERT_FALSE(capture.accesses[0].write);
  capture.accesses[0].value ^= 2;
  expect_noticed(check_bring_up(capture, kNone)[0],
                 "mmio.log:2: read of SMMU_IDR0: expected 0xd401018, got "
                 "0xd40101a");
  capture = vfio();
  RegisterValues registers;
  for (const auto& [offset, value] : capture.registers.by_offset()) {
    registers.add(offset, offset == v3::SMMU_CR1::kOffset ? value ^ 1 : value);
  }
  capture.registers = registers;
  expect_noticed(check_bring_up(capture, kNone)[2],
                 "registers.txt: SMMU_CR1: expected 0xd74, got 0xd75");
}

TEST(ChangedCapture, WhatQemuCannotHaveReadIsExceptedByNameAndNothingElseIs) {
  Capture capture = vfio();
  const auto log = [&capture](bool write, std::uint32_t offset, std::uint64_t value) {
    capture.accesses.push_back({99, write, offset, 4, value});
  };
  log(true, v3::SMMU_GBPA::kOffset, 0x80100000);  // ABORT, which QEMU 7.2 does not keep
  log(false, v3::SMMU_GBPA::kOffset, 0x0);
  log(false, v3::SMMU_GERROR::kOffset, 0x4);  // EVENTQ_ABT_ERR
  const Check check = check_bring_up(capture, kNone)[0];
  EXPECT_TRUE(check.agrees());
  EXPECT_THAT(check.notes, Contains(HasSubstr("1 reads of SMMU_GBPA excepted: QEMU 7.2 has no")));
  EXPECT_THAT(check.notes, Contains(HasSubstr("1 reads of SMMU_GERROR excepted: no device")));
  capture.accesses.back().value = 0x5;
  expect_noticed(check_bring_up(capture, kNone)[0], "read of SMMU_GERROR: expected 0x5, got 0x0");
  capture.accesses[capture.accesses.size() - 2].value = 0x1000;
  EXPECT_EQ(check_bring_up(capture, kNone)[0].disagreements, 2);
}

TEST(ChangedCapture, AnIllegalOrMissingOrExtraCommandIsNoticed) {
  Capture capture = vfio();
  capture.commands[20].words[0] = 0xff;
  const std::vector<Check> illegal = check_bring_up(capture, kNone);
  EXPECT_THAT(illegal[1].details[0], HasSubstr("commands.tsv:22: expected 0xff,0x0, consumed "
                                               "0xff,0x0 with error 1"));
  EXPECT_FALSE(illegal[0].agrees());
  capture = vfio();
  capture.commands.pop_back();
  EXPECT_THAT(check_bring_up(capture, kNone)[1].details,
              Contains("mmio.log publishes 1 commands that commands.tsv does not have"));
  capture = vfio();
  capture.commands.push_back(capture.commands.back());
  expect_noticed(check_bring_up(capture, kNone)[1], "never consumed");
}

}  // namespace
}  // namespace smmu::cli::captures_test
