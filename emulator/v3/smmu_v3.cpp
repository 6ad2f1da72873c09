// The SMMUv3 itself: its programming interface behind the public one.
#include "smmu/emulator/smmu_v3.h"

#include "emulator/v3/features.h"
#include "emulator/v3/programming_interface.h"

namespace smmu::emulator {
namespace {

class Model final : public SmmuV3 {
 public:
  Model(const SmmuV3Config& config, const Wires& wires)
      : config_(config), wires_(wires), interface_(config_, wires_) {}

  std::uint32_t read32(std::uint32_t offset) override {
    if (wires_.observer != nullptr) [[unlikely]]
      return reported_read32(offset);
    return interface_.read32(offset);
  }
  std::uint64_t read64(std::uint32_t offset) override {
    if (wires_.observer != nullptr) [[unlikely]]
      return reported_read64(offset);
    return interface_.read64(offset);
  }
  void write32(std::uint32_t offset, std::uint32_t value) override {
    if (wires_.observer != nullptr) [[unlikely]]
      report(Direction::kWrite, offset, 4, value);
    interface_.write32(offset, value);
  }
  void write64(std::uint32_t offset, std::uint64_t value) override {
    if (wires_.observer != nullptr) [[unlikely]]
      report(Direction::kWrite, offset, 8, value);
    interface_.write64(offset, value);
  }

  Port& add_port() override { return interface_.add_port(); }
  Port& add_port(StallClient& client) override { return interface_.add_port(client); }

  void complete(InvalidationTag tag, InvalidationResult result) override {
    interface_.complete(tag, result);
  }

  void reset(Reset kind) override { interface_.reset(kind); }

  const SmmuV3Config& config() const override { return config_; }

 private:
  [[gnu::noinline]] std::uint32_t reported_read32(std::uint32_t offset) const {
    const std::uint32_t value = interface_.read32(offset);
    report(Direction::kRead, offset, 4, value);
    return value;
  }
  [[gnu::noinline]] std::uint64_t reported_read64(std::uint32_t offset) const {
    const std::uint64_t value = interface_.read64(offset);
    report(Direction::kRead, offset, 8, value);
    return value;
  }
  [[gnu::noinline]] void report(Direction direction, std::uint32_t offset, std::uint32_t bytes,
                                std::uint64_t value) const {
    wires_.observer->on_register_access(
        {.direction = direction, .offset = offset, .bytes = bytes, .value = value});
  }

  const SmmuV3Config config_;
  const Wires wires_;
  ProgrammingInterface interface_;
};

}  // namespace

Result<std::unique_ptr<SmmuV3>, std::string> SmmuV3::create(const SmmuV3Config& config,
                                                            const Wires& wires) {
  if (wires.memory == nullptr) return std::string("the SMMU is not wired to memory");
  if (auto sentence = objection(config)) return *std::move(sentence);
  return std::unique_ptr<SmmuV3>(std::make_unique<Model>(config, wires));
}

}  // namespace smmu::emulator
