// What a golden test of a layout is made of.
//
// A layout test uses none of the vocabulary it checks: every literal is typed
// from the manual's own text, by someone other than the author of the
// declaration, one line for each field:
//
//   constexpr auto kGoldens = std::tuple{
//       // 6.3.14
//       register_at<SMMU_GBPA>(0x0044, 32, {
//           {SMMU_GBPA::Update, 0x8000'0000},
//           {SMMU_GBPA::ABORT,  0x0010'0000},
//           ...
//       }),
//       // 5.2
//       structure<STE>(64, {
//           {STE::V,            0, 0x0000'0000'0000'0001},
//           {STE::S1ContextPtr, 0, 0x00ff'ffff'ffff'ffc0, kInPlace},
//           ...
//       }),
//   };
//
// A line gives the 64-bit word of the layout (left out for a register, which
// has one), the bits of that word, and whether a value is read shifted down, as
// a number is, or in place, as an address is.  Enumerations have lines too:
//
//   constexpr auto kEnumerators = std::array{
//       is<Opcode::CMD_SYNC>(0x46),                         // a number of its own
//       encodes(SMMU_CR1::TABLE_SH, Shareability::kOuterShareable, 2),  // in a field
//   };
//
// All of it is constexpr: hold(kGoldens) can be asked by the compiler alone,
// which is how scripts/mutate_layouts.sh asks it a thousand times.
#ifndef TEST_GOLDEN_GOLDEN_H_
#define TEST_GOLDEN_GOLDEN_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <ostream>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "smmu/arch/bits.h"

namespace golden {

// The spelling of a type or an enumerator, for messages.
template <class T>
constexpr std::string_view spelling() {
  const std::string_view text = __PRETTY_FUNCTION__;
  const std::size_t from = text.find("T = ") + 4;
  return text.substr(from, text.find_first_of(";]", from) - from);
}
template <auto E>
constexpr std::string_view spelling() {
  const std::string_view text = __PRETTY_FUNCTION__;
  const std::size_t from = text.find("E = ") + 4;
  return text.substr(from, text.find_first_of(";]", from) - from);
}

// Where a field is: its word, its bits there, and what it reads as when every
// bit of its layout is one.
struct Position {
  unsigned word;
  std::uint64_t bits;
  std::uint64_t ones;

  friend constexpr bool operator==(const Position&, const Position&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const Position& position) {
  const auto flags = out.flags();
  out << "word " << std::dec << position.word << ", bits 0x" << std::hex << position.bits
      << ", all ones read as 0x" << position.ones;
  out.flags(flags);
  return out;
}

enum class Value { kShiftedDown, kInPlace };
using enum Value;

template <class L>
constexpr bool kIsRegister = requires { L::kOffset; };

template <class L>
constexpr L all_ones() {
  if constexpr (kIsRegister<L>) {
    return L(static_cast<typename L::Value>(~typename L::Value{0}));
  } else {
    auto words = L().words();
    for (auto& word : words) word = ~decltype(L().word(0)){0};
    return L(words);
  }
}

// Where field `F` is found by using it: read from a layout of ones, then
// written to a layout of zeros.
template <class L, class F>
constexpr Position observe(F field) {
  const auto ones = all_ones<L>()[field];
  const L written = L().set(field, ones);
  Position position{0, 0, static_cast<std::uint64_t>(ones)};
  for (unsigned i = 0; i < (L::kBits + 63) / 64; ++i) {
    if (written.word(i) == 0) continue;
    position.word = i;
    position.bits = written.word(i);
  }
  return position;
}

// One field: where it says it is, where it is found, where the manual prints it.
template <class L>
struct Line {
  std::string_view name;
  Position declared;
  Position observed;
  Position printed;

  // A line about nothing, which holds.  scripts/mutate_layouts.sh has it in place of lines that its
  // mistake does not concern; in a test it is a field without a line, and reported as one.
  constexpr Line() : name(), declared(), observed(), printed() {}

  template <class F>
  constexpr Line(F field, std::uint64_t bits, Value value = kShiftedDown)
      : Line(field, 0U, bits, value) {}

  template <class F>
  constexpr Line(F field, unsigned word, std::uint64_t bits, Value value = kShiftedDown)
      : name(field.name),
        declared{F::kWord, F::kMask, static_cast<std::uint64_t>(F::decode(~std::uint64_t{0}))},
        observed(observe<L>(field)),
        printed{word, bits, value == kInPlace ? bits : bits >> std::countr_zero(bits)} {
    static_assert(std::is_same_v<typename F::Owner, L>, "this line belongs to another layout");
  }

  constexpr bool holds() const { return declared == printed && observed == printed; }
};

// How large a layout is and, for a register, where.
struct Place {
  std::uint32_t offset;
  std::uint32_t stride;  // from n to n + 1; 0 for a register that is alone
  unsigned bits;

  friend constexpr bool operator==(const Place&, const Place&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const Place& place) {
  const auto flags = out.flags();
  out << std::dec << place.bits << " bits at 0x" << std::hex << place.offset << " + 0x"
      << place.stride << " * n";
  out.flags(flags);
  return out;
}

template <class L, std::size_t N>
struct Golden {
  using Layout = L;

  Place declared;
  Place printed;
  std::array<Line<L>, N> lines;

