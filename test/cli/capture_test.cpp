// Each file of a capture, whole and damaged.  What the messages must name is file, line and what
// was expected there.
#include "emulator/cli/capture.h"

#include <gtest/gtest.h>

#include <string>

#include "smmu/arch/v3/registers.h"
#include "test/cli/temporary_folder.h"

namespace smmu::cli::capture_test {
namespace {

class CaptureFiles : public ::testing::Test {
 protected:
  void SetUp() override { folder_.unpack_capture("linux-6.1-vfio"); }

  std::string load() {
    return complaint_of(folder_, [this] { Capture::load(folder_.path()); });
  }
  // The complaint when line `number` of `name` reads `line`.
  std::string load_with(std::string_view name, std::size_t number, std::string_view line) {
    const std::string whole = folder_.read(name);
    folder_.replace_line(name, number, line);
    const std::string complaint = load();
    folder_.write(name, whole);
    return complaint;
  }

  TemporaryFolder folder_;
};

TEST_F(CaptureFiles, AWholeCaptureHasEveryLineOfEveryFile) {
  const Capture capture = Capture::load(folder_.path());
  EXPECT_EQ(capture.translations.size(), 828);
  EXPECT_EQ(capture.mappings.size(), 1787);
  EXPECT_EQ(capture.streams.size(), 6);
  EXPECT_EQ(capture.faults.size(), 170);
  EXPECT_EQ(capture.events.size(), 170);
  EXPECT_EQ(capture.bypass.size(), 5);
  EXPECT_EQ(capture.walks.size(), 3000);
  EXPECT_EQ(capture.accesses.size(), 16908);
  EXPECT_EQ(capture.commands.size(), 16668);
  EXPECT_EQ(capture.memory.pages().size(), 52);
  EXPECT_EQ(capture.registers.get<v3::SMMU_STRTAB_BASE>().raw(), 0x40000001036da000);
  // A word of memory.txt, and one that it leaves out.
  EXPECT_EQ(capture.memory.word(0xfc180008), 0x100000000000);
  EXPECT_EQ(capture.memory.word(0xfc180010), 0);
  EXPECT_EQ(capture.memory.word(0xfc184000), std::nullopt);
}

TEST_F(CaptureFiles, EveryFileMustBeThere) {
  for (const char* name : {"registers.txt", "memory.txt", "streams.tsv", "translations.tsv",
                           "excluded.tsv", "mappings.tsv", "faults.tsv", "events.tsv", "bypass.tsv",
                           "walks.tsv", "mmio.log", "commands.tsv"}) {
    const std::string whole = folder_.read(name);
    std::filesystem::remove(folder_.path() / name);
    EXPECT_EQ(load(), folder_.path().string() + ": expected a file " + name + " or " + name +
                          ".gz, found neither.");
    folder_.write(name, whole);
  }
}

TEST_F(CaptureFiles, RegistersMustBeRegistersOfAnSmmu) {
  EXPECT_EQ(
      load_with("registers.txt", 10, "0x00020 4 0x0000000d"),
      "registers.txt:10: expected \"OFFSET WIDTH VALUE NAME\", found \"0x00020 4 0x0000000d\".");
  EXPECT_EQ(load_with("registers.txt", 10, "0x00021 4 0x0000000d CR0"),
            "registers.txt:10: expected the offset of a register of the SMMU, found \"0x00021\".");
  EXPECT_EQ(load_with("registers.txt", 10, "0x20000 4 0x0000000d CR0"),
            "registers.txt:10: expected an offset below 0x20000, found \"0x20000\".");
  EXPECT_EQ(load_with("registers.txt", 10, "0x00020 4 0x0000000d CR7"),
            "registers.txt:10: expected CR0 at 0x20, found \"CR7\".");
  EXPECT_EQ(load_with("registers.txt", 10, "0x00020 8 0x0000000d CR0"),
            "registers.txt:10: expected a width of 4 bytes, found \"8\".");
  EXPECT_EQ(load_with("registers.txt", 10, "0x00020 4 0x10000000d CR0"),
            "registers.txt:10: expected a value of 32 bits, found \"0x10000000d\".");
  EXPECT_EQ(
      load_with("registers.txt", 10, "0x00024 4 0x0000000d CR0ACK"),
      "registers.txt:11: expected each register once, found \"0x00024 4 0x0000000d CR0ACK\".");
  EXPECT_EQ(load_with("registers.txt", 10, "#"),
            "registers.txt:46: expected a line for CR0, found none in the file.");
}

TEST_F(CaptureFiles, MemoryMustBePagesOfWords) {
  EXPECT_EQ(
      load_with("memory.txt", 2, "page 0xfc180001 ste"),
      "memory.txt:2: expected the address of a 4 KiB page, below 2^56, found \"0xfc180001\".");
  EXPECT_EQ(load_with("memory.txt", 2, "page 0x100000000000000 ste"),
            "memory.txt:2: expected the address of a 4 KiB page, below 2^56, found "
            "\"0x100000000000000\".");
  EXPECT_EQ(load_with("memory.txt", 2, "000 1"),
            "memory.txt:2: expected a page before the first word, found \"000 1\".");
  EXPECT_EQ(load_with("memory.txt", 3, "000"),
            "memory.txt:3: expected \"page ADDRESS ROLES\" or \"OFFSET VALUE\", found \"000\".");
  EXPECT_EQ(load_with("memory.txt", 3, "1000 1"),
            "memory.txt:3: expected the offset of a 64-bit word in its page, found \"1000\".");
  EXPECT_EQ(load_with("memory.txt", 3, "004 1"),
            "memory.txt:3: expected the offset of a 64-bit word in its page, found \"004\".");
  EXPECT_EQ(load_with("memory.txt", 3, "000 1ffffffffffffffff"),
            "memory.txt:3: expected a 64-bit word in hexadecimal, found \"1ffffffffffffffff\".");
  EXPECT_EQ(load_with("memory.txt", 3, "page 0xfc180000 ste"),
            "memory.txt:3: expected each page once, found \"page 0xfc180000 ste\".");
}

TEST_F(CaptureFiles, TablesMustHaveTheirColumns) {
  EXPECT_EQ(load_with("translations.tsv", 2, "0x10\t0xffb1c000"),
            "translations.tsv:2: expected 6 columns, found \"0x10 0xffb1c000\".");
  EXPECT_EQ(load_with("translations.tsv", 2, "0x100000000\t0x0\t0x0\trw\t1\tqemu-trace"),
            "translations.tsv:2: expected a number up to 0xffffffff in column sid, found "
            "\"0x100000000\".");
  EXPECT_EQ(load_with("translations.tsv", 2, "0x10\t0x0\t0x0\trx\t1\tqemu-trace"),
            "translations.tsv:2: expected r, w or rw in column perm, found \"rx\".");
  EXPECT_EQ(load_with("faults.tsv", 3, "0x40\t0x0\tF_NONE\t3\tw"),
            "faults.tsv:3: expected the name of an event in column event, found \"F_NONE\".");
  EXPECT_EQ(load_with("faults.tsv", 3, "0x40\t0x0\tF_TRANSLATION\t4\tw"),
            "faults.tsv:3: expected a number up to 0x3 in column level, found \"4\".");
  EXPECT_EQ(load_with("faults.tsv", 3, "0x40\t0x0\tF_TRANSLATION\t3\tx"),
            "faults.tsv:3: expected r or w in column access, found \"x\".");
  EXPECT_EQ(load_with("bypass.tsv", 2, "0xf8\tpass\t0x0\t0\t4"),
            "bypass.tsv:2: expected disable, bypass or abort in column kind, found \"pass\".");
  EXPECT_EQ(load_with("streams.tsv", 2, "0x10\t0x0\t0x1,0x2\ts1\t0x0\t0x0\t1\t16\t4K\t0x0\t4\t0x0"),
            "streams.tsv:2: expected 8 numbers with commas between them in column ste_words, found "
            "\"0x1,0x2\".");
}

TEST_F(CaptureFiles, EventsMustBeTheRecordsTheySay) {
  EXPECT_EQ(load_with("events.tsv", 2, "1\tF_PERMISSION\t0x40\t0x4000000013\t0x0\t0x400040\t0x0"),
            "events.tsv:2: expected the number 0 in column number, found \"1\".");
  EXPECT_EQ(
      load_with("events.tsv", 2, "0\tF_ACCESS\t0x40\t0x4000000013\t0x0\t0x400040\t0x0"),
      "events.tsv:2: expected the name of the event in dword0 in column type, found \"F_ACCESS\".");
  EXPECT_EQ(load_with("events.tsv", 2, "0\tF_PERMISSION\t0x41\t0x4000000013\t0x0\t0x400040\t0x0"),
            "events.tsv:2: expected the StreamID in dword0 in column sid, found \"0x41\".");
}

TEST_F(CaptureFiles, WalksMustBeStepsDownTheLevels) {
  const std::string start = "0x10\t1\t0xffa00000\t0x105446000\tr\t1\t";
  EXPECT_EQ(load_with("walks.tsv", 2, start + "0:0x1000"),
            "walks.tsv:2: expected steps \"LEVEL:ADDRESS:DESCRIPTOR\" in column walk, found "
            "\"0:0x1000\".");
  EXPECT_EQ(load_with("walks.tsv", 2, start + "0:0x1004:0x3"),
            "walks.tsv:2: expected steps \"LEVEL:ADDRESS:DESCRIPTOR\" in column walk, found "
            "\"0:0x1004:0x3\".");
  EXPECT_EQ(load_with("walks.tsv", 2, start + "0:0x1000:0x3 2:0x2000:0x3"),
            "walks.tsv:2: expected levels one after another in column walk, found "
            "\"0:0x1000:0x3 2:0x2000:0x3\".");
}

TEST_F(CaptureFiles, TheLogMustBeAccessesToRegisters) {
  EXPECT_EQ(load_with("mmio.log", 2, "R 0x00000 4"),
            "mmio.log:2: expected \"W|R OFFSET SIZE VALUE [xN]\", found \"R 0x00000 4\".");
  EXPECT_EQ(load_with("mmio.log", 2, "R 0x00000 2 0x1"),
            "mmio.log:2: expected a size of 4 or 8 bytes, found \"2\".");
  EXPECT_EQ(load_with("mmio.log", 2, "R 0x00002 4 0x1"),
            "mmio.log:2: expected an offset below 0x20000 that is a multiple of the size, found "
            "\"0x00002\".");
  EXPECT_EQ(load_with("mmio.log", 2, "R 0x03000 4 0x1"),
            "mmio.log:2: expected the offset of a register of the SMMU, found \"0x03000\".");
  EXPECT_EQ(load_with("mmio.log", 2, "R 0x00000 4 0x1ffffffff"),
            "mmio.log:2: expected a value of 32 bits, found \"0x1ffffffff\".");
  EXPECT_EQ(load_with("mmio.log", 2, "R 0x00000 4 0x1 2"),
            "mmio.log:2: expected how often a value was read, as \"xN\", found \"2\".");
  // The halves of a 64-bit register have an offset each.
  EXPECT_EQ(load_with("mmio.log", 2, "R 0x00084 4 0x0"), "");
  EXPECT_EQ(load_with("commands.tsv", 2, "0\t0xfc200008\t0x4\t0x1f\tx"),
            "commands.tsv:2: expected a multiple of 16 in column address, found \"0xfc200008\".");
}

TEST(FolderName, IsTheLastPartHoweverItIsSpelled) {
  EXPECT_EQ(folder_name("captures/linux"), "linux");
  EXPECT_EQ(folder_name("captures/linux/"), "linux");
  EXPECT_EQ(folder_name("captures/./linux/."), "linux");
}

}  // namespace
}  // namespace smmu::cli::capture_test
