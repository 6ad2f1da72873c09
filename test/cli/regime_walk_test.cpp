// `smmu walk --regime`: every format of tables, through one stage and both, from a file of memory.
// Descriptors are typed in from DDI 0487, D8.3 and G5.4 to G5.6.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "test/cli/raw_memory_file.h"

namespace smmu::cli::regime_walk_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Json = nlohmann::json;

class RegimeWalks : public ::testing::Test {
 protected:
  ToolRun walk(const std::string& regime, std::uint64_t address, const std::string& more = "") {
    return run_tool(fmt::format("walk --memory {} --regime {} --address {:#x} {}", memory_.save(),
                                regime, address, more));
  }
  // What it came to.
  Json result(const std::string& regime, std::uint64_t address, const std::string& more = "") {
    const ToolRun run = walk(regime, address, "--line " + more);
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 1) << run.out;
    Json json = Json::parse(run.out, nullptr, false);
    EXPECT_TRUE(json.is_object());
    return json.is_object() ? json : Json::object();
  }
  void expect_pa(const std::string& regime, std::uint64_t address, std::uint64_t pa,
                 std::uint64_t size) {
    const Json json = result(regime, address);
    EXPECT_EQ(json["outcome"]["pa"], fmt::format("{:#x}", pa)) << regime << "\n" << json.dump(2);
    EXPECT_EQ(json["outcome"]["size"], fmt::format("{:#x}", size)) << regime;
  }
  void expect_rights(const std::string& regime, std::uint64_t address,
                     const std::string& unprivileged, const std::string& privileged) {
    // Whoever asks: a privileged read, and if that is denied an unprivileged one.
    Json json = result(regime, address, "--privileged");
    if (!json["outcome"].contains("pa")) json = result(regime, address);
    EXPECT_EQ(json["outcome"]["unprivileged"], unprivileged) << regime << "\n" << json.dump(2);
    EXPECT_EQ(json["outcome"]["privileged"], privileged) << regime;
  }
  void expect_fault(const std::string& regime, std::uint64_t address, const std::string& type,
                    unsigned stage, int level, const std::string& class_name,
                    const std::string& more = "") {
    const Json json = result(regime, address, more);
    EXPECT_EQ(json["outcome"]["result"], "abort") << regime;
    EXPECT_EQ(json["fault"]["type"], type) << regime << "\n" << json.dump(2);
    EXPECT_EQ(json["fault"]["stage"], stage) << regime;
    EXPECT_EQ(json["fault"]["level"], level) << regime;
    EXPECT_EQ(json["fault"]["class"], class_name) << regime;
  }

  // Tables of 4 KiB granules, with a page for 0x12345678; `attributes` of the leaf.
  static constexpr std::uint64_t kAddress = 0x1234'5678;
  void put_four_levels(std::uint64_t leaf) {
    memory_.put64(0x8000'1000, 0x8000'2003);
    memory_.put64(0x8000'2000, 0x8000'3003);
    memory_.put64(0x8000'3488, 0x8000'4003);  // [29:21] = 0x91
    memory_.put64(0x8000'4a28, leaf);         // [20:12] = 0x145
  }
  // A stage 2 of two levels, its 4 KiB pages where the caller says.
  void put_stage2(std::uint64_t ipa, std::uint64_t leaf) {
    memory_.put64(0x8010'0000 + (ipa >> 30) * 8, 0x8010'1003);
    memory_.put64(0x8010'1000 + (ipa >> 21 & 0x1ff) * 8, 0x8010'2003);
    memory_.put64(0x8010'2000 + (ipa >> 12 & 0x1ff) * 8, leaf);
  }

  RawMemoryFile memory_;
};

// AF, AP[2:1] 0b01: everybody reads and writes.
constexpr std::uint64_t kPage = 0x443;
// S2AP 0b11, AF, MemAttr 0b1111.
constexpr std::uint64_t kPage2 = 0x4ff;
const std::string kFourLevels = "TTB0=0x80001000,T0SZ=16";
const std::string kStage2 = "S2TTB=0x80100000,S2T0SZ=25,S2SL0=1";  // 39 bits

TEST_F(RegimeWalks, TellEachStep) {
  put_four_levels(0x9'8765'4000 | kPage | 1 << 2);  // AttrIndx 1
  const ToolRun run = walk(kFourLevels + ",TG0=4K,IPS=48,MAIR=0xff44", kAddress);
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.err, IsEmpty());
  std::size_t at = 0;
  // In this order.
  for (const char* text : {"reads 0x12345678: unprivileged, data",
                           "1  Stage 1",
                           "aarch64",
                           "T0SZ 0x10 (48-bit input)",
                           "TG0 0 (4K)",
                           "IPS 5 (48 bits)",
                           "TTB0 0x80001000",
                           "MAIR0 0xff44",
                           "2  Level 0 table",
                           "at 0x80001000",
                           "iova[47:39] = 0x0",
                           "NLTA 0x80002000",
                           "3  Level 1 table",
                           "4  Level 2 table",
                           "at 0x80003488",
                           "iova[29:21] = 0x91",
                           "5  Level 3 page",
                           "at 0x80004a28",
                           "0x987654447",
                           "iova[20:12] = 0x145",
                           "AP 1 (rw)",
                           "OA 0x987654000",
                           "=  pa 0x987654678",
                           "4 KiB at 0x987654000",
                           "Normal write-back (0xff), non-shareable",
                           "unprivileged  rwx",
                           "privileged    rw-"}) {
    const std::size_t found = run.out.find(text, at);
    ASSERT_NE(found, std::string::npos) << text << " in\n" << run.out;
    at = found;
  }
  EXPECT_THAT(walk(kFourLevels, kAddress).out, HasSubstr("memory        not known: MAIR is not"));
}

