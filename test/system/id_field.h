// What software and devices see of two SMMUs that differ by a field of an identification register.
#ifndef TEST_SYSTEM_ID_FIELD_H_
#define TEST_SYSTEM_ID_FIELD_H_

#include <functional>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/identification_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::id_field {

using emulator::SmmuV3Config;
using emulator::Transaction;
using v3::CD;
using v3::EventType;
using v3::STE;

constexpr StreamId kStream(1);
constexpr Iova kAddress(0x80'0000);
constexpr Iova kUnmapped(0xa0'0000);
constexpr Pa kPage(0x4123'0000);

// What becomes of an access: the number of the event that is recorded, or one of these.
constexpr int kTranslated = 0;
constexpr int kSilent = -1;
constexpr int code_of(EventType type) { return static_cast<int>(type); }
constexpr int kBadSte = code_of(EventType::C_BAD_STE);
constexpr int kBadCd = code_of(EventType::C_BAD_CD);
constexpr int kTranslationFault = code_of(EventType::F_TRANSLATION);
constexpr int kPermissionFault = code_of(EventType::F_PERMISSION);

inline SmmuV3Config everything() { return SmmuV3Config::everything(); }
template <class Change>
SmmuV3Config but(Change&& change, SmmuV3Config config = everything()) {
  change(config);
  return config;
}

// `see(config)` is the one in the one configuration, and the other in the other.
template <class See, class Value>
void expect_difference(See&& see, const SmmuV3Config& one, Value of_one, const SmmuV3Config& other,
                       Value of_other) {
  EXPECT_EQ(see(one), of_one);
  EXPECT_EQ(see(other), of_other);
}

// A board whose stream has a page.
struct Machine {
  explicit Machine(const SmmuV3Config& config, PageTable::Options options = {})
      : board({.config = config}), table(board.page_table(options)) {
    board.bring_up();
  }
  int end_of(const emulator::Outcome& outcome) {
    if (std::holds_alternative<emulator::Translation>(outcome)) return kTranslated;
    const auto events = board.events();
    return events.empty() ? kSilent : code_of(events.front().type());
  }
  int access(const STE& ste, Transaction transaction = {}, StreamId stream = kStream) {
    board.attach(stream, ste);
    transaction.stream = stream;
    if (transaction.address == Iova()) transaction.address = kAddress;
    return end_of(board.smmu().add_port().translate(transaction));
  }
  int access(const CD& cd, Transaction transaction = {}) {
    return access(translate(place(cd)), transaction);
  }
  Pa place(const CD& cd) {
    const Pa where = board.allocate(CD::kSize, CD::kSize);
    store(board.memory(), where, cd);
    return where;
  }
  std::uint64_t at(Pa pa) { return load(board.memory(), pa); }

  Board board;
  PageTable table;
};

// An access by a CD that is changed so.
inline auto by_cd(std::function<void(CD&)> change, Iova address = kAddress) {
  return [=](const SmmuV3Config& config) {
    Machine machine(config);
    machine.table.map(kAddress, kPage, 4096);
    CD cd = context(machine.table);
    change(cd);
    return machine.access(cd, {.stream = {}, .address = address});
  };
}

// What a register is after a write of ones, with everything off.
inline auto written(std::uint32_t offset, bool secure = false) {
  return [=](const SmmuV3Config& config) {
    Board board({.config = config});
    Mmio& registers = secure ? board.smmu().secure() : board.smmu();
    registers.write32(offset, ~0U);
    return registers.read32(offset);
  };
}
// What it is without.
inline auto read(std::uint32_t offset, bool secure = false) {
  return [=](const SmmuV3Config& config) {
    Board board({.config = config});
    return secure ? board.smmu().secure().read32(offset) : board.smmu().read32(offset);
  };
}

// The memory type of what comes in as Write-Back.
inline int type_of(const emulator::Outcome& outcome) {
  const auto* translation = std::get_if<emulator::Translation>(&outcome);
  return translation != nullptr ? translation->attributes.type : kSilent;
}

}  // namespace smmu::testing::id_field

#endif  // TEST_SYSTEM_ID_FIELD_H_
