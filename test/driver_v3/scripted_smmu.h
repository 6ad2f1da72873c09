// Registers that do as little as a driver needs: they acknowledge, and consume commands without
// carrying them out.  Everything is written down in its order.
#ifndef TEST_DRIVER_V3_SCRIPTED_SMMU_H_
#define TEST_DRIVER_V3_SCRIPTED_SMMU_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "smmu/arch/v3/commands.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/emulator/config.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/platform/interrupt.h"
#include "smmu/platform/mmio.h"

namespace smmu::testing {

using CommandWords = std::array<std::uint64_t, 2>;

class ScriptedSmmu final : public Mmio {
 public:
  ScriptedSmmu(const emulator::SmmuV3Config& config, iommu::PagePool& pool);

  std::uint32_t read32(std::uint32_t offset) override;
  std::uint64_t read64(std::uint32_t offset) override;
  void write32(std::uint32_t offset, std::uint32_t value) override;
  void write64(std::uint32_t offset, std::uint64_t value) override;

  // What happened since the last call: "SMMU_CR0 = 0x8", "CMD_SYNC".
  std::vector<std::string> story();
  // The commands since the last call, without CMD_SYNC.
  std::vector<CommandWords> commands();

  template <class R>
  R get() const {
    const auto found = registers_.find(R::kOffset);
    return R(static_cast<typename R::Value>(found != registers_.end() ? found->second : 0));
  }
  template <class R>
  void set(R value) {
    registers_[R::kOffset] = value.raw();
  }

  // What it leaves undone.
  bool acknowledges_control = true;
  bool acknowledges_interrupts = true;
  bool updates_bypass = true;
  bool consumes = true;
  // What SMMU_CMDQ_CONS reads instead.
  std::function<std::uint32_t()> consumer_index;
  // What is wrong with a command; nothing, if there is nobody to say.
  std::function<v3::CommandError(const CommandWords&)> judge;
  InterruptLine* error_line = nullptr;
  // Called at each CMD_SYNC, before it is consumed.
  std::function<void()> on_sync;

 private:
  bool stopped() const;
  void stop(v3::CommandError error);
  void consume();

  iommu::PagePool& pool_;
  std::map<std::uint32_t, std::uint64_t> registers_;
  std::vector<std::string> story_;
  std::vector<CommandWords> commands_;
  bool consuming_ = false;
};

// The name of a register or command, or its number.
std::string register_name(std::uint32_t offset);
std::string command_name(const CommandWords& words);

}  // namespace smmu::testing

#endif  // TEST_DRIVER_V3_SCRIPTED_SMMU_H_