TEST_F(RegimeWalks, TellTheSameInJson) {
  put_four_levels(0x9'8765'4000 | kPage);
  const ToolRun run = walk(kFourLevels, kAddress, "--json");
  const Json json = Json::parse(run.out, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["access"], "reads 0x12345678: unprivileged, data");
  EXPECT_EQ(json["steps"].size(), 5);
  EXPECT_EQ(json["steps"][4]["step"], "Level 3 page");
  EXPECT_EQ(json["steps"][4]["address"], "0x80004a28");
  EXPECT_EQ(json["steps"][4]["fields"]["OA"], "0x987654000");
  EXPECT_EQ(json["outcome"]["pa"], "0x987654678");
  EXPECT_FALSE(json["outcome"].contains("memory"));
  EXPECT_EQ(json["updates"], Json::array());
  EXPECT_FALSE(result(kFourLevels, kAddress).contains("steps"));
}

TEST_F(RegimeWalks, Aarch64OfEveryGranule) {  // D8.2.1
  put_four_levels(0x9'8765'4000 | kPage);
  expect_pa(kFourLevels, kAddress, 0x9'8765'4678, 0x1000);
  // 16 KiB: levels [47], [46:36], [35:25], [24:14].
  memory_.put64(0x8001'0000, 0x8001'4003);
  memory_.put64(0x8001'4000, 0x8001'8003);
  memory_.put64(0x8001'8048, 0x8001'c003);
  memory_.put64(0x8001'c000 + 0xd1 * 8, 0x9'8765'4000 | kPage);
  expect_pa("TTB0=0x80010000,T0SZ=16,TG0=16K", kAddress, 0x9'8765'5678, 0x4000);
  // 64 KiB, from level 1: [47:42], [41:29], [28:16]; an address of 52 bits (D8.3.1).
  memory_.put64(0x8002'0000, 0x8003'0003);
  memory_.put64(0x8003'0000, 0x8004'0003);
  memory_.put64(0x8004'0000 + 0x1234 * 8, 0x9'8765'a000 | kPage);
  expect_pa("TTB0=0x80020000,T0SZ=16,TG0=64K", kAddress, 0xa'0009'8765'5678, 0x10000);
  EXPECT_THAT(walk("TTB0=0x80020000,T0SZ=16,TG0=64K", kAddress).out,
              HasSubstr("OA 0xa000987650000"));
}

TEST_F(RegimeWalks, InputsOf52Bits) {
  // D8.2: 64 KiB, level 1 by [51:42].
  memory_.put64(0x8002'0000 + 0x3ff * 8, 0x8003'0003);
  memory_.put64(0x8003'0000, 0x8004'0003);
  memory_.put64(0x8004'0000, 0x9'8765'0000 | kPage);
  expect_pa("TTB0=0x80020000,T0SZ=12,TG0=64K", 0xf'fc00'0000'0123, 0x9'8765'0123, 0x10000);
  // DS: 4 KiB, level -1 by [51:48]; a Block of level 0, OA[51:50] at [9:8].
  memory_.put64(0x8000'0078, 0x8000'2003);
  memory_.put64(0x8000'2000, 0xd'0000'0000'0000 | 0x741);
  const std::string ds = "TTB0=0x80000000,T0SZ=12,DS,SH0=ISH,MAIR=0xff";
  expect_pa(ds, 0xf'0000'0000'0123, 0xc'0000'0000'0123 | 0x1ULL << 48, 1ULL << 39);
  const std::string told = walk(ds, 0xf'0000'0000'0123).out;
  EXPECT_THAT(told, AllOf(HasSubstr("Level -1 table"), HasSubstr("iova[51:48] = 0xf"),
                          HasSubstr("Level 0 block"), HasSubstr("OA 0xd000000000000"),
                          HasSubstr("inner shareable")));
  // Without DS neither that size nor such a block.
  EXPECT_EQ(walk("TTB0=0x80000000,T0SZ=12", 0).status, 2);
}

TEST_F(RegimeWalks, TheUpperHalfAndTheTopByte) {  // D8.2, TBI
  memory_.put64(0x8000'1ff8, 0x8000'2003);
  memory_.put64(0x8000'2ff8, 0x8000'3003);
  memory_.put64(0x8000'3ff8, 0xc000'0000 | 0x441);
  const std::string upper = "TTB1=0x80001000,T1SZ=16";
  expect_pa(upper, 0xffff'ffff'ffe0'0004, 0xc000'0004, 0x20'0000);
  expect_fault(upper, 0x12ff'ffff'ffe0'0004, "Translation fault", 1, 0, "IN");
  expect_pa(upper + ",TBI1", 0x12ff'ffff'ffe0'0004, 0xc000'0004, 0x20'0000);
  expect_fault(upper, 0x1000, "Translation fault", 1, 0, "IN");
  EXPECT_THAT(walk(upper, 0x1000).out,
              HasSubstr("The address is in the half of TTB0, which is not given."));
  EXPECT_THAT(walk(upper + ",EPD1", ~0ULL).out, HasSubstr("half of TTB1, and EPD1 is 1."));
}

TEST_F(RegimeWalks, PermissionsOfStage1) {  // D8.4
  put_four_levels(0x9'8765'4000 | kPage);
  expect_rights(kFourLevels, kAddress, "rwx", "rw-");
  expect_rights(kFourLevels + ",WXN", kAddress, "rw-", "rw-");
  expect_rights(kFourLevels + ",PAN", kAddress, "rwx", "---");
  expect_fault(kFourLevels + ",E0PD0", kAddress, "Translation fault", 1, 0, "IN");
  EXPECT_THAT(walk(kFourLevels + ",E0PD0", kAddress).out, HasSubstr("E0PD0 is 1"));
  EXPECT_EQ(result(kFourLevels + ",E0PD0", kAddress, "--privileged")["outcome"]["pa"],
            "0x987654678");
  // EPAN: only to be executed.
  put_four_levels(0x9'8765'4000 | 0x403);
  expect_rights(kFourLevels, kAddress, "--x", "rwx");
  EXPECT_EQ(result(kFourLevels + ",PAN,EPAN", kAddress, "--privileged")["fault"]["type"],
            "Permission fault");
  EXPECT_EQ(result(kFourLevels + ",PAN", kAddress, "--privileged")["outcome"]["pa"], "0x987654678");
  // APTable 0b10, and HPD0.
  put_four_levels(0x9'8765'4000 | kPage);
  memory_.put64(0x8000'1000, 0x8000'2003 | 1ULL << 62);
  expect_rights(kFourLevels, kAddress, "r-x", "r-x");
  expect_rights(kFourLevels + ",HPD0", kAddress, "rwx", "rw-");
  expect_fault(kFourLevels, kAddress, "Permission fault", 1, 3, "IN", "--write");
  EXPECT_THAT(walk(kFourLevels, kAddress, "--write").out,
              AllOf(HasSubstr("=  Permission fault at stage 1, level 3, CLASS IN"),
                    HasSubstr("AP 1 (rw), with XN, WXN, PAN and what the tables above say")));
}

TEST_F(RegimeWalks, OfEl2HaveOnePrivilegeLevelWithoutE2h) {  // IHI 0070, 5.2, STRW
  put_four_levels(0x9'8765'4000 | 0x403);
  const std::string el2 = kFourLevels + ",STRW=EL2";
  expect_rights(el2, kAddress, "rwx", "rwx");
  EXPECT_THAT(walk(el2, kAddress).out, HasSubstr("aarch64, EL2\n"));
  expect_rights(el2 + ",E2H", kAddress, "--x", "rwx");
  EXPECT_THAT(walk(el2 + ",E2H", kAddress).out, HasSubstr("aarch64, EL2 with E2H\n"));
}

TEST_F(RegimeWalks, FaultsOfStage1) {
  put_four_levels(0x9'8765'4000 | 0x43);
  expect_fault(kFourLevels, kAddress, "Access flag fault", 1, 3, "IN");
  expect_pa(kFourLevels + ",AFFD", kAddress, 0x9'8765'4678, 0x1000);
  expect_fault(kFourLevels + ",IPS=32", kAddress, "Address Size fault", 1, 3, "IN");
  EXPECT_THAT(walk(kFourLevels + ",IPS=32", kAddress).out,
              HasSubstr("is 0x100000000 or more, the end of IPS and OAS."));
  expect_fault(kFourLevels + ",OAS=32", kAddress, "Address Size fault", 1, 3, "IN");
  expect_fault(kFourLevels, 0x1000'0000, "Translation fault", 1, 2, "IN");
  EXPECT_THAT(walk(kFourLevels, 0x1000'0000).out,
              HasSubstr("The descriptor is invalid: iova[29:21] = 0x80."));
  expect_fault(kFourLevels, 0x1'0000'0000'0000, "Translation fault", 1, 0, "IN");
  EXPECT_THAT(walk(kFourLevels, 0x1'0000'0000'0000).out, HasSubstr("not copies of bit 55"));
  memory_.put64(0x8000'1008, 0x8000'2001);  // a Block of level 0
  EXPECT_THAT(walk(kFourLevels, 0x80'0000'0000).out,
              AllOf(HasSubstr("Level 0 reserved"), HasSubstr("there being no such block")));
  memory_.put64(0x8000'1010, 0x1'0000'0003);  // a table where no memory is
  expect_fault(kFourLevels, 0x100'0000'0000, "External abort", 1, 1, "TT");
  EXPECT_EQ(result(kFourLevels, 0x100'0000'0000)["fault"]["address"], "0x100000000");
  EXPECT_THAT(walk(kFourLevels, 0x100'0000'0000).out,
              AllOf(HasSubstr("the read aborts"), HasSubstr("no memory at 0x100000000.")));
}

TEST_F(RegimeWalks, LongDescriptors) {  // G5.5
  // T0SZ 0: level 1 by [31:30].  T1SZ 2: the topmost GiB, level 2 by [29:21].
  memory_.put64(0x8000'1000, 0x8000'2003);
  memory_.put64(0x8000'2000 + 0x91 * 8, 0x8000'3003);
  memory_.put64(0x8000'3000 + 0x145 * 8, 0x98'7654'3000 | kPage);
  memory_.put64(0x8000'4000 + 0x1ff * 8, 0xc0'0000'0000 | 0x441);
  const std::string both = "aarch32-long,TTB0=0x80001000,TTB1=0x80004000,T1SZ=2,MAIR=0x44";
  expect_pa(both, kAddress, 0x98'7654'3678, 0x1000);
  expect_pa(both, 0xffff'fffc, 0xc0'001f'fffc, 0x20'0000);
  expect_fault(both, 0x1'0000'0000, "Translation fault", 1, 1, "IN");
  expect_fault(both + ",T0SZ=3", 0x8000'0000, "Translation fault", 1, 1, "IN");
  EXPECT_THAT(walk(both + ",T0SZ=3", 0x8000'0000).out, HasSubstr("neither T0SZ nor T1SZ"));
  expect_rights(both, kAddress, "rwx", "rwx");
  expect_rights(both + ",UWXN", kAddress, "rwx", "rw-");
  expect_rights(both + ",WXN", kAddress, "rw-", "rw-");
  memory_.put64(0x8000'3000 + 0x145 * 8, 0x198'7654'3000 | kPage);  // 41 bits
  expect_fault(both, kAddress, "Address Size fault", 1, 3, "IN");
  EXPECT_THAT(walk(both, kAddress).out, HasSubstr("has more than 40 bits"));
}

TEST_F(RegimeWalks, OptionsMayBeGivenAgain) {
  memory_.put64(0x8000'1000, 0x9000'0003);
  const std::string first = memory_.save();
  const TemporaryFolder folder;
  const std::string second = folder.write("other", std::string("\x41\x04\0\xc0\0\0\0\0", 8));
  const ToolRun run = run_tool("walk --line --regime TTB0=0x80001000 --regime T0SZ=16 --memory " +
                               first + " --memory " + second + "@0x90000000 --iova 0x1234");
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("\"pa\":\"0xc0001234\""));
}

// G5.4.1: a Section and a Small page, AP[2:0] 0b011.
class ShortRegimeWalks : public RegimeWalks {
 protected:
  void put(std::uint32_t section, std::uint32_t table, std::uint32_t page) {
    memory_.put32(0x8000'4000 + 0x123 * 4, section);
    memory_.put32(0x8000'4000 + 0x456 * 4, table);
    memory_.put32(0x8000'8000 + 0x78 * 4, page);
  }
  static constexpr std::uint64_t kInSection = 0x1234'5678;
  static constexpr std::uint64_t kInPage = 0x4567'8abc;
  const std::string short_ = "aarch32-short,TTBR0=0x80004000";
};

TEST_F(ShortRegimeWalks, SectionsAndPages) {
  put(0x9870'0c02, 0x8000'8001, 0x9876'5032);
  expect_pa(short_, kInSection, 0x9874'5678, 0x10'0000);
  expect_pa(short_, kInPage, 0x9876'5abc, 0x1000);
  const std::string told = walk(short_, kInPage).out;
  EXPECT_THAT(told, AllOf(HasSubstr("aarch32-short"), HasSubstr("Level 1 table"),
                          HasSubstr("iova[31:20] = 0x456"), HasSubstr("Domain 0 (Client)"),
                          HasSubstr("Level 2 small page"), HasSubstr("iova[19:12] = 0x78"),
                          HasSubstr("AP[1:0] 3"), HasSubstr("Base 0x98765000")));
  put(0x98a7'0c02 | 0x40000 | 0x160, 0x8000'8001, 0x9876'0031);
  expect_pa(short_, kInSection, 0xba'9834'5678, 0x100'0000);
  expect_pa(short_, kInPage, 0x9876'8abc, 0x1'0000);
  expect_fault(short_, 0x2000'0000, "Translation fault", 1, 1, "IN");
  expect_fault(short_, 0x4567'9000, "Translation fault", 1, 2, "IN");
  expect_fault(short_ + ",OAS=36", kInSection, "Address Size fault", 1, 1, "IN");
}

TEST_F(ShortRegimeWalks, TwoTablesByN) {  // Table G5-1
  memory_.put32(0x8000'4000 + 0x3ff * 4, 0x1110'0c02);
  memory_.put32(0x8000'8000 + 0xfff * 4, 0x2220'0c02);
  const std::string both = short_ + ",TTBR1=0x80008000,N=2";
  expect_pa(both, 0x3ff0'0004, 0x1110'0004, 0x10'0000);
  expect_pa(both, 0xfff0'0004, 0x2220'0004, 0x10'0000);
  EXPECT_THAT(walk(both, 0x3ff0'0004).out, HasSubstr("iova[29:20] = 0x3ff"));
  EXPECT_THAT(walk(both, 0xfff0'0004).out, HasSubstr("iova[31:20] = 0xfff"));
  expect_fault(both + ",PD1", 0xfff0'0004, "Translation fault", 1, 1, "IN");
  EXPECT_THAT(walk(short_ + ",N=2", 0xfff0'0004).out,
              HasSubstr("in the half of TTBR1, which is not given."));
  EXPECT_THAT(walk(both, 0x1'0000'0000).out, HasSubstr("it has more than 32 bits"));
}

TEST_F(ShortRegimeWalks, DomainsAreThoseOfDacr) {  // G5.6.4
  // Domain 3, AP 0b000: nobody may do anything.
  put(0x9870'0002 | 3 << 5, 0x8000'8001 | 3 << 5, 0x9876'5002);
  expect_fault(short_, kInSection, "Permission fault", 1, 1, "IN");
  expect_fault(short_ + ",DACR=0x40", kInSection, "Permission fault", 1, 1, "IN");
  expect_fault(short_ + ",DACR=0xffffff3f", kInSection, "Domain fault", 1, 1, "IN");
  expect_fault(short_ + ",DACR=0x80", kInPage, "Domain fault", 1, 2, "IN");
  expect_rights(short_ + ",DACR=0xc0", kInSection, "rwx", "rwx");
  expect_rights(short_ + ",DACR=0xc0", kInPage, "rwx", "rwx");
  EXPECT_THAT(walk(short_ + ",DACR=0", kInPage).out,
              AllOf(HasSubstr("=  Domain fault at stage 1, level 2"),
                    HasSubstr("DACR does not give access: Domain 3 (No access).")));
  EXPECT_THAT(walk(short_ + ",DACR=0xc0", kInPage).out, HasSubstr("Domain 3 (Manager)"));
}

TEST_F(ShortRegimeWalks, AccessFlagAndTexRemap) {  // G5.6.1.2, G5.7.3
  put(0x9870'0802, 0x8000'8001, 0x9876'5022);      // AP[1:0] 0b10
  expect_rights(short_, kInSection, "r-x", "rwx");
  expect_fault(short_ + ",AFE", kInSection, "Access flag fault", 1, 1, "IN");
  expect_fault(short_ + ",AFE", kInPage, "Access flag fault", 1, 2, "IN");
  EXPECT_THAT(walk(short_ + ",AFE", kInPage).out, HasSubstr("with AFE it is the Access flag"));
  expect_rights(short_ + ",AFE,AFFD", kInSection, "rwx", "rwx");
  // TEX 0b000, C, B 0b00: Strongly-ordered, or by TR0 and OR0, IR0.
  EXPECT_EQ(result(short_, kInSection)["outcome"]["memory"], "0x00");
  EXPECT_EQ(result(short_ + ",TRE,PRRR=0x40002,NMRR=0x10001", kInSection)["outcome"]["memory"],
            "0xff");
}

TEST_F(ShortRegimeWalks, ControlsOfPermissions) {  // G5.6.3
  put(0x9870'0c02, 0x8000'8001, 0x9876'5032);
  expect_rights(short_ + ",WXN", kInSection, "rw-", "rw-");
  expect_rights(short_ + ",UWXN", kInSection, "rwx", "rw-");
  expect_rights(short_ + ",PAN", kInSection, "rwx", "--x");
}

TEST_F(RegimeWalks, LargeAddressesWith16KAndAtStage2) {  // D8.3.1, DS
  // 16 KiB, level 0 by [51:47]: a Block of level 1.
  memory_.put64(0x8001'0000 + 0x1f * 8, 0x8001'4003);
  memory_.put64(0x8001'4000, 0x1'0010'0000'0000 | 0x641);
  expect_pa("TTB0=0x80010000,T0SZ=12,TG0=16K,DS", 0xf'8000'0000'0123, 0x9'0010'0000'0123,
            1ULL << 36);
  // 4 KiB, level -1 by [51:48]: a Block of level 0.
  memory_.put64(0x8010'0000 + 8, 0x8010'1003);
  memory_.put64(0x8010'1000, 0x1'0000'0000'0000 | 0x6fd);
  const std::string ds = "S2TTB=0x80100000,S2T0SZ=12,S2SL0=0,S2SL0_2,S2DS,S2SH0=OSH";
  expect_pa(ds, 0x1'0000'0000'0123, 0x9'0000'0000'0123, 1ULL << 39);
  EXPECT_THAT(walk(ds, 0x1'0000'0000'0123).out,
              AllOf(HasSubstr("Stage 2 Level -1 table"), HasSubstr("ipa[51:48] = 0x1"),
                    HasSubstr("OA 0x9000000000000")));
}

TEST_F(RegimeWalks, BigEndianTables) {
  memory_.put64(0x8000'1000, __builtin_bswap64(0x8000'2003));
  memory_.put64(0x8000'2000, __builtin_bswap64(0xc000'0441));
  expect_pa(kFourLevels + ",ENDI", 0x5678, 0xc000'5678, 0x4000'0000);
  EXPECT_THAT(walk(kFourLevels + ",ENDI=big", 0x5678).out, HasSubstr("Level 1 block"));
  expect_fault(kFourLevels, 0x5678, "Translation fault", 1, 0, "IN");
  memory_.put32(0x8000'4000 + 4, __builtin_bswap32(0x9870'0c02));
  expect_pa("aarch32-short,TTBR0=0x80004000,EE", 0x10'5678, 0x9870'5678, 0x10'0000);
  memory_.put64(0x8010'0000, __builtin_bswap64(0xc000'04fd));
  expect_pa(kStage2 + ",S2ENDI", 0x5678, 0xc000'5678, 0x4000'0000);
}

TEST_F(RegimeWalks, Stage2Alone) {  // D8.2.2, D8.4.2
  put_stage2(kAddress, 0x9'8765'4000 | kPage2);
  expect_pa(kStage2, kAddress, 0x9'8765'4678, 0x1000);
  const std::string told = walk(kStage2, kAddress).out;
  EXPECT_THAT(told, AllOf(HasSubstr("1  Stage 2"), HasSubstr("S2T0SZ 0x19 (39-bit input)"),
                          HasSubstr("Stage 2 Level 1 table"), HasSubstr("ipa[38:30] = 0x0"),
                          HasSubstr("ipa[29:21] = 0x91"), HasSubstr("Stage 2 Level 3 page"),
                          HasSubstr("S2AP 3 (rw)"), Not(HasSubstr("Stage 1"))));
  expect_fault(kStage2, 0x80'0000'0000, "Translation fault", 2, 0, "IN");
  EXPECT_THAT(walk(kStage2, 0x80'0000'0000).out,
              AllOf(HasSubstr("IPA 0x8000000000"), HasSubstr("S2T0SZ leaves 39 bits")));
  expect_fault(kStage2, 0x10'0000'0000'0000, "Address Size fault", 1, 0, "IN");
  expect_fault(kStage2 + ",S2PS=32", kAddress, "Address Size fault", 2, 3, "IN");
  put_stage2(kAddress, 0x9'8765'4000 | 0x47f);  // S2AP 0b01
  expect_fault(kStage2, kAddress, "Permission fault", 2, 3, "IN", "--write");
  EXPECT_THAT(walk(kStage2, kAddress, "--write").out, HasSubstr("S2AP 1 (r), with XN"));
  put_stage2(kAddress, 0x9'8765'4000 | 0x0ff);  // AF 0
  expect_fault(kStage2, kAddress, "Access flag fault", 2, 3, "IN");
  expect_pa(kStage2 + ",S2AFFD", kAddress, 0x9'8765'4678, 0x1000);
  // XN 0b11, for the unprivileged alone (FEAT_XNX).
  put_stage2(kAddress, 0x9'8765'4000 | kPage2 | 0x3ULL << 53);
  expect_rights(kStage2, kAddress, "rw-", "rwx");
}

TEST_F(RegimeWalks, Stage2OfConcatenatedTablesAndOfAarch32) {
  // 40 bits from level 1: two tables.
  memory_.put64(0x8010'0000 + 0x3ff * 8, 0xc000'04fd);
  const std::string two = "S2TTB=0x80100000,S2T0SZ=24,S2SL0=1";
  expect_pa(two, 0xff'c000'0123, 0xc000'0123, 0x4000'0000);
  EXPECT_THAT(walk(two, 0xff'c000'0123).out, HasSubstr("ipa[39:30] = 0x3ff"));
  // T0SZ -8 (G5.5.6): the same.
  expect_pa("S2TTB=0x80100000,S2AA64=0,S2T0SZ=8,S2SL0=1", 0xff'c000'0123, 0xc000'0123, 0x4000'0000);
  EXPECT_THAT(walk("S2TTB=0x80100000,S2AA64=0,S2T0SZ=8,S2SL0=1", 0xff'c000'0123).out,
              HasSubstr("aarch32-long"));
}

class NestedRegimeWalks : public RegimeWalks {
 protected:
  // Stage 1 has a table at IPA 0x1000, a Block of 1 GiB from IPA 0 in it; stage 2 maps IPA 0x1000
  // to 0x80005000 and IPA 0x12345000 to `leaf`.
  void put(std::uint64_t block, std::uint64_t table, std::uint64_t leaf) {
    memory_.put64(0x8000'5000, block);
    memory_.put64(0x8010'0000, 0x8010'1003);
    memory_.put64(0x8010'1000, 0x8010'2003);
    memory_.put64(0x8010'2008, table);
    memory_.put64(0x8010'1488, 0x8010'3003);
    memory_.put64(0x8010'3a28, leaf);
  }
  static constexpr std::uint64_t kBlock = 0x441;
  static constexpr std::uint64_t kTable = 0x8000'5000 | kPage2;
  static constexpr std::uint64_t kLeaf = 0x9'8765'4000 | kPage2;
  const std::string nested_ = "TTB0=0x1000,T0SZ=25,MAIR=0xff," + kStage2;
};

TEST_F(NestedRegimeWalks, TellBothStages) {
  put(kBlock, kTable, kLeaf);
  expect_pa(nested_, kAddress, 0x9'8765'4678, 0x1000);
  const std::string told = walk(nested_, kAddress).out;
  std::size_t at = 0;
  for (const char* text :
       {"1  Stage 1", "2  Stage 2", "3  Stage 2 Level 1 table", "for level 1 of stage 1",
        "4  Stage 2 Level 2 table", "5  Stage 2 Level 3 page", "at 0x80102008", "ipa[20:12] = 0x1",
        "6  Level 1 block", "at 0x80005000", "iova[38:30] = 0x0", "7  Stage 2 Level 1 table",
        "for the output of stage 1", "8  Stage 2 Level 2 table", "at 0x80101488",
        "9  Stage 2 Level 3 page", "ipa[20:12] = 0x145", "=  pa 0x987654678"}) {
    const std::size_t found = told.find(text, at);
    ASSERT_NE(found, std::string::npos) << text << " in\n" << told;
    at = found;
  }
}

TEST_F(NestedRegimeWalks, FaultsAreOfTheirStageAndClass) {
  put(kBlock, 0, kLeaf);
  expect_fault(nested_, kAddress, "Translation fault", 2, 3, "TT");
  EXPECT_EQ(result(nested_, kAddress)["fault"]["ipa"], "0x1000");
  put(kBlock, kTable, 0);
  expect_fault(nested_, kAddress, "Translation fault", 2, 3, "IN");
  EXPECT_EQ(result(nested_, kAddress)["fault"]["ipa"], "0x12345678");
  put(0x4c1, kTable, 0x9'8765'4000 | 0x43f);  // read-only, and S2AP 0b00
  expect_fault(nested_, kAddress, "Permission fault", 1, 1, "IN", "--write");
  expect_fault(nested_, kAddress, "Permission fault", 2, 3, "IN");
  put(kBlock, 0x8000'5000 | 0x4bf, kLeaf);  // the table can be written, not read
  expect_fault(nested_, kAddress, "Permission fault", 2, 3, "TT");
  EXPECT_THAT(walk(nested_, kAddress).out,
              HasSubstr("S2AP 2 (w), with XN, does not allow the table of stage 1 to be read."));
  put(kBlock, 0xff'ff00'0000 | kPage2, kLeaf);
  expect_fault(nested_, kAddress, "External abort", 1, 1, "TT");
}

TEST_F(NestedRegimeWalks, TablesInDeviceMemory) {  // IHI 0070, 5.2, S2PTW
  put(kBlock, 0x8000'5000 | 0x4c3, kLeaf);         // MemAttr 0b0000
  expect_pa(nested_, kAddress, 0x9'8765'4678, 0x1000);
  expect_fault(nested_ + ",S2PTW", kAddress, "Permission fault", 2, 3, "TT");
  EXPECT_THAT(walk(nested_ + ",S2PTW", kAddress).out, HasSubstr("MemAttr and S2PTW do not allow"));
}

TEST_F(NestedRegimeWalks, MemoryTypesOfBothStages) {  // D8.6.5, D8.6.6
  put(kBlock, kTable, 0x9'8765'4000 | 0x4d7);         // MemAttr 0b0101
  EXPECT_EQ(result(nested_, kAddress)["outcome"]["memory"], "0x44");
  put(kBlock, kTable, 0x9'8765'4000 | 0x4db);  // 0b0110: with FWB Write-Back
  EXPECT_EQ(result(nested_ + ",S2FWB", kAddress)["outcome"]["memory"], "0xff");
}

TEST_F(NestedRegimeWalks, OtherFormatsAboveStage2) {
  // Long descriptors above those of VMSAv8-64 and of VMSAv8-32; Short ones above both.
  put(kBlock, kTable, kLeaf);
  const std::string below = ",S2TTB=0x80100000,S2AA64=0,S2T0SZ=9,S2SL0=1";  // T0SZ -7: 39 bits
  const std::string above = "aarch32-long,TTB0=0x1000,";
  expect_pa(above + kStage2, kAddress, 0x9'8765'4678, 0x1000);
  expect_pa(above + below, kAddress, 0x9'8765'4678, 0x1000);
  EXPECT_EQ(walk(nested_.substr(0, nested_.find(",S2")) + below, kAddress).status, 2);
  // A table of 16 KiB at IPA 0: its entry 0x123 is in no page but the first.
  memory_.put64(0x8010'2000, 0x8000'6000 | kPage2);
  memory_.put32(0x8000'6000 + 0x123 * 4, 0x1230'0c02);
  expect_pa("aarch32-short,TTBR0=0," + kStage2, kAddress, 0x9'8765'4678, 0x1000);
  expect_pa("aarch32-short,TTBR0=0" + below, kAddress, 0x9'8765'4678, 0x1000);
}

// IHI 0070, 3.13: what hardware would have written is told; the file stays as it is.
TEST_F(NestedRegimeWalks, UpdatesAreToldAndNotMade) {
  put_four_levels(0x9'8765'4000 | 0xc3 | 1ULL << 51);  // DBM, AP 0b11, AF 0
  const std::string updating = kFourLevels + ",HA,HD";
  const ToolRun run = walk(updating, kAddress, "--write");
  EXPECT_THAT(run.out, AllOf(HasSubstr("=  pa 0x987654678"), HasSubstr("Hardware update"),
                             HasSubstr("AP 3 -> 1, AF 0 -> 1, which is not written to the file")));
  EXPECT_EQ(memory_.bytes(), memory_.bytes_saved());
  const Json json = result(updating, kAddress, "--write");
  ASSERT_EQ(json["updates"].size(), 1);
  EXPECT_EQ(json["updates"][0]["address"], "0x80004a28");
  EXPECT_EQ(json["updates"][0]["before"], "0x80009876540c3");
  EXPECT_EQ(json["updates"][0]["after"], "0x8000987654443");
  EXPECT_THAT(walk(kFourLevels + ",HA", kAddress).out, HasSubstr("AF 0 -> 1"));
  EXPECT_THAT(walk(kFourLevels + ",HA", kAddress).out, Not(HasSubstr("AP 3 -> 1")));
  expect_fault(kFourLevels, kAddress, "Access flag fault", 1, 3, "IN", "--write");
  expect_fault(kFourLevels + ",HA", kAddress, "Permission fault", 1, 3, "IN", "--write");

  // To update stage 1's descriptor is a write for stage 2, which is dirtied by it.
  put(0x041, 0x8000'5000 | 0x47f | 1ULL << 51, kLeaf);
  const std::string nested = walk(nested_ + ",HA,S2HA,S2HD", kAddress).out;
  std::size_t at = 0;
  for (const char* text : {"Level 1 block", "for the update of stage 1", "Stage 2 Level 3 page",
                           "Hardware update", "at 0x80102008", "S2AP 1 -> 3", "Hardware update",
                           "at 0x80005000", "AF 0 -> 1", "=  pa 0x987654678"}) {
    const std::size_t found = nested.find(text, at);
    ASSERT_NE(found, std::string::npos) << text << " in\n" << nested;
    at = found;
  }
  put(0x041, 0x8000'5000 | 0x47f, kLeaf);
  expect_fault(nested_ + ",HA", kAddress, "Permission fault", 2, 3, "TT");
  EXPECT_THAT(walk(nested_ + ",HA", kAddress).out, HasSubstr("table of stage 1 to be updated."));
  EXPECT_EQ(memory_.bytes(), memory_.bytes_saved());
}

// The kernel's own tables, by its CD's fields instead of by its stream.
TEST(RegimeWalk, ACapturesMemoryIsWalkedToo) {
  const std::string capture = committed_capture("linux-6.1-vfio");
  const TemporaryFolder folder;
  const std::string fields =
      folder
          .write("fields",
                 "TTB0=0x104d75000 T0SZ=0x10 TG0=4K IPS=44  # the CD of 0x40\n"
                 "MAIR0=0xf404ff44 MAIR1=0xffffffff\n")
          .string();
  for (const char* address : {"0x400040", "0x8000001000", "0x140000"}) {
    const auto outcome = [&](const std::string& how) {
      const ToolRun run =
          run_tool(fmt::format("walk {} {} --iova {} --line", capture, how, address));
      EXPECT_EQ(run.status, 0) << run.err;
      const Json json = Json::parse(run.out, nullptr, false);
      return json.is_object() ? json["outcome"] : Json();
    };
    const Json by_fields = outcome("--regime @" + fields);
    EXPECT_EQ(by_fields, outcome("--sid 0x40"));
    EXPECT_TRUE(by_fields.contains("result"));
  }
}

TEST(RegimeWalk, TheHelpHasAnExampleAndEachField) {
  const ToolRun run = run_tool("walk --help");
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.out, AllOf(HasSubstr("smmu walk --memory ram.bin@0x80000000 --regime"),
                             HasSubstr("aarch32-short:"), HasSubstr("DACR"), HasSubstr("S2PTW")));
}

}  // namespace
}  // namespace smmu::cli::regime_walk_test
