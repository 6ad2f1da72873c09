// One translation of an SMMUv2, told step by step.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

#include "test/cli/example_v2.h"
#include "test/cli/run_tool.h"

namespace smmu::cli::walk_v2_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Json = nlohmann::json;

std::string walk(const std::string& options) {
  const ToolRun run = run_tool(fmt::format("walk {} {}", example_v2(), options));
  EXPECT_EQ(run.status, 0) << options << "\n" << run.err;
  EXPECT_THAT(run.err, IsEmpty());
  return run.out;
}

void expect_in_order(const std::string& text, std::initializer_list<const char*> parts) {
  std::size_t at = 0;
  for (const char* part : parts) {
    const std::size_t found = text.find(part, at);
    ASSERT_NE(found, std::string::npos) << part << " in\n" << text;
    at = found;
  }
}

TEST(WalkV2, ATranslationIsToldFromTheStreamMatchToTheAttributes) {
  expect_in_order(walk("--sid 0x860 --iova 0x10123 --write"),
                  {"smmu_v2: stream 0x860 writes 0x10123: unprivileged, data",
                   "SMMU_sCR0",
                   "CLIENTPD 0",
                   "USFCFG 1 (no match: fault)",
                   "SMMU_SMR0",
                   "0x80000860",
                   "matches stream 0x860 alone of 48 groups",
                   "SMMU_S2CR0",
                   "CBNDX 0",
                   "TYPE 0 (translation)",
                   "SMMU_CBAR0",
                   "TYPE 1 (stage 1, stage 2 bypass)",
                   "SMMU_CBA2R0",
                   "VA64 1 (AArch64)",
                   "SMMU_CB0_SCTLR",
                   "M 1",
                   "SMMU_CB0_TCR",
                   "AArch64: VA64 is 1",
                   "T0SZ 0x19 (39-bit input)",
                   "SMMU_CB0_TCR2",
                   "PASize 5 (48 bits)",
                   "SEP 5 (bit 47)",
                   "SMMU_CB0_TTBR0",
                   "the address is of this half",
                   "BaseAddress 0x40001000",
                   "ASID 1",
                   "SMMU_CB0_MAIR0",
                   "Attr1 0xff (Normal write-back)",
                   "Level 1 table",
                   "at 0x40001000",
                   "iova[38:30] = 0x0",
                   "Level 2 table",
                   "Level 3 page",
                   "at 0x40003080",
                   "OA 0x40010000",
                   "pa 0x40010123",
                   "4 KiB at 0x40010000",
                   "Normal write-back (0xff), inner shareable",
                   "unprivileged  rwx"});
}

TEST(WalkV2, BothStagesOfANestedContextAreTold) {
  expect_in_order(walk("--sid 0x14e0 --iova 0x20040"), {"SMMU_SMR3",
                                                        "SMMU_S2CR3",
                                                        "CBNDX 1",
                                                        "SMMU_CBAR1",
                                                        "TYPE 3 (stage 1, then stage 2)",
                                                        "SMMU_CB1_TTBR0",
                                                        "BaseAddress 0x1000",
                                                        "SMMU_CBAR2",
                                                        "TYPE 0 (stage 2)",
                                                        "SMMU_CB2_SCTLR",
                                                        "SMMU_CB2_TCR",
                                                        "T0SZ 0x18 (40-bit input)",
                                                        "SL0 1",
                                                        "PASize 2 (40 bits)",
                                                        "SMMU_CB2_TTBR0",
                                                        "BaseAddress 0x40020000",
                                                        "Stage 2 Level 1 table",
                                                        "for level 1 of stage 1",
                                                        "Stage 2 Level 3 page",
                                                        "Level 1 table",
                                                        "at 0x40030000",
                                                        "Level 3 page",
                                                        "Stage 2 Level 1 table",
                                                        "for the output of stage 1",
                                                        "Stage 2 Level 3 page",
                                                        "OA 0x40040000",
                                                        "pa 0x40040040"});
}

