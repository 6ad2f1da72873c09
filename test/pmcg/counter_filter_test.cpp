// Which streams a filter lets pass, against the patterns of the manual written out (IHI
// 0070, 10.4).
#include "emulator/pmcg/counter_filter.h"

#include <gtest/gtest.h>

#include <string>

namespace smmu::emulator::counter_filter_test {
namespace {

using v3::SMMU_PMCG_EVTYPERn;
using v3::SMMU_PMCG_SMRn;

constexpr SecurityState kNonSecure = SecurityState::kNonSecure;
constexpr SecurityState kSecure = SecurityState::kSecure;

// What a mask of so many bits matches: x where anything does.
std::string pattern_of(std::uint32_t mask, unsigned bits) {
  std::string pattern;
  for (unsigned i = bits; i-- != 0;) pattern += (mask >> i & 1) != 0 ? '1' : '0';
  const std::size_t zero = pattern.rfind('0');
  const std::size_t from = zero == std::string::npos ? 0 : zero;
  return pattern.replace(from, std::string::npos, pattern.size() - from, 'x');
}

bool fits(std::uint32_t stream, const std::string& pattern) {
  for (std::size_t i = 0; i != pattern.size(); ++i) {
    const char bit = (stream >> (pattern.size() - 1 - i) & 1) != 0 ? '1' : '0';
    if (pattern[i] != 'x' && pattern[i] != bit) return false;
  }
  return true;
}

TEST(CounterFilters, MeanWhatThePatternsOfTheManualDo) {
  EXPECT_EQ(pattern_of(0x01bf'7f7, 28),
            "00000001101111110111"
            "1111xxxx");
  EXPECT_EQ(pattern_of(0b0110, 4), "011x");
  EXPECT_EQ(pattern_of(0b0101'1111'1111, 12), "01xxxxxxxxxx");
}

// Every mask, every stream, every say, of every size of StreamID up to five bits.
TEST(CounterFilters, AgreeWithThePatternsEverywhere) {
  for (unsigned bits = 0; bits != 6; ++bits) {
    CounterGroupConfig config = CounterGroupConfig::everything();
    config.stream_bits = bits;
    const std::uint32_t end = 1U << bits;
    for (std::uint32_t mask = 0; mask != end; ++mask) {
      for (unsigned say = 0; say != 16; ++say) {
        const bool span = (say & 1) != 0;
        const bool secure_streams = (say & 2) != 0;
        const bool observed = (say & 4) != 0;
        const SecurityState security = (say & 8) != 0 ? kSecure : kNonSecure;
        const auto type = SMMU_PMCG_EVTYPERn()
                              .set(SMMU_PMCG_EVTYPERn::FILTER_SID_SPAN, span)
                              .set(SMMU_PMCG_EVTYPERn::FILTER_SEC_SID, secure_streams);
        for (std::uint32_t stream = 0; stream != end; ++stream) {
          bool expected = span ? fits(stream, pattern_of(mask, bits)) : stream == mask;
          if (span && mask == end - 1) {
            expected = security == kNonSecure || observed;
          } else {
            expected &= (security == kSecure) == (secure_streams && observed);
          }
          ASSERT_EQ(
              admits(config, type, SMMU_PMCG_SMRn(mask), observed, StreamId(stream), security),
              expected)
              << bits << ' ' << mask << ' ' << say << ' ' << stream;
        }
      }
    }
  }
}

TEST(CounterFilters, OfAllBitsReachTheEnds) {
  const auto config = CounterGroupConfig::everything();
  const auto span = SMMU_PMCG_EVTYPERn().set(SMMU_PMCG_EVTYPERn::FILTER_SID_SPAN, true);
  const auto passes = [&](std::uint32_t mask, std::uint32_t stream) {
    return admits(config, span, SMMU_PMCG_SMRn(mask), false, StreamId(stream), kNonSecure);
  };
  EXPECT_TRUE(passes(0x7fff'ffff, 0xffff'ffff));
  EXPECT_TRUE(passes(0xffff'ffff, 0));
  EXPECT_TRUE(passes(0xbfff'ffff, 0x8000'0000));
  EXPECT_FALSE(passes(0xbfff'ffff, 0x7fff'ffff));
  EXPECT_TRUE(passes(0xffff'fffe, 0xffff'ffff));
  EXPECT_FALSE(passes(0xffff'fffe, 0xffff'fffd));
}

TEST(CounterGroups, SeeTheStreamsThatAreTheirs) {  // 10.4.1, 10.6
  CounterGroupConfig config;
  config.stream_bits = 4;
  config.first_stream = StreamId(0x10);
  for (std::uint32_t stream = 0; stream != 0x40; ++stream) {
    const bool its = stream >= 0x10 && stream < 0x20;
    EXPECT_EQ(observes(config, StreamId(stream), kNonSecure), its) << stream;
    EXPECT_FALSE(observes(config, StreamId(stream), kSecure));
  }
  EXPECT_FALSE(observes(config, StreamId(0x8000'0010), kNonSecure));
  config.secure_state = true;
  EXPECT_TRUE(observes(config, StreamId(0x1f), kSecure));
  config.stream_bits = 32;
  config.first_stream = StreamId(0);
  EXPECT_TRUE(observes(config, StreamId(0xffff'ffff), kNonSecure));
  config.stream_bits = 0;
  EXPECT_TRUE(observes(config, StreamId(0), kNonSecure));
  EXPECT_FALSE(observes(config, StreamId(1), kNonSecure));
}

}  // namespace
}  // namespace smmu::emulator::counter_filter_test