  // How many lines there are for the field called `name`.
  constexpr auto lines_for(std::string_view name) const {
    return std::count_if(lines.begin(), lines.end(),
                         [&](const Line<L>& line) { return line.name == name; });
  }

  constexpr bool holds() const {
    const auto named = std::count_if(std::begin(L::kFields), std::end(L::kFields),
                                     [](const smmu::FieldInfo& f) { return f.name != nullptr; });
    return declared == printed && named == std::ssize(lines) &&
           std::all_of(lines.begin(), lines.end(), [](const Line<L>& l) { return l.holds(); });
  }
};

template <class L>
constexpr Place declared_place() {
  if constexpr (requires { L::offset(0); }) {
    return {L::offset(0), L::offset(1) - L::offset(0), L::kBits};
  } else if constexpr (kIsRegister<L>) {
    return {L::kOffset, 0, L::kBits};
  } else {
    static_assert(L::kSize * 8 == L::kBits);
    return {0, 0, L::kBits};
  }
}

// A register of `bits` bits, at `offset`.
template <class L, std::size_t N>
constexpr Golden<L, N> register_at(std::uint32_t offset, unsigned bits, const Line<L> (&lines)[N]) {
  return {declared_place<L>(), {offset, 0, bits}, std::to_array(lines)};
}
template <class L>
constexpr Golden<L, 0> register_at(std::uint32_t offset, unsigned bits) {
  return {declared_place<L>(), {offset, 0, bits}, {}};
}

// Registers of `bits` bits, at offset + stride * n.
template <class L, std::size_t N>
constexpr Golden<L, N> registers_at(std::uint32_t offset, std::uint32_t stride, unsigned bits,
                                    const Line<L> (&lines)[N]) {
  return {declared_place<L>(), {offset, stride, bits}, std::to_array(lines)};
}

// A structure in memory, `bytes` long.
template <class L, std::size_t N>
constexpr Golden<L, N> structure(unsigned bytes, const Line<L> (&lines)[N]) {
  return {declared_place<L>(), {0, 0, bytes * 8}, std::to_array(lines)};
}

// One enumerator, and the number the manual gives it.
struct Enumerator {
  std::string_view name;
  std::uint64_t declared;
  std::uint64_t printed;

  constexpr bool holds() const { return declared == printed; }
};

template <auto E>
constexpr Enumerator is(std::uint64_t printed) {
  return {spelling<E>(), static_cast<std::uint64_t>(E), printed};
}

// The number that stands in `field` when it is set to `value`.
template <class F>
constexpr Enumerator encodes(F field, typename F::Value value, std::uint64_t printed) {
  const std::uint64_t word = typename F::Owner().set(field, value).word(F::kWord);
  return {field.name, word >> std::countr_zero(F::kMask), printed};
}

// True when every golden is as the manual prints it.
template <class... G>
constexpr bool hold(const std::tuple<G...>& goldens) {
  return std::apply([](const auto&... golden) { return (golden.holds() && ...); }, goldens);
}
template <std::size_t N>
constexpr bool hold(const std::array<Enumerator, N>& enumerators) {
  return std::all_of(enumerators.begin(), enumerators.end(),
                     [](const Enumerator& e) { return e.holds(); });
}

// ---- the same questions, put so that an answer names what is wrong ----

template <class Goldens, class Visit>
void for_each_golden(const Goldens& goldens, Visit&& visit) {
  std::apply([&](const auto&... golden) { (visit(golden), ...); }, goldens);
}

template <class Goldens>
void expect_every_layout_has_its_place(const Goldens& goldens) {
  for_each_golden(goldens, [](const auto& golden) {
    using L = typename std::remove_cvref_t<decltype(golden)>::Layout;
    EXPECT_EQ(golden.declared, golden.printed) << spelling<L>();
  });
}

template <class Goldens>
void expect_every_field_is_as_printed(const Goldens& goldens) {
  for_each_golden(goldens, [](const auto& golden) {
    using L = typename std::remove_cvref_t<decltype(golden)>::Layout;
    for (const Line<L>& line : golden.lines) {
      EXPECT_EQ(line.declared, line.printed) << spelling<L>() << "::" << line.name;
      EXPECT_EQ(line.observed, line.printed) << spelling<L>() << "::" << line.name;
    }
  });
}

// A field that is added to a layout without a golden line is reported here.
template <class Goldens>
void expect_every_field_has_one_line(const Goldens& goldens) {
  for_each_golden(goldens, [](const auto& golden) {
    using L = typename std::remove_cvref_t<decltype(golden)>::Layout;
    std::size_t named = 0;
    for (const smmu::FieldInfo& field : L::kFields) {
      if (field.name == nullptr) continue;
      ++named;
      EXPECT_EQ(golden.lines_for(field.name), 1) << spelling<L>() << "::" << field.name;
    }
    EXPECT_EQ(golden.lines.size(), named) << spelling<L>();
  });
}

template <std::size_t N>
void expect_every_enumerator_is_as_printed(const std::array<Enumerator, N>& enumerators) {
  for (const Enumerator& enumerator : enumerators) {
    EXPECT_EQ(enumerator.declared, enumerator.printed) << enumerator.name;
  }
}

}  // namespace golden

#endif  // TEST_GOLDEN_GOLDEN_H_