// For each walk of stage 2 what it is for, also where it finds nothing.
TEST(WalkV2, WalksOfStage2SayWhatTheyAreFor) {
  const std::string told = walk("--sid 0x14e0 --iova 0x20040");
  expect_in_order(told, {"for level 1 of stage 1", "Level 1 table", "for level 2 of stage 1",
                         "Level 2 table", "for level 3 of stage 1", "Level 3 page",
                         "for the output of stage 1", "pa 0x40040040"});
  EXPECT_EQ(told.find("for the update"), std::string::npos);
  EXPECT_THAT(walk("--sid 0x860 --iova 0x10123"), Not(HasSubstr("for level")))
      << "there is no stage 2";
  EditedExample edited;
  // Where stage 2 has no page for the root, and none for the table that the root names.
  edited.set("CB1.TTBR0", "0x200000000b000");
  expect_in_order(
      edited.run("--sid 0x14e0 --iova 0x20040").out,
      {"for level 1 of stage 1", "Stage 2 Level 3 invalid", "SMMU_CB2_FSYNR0", "S1PTWF 1"});
  edited.set("CB1.TTBR0", "0x2000000001000");
  std::string text = edited.folder().read("memory.txt");
  const std::string entry = "page 0x40030000 bank 1, level 1\n000 2003\n";
  const std::size_t at = text.find(entry);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, entry.size(), "page 0x40030000 bank 1, level 1\n000 b003\n");
  edited.folder().write("memory.txt", text);
  expect_in_order(edited.run("--sid 0x14e0 --iova 0x20040").out,
                  {"for level 1 of stage 1", "Level 1 table", "for level 2 of stage 1",
                   "Stage 2 Level 3 invalid", "SMMU_CB2_FSYNR0", "S1PTWF 1"});
}

TEST(WalkV2, ShortDescriptorsAreToldToo) {
  expect_in_order(
      walk("--sid 0x890 --iova 0x30020"),
      {"SMMU_CBA2R3", "VA64 0 (AArch32)", "SMMU_CB3_TCR",
       "AArch32, short descriptors: VA64 is 0, EAE is 0", "SMMU_CB3_TTBR0",
       "BaseAddress 0x40050000", "Level 1 table", "Level 2 small page", "pa 0x40060020"});
}

TEST(WalkV2, WhatPassesSaysWhy) {
  expect_in_order(walk("--sid 0x868 --iova 0x1234"),
                  {"SMMU_S2CR1", "TYPE 1 (bypass)", "pa 0x1234",
                   "the address that came in: SMMU_S2CR1.TYPE says bypass"});
  EditedExample edited;
  edited.set("sCR0", "0x00200001");
  EXPECT_THAT(edited.run("--sid 0x860 --iova 0x1234").out,
              AllOf(HasSubstr("the address that came in: SMMU_sCR0.CLIENTPD is 1"),
                    Not(HasSubstr("SMMU_SMR0"))));
  edited.set("sCR0", "0x00200000");
  EXPECT_THAT(edited.run("--sid 0x999 --iova 0x1234").out,
              AllOf(HasSubstr("stream 0x999 has no group: SMMU_sCR0.USFCFG 0 lets it bypass"),
                    HasSubstr("no group matches the stream, and SMMU_sCR0.USFCFG is 0")));
  edited.set("CB0.SCTLR", "0x00000160");
  EXPECT_THAT(edited.run("--sid 0x860 --iova 0x1234").out,
              AllOf(HasSubstr("M 0: it does not translate"),
                    HasSubstr("the address that came in: SMMU_CB0_SCTLR.M is 0")));
}

TEST(WalkV2, AContextFaultIsToldAsItsBankRecordsIt) {
  expect_in_order(
      walk("--sid 0x860 --iova 0x11008 --write"),
      {"Level 3 page", "terminated: the device sees a bus error",
       "AP 3 (r), with what the tables above say, does not allow it.", "!  SMMU_CB0_FSR", "0x408",
       "PF 1 (permission)  FORMAT 2 (AArch64)", "!  SMMU_CB0_FSYNR0", "PLVL 3  WNR 1 (write)",
       "!  SMMU_CB0_FAR", "FADDR 0x11008", "!  SMMU_CBFRSYNRA0", "StreamID 0x860"});
  EXPECT_THAT(walk("--sid 0x860 --iova 0x12000"),
              HasSubstr("The Access flag, AF, of the last descriptor is 0."));
  EXPECT_THAT(walk("--sid 0x860 --iova 0x13000 --privileged --instruction"),
              AllOf(HasSubstr("The descriptor is invalid: iova[20:12] = 0x13.\n"),
                    HasSubstr("PNU 1 (privileged)  IND 1 (instruction)")));
  // Beyond 39 bits, and in the half that EPD1 switches off.
  EXPECT_THAT(walk("--sid 0x860 --iova 0x8000000000"),
              HasSubstr("SMMU_CB0_TCR does not translate this address: it is of neither half."));
  EXPECT_THAT(walk("--sid 0x860 --iova 0xffffffffffff0000"),
              HasSubstr("SMMU_CB0_TCR disables this half: EPD1 is 1"));
}

