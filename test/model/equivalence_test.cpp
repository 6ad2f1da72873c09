// The emulator's walker against the naive one, case by case.
//
// SMMU_MODEL_CASES and SMMU_MODEL_FIRST_SEED in the environment: how many
// cases, and from which seed on.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "emulator/walk/plain.h"
#include "emulator/walk/walker.h"
#include "test/model/generator.h"
#include "test/model/regime_of.h"
#include "test/model/word_memory.h"

namespace smmu::model::equivalence_test {
namespace {

constexpr std::uint64_t kFirstSeed = 0xe0e0'0000'0000'0000;
constexpr std::uint64_t kCases = 200'000;
constexpr unsigned kMostPrinted = 8;

using Ended = Result<Translation, Fault>;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 0);
}

bool same(const Ended& a, const Ended& b) {
  if (a.has_value() != b.has_value()) return false;
  return a ? *a == *b : a.error() == b.error();
}

std::string in_words(const Ended& ended) {
  std::ostringstream out;
  if (ended) {
    out << *ended;
  } else {
    out << ended.error();
  }
  return out.str();
}

FaultType type_of(emulator::FaultType type) {
  switch (type) {
    case emulator::FaultType::kTranslation:
      return FaultType::kTranslation;
    case emulator::FaultType::kAddressSize:
      return FaultType::kAddressSize;
    case emulator::FaultType::kAccessFlag:
      return FaultType::kAccessFlag;
    case emulator::FaultType::kDomain:
      return FaultType::kDomain;
    case emulator::FaultType::kPermission:
      return FaultType::kPermission;
    case emulator::FaultType::kExternalAbort:
    case emulator::FaultType::kInvalidContext:
    case emulator::FaultType::kTlbConflict:  // no walk's
      break;
  }
  return FaultType::kExternalAbort;
}

Fault fault_of(const emulator::WalkFault& walk) {
  const bool aborted = walk.type == emulator::FaultType::kExternalAbort;
  const bool by_stage1 = walk.stage == emulator::Stage::k1;
  // IHI 0070, 7.3.12: the abort of a stage 1 descriptor is of class TT.
  const bool of_table = by_stage1 ? aborted : walk.purpose == emulator::Purpose::kTable;
  return {.type = type_of(walk.type),
          .stage = by_stage1 ? 1U : 2U,
          .level = walk.level,
          .in = of_table ? FaultClass::kTable : FaultClass::kInput,
          .ipa = walk.ipa.value,
          .fetch = aborted ? walk.descriptor.value : 0,
          .table_write = walk.table_write};
}

unsigned permissions_of(emulator::Permissions permissions) {
  using enum emulator::Direction;
  using enum emulator::Content;
  unsigned all = 0;
  for (const auto& [privilege, read, write, execute] :
       {std::tuple{emulator::Privilege::kUnprivileged, kUnprivilegedRead, kUnprivilegedWrite,
                   kUnprivilegedExecute},
        std::tuple{emulator::Privilege::kPrivileged, kPrivilegedRead, kPrivilegedWrite,
                   kPrivilegedExecute}}) {
    if (permissions.allow(privilege, kRead, kData)) all |= read;
    if (permissions.allow(privilege, kWrite, kData)) all |= write;
    if (permissions.allow(privilege, kRead, kInstruction)) all |= execute;
    EXPECT_EQ(permissions.allow(privilege, kWrite, kInstruction),
              permissions.allow(privilege, kWrite, kData));
  }
  return all;
}

emulator::Access access_of(const Access& access) {
  return {
      .privilege =
          access.privileged ? emulator::Privilege::kPrivileged : emulator::Privilege::kUnprivileged,
      .direction = access.write ? emulator::Direction::kWrite : emulator::Direction::kRead,
      .content = access.instruction ? emulator::Content::kInstruction : emulator::Content::kData};
}

