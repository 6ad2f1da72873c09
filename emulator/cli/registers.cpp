#include "emulator/cli/registers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "emulator/cli/input.h"
#include "smmu/arch/v3/registers.h"

namespace smmu::cli {

namespace {

constexpr std::uint32_t kIdBlock = 0xfd0;
constexpr std::uint32_t kIdBlockEnd = 0x1000;

// Splits at single or repeated spaces; false if there are not exactly `fields.size()` fields.
template <std::size_t N>
bool split(std::string_view text, std::array<std::string_view, N>& fields) {
  std::size_t count = 0;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) return count == N;
    if (count == N) return false;
    const std::size_t end = std::min(text.find(' '), text.size());
    fields[count++] = text.substr(0, end);
    text.remove_prefix(end);
  }
}

}  // namespace

std::string_view bare_name(std::string_view name) {
  constexpr std::string_view kPrefix = "SMMU_";
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

const RegisterInfo* find_register(std::uint32_t offset) {
  const auto found = std::ranges::find(v3::kRegisters, offset, &RegisterInfo::offset);
  return found == std::end(v3::kRegisters) ? nullptr : found;
}

const RegisterInfo* find_register(std::string_view name) {
  const auto found = std::ranges::find_if(v3::kRegisters, [name](const RegisterInfo& info) {
    return bare_name(info.layout.name) == bare_name(name);
  });
  return found == std::end(v3::kRegisters) ? nullptr : found;
}

const RegisterInfo* find_register_at(std::uint32_t offset, std::uint32_t bytes) {
  const RegisterInfo* info = find_register(offset);
  if (info != nullptr || bytes != 4) return info;
  info = find_register(offset & ~7U);
  return info != nullptr && info->layout.bits == 64 ? info : nullptr;
}

RegisterValues load_registers(const std::filesystem::path& folder) {
  RegisterValues values;
  Lines lines(find_input(folder, "registers.txt"));
  while (lines.next()) {
    if (lines.text().empty() || lines.text().front() == '#') continue;
    std::array<std::string_view, 4> fields;
    if (!split(lines.text(), fields)) {
      if (lines.text().starts_with("preset ")) lines.reject("the registers of an SMMUv3");
      lines.reject("\"OFFSET WIDTH VALUE NAME\"");
    }
    const auto [offset_text, width_text, value_text, name] = fields;
    const auto offset = parse_number(offset_text);
    const auto width = parse_number(width_text);
    const auto value = parse_number(value_text);
    if (!offset || *offset >= kRegisterBytes) {
      lines.reject(fmt::format("an offset below {:#x}", kRegisterBytes), offset_text);
    }
    const RegisterInfo* info = find_register(static_cast<std::uint32_t>(*offset));
    if (info == nullptr) lines.reject("the offset of a register of the SMMU", offset_text);
    // The captures name none of the twelve words of the ID block.
    if (bare_name(name) != bare_name(info->layout.name) && !(*offset >= kIdBlock && name == "ID")) {
      lines.reject(fmt::format("{} at {:#x}", bare_name(info->layout.name), *offset), name);
    }
    if (!width || *width * 8 != info->layout.bits) {
      lines.reject(fmt::format("a width of {} bytes", info->layout.bits / 8), width_text);
    }
    if (!value || (*width == 4 && *value > kMax32)) {
      lines.reject(fmt::format("a value of {} bits", info->layout.bits), value_text);
    }
    if (!values.add(info->offset, *value)) lines.reject("each register once");
  }

  const auto want = [&]<class R>(R, std::string_view name) {
    if (values.has<R>()) return;
    throw BadInput(fmt::format("{}:{}: expected a line for {}, found none in the file.",
                               lines.file(), lines.number(), name));
  };
  want(v3::SMMU_IDR0(), "IDR0");
  want(v3::SMMU_IDR1(), "IDR1");
  want(v3::SMMU_IDR5(), "IDR5");
  want(v3::SMMU_CR0(), "CR0");
  want(v3::SMMU_CR1(), "CR1");
  want(v3::SMMU_CR2(), "CR2");
  want(v3::SMMU_STRTAB_BASE(), "STRTAB_BASE");
  want(v3::SMMU_STRTAB_BASE_CFG(), "STRTAB_BASE_CFG");
  want(v3::SMMU_CMDQ_BASE(), "CMDQ_BASE");
  want(v3::SMMU_EVENTQ_BASE(), "EVENTQ_BASE");
  return values;
}

bool is_identification(std::uint32_t offset) {
  return offset <= v3::SMMU_AIDR::kOffset || offset == v3::SMMU_IDR6::kOffset ||
         (offset >= kIdBlock && offset < kIdBlockEnd);
}

emulator::SmmuV3Config configuration(const RegisterValues& values) {
  return configuration(emulator::SmmuV3Config::qemu_virt(), values);
}

emulator::SmmuV3Config configuration(emulator::SmmuV3Config config, const RegisterValues& values) {
  const auto take = [&]<class R>(R& field) {
    if (values.has<R>()) field = values.get<R>();
  };
  take(config.idr0);
  take(config.idr1);
  take(config.idr2);
  take(config.idr3);
  take(config.idr4);
  take(config.idr5);
  take(config.idr6);
  take(config.iidr);
  take(config.aidr);
  // QEMU says it of a stage that it has not.
  if (!config.idr0[v3::SMMU_IDR0::S1P]) config.idr3.set(v3::SMMU_IDR3::HAD, false);
  for (const auto& [offset, value] : values.by_offset()) {
    if (offset < kIdBlock || offset >= kIdBlockEnd) continue;
    config.id_block[(offset - kIdBlock) / 4] = static_cast<std::uint32_t>(value);
  }
  return config;
}

}  // namespace smmu::cli