TEST(WalkV2, AFaultOfStage2IsOfItsBank) {
  expect_in_order(walk("--sid 0x14e0 --iova 0x22010"),
                  {"Stage 2 Level 3 invalid", "The descriptor is invalid: ipa[20:12] = 0xa.",
                   "!  SMMU_CB2_FSR", "TF 1 (translation)", "!  SMMU_CB2_FSYNR0",
                   "NESTED 1  WNR 0 (read)  S1CBNDX 1", "!  SMMU_CB2_FAR", "FADDR 0x22010",
                   "!  SMMU_CB2_IPAFAR", "FADDR 0xa010", "!  SMMU_CBFRSYNRA2"});
  EXPECT_THAT(walk("--sid 0x14e0 --iova 0x21000 --write"),
              HasSubstr("S2AP 1 (r) does not allow it."));
}

TEST(WalkV2, AFaultThatADeviceCouldWaitForSaysSo) {
  constexpr char kStalls[] =
      "A device that can wait would stall, because SMMU_CB0_SCTLR.CFCFG is 1.";
  EXPECT_THAT(walk("--sid 0x860 --iova 0x12000"), Not(HasSubstr("would stall")));
  EditedExample edited;
  edited.set("CB0.SCTLR", "0x000001e1");
  EXPECT_THAT(
      edited.run("--sid 0x860 --iova 0x12000").out,
      AllOf(HasSubstr("The Access flag, AF, of the last descriptor is 0."), HasSubstr(kStalls)));
  edited.set("CB0.SCTLR", "0x000001c1");
  EXPECT_THAT(edited.run("--sid 0x860 --iova 0x12000").out,
              AllOf(HasSubstr(kStalls), HasSubstr("SMMU_CB0_SCTLR.CFRE is 0.")));
  EXPECT_THAT(edited.run("--sid 0x999 --iova 0x12000").out, Not(HasSubstr("would stall")));
}

TEST(WalkV2, AGlobalFaultIsToldAsItIsRecorded) {
  expect_in_order(walk("--sid 0x999 --iova 0x2000 --write"),
                  {"stream 0x999 has no group: SMMU_sCR0.USFCFG 1 says fault",
                   "terminated: the device sees a bus error",
                   "No group matches the stream, and SMMU_sCR0.USFCFG is 1.", "!  SMMU_sGFSR",
                   "USF 1 (unidentified stream)", "!  SMMU_sGFSYNR0", "WNR 1 (write)",
                   "!  SMMU_sGFSYNR1", "StreamID 0x999", "!  SMMU_sGFAR", "FADDR 0x2000"});
  expect_in_order(walk("--sid 0x880 --iova 0x2000"),
                  {"SMMU_SMR4", "SMMU_SMR5", "2 groups match: SMMU_sCR0.SMCFCFG 1 says fault",
                   "Several groups match the stream", "SMCF 1 (stream match conflict)"});
  expect_in_order(
      walk("--sid 0x873 --iova 0x2000"),
      {"SMMU_S2CR2", "TYPE 2 (fault)", "SMMU_S2CR2.TYPE says fault.", "ICF 1 (invalid context)"});
  EditedExample edited;
  edited.set("sCR0", "0x00200400");
  EXPECT_THAT(edited.run("--sid 0x999 --iova 0x2000").out,
              AllOf(HasSubstr("RAZ/WI"),
                    HasSubstr("The device sees no error, because SMMU_sCR0.GFRE is 0.")));
}

