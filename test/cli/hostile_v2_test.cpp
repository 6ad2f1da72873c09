// Whatever the files of an SMMUv2 hold, they are walked or refused with a sentence.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "test/cli/damaged.h"
#include "test/cli/example_v2.h"
#include "test/cli/run_tool.h"

namespace smmu::cli::hostile_v2_test {
namespace {

using ::testing::IsEmpty;

TEST(HostileV2, WhatIsWrongWithACaptureIsSaidWithFileAndLine) {
  const auto complaint = [](const std::string& registers) {
    EditedExample edited;
    edited.folder().write("registers.txt", registers);
    const ToolRun run = edited.run("--sid 0x860 --iova 0x0");
    EXPECT_EQ(run.status, 2);
    EXPECT_THAT(run.out, IsEmpty());
    const std::size_t at = run.err.find("/registers.txt:");
    return at == std::string::npos ? run.err : run.err.substr(at + 1);
  };
  EXPECT_EQ(complaint("preset qemu_virt\n"),
            "registers.txt:1: expected the preset of an SMMUv2, one of generic, pages_64k, "
            "mmu500_zynqmp, mmu500_stratix10, found \"qemu_virt\".\n");
  EXPECT_EQ(complaint("# c\n\npreset\n"),
            "registers.txt:3: expected the preset of an SMMUv2, one of generic, pages_64k, "
            "mmu500_zynqmp, mmu500_stratix10, found \"\".\n");
  const std::string preset = "preset mmu500_zynqmp\n";
  EXPECT_EQ(complaint(preset + "sCR0\n"),
            "registers.txt:2: expected \"REGISTER value\", found \"sCR0\".\n");
  EXPECT_EQ(complaint(preset + "sCR0 1 2\n"),
            "registers.txt:2: expected \"REGISTER value\", found \"sCR0 1 2\".\n");
  for (const char* name : {"CR0", "CB16.FSR", "SMR48", "CBn_FSR", "0x20000", "0x3", "0x12344",
                           "0xffffffffffffffff", "secure:x", "-1"}) {
    EXPECT_EQ(complaint(preset + name + " 0\n"),
              fmt::format("registers.txt:2: expected the name or the offset of a register of this "
                          "SMMU, found \"{}\".\n",
                          name));
  }
  EXPECT_EQ(complaint(preset + "sCR0 0x100000000\n"),
            "registers.txt:2: expected a value of 32 bits, found \"0x100000000\".\n");
  EXPECT_EQ(complaint(preset + "sCR0 one\n"),
            "registers.txt:2: expected a value of 32 bits, found \"one\".\n");
  EXPECT_EQ(complaint(preset + "CB0.TTBR0 0x10000000000000000\n"),
            "registers.txt:2: expected a value of 64 bits, found \"0x10000000000000000\".\n");
  EXPECT_EQ(complaint(preset + "SMR0 0\nSMMU_SMR0 0\n"),
            "registers.txt:3: expected each register once, found \"SMMU_SMR0 0\".\n");
  EXPECT_EQ(complaint(preset + "SMR0 0\n0x800 0\n"),
            "registers.txt:3: expected each register once, found \"0x800 0\".\n");
  EXPECT_EQ(complaint(preset + "\nIDR1 0x0\n"),
            "registers.txt:3: expected SMMU_IDR1 to be that of the preset, 0x30000f10, found "
            "0x0.\n");
}

TEST(HostileV2, WhatNeedsAnSmmuV3SaysSo) {
  for (const char* command : {"replay", "maps"}) {
    const ToolRun run = run_tool(fmt::format("{} {}", command, example_v2()));
    EXPECT_EQ(run.status, 2);
    EXPECT_EQ(run.err, fmt::format("smmu: {}/registers.txt:2: expected the registers of an SMMUv3, "
                                   "found \"preset mmu500_zynqmp\".\n",
                                   example_v2()));
  }
}

TEST(HostileV2, DamagedFilesAreWalkedOrRefused) {
  std::mt19937 random(5);
  for (const char* name : {"registers.txt", "memory.txt"}) {
    const EditedExample edited;
    const std::string whole = edited.folder().read(name);
    for (int i = 0; i < 40; ++i) {
      edited.folder().write(name, damaged(whole, random));
      for (const char* options : {"--sid 0x860 --iova 0x10123", "--sid 0x14e0 --iova 0x20040",
                                  "--json --secure --sid 0x890 --iova 0x30020"}) {
        const ToolRun run = edited.run(options);
        EXPECT_TRUE(run.status == 0 || run.status == 2) << options << run.status << run.err;
        EXPECT_EQ(run.status == 2, !run.err.empty()) << run.err;
      }
    }
  }
}

// Whatever the registers hold, somebody can be told of it.
TEST(HostileV2, RegistersOfNonsenseAreTold) {
  std::mt19937_64 random(6);
  const auto any = [&random] {
    constexpr std::uint64_t kLikely[] = {0,          1,          0x161,      0x80993519,
                                         0x40001000, 0xffffffff, 0x00010000, 0x00030207};
    const std::uint64_t bits = random();
    return (bits % 2 == 0 ? bits >> 32 : kLikely[bits / 2 % std::size(kLikely)]) & 0xffffffff;
  };
  for (const char* preset : {"generic", "pages_64k", "mmu500_zynqmp", "mmu500_stratix10"}) {
    for (int i = 0; i < 12; ++i) {
      const EditedExample edited;
      std::string text = fmt::format("preset {}\nsCR0 {:#x}\n", preset, any() & ~1ULL);
      for (int n = 0; n < 8; ++n) {
        text += fmt::format("SMR{} {:#x}\nS2CR{} {:#x}\n", n,
                            0x80000000 | (n < 4 ? static_cast<unsigned>(n) : any()), n,
                            n % 2 == 0 ? any() & 0x7 : any());
        text += fmt::format("CBAR{} {:#x}\nCBA2R{} {:#x}\n", n, any(), n, any());
        for (const char* name : {"SCTLR", "TCR", "TCR2", "TTBR0", "TTBR1", "MAIR0"}) {
          text += fmt::format("CB{}.{} {:#x}\n", n, name, any());
        }
      }
      edited.folder().write("registers.txt", text);
      for (const int sid : {0, 1, 2, 3}) {
        const ToolRun run =
            edited.run(fmt::format("--sid {} --iova {:#x}", sid, random() >> (i * 4)));
        EXPECT_EQ(run.status, 0) << run.err << text;
      }
    }
  }
}

}  // namespace
}  // namespace smmu::cli::hostile_v2_test
