// A field that a regime may have: where the manual has it, which tables know it, what it may be.
#ifndef EMULATOR_CLI_REGIME_FIELD_H_
#define EMULATOR_CLI_REGIME_FIELD_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "smmu/arch/bits.h"

namespace smmu::cli {

// Of tables.
enum class DescriptorFormat : std::uint8_t { kAArch64, kAArch32Long, kAArch32Short };

// "aarch64", "aarch32-long", "aarch32-short".
std::string_view name_of(DescriptorFormat format);
std::optional<DescriptorFormat> find_format(std::string_view text);

// What a field is of.
enum class FieldOwner : std::uint8_t {
  kCD,
  kSTE,
  kRegister,  // of a PE, for what a CD has not
  kSmmu,      // of its identification registers
};

// A value's name.
struct NamedValue {
  std::string_view name;
  std::uint64_t value;
};

struct RegimeField {
  FieldInfo place;  // what is not in a CD or an STE begins at bit 0
  FieldOwner owner;
  unsigned formats;  // a bit for each DescriptorFormat
  std::span<const NamedValue> names = {};
  bool address = false;  // bits in place

  std::string_view name() const { return place.name; }
  std::uint64_t mask() const {
    const unsigned below = address ? place.lo % kWordBits : 0;
    return smmu::mask(place.hi - place.lo + below, below);
  }
  bool is_of(DescriptorFormat format) const {
    return (formats >> static_cast<unsigned>(format) & 1) != 0;
  }
  bool is_flag() const { return place.hi == place.lo; }

  // The value that `text` is, a name of one or a number that fits; none if it is neither.
  std::optional<std::uint64_t> parse(std::string_view text) const;
  // "4K, 16K or 64K": what a value should be.
  std::string expectation() const;
};

// All that there are.
std::span<const RegimeField> regime_fields();

// By its name or what a PE's register calls it, whatever the case: one that `format` has, if there
// is a choice.  Null if there is none.
const RegimeField* find_regime_field(std::string_view text, DescriptorFormat format);

// The fields that there are, in lines for --help.
std::string regime_help();

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_REGIME_FIELD_H_
