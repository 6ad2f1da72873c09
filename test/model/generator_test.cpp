// What the generator's cases reach.
#include "test/model/generator.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "test/model/naive_walker.h"

namespace smmu::model::generator_test {
namespace {

constexpr std::uint64_t kFirstSeed = 0x5eed'0000'0000'0000;
constexpr unsigned kCases = 200'000;
constexpr unsigned kLeast = 100;

// A stage's format as a word: the granule tells VMSAv8-64 walks apart.
std::string granule_name(unsigned lowest_bit) {
  return lowest_bit == 12 ? "4K" : lowest_bit == 14 ? "16K" : "64K";
}

std::string format_of_stage1(const Case& test) {
  if (!test.regime.stage1) return "none";
  const Stage1& stage1 = *test.regime.stage1;
  if (stage1.format == Stage1Format::kVmsa8_32Long) return "long";
  if (stage1.format == Stage1Format::kVmsa8_32Short) return "short";
  const bool two_ranges = stage1.world == World::kEl1And0 || stage1.world == World::kEl2And0;
  const bool upper = two_ranges && ((test.access.address >> 55) & 1) != 0;
  if (upper) return granule_name(stage1.tg1 == 0b01 ? 14 : stage1.tg1 == 0b11 ? 16 : 12);
  return granule_name(stage1.tg0 == 0b01 ? 16 : stage1.tg0 == 0b10 ? 14 : 12);
}

std::string format_of_stage2(const Case& test) {
  const Stage2& stage2 = *test.regime.stage2;
  if (stage2.format == Stage2Format::kVmsa8_32Long) return "long";
  return granule_name(stage2.tg == 0b01 ? 16 : stage2.tg == 0b10 ? 14 : 12);
}

std::string bucket(FaultType type, unsigned stage, FaultClass in, const std::string& format,
                   int level) {
  const char* const names[] = {"translation", "address size", "access flag",
                               "permission",  "abort",        "domain"};
  std::ostringstream out;
  out << "stage " << stage << (stage == 2 ? in == FaultClass::kTable ? " TT " : " IN " : " ")
      << format << " level " << level << " " << names[static_cast<unsigned>(type)];
  return out.str();
}

// Every fault that can occur.  A level -1 or 0 exists as the granule has it
// (DDI 0487, D8.2.8 to D8.2.10); Access flag and Permission faults need a
// level that has Blocks or Pages.
void for_each_possible_fault(const auto& visit) {
  struct Format {
    const char* name;
    int first_level, first_leaf;
  };
  constexpr Format kFormats[] = {{"4K", -1, 0}, {"16K", 0, 1}, {"64K", 1, 1}, {"long", 1, 1}};
  const auto visit_stage = [&](unsigned stage, FaultClass in) {
    for (const Format& format : kFormats) {
      for (int level = format.first_level; level <= 3; ++level) {
        visit(FaultType::kTranslation, stage, in, format.name, level);
        visit(FaultType::kAddressSize, stage, in, format.name, level);
        visit(FaultType::kExternalAbort, stage, in, format.name, level);
        if (level < format.first_leaf) continue;
        visit(FaultType::kAccessFlag, stage, in, format.name, level);
        visit(FaultType::kPermission, stage, in, format.name, level);
      }
    }
    // The input range of the 64KB granule, which has no descriptors at level 0.
    visit(FaultType::kTranslation, stage, in, "64K", 0);
  };
  visit_stage(1, FaultClass::kInput);
  visit_stage(2, FaultClass::kInput);
  visit_stage(2, FaultClass::kTable);
  for (int level = 1; level <= 2; ++level) {
    for (const FaultType type :
         {FaultType::kTranslation, FaultType::kAccessFlag, FaultType::kPermission,
          FaultType::kExternalAbort, FaultType::kDomain}) {
      visit(type, 1U, FaultClass::kInput, "short", level);
    }
  }
  visit(FaultType::kAddressSize, 1U, FaultClass::kInput, "short", 1);
  // An input beyond the IAS of a stream without stage 1 (IHI 0070, 3.4).
  visit(FaultType::kAddressSize, 1U, FaultClass::kInput, "none", 0);
}

TEST(Generator, ReachesEveryFaultOfEveryStageLevelAndFormat) {
  std::map<std::string, unsigned> counts;
  std::map<std::string, unsigned> updates;
  unsigned successes = 0;
  for (unsigned index = 0; index < kCases; ++index) {
    const Case test = generate(kFirstSeed + index);
    SparseMemory memory(test.words);
    const Result<Translation, Fault> result = translate(test.regime, test.access, memory.memory());
    if (memory.words() != test.words) ++updates[result ? "success" : "fault"];
    if (result) {
      ++successes;
      continue;
    }
    const Fault& fault = result.error();
    const std::string format = fault.stage == 1 ? format_of_stage1(test) : format_of_stage2(test);
    ++counts[bucket(fault.type, fault.stage,
                    fault.in == FaultClass::kTable && fault.stage == 2 ? FaultClass::kTable
                                                                       : FaultClass::kInput,
                    format, fault.level)];
  }

  std::cout << "first seed 0x" << std::hex << kFirstSeed << std::dec << ", " << kCases << " cases, "
            << successes << " successes, updates " << updates["success"] << " and "
            << updates["fault"] << " before a fault\n";
  for_each_possible_fault(
      [&](FaultType type, unsigned stage, FaultClass in, const char* format, int level) {
        const std::string name = bucket(type, stage, in, format, level);
        std::cout << "  " << name << ": " << counts[name] << "\n";
        EXPECT_GE(counts[name], kLeast) << name;
        counts.erase(name);
      });
  // Whatever is left over has been called impossible above.
  for (const auto& [name, count] : counts) ADD_FAILURE() << name << ": " << count;

  EXPECT_GE(successes, kCases * 40 / 100);
  EXPECT_GE(updates["success"], kLeast);
  EXPECT_GE(updates["fault"], kLeast);
}

TEST(Generator, MakesTheSameCaseFromTheSameSeed) {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    std::ostringstream first, second;
    first << generate(seed);
    second << generate(seed);
    ASSERT_EQ(first.str(), second.str());
  }
}

// An invented descriptor is there for the walk that follows too, so a case
// aborts only where it is meant to.
TEST(Generator, LeavesNothingOutThatAWalkReads) {
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    const Case test = generate(seed);
    SparseMemory memory(test.words);
    std::uint64_t reads = 0;
    Memory counted = memory.memory();
    counted.before_fetch = [&](const Fetch&) { ++reads; };
    static_cast<void>(translate(test.regime, test.access, counted));
    ASSERT_LE(test.words.size(), reads) << test;
  }
}

}  // namespace
}  // namespace smmu::model::generator_test
