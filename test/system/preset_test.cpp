// The configurations that have names: that their identification registers are those of
// docs/features.md, and that software gets on with each.
#include <array>
#include <fstream>
#include <map>
#include <ostream>
#include <sstream>

#include "smmu/arch/v3/identification_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::preset_test {
namespace {

using emulator::SmmuV3Config;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::SMMU_IDR1;

constexpr StreamId kStream(0);
constexpr Iova kAddress(0x8000'0000);

struct Preset {
  const char* name;
  SmmuV3Config config;
};
void PrintTo(const Preset& preset, std::ostream* out) { *out << preset.name; }

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream row(line);
  std::string cell;
  std::getline(row, cell, '|');
  while (std::getline(row, cell, '|')) {
    std::erase_if(cell, [](char c) { return c == ' ' || c == '`'; });
    cells.push_back(cell);
  }
  return cells;
}

// The column of a preset in the table of words, by register.
std::map<std::string, std::uint32_t> documented(const std::string& preset) {
  std::ifstream features(SMMU_TEST_DATA "/../../docs/features.md");
  std::map<std::string, std::uint32_t> words;
  std::vector<std::string> header;
  for (std::string line; std::getline(features, line);) {
    if (!line.starts_with('|')) {
      header.clear();
      continue;
    }
    const auto cells = cells_of(line);
    if (header.empty()) header = cells;
    const auto column = std::ranges::find(header, preset) - header.begin();
    if (header.front() != "register" || !cells.front().starts_with("SMMU_")) continue;
    words[cells.front()] = static_cast<std::uint32_t>(
        std::stoul(cells.at(static_cast<std::size_t>(column)), nullptr, 16));
  }
  return words;
}

class Presets : public ::testing::TestWithParam<Preset> {
 protected:
  static Board::Options options() {
    const auto& config = GetParam().config;
    return {.config = config,
            .log2_commands = std::min(8U, config.idr1[SMMU_IDR1::CMDQS]),
            .log2_events = std::min(8U, config.idr1[SMMU_IDR1::EVENTQS]),
            .log2_streams = std::min(8U, config.idr1[SMMU_IDR1::SIDSIZE])};
  }

  Board board_{options()};
};

TEST_P(Presets, HaveTheIdentificationRegistersOfTheDocuments) {
  const auto words = documented(GetParam().name);
  const std::map<std::string, std::uint32_t> offsets = {
      {"SMMU_IDR0", 0x00},     {"SMMU_IDR1", 0x04},     {"SMMU_IDR2", 0x08},
      {"SMMU_IDR3", 0x0c},     {"SMMU_IDR4", 0x10},     {"SMMU_IDR5", 0x14},
      {"SMMU_IIDR", 0x18},     {"SMMU_AIDR", 0x1c},     {"SMMU_IDR6", 0x190},
      {"SMMU_S_IDR0", 0x8000}, {"SMMU_S_IDR1", 0x8004}, {"SMMU_S_IDR2", 0x8008},
      {"SMMU_S_IDR3", 0x800c}, {"SMMU_S_IDR4", 0x8010}, {"SMMU_S_IDR6", 0x8190}};
  for (const auto& [name, word] : words) {
    ASSERT_TRUE(offsets.contains(name)) << name;
    EXPECT_EQ(board_.smmu().secure().read32(offsets.at(name)), word) << name;
  }
  EXPECT_EQ(words.size(), offsets.size());
}

TEST_P(Presets, BootAndTranslate) {
  board_.bring_up();
  EXPECT_TRUE(board_.idle());
  PageTable table = board_.page_table();
  const Pa page = board_.allocate(4096);
  table.map(kAddress, page, 4096);
  board_.attach(kStream, table);
  const DmaDevice device = board_.device(kStream);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(page));
  EXPECT_EQ(device.write64(kAddress, 0x0123'4567'89ab'cdef).bytes, 8U);
  EXPECT_EQ(load(board_.memory(), page), 0x0123'4567'89ab'cdefU);
  EXPECT_EQ(device.read64(kAddress), 0x0123'4567'89ab'cdefU);
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_P(Presets, RecordWhatFaults) {
  board_.bring_up();
  PageTable table = board_.page_table();
  board_.attach(kStream, table);
  for (unsigned i = 0; i != 3; ++i) {
    EXPECT_THAT(board_.device(kStream).translate(kAddress), Aborts());
    EXPECT_THAT(board_.events(),
                ElementsAre(IsEvent(v3::EventType::F_TRANSLATION, kStream, kAddress)));
  }
  EXPECT_EQ(board_.event_line.count(), 3U);
}

INSTANTIATE_TEST_SUITE_P(All, Presets,
                         ::testing::Values(Preset{"everything", SmmuV3Config::everything()},
                                           Preset{"mmu600", SmmuV3Config::mmu600()},
                                           Preset{"qemu_virt", SmmuV3Config::qemu_virt()},
                                           Preset{"minimal", SmmuV3Config::minimal()}));

// 2.9: each version of the architecture with all that it has here.
class Versions : public ::testing::TestWithParam<unsigned> {};

TEST_P(Versions, BootAndTranslate) {
  const auto config = SmmuV3Config::everything().of_version(GetParam());
  Board board({.config = config});
  EXPECT_EQ(board.smmu().read32(0x1c), GetParam());
  board.bring_up();
  PageTable table = board.page_table();
  const Pa page = board.allocate(4096);
  table.map(kAddress, page, 4096);
  board.attach(kStream, table);
  EXPECT_THAT(board.device(kStream).translate(kAddress), TranslatesTo(page));
  EXPECT_THAT(board.events(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(All, Versions, ::testing::Range(0U, 5U));

}  // namespace
}  // namespace smmu::testing::preset_test