TEST(WalkV2, WhatIsWrongWithBanksIsSaid) {
  EditedExample edited;
  edited.set("S2CR0", "0x000000f0");
  EXPECT_THAT(edited.run("--sid 0x860 --iova 0x0").out,
              HasSubstr("SMMU_S2CR0.CBNDX is a bank that is not there, or not of this Security"));
  edited.set("CBAR1", "0x00030007");
  EXPECT_THAT(edited.run("--sid 0x14e0 --iova 0x0").out,
              HasSubstr("SMMU_CBAR1.CBNDX is a bank that is not of stage 2."));
  edited.set("CBAR1", "0x0003f007");
  EXPECT_THAT(edited.run("--sid 0x14e0 --iova 0x0").out,
              HasSubstr("SMMU_CBAR1.CBNDX is a bank that is not there."));
  edited.set("CBAR1", "0x00020007");
  EXPECT_THAT(edited.run("--sid 0x14e0 --iova 0x0").out,
              HasSubstr("SMMU_CBAR1.TYPE says fault for all that needs a stage 2"));
  edited.set("CB3.TTBR0", "0x50050000");
  EXPECT_THAT(edited.run("--sid 0x890 --iova 0x0").out,
              AllOf(HasSubstr("the read aborts"), HasSubstr("could not be read"),
                    HasSubstr("SMMU_SCR1.GEFRO is 1"), HasSubstr("the Secure copy"),
                    HasSubstr("EF 1 (external)")));
}

TEST(WalkV2, SecureDevicesHaveTheirOwnRegisters) {
  EXPECT_THAT(walk("--sid 0x860 --iova 0x10123 --secure"),
              AllOf(HasSubstr("Secure stream 0x860 reads"), HasSubstr("the Secure copy"),
                    HasSubstr("SMMU_sCR0.CLIENTPD is 1")));
  EditedExample edited;
  edited.set("SCR1", "0x0201200f");
  edited.set("secure:sCR0", "0x00200402");
  edited.set("SMR47", "0x80000860");
  edited.set("S2CR47", "0x0000000f");
  edited.set("CBAR15", "0x0001f300");
  edited.set("CBA2R15", "0x1");
  edited.set("CB15.TCR", "0x80993519");
  edited.set("CB15.TCR2", "0x28005");
  edited.set("CB15.TTBR0", "0x40001000");
  edited.set("CB15.MAIR0", "0x0000ff44");
  edited.set("CB15.SCTLR", "0x161");
  const ToolRun run = edited.run("--sid 0x860 --iova 0x10123 --secure");
  EXPECT_EQ(run.status, 0) << run.err;
  expect_in_order(run.out, {"SMMU_SMR47", "SMMU_CB15_TTBR0", "Level 3 page", "pa 0x40010123"});
  // Of an SMMUv3 there is no such capture.
  const ToolRun v3 = run_tool(
      fmt::format("walk --secure --sid 0x40 --iova 0 {}", committed_capture("linux-6.1-vfio")));
  EXPECT_EQ(v3.status, 2);
  EXPECT_EQ(v3.err, "smmu: --secure: expected the registers.txt of an SMMUv2.\n");
}

TEST(WalkV2, RegistersMayBeToldByOffsetsInWordsOf32Bits) {
  EditedExample edited;
  std::string text = edited.folder().read("registers.txt");
  const std::string whole = "CB0.TTBR0 0x1000040001000\n";
  const std::size_t at = text.find(whole);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, whole.size(), "0x10024 0x00010000\n0x10020 0x40001000\n");
  edited.folder().write("registers.txt", text);
  EXPECT_THAT(edited.run("--sid 0x860 --iova 0x10123").out,
              AllOf(HasSubstr("BaseAddress 0x40001000  ASID 1"), HasSubstr("pa 0x40010123")));
}

TEST(WalkV2, TheSameIsToldInJson) {
  const Json json = Json::parse(walk("--json --sid 0x860 --iova 0x11008 --write"), nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["steps"][0]["step"], "SMMU_sCR0");
  EXPECT_EQ(json["steps"][2]["fields"]["TYPE"], "0x0");
  EXPECT_EQ(json["outcome"]["result"], "abort");
  EXPECT_EQ(json["registers"][0]["step"], "SMMU_CB0_FSR");
  EXPECT_EQ(json["registers"][0]["words"][0], "0x408");
  const std::string line = walk("--line --sid 0x860 --iova 0x10123");
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  const Json short_json = Json::parse(line, nullptr, false);
  EXPECT_EQ(short_json["outcome"]["pa"], "0x40010123");
  EXPECT_FALSE(short_json.contains("steps"));
}

}  // namespace
}  // namespace smmu::cli::walk_v2_test
