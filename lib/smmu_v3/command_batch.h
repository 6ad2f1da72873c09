// Commands that are collected and given to the SMMU together.
#ifndef SMMU_LIB_SMMU_V3_COMMAND_BATCH_H_
#define SMMU_LIB_SMMU_V3_COMMAND_BATCH_H_

#include <array>
#include <cstddef>
#include <span>
#include <system_error>

#include "lib/smmu_v3/command_queue.h"
#include "smmu/arch/v3/commands_completion.h"
#include "smmu/result.h"

namespace smmu::iommu {

class CommandBatch {
 public:
  static constexpr std::size_t kMost = 64;

  explicit CommandBatch(CommandQueue& queue) : queue_(queue) {}

  // An error stays until sync().
  template <class C>
  void add(const C& command) {
    if (count_ == kMost) flush();
    commands_[count_++] = command.words();
  }
  // Gives what there is, without waiting.
  void flush() {
    keep(queue_.submit(collected()));
    count_ = 0;
  }
  // The same, and waits for all since the last time.
  Result<Done, std::errc> sync() {
    keep(queue_.submit_and_sync(collected()));
    count_ = 0;
    const std::errc error = error_;
    error_ = std::errc{};
    if (error != std::errc{}) return error;
    return Done{};
  }
  // A CMD_SYNC that nobody waits for: what comes after it begins once what is before is complete.
  void add_sync() { add(command_v3<v3::CMD_SYNC>()); }
  void drop() { count_ = 0; }
  bool full() const { return count_ == kMost; }

 private:
  std::span<const CommandWords> collected() const { return {commands_.data(), count_}; }
  void keep(const Result<Done, std::errc>& result) {
    if (!result && error_ == std::errc{}) error_ = result.error();
  }

  CommandQueue& queue_;
  std::size_t count_ = 0;
  std::errc error_{};
  std::array<CommandWords, kMost> commands_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_COMMAND_BATCH_H_
