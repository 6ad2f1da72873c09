// What Linux 6.12's allocator answered to 90,436 requests, and that kLinuxExact answers the same.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "smmu/iommu/iova.h"

namespace smmu::iommu::linux_trace_test {
namespace {

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  const auto close = [](gzFile file) { gzclose(file); };
  const std::unique_ptr<gzFile_s, decltype(close)> file(gzopen(path.c_str(), "rb"), close);
  if (!file) return lines;
  char line[256];
  while (gzgets(file.get(), line, sizeof(line))) lines.emplace_back(line);
  return lines;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; (at = line.find_first_not_of(" \n", at)) != line.npos;) {
    const std::size_t end = line.find_first_of(" \n", at);
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

std::uint64_t number(std::string_view text, int base = 10) {
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value, base);
  EXPECT_TRUE(result.ec == std::errc() && result.ptr == text.data() + text.size()) << text;
  return value;
}

struct Counts {
  std::size_t domains = 0;
  std::size_t answers = 0;
  std::size_t refusals = 0;
  std::size_t different = 0;
  std::string first_difference;
};

// The format is in captures/iova-linux-6.12/README.md.
Counts replay(const IovaConfig& config) {
  Counts counts;
  std::unique_ptr<IovaDomain> domain;
  std::unordered_map<std::uint64_t, IovaRange> live;
  std::size_t line_number = 0;
  for (const std::string& line :
       lines_of(SMMU_TEST_DATA "/captures/iova-linux-6.12/trace.txt.gz")) {
    ++line_number;
    const std::vector<std::string_view> words = words_of(line);
    const auto differs = [&](const std::string& got) {
      if (counts.different++ == 0) {
        counts.first_difference = fmt::format("line {}: {}", line_number, got);
      }
    };
    if (words[0] == "domain") {
      const std::uint64_t granule = number(words[1].substr(words[1].find('=') + 1));
      const Pfn start = number(words[2].substr(words[2].find('=') + 1));
      auto made = IovaDomain::create(granule, start, config);
      if (!made) return counts;
      domain = *std::move(made);
      live.clear();
      ++counts.domains;
    } else if (words[0] == "a") {
      const auto range = domain->allocate(number(words[1]), number(words[2], 16),
                                          words[3] == "1" ? Alignment::kNatural : Alignment::kNone);
      ++counts.answers;
      if (words[4] == "fail") {
        ++counts.refusals;
        if (range) {
          differs(fmt::format("{:x}, and Linux refuses", range->first()));
          domain->free(*range);
        }
      } else if (!range || range->first() != number(words[4], 16)) {
        differs(range ? fmt::format("{:x}", range->first()) : "refused");
        if (range) live.insert_or_assign(number(words[5]), *range);
      } else {
        live.insert_or_assign(number(words[5]), *range);
      }
    } else {
      EXPECT_EQ(words[0], "f");
      const auto freed = live.find(number(words[1]));
      ++counts.answers;
      if (freed == live.end() || !domain->free(freed->second)) {
        differs("is not live");
      } else {
        live.erase(freed);
      }
    }
  }
  return counts;
}

TEST(IovaLinuxTrace, EveryAnswerIsLinuxs) {
  const Counts counts = replay({.order = IovaOrder::kLinuxExact, .failure_memo = FailureMemo::kOn});
  EXPECT_EQ(counts.domains, 20U);
  EXPECT_EQ(counts.answers, 90'436U);
  EXPECT_EQ(counts.refusals, 3'206U);
  EXPECT_EQ(counts.different, 0U) << counts.first_difference;
}

// So the file can tell: some of its refusals come from the memo alone, and few of its answers are
// the highest place.
TEST(IovaLinuxTrace, WithoutTheMemoOrInAnotherOrderSomeAreNot) {
  EXPECT_GT(replay({.order = IovaOrder::kLinuxExact}).different, 0U);
  EXPECT_GT(replay({.order = IovaOrder::kHighestGap}).different, 1000U);
}

}  // namespace
}  // namespace smmu::iommu::linux_trace_test