// All that walks leave: stage 2 translations by IPA, and the table nearest to
// the leaf.
class Copies final : public emulator::WalkCopies {
 public:
  bool find_stage2(Ipa ipa, emulator::Stage2Leaf& leaf) override {
    const auto found = leaves_.find(ipa.value);
    if (found == leaves_.end()) return false;
    leaf = found->second;
    return true;
  }
  void keep_stage2(Ipa ipa, const emulator::Stage2Leaf& leaf) override {
    leaves_[ipa.value] = leaf;
  }
  bool find_table(std::uint64_t address, emulator::StartingTable& start) override {
    const auto found = tables_.find(address);
    if (found == tables_.end()) return false;
    start = found->second;
    return true;
  }
  void keep_table(std::uint64_t address, const emulator::StartingTable& table) override {
    tables_[address] = table;
  }

 private:
  std::map<std::uint64_t, emulator::Stage2Leaf> leaves_;
  std::map<std::uint64_t, emulator::StartingTable> tables_;
};

// A descriptor read, by either walker.
struct Read {
  unsigned stage;
  int level;
  std::uint64_t address;

  friend bool operator==(const Read&, const Read&) = default;
};

class Watching final : public emulator::Observer {
 public:
  void on_table_access(const emulator::TableAccess& access) override {
    reads.push_back({access.stage, access.level, access.address.value});
  }
  std::vector<Read> reads;
};

// One case in the emulator.
class Emulated {
 public:
  explicit Emulated(const Case& test)
      : test_(test), regime_(regime_of(test.regime)), access_(access_of(test.access)) {}

  // What a port and the unit behind it make of the access.
  Ended translate(PhysicalMemory& memory, emulator::Observer* observer = nullptr,
                  emulator::WalkCopies* copies = nullptr) {
    const emulator::Walker walker(memory, observer);
    const auto address = emulator::Walker::canonical(regime_, Iova(test_.access.address));
    if (!address) return not_translated(0);
    const emulator::Stage1Half& half = regime_.stage1.half[address->half];
    if (half.unprivileged_denied && access_.privilege == emulator::Privilege::kUnprivileged) {
      return not_translated(address->half);
    }
    if (!half.enabled && regime_.has_stage1) return not_translated(address->half);

    emulator::Leaf leaf;
    std::optional<emulator::WalkFault> fault;
    if (copies != nullptr) {
      fault = walker.walk_with(regime_, *address, access_, leaf, *copies);
    } else {
      fault = walker.walk(regime_, *address, access_, leaf, last_);
    }
    if (fault) return fault_of(*fault);
    const bool writable = leaf.permissions.allow(access_.privilege, emulator::Direction::kWrite,
                                                 emulator::Content::kData);
    refuses_writes_ = !writable && !leaf.writable_clean;
    if (!access_.allowed_by(leaf.permissions)) {
      // Others are found by the walk.
      EXPECT_TRUE(!regime_.has_stage2 && !regime_.stage1.update.access_flag);
      return Fault{.type = FaultType::kPermission, .stage = 1, .level = leaf.level};
    }
    return translation_of(leaf);
  }

  // By a plain walk of both stages; none, if there is none or it does not say.
  std::optional<Ended> translate_plainly(PhysicalMemory& memory) {
    const std::uint64_t address = test_.access.address;
    if (!is_plain()) return std::nullopt;
    const emulator::Walker walker(memory);
    emulator::Leaf leaf;
    emulator::Stage2Leaf stage2;
    if (!walker.walk_nested_stage1(regime_, address, leaf, last_)) return std::nullopt;
    if (!access_.allowed_by(leaf.permissions)) return std::nullopt;
    const std::uint64_t within = (std::uint64_t{1} << leaf.size_bits) - 1;
    const std::uint64_t ipa = leaf.output.value | (address & within);
    if (!walker.walk_nested_stage2(regime_.stage2, ipa, stage2)) return std::nullopt;
    if (!access_.allowed_by(stage2.permissions)) return std::nullopt;
    emulator::put_behind(leaf, ipa, stage2);
    return translation_of(leaf);
  }
  bool is_plain() const {
    return regime_.has_stage2 && test_.access.address < emulator::plain_below(regime_);
  }

