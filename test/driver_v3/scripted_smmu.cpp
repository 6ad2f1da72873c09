#include "test/driver_v3/scripted_smmu.h"

#include <fmt/format.h>

#include <utility>

#include "smmu/arch/v3/registers.h"
#include "smmu/platform/memory.h"

namespace smmu::testing {

using v3::CMD_SYNC;
using v3::CommandError;
using v3::CommandHeader;
using v3::SMMU_CMDQ_BASE;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CMDQ_PROD;
using v3::SMMU_CR0;
using v3::SMMU_CR0ACK;
using v3::SMMU_GBPA;
using v3::SMMU_GERROR;
using v3::SMMU_GERRORN;
using v3::SMMU_IRQ_CTRL;
using v3::SMMU_IRQ_CTRLACK;

std::string register_name(std::uint32_t offset) {
  for (const RegisterInfo& info : v3::kRegisters) {
    if (info.offset == offset) return info.layout.name;
  }
  return fmt::format("{:#x}", offset);
}

std::string command_name(const CommandWords& words) {
  const auto opcode = CommandHeader(words)[CommandHeader::Opcode];
  for (const v3::CommandLayout& command : v3::kCommands) {
    if (command.opcode == opcode) return command.layout.name;
  }
  return fmt::format("{:#x}", static_cast<unsigned>(opcode));
}

ScriptedSmmu::ScriptedSmmu(const emulator::SmmuV3Config& config, iommu::PagePool& pool)
    : pool_(pool) {
  set(config.idr0);
  set(config.idr1);
  set(config.idr2);
  set(config.idr3);
  set(config.idr5);
  set(config.iidr);
  set(config.aidr);
}

std::uint32_t ScriptedSmmu::read32(std::uint32_t offset) {
  if (offset == SMMU_CMDQ_CONS::kOffset && consumer_index) return consumer_index();
  return static_cast<std::uint32_t>(registers_[offset]);
}

std::uint64_t ScriptedSmmu::read64(std::uint32_t offset) { return registers_[offset]; }

void ScriptedSmmu::write64(std::uint32_t offset, std::uint64_t value) {
  story_.push_back(fmt::format("{} = {:#x}", register_name(offset), value));
  registers_[offset] = value;
}

void ScriptedSmmu::write32(std::uint32_t offset, std::uint32_t value) {
  registers_[offset] = value;
  // Doorbells are told by the commands that they make known.
  if (offset == SMMU_CMDQ_PROD::kOffset && get<SMMU_CR0ACK>()[SMMU_CR0ACK::CMDQEN])
    return consume();
  story_.push_back(fmt::format("{} = {:#x}", register_name(offset), value));
  if (offset == SMMU_CR0::kOffset && acknowledges_control) set(SMMU_CR0ACK(value));
  if (offset == SMMU_IRQ_CTRL::kOffset && acknowledges_interrupts) set(SMMU_IRQ_CTRLACK(value));
  if (offset == SMMU_GERRORN::kOffset) consume();
  if (offset == SMMU_GBPA::kOffset && updates_bypass)
    set(get<SMMU_GBPA>().set(SMMU_GBPA::Update, false));
}

bool ScriptedSmmu::stopped() const {
  return get<SMMU_GERROR>()[SMMU_GERROR::CMDQ_ERR] != get<SMMU_GERRORN>()[SMMU_GERRORN::CMDQ_ERR];
}

void ScriptedSmmu::stop(v3::CommandError error) {
  set(get<SMMU_CMDQ_CONS>().set(SMMU_CMDQ_CONS::ERR, error));
  const bool flag = get<SMMU_GERROR>()[SMMU_GERROR::CMDQ_ERR];
  set(get<SMMU_GERROR>().set(SMMU_GERROR::CMDQ_ERR, !flag));
}

void ScriptedSmmu::consume() {
  if (!consumes || consuming_ || stopped() || !get<SMMU_CR0ACK>()[SMMU_CR0ACK::CMDQEN]) return;
  consuming_ = true;
  const auto base = get<SMMU_CMDQ_BASE>();
  const std::uint32_t size = 1U << base[SMMU_CMDQ_BASE::LOG2SIZE];
  while (get<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD] != get<SMMU_CMDQ_PROD>()[SMMU_CMDQ_PROD::WR]) {
    const std::uint32_t index = get<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD];
    std::uint64_t* const slot =
        pool_.words(Pa(base[SMMU_CMDQ_BASE::ADDR] + 16 * std::uint64_t{index % size}));
    const CommandWords words{little_endian(slot[0]), little_endian(slot[1])};
    if (const auto error = judge ? judge(words) : CommandError::CERROR_NONE;
        error != CommandError::CERROR_NONE) {
      stop(error);
      consuming_ = false;
      if (error_line != nullptr) error_line->pulse();
      return;
    }
    story_.push_back(command_name(words));
    if (CommandHeader(words)[CommandHeader::Opcode] == v3::Opcode::CMD_SYNC) {
      if (on_sync) on_sync();
      const CMD_SYNC sync(words);
      if (sync[CMD_SYNC::MSIAddress] != 0)
        *pool_.words(Pa(sync[CMD_SYNC::MSIAddress])) = little_endian(sync[CMD_SYNC::MSIData]);
    } else {
      commands_.push_back(words);
    }
    set(get<SMMU_CMDQ_CONS>().set(SMMU_CMDQ_CONS::RD, (index + 1) % (2 * size)));
  }
  consuming_ = false;
}

std::vector<std::string> ScriptedSmmu::story() { return std::exchange(story_, {}); }
std::vector<CommandWords> ScriptedSmmu::commands() { return std::exchange(commands_, {}); }

}  // namespace smmu::testing
