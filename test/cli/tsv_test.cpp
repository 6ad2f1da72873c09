#include "emulator/cli/tsv.h"

#include <gtest/gtest.h>

#include "test/cli/temporary_folder.h"

namespace smmu::cli::tsv_test {
namespace {

constexpr std::string_view kNames[] = {"b", "a"};

TEST(Tsv, ColumnsAreFoundByNameWhereverTheyStand) {
  const TemporaryFolder folder;
  Tsv tsv(folder.write("f", "a\tx\tb(what it holds)\n1\t2\t0x3\n"), kNames);
  ASSERT_TRUE(tsv.next());
  EXPECT_EQ(tsv.number(0), 3);
  EXPECT_EQ(tsv.number(1), 1);
  EXPECT_EQ(tsv.line(), 2);
  EXPECT_FALSE(tsv.next());
}

TEST(Tsv, WhatIsWrongIsSaidWithFileAndLine) {
  const TemporaryFolder folder;
  const auto read = [&](std::string_view text) {
    return complaint_of(folder, [&] {
      for (Tsv tsv(folder.write("f", text), kNames); tsv.next();) {
        tsv.number(0, 0xff);
        tsv.number(1);
      }
    });
  };
  EXPECT_EQ(read("a\tb\n1\t2\n"), "");
  EXPECT_EQ(read(""), "f:1: expected a heading with the columns b a, found an empty file.");
  EXPECT_EQ(read("a\tc\n1\t2\n"), "f:1: expected a heading with a column b, found \"a c\".");
  EXPECT_EQ(read("a\tb\n1\t2\n3\n"), "f:3: expected 2 columns, found \"3\".");
  EXPECT_EQ(read("a\tb\n1\t2\t3\n"), "f:2: expected 2 columns, found \"1 2 3\".");
  EXPECT_EQ(read("a\tb\n1\t0x\n"), "f:2: expected a number in column b, found \"0x\".");
  EXPECT_EQ(read("a\tb\n1\t0x100\n"),
            "f:2: expected a number up to 0xff in column b, found \"0x100\".");
}

}  // namespace
}  // namespace smmu::cli::tsv_test