  // For nobody: without a Permission fault, and without a trace.
  Ended speculate(PhysicalMemory& memory) const {
    const auto address = emulator::Walker::canonical(regime_, Iova(test_.access.address));
    if (!address) return not_translated(0);
    if (regime_.has_stage1 && !regime_.stage1.half[address->half].enabled) {
      return not_translated(address->half);
    }
    emulator::Leaf leaf;
    const auto fault =
        emulator::Walker(memory).walk(regime_, *address, {.speculative = true}, leaf);
    if (fault) return fault_of(*fault);
    return translation_of(leaf);
  }

  // The most descriptors that the architecture has a walk read, if no
  // descriptor changes meanwhile: at every level one of stage 1, each with a
  // walk of stage 2, and one for what it leads to.  An update takes a walk more.
  unsigned most_reads() const {
    const auto levels = [](const emulator::Tables& tables) {
      return static_cast<unsigned>(4 - tables.first_level);
    };
    unsigned stage1 = 0;
    if (regime_.has_stage1) {
      const auto address = emulator::Walker::canonical(regime_, Iova(test_.access.address));
      if (!address) return 0;
      stage1 = regime_.stage1.range == emulator::InputRange::kAArch32Short
                   ? 2
                   : levels(regime_.stage1.half[address->half].tables);
    }
    if (!regime_.has_stage2) return stage1;
    const unsigned stage2 = levels(regime_.stage2.tables);
    const unsigned update = regime_.has_stage1 && regime_.stage1.update.access_flag ? stage2 : 0;
    return stage1 * (stage2 + 1) + stage2 + update;
  }

  // Whether a write that comes to the leaf just found is refused without a walk.
  bool refuses_writes() const { return refuses_writes_; }

  // The walk of a table of the last level that is known is one read.
  bool knows_last_table() const { return last_.known(); }

 private:
  Fault not_translated(unsigned half) const {
    return {.type = FaultType::kTranslation,
            .stage = 1,
            .level = regime_.stage1.half[half].tables.no_level};
  }

  Translation translation_of(const emulator::Leaf& leaf) const {
    const std::uint64_t size = std::uint64_t{1} << leaf.size_bits;
    EXPECT_EQ(leaf.output.value & (size - 1), 0U);
    MemoryAttributes attributes = leaf.attributes;
    if (!regime_.has_stage1) {
      const MemoryAttributes incoming{
          .type = test_.access.type,
          .shareability = static_cast<Shareability>(test_.access.shareability)};
      attributes = emulator::combine(emulator::consistent(incoming), leaf.stage2_memory);
    }
    return {.pa = leaf.output.value | (test_.access.address & (size - 1)),
            .size = size,
            .permissions = permissions_of(leaf.permissions),
            .type = attributes.type,
            .shareability = static_cast<std::uint8_t>(attributes.shareability),
            .global = leaf.global,
            .level = leaf.level,
            .stage2_level = 0};
  }

  const Case& test_;
  const emulator::Regime regime_;
  const emulator::Access access_;
  emulator::LastTable last_;
  bool refuses_writes_ = false;
};

// Whether a write by the same is refused for want of permission.
bool write_is_refused(const Case& test, const std::vector<Word>& words) {
  SparseMemory memory(words);
  Access access = test.access;
  access.write = true;
  const Ended ended = translate(test.regime, access, memory.memory());
  return !ended && ended.error().type == FaultType::kPermission;
}

