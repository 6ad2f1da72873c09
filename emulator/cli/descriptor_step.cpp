#include "emulator/cli/descriptor_step.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "smmu/arch/vmsa/aarch32_long.h"
#include "smmu/arch/vmsa/aarch32_short.h"
#include "smmu/arch/vmsa/aarch64.h"

namespace smmu::cli {

namespace {

using emulator::Tables;

// What a descriptor is, and the layout of it if it is anything.
struct Shape {
  const char* name;
  std::optional<LayoutInfo> layout = std::nullopt;
  unsigned size_bits = 0;  // its address has none below
};

Shape long_shape(const emulator::TableAccess& access, const Tables& tables, bool is_aarch32,
                 std::uint64_t word) {
  using namespace vmsa;
  const Table_Stage1 descriptor({word});
  const bool valid = descriptor[Table_Stage1::Valid];
  const bool type = descriptor[Table_Stage1::Type];
  const bool first_stage = access.stage == 1;
  const unsigned size_bits = emulator::leaf_bits(tables.granule, access.level);
  if (!valid) return {"invalid"};
  if (access.level < 3 && type) {
    const LayoutInfo layout = is_aarch32    ? first_stage
                                                  ? layout_info<Table_Stage1_Long>("Table_Stage1_Long")
                                                  : layout_info<Table_Stage2_Long>("Table_Stage2_Long")
                                 : first_stage ? layout_info<Table_Stage1>("Table_Stage1")
                                            : layout_info<Table_Stage2>("Table_Stage2");
    return {"table", layout, emulator::granule_bits(tables.granule)};
  }
  if (access.level == 3 ? !type : !tables.has_blocks(access.level)) return {"reserved"};
  const LayoutInfo layout = is_aarch32    ? first_stage
                                                ? layout_info<Leaf_Stage1_Long>("Leaf_Stage1_Long")
                                                : layout_info<Leaf_Stage2_Long>("Leaf_Stage2_Long")
                               : first_stage ? layout_info<Leaf_Stage1>("Leaf_Stage1")
                                          : layout_info<Leaf_Stage2>("Leaf_Stage2");
  return {access.level == 3 ? "page" : "block", layout, size_bits};
}

Shape short_shape(int level, std::uint32_t word) {
  using namespace vmsa;
  if (level == 1) {
    const Level1_Short descriptor({word});
    switch (descriptor[Level1_Short::Type]) {
      case Level1Type::kInvalid:
        return {"invalid"};
      case Level1Type::kTable:
        return {"table", layout_info<Table_Short>("Table_Short")};
      case Level1Type::kSection:
      case Level1Type::kSectionPXN:
        break;
    }
    if (descriptor[Level1_Short::Supersection]) {
      return {"supersection", layout_info<Supersection_Short>("Supersection_Short")};
    }
    return {"section", layout_info<Section_Short>("Section_Short")};
  }
  switch (Level2_Short({word})[Level2_Short::Type]) {
    case Level2Type::kInvalid:
      return {"invalid"};
    case Level2Type::kLargePage:
      return {"large page", layout_info<LargePage_Short>("LargePage_Short")};
    case Level2Type::kSmallPage:
    case Level2Type::kSmallPageXN:
      break;
  }
  return {"small page", layout_info<SmallPage_Short>("SmallPage_Short")};
}

// The address as the tables have it, which may not be in one piece.
std::vector<DecodedField> fields_of(const Shape& shape, const TableTree& tree, std::uint64_t word) {
  std::vector<DecodedField> fields = fields_that_matter(*shape.layout, std::array{word});
  if (tree.format == DescriptorFormat::kAArch32Short) {
    // Bits of an address, though they are few.
    for (DecodedField& field : fields) {
      if (field.name == "Base" || field.name == "Base[31:24]") field.value <<= field.lo;
    }
  }
  if (tree.format != DescriptorFormat::kAArch64) return fields;
  const bool has_no_sh = tree.tables.fixed_attributes != 0;
  std::erase_if(fields, [&](const DecodedField& field) { return has_no_sh && field.name == "SH"; });
  const std::uint64_t address = tree.tables.address.of(word) & ~mask(shape.size_bits - 1, 0);
  const auto shown = std::ranges::find_if(
      fields, [](const DecodedField& field) { return field.name == "OA" || field.name == "NLTA"; });
  if (shown != fields.end()) {
    shown->value = address;
  } else if (address != 0) {
    fields.push_back({"OA", kWordBits - 1, 0, address, ""});
  }
  return fields;
}

// "iova[20:12] = 0x5".
std::string index_text(const emulator::TableAccess& access, const TableTree& tree,
                       std::uint64_t input) {
  const Tables& tables = tree.tables;
  const bool is_first = access.level == tables.first_level;
  unsigned low = 0;
  unsigned bits = 0;
  if (tree.format == DescriptorFormat::kAArch32Short) {
    constexpr unsigned kLevel2Bits = 8;
    low = is_first ? tables.first_shift : tables.first_shift - kLevel2Bits;
    bits = kLevel2Bits;
  } else {
    low = emulator::leaf_bits(tables.granule, access.level);
    bits = emulator::stride_bits(tables.granule);
  }
  const unsigned high = is_first ? tables.input_bits - 1U : low + bits - 1;
  const std::uint64_t in_table = is_first ? tables.first_index_bits : mask(bits + 2, 3);
  const std::uint64_t index = access.stage == 1 ? input >> low & mask(high - low, 0)
                                                : (access.address.value & in_table) / 8;
  return fmt::format("{}[{}:{}] = {:#x}", access.stage == 1 ? "iova" : "ipa", high, low, index);
}

}  // namespace

std::uint64_t in_table_order(const TableTree& tree, std::uint64_t descriptor) {
  if (!tree.tables.big_endian) return descriptor;
  return tree.format == DescriptorFormat::kAArch32Short
             ? __builtin_bswap32(static_cast<std::uint32_t>(descriptor))
             : __builtin_bswap64(descriptor);
}

Step descriptor_step(const emulator::TableAccess& access, const TableTree& tree,
                     std::uint64_t input) {
  Step step{.title = fmt::format("{}Level {}", access.stage == 1 ? "" : "Stage 2 ", access.level),
            .address = access.address.value,
            .words = {},
            .detail = index_text(access, tree, input),
            .fields = {}};
  if (!access.descriptor) return step;
  const std::uint64_t word = in_table_order(tree, *access.descriptor);
  step.words = {word};
  const Shape shape =
      tree.format == DescriptorFormat::kAArch32Short
          ? short_shape(access.level, static_cast<std::uint32_t>(word))
          : long_shape(access, tree.tables, tree.format == DescriptorFormat::kAArch32Long, word);
  step.title += fmt::format(" {}", shape.name);
  if (shape.layout) step.fields = fields_of(shape, tree, word);
  return step;
}

bool is_invalid(const Step& step) {
  return step.title.ends_with("invalid") || step.title.ends_with("reserved");
}

std::string why_invalid(const Step& step) {
  return fmt::format("The descriptor is invalid: {}.", step.detail);
}

std::string why_forbidden(const Step& step) {
  for (const DecodedField& field : step.fields) {
    if (field.name != "AP") continue;
    return fmt::format("AP {} ({}), with what the tables above say, does not allow it.",
                       field.value_text(), field.meaning);
  }
  return "The descriptors do not allow it.";
}

}  // namespace smmu::cli
