// A translation regime as somebody types it: fields by the manual's names,
// "TTB0=0x80000000,TG0=4K".
//
// Those of stage 1 are the fields of a CD (IHI 0070, 5.4), those of stage 2 of an STE (5.2); what
// VMSAv8-32 Short descriptors need beside, of TTBCR, SCTLR, PRRR, NMRR and DACR (DDI 0487, G8.2).
#ifndef EMULATOR_CLI_REGIME_FIELDS_H_
#define EMULATOR_CLI_REGIME_FIELDS_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/cli/regime_field.h"

namespace smmu::cli {

class RegimeFields {
 public:
  // Each argument is "@FILE" or a list of fields.  BadInput, which names argument or file and line,
  // if there is no such field, if its value is not one, or if it is not a field of the format.
  static RegimeFields parse(const std::vector<std::string>& arguments);

  DescriptorFormat format() const { return format_; }
  // Whether anything is said of the stage.
  bool has_stage1() const { return has_stage1_; }
  bool has_stage2() const { return has_stage2_; }

  // REQUIRES: there is such a field.
  std::optional<std::uint64_t> find(std::string_view name) const;
  std::uint64_t get(std::string_view name) const { return find(name).value_or(0); }

  // Puts those of `owner` in their places.
  void store(FieldOwner owner, std::array<std::uint64_t, 8>& words) const;

  // Where the field was given: "--regime" or "FILE:LINE".
  std::string source(std::string_view name) const;

 private:
  struct Item;
  struct Given {
    std::string source;
    std::uint64_t value;
  };

  static void split(std::string_view text, const std::string& source, std::vector<Item>& items);
  void take_format(const std::vector<Item>& items);
  void take(const Item& item);
  void check_stage2_format() const;

  DescriptorFormat format_ = DescriptorFormat::kAArch64;
  bool has_stage1_ = false;
  bool has_stage2_ = false;
  std::map<std::string, Given, std::less<>> given_;  // by name
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_REGIME_FIELDS_H_