// What is wrong with the emulator's walks of one case; nothing, if all is well.
std::string difference(const Case& test) {
  SparseMemory memory(test.words);
  std::vector<Read> reads;
  Memory watched = memory.memory();
  watched.before_fetch = [&](const Fetch& fetch) {
    reads.push_back({fetch.stage, fetch.level, fetch.pa});
  };
  Ended expected = translate(test.regime, test.access, watched);
  // A leaf of both stages does not tell stage 2's level.
  if (expected) expected->stage2_level = 0;

  std::ostringstream out;
  const auto expect = [&](const char* how, const Ended& found, const WordMemory& after) {
    if (!same(found, expected)) {
      out << "  " << how << ": " << in_words(found) << "\n";
    }
    const std::vector<Word> words = after.words();
    for (std::size_t i = 0; i != words.size(); ++i) {
      if (words[i] == memory.words()[i]) continue;
      out << "  " << how << ": afterwards [" << std::hex << words[i].address
          << "] = " << words[i].value << ", not " << memory.words()[i].value << std::dec << "\n";
    }
  };
  const bool unchanged = memory.words() == test.words;
  using enum WordMemory::Mapping;

  {
    Emulated emulated(test);
    WordMemory indirect(test.words, kIndirect);
    expect("a walk", emulated.translate(indirect), indirect);
    // A Short descriptor is half of the word that is read.
    const auto same_address = [](const Read& read, std::uint64_t at) {
      return read.address / 8 * 8 == at;
    };
    if (!std::equal(reads.begin(), reads.end(), indirect.reads().begin(), indirect.reads().end(),
                    same_address)) {
      out << "  reads " << indirect.reads().size() << " descriptors, others than the "
          << reads.size() << " expected\n";
    }
    const std::size_t most = emulated.most_reads() * (1 + indirect.lost_exchanges());
    if (indirect.reads().size() > most) {
      out << "  reads " << indirect.reads().size() << " descriptors, more than " << most << "\n";
    }
    if (expected && emulated.refuses_writes() && !write_is_refused(test, memory.words())) {
      out << "  refuses writes, which might be allowed\n";
    }
    if (unchanged && emulated.knows_last_table()) {
      expect("a walk from the last table", emulated.translate(indirect), indirect);
      if (indirect.reads().size() != reads.size() + 1) out << "  the last table is no short cut\n";
    }
  }
  {
    Emulated emulated(test);
    WordMemory direct(test.words, kDirect);
    expect("a walk of direct memory", emulated.translate(direct), direct);
    if (unchanged) expect("another", emulated.translate(direct), direct);
  }
  {
    Emulated emulated(test);
    WordMemory direct(test.words, kDirect);
    // The second one from the last table.
    for (const char* how : {"a plain walk", "another plain walk"}) {
      const auto found = emulated.translate_plainly(direct);
      if (found) expect(how, *found, direct);
      if (!found && emulated.is_plain() && expected && unchanged) {
        out << "  " << how << " does not say\n";
      }
    }
  }
  {
    Emulated emulated(test);
    WordMemory indirect(test.words, kIndirect);
    Watching observer;
    expect("a walk observed", emulated.translate(indirect, &observer), indirect);
    if (observer.reads != reads) out << "  other descriptors are reported than expected\n";
  }
  // What has been copied must not change, or the copies were wrong.
  if (unchanged) {
    Emulated emulated(test);
    WordMemory indirect(test.words, kIndirect);
    Copies copies;
    expect("a walk that keeps copies", emulated.translate(indirect, nullptr, &copies), indirect);
    expect("a walk from copies", emulated.translate(indirect, nullptr, &copies), indirect);
  }
  {
    WordMemory indirect(test.words, kIndirect);
    const Ended found = Emulated(test).speculate(indirect);
    if (indirect.words() != test.words) out << "  a speculative walk changes memory\n";
    const bool refused = !found && found.error().type == FaultType::kPermission;
    const bool other =
        found && expected && (found->pa != expected->pa || found->size != expected->size);
    if (refused || other) out << "  a speculative walk: " << in_words(found) << "\n";
  }

  if (out.str().empty()) return {};
  std::ostringstream all;
  all << test << "  expected: " << in_words(expected) << "\n" << out.str();
  return all.str();
}

TEST(Equivalence, BothWalkersAgreeOnEveryCase) {
  const std::uint64_t first = from_environment("SMMU_MODEL_FIRST_SEED", kFirstSeed);
  const std::uint64_t cases = from_environment("SMMU_MODEL_CASES", kCases);
  std::uint64_t different = 0;
  for (std::uint64_t i = 0; i != cases; ++i) {
    const Case test = generate(first + i);
    const std::string what = difference(test);
    if (what.empty()) continue;
    if (++different <= kMostPrinted) ADD_FAILURE() << what;
  }
  std::cout << "seeds 0x" << std::hex << first << " to 0x" << first + cases - 1 << std::dec << ", "
            << different << " different\n";
  EXPECT_EQ(different, 0U);
}

}  // namespace
}  // namespace smmu::model::equivalence_test
