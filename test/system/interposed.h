// A descriptor that is read through a program.
#ifndef SMMU_TEST_SYSTEM_INTERPOSED_H_
#define SMMU_TEST_SYSTEM_INTERPOSED_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "smmu/emulator/ram.h"

namespace smmu::testing {

// A page full of that word, for the SMMU to read.
class Interposed final : public emulator::DeviceRegion {
 public:
  BusResponse read(std::uint64_t, std::span<std::byte> bytes) override {
    if (on_read) on_read();
    for (std::size_t i = 0; i != bytes.size(); ++i) {
      bytes[i] = static_cast<std::byte>(word >> 8 * (i % 8));
    }
    return BusResponse::kOkay;
  }
  BusResponse write(std::uint64_t, std::span<const std::byte>) override {
    return BusResponse::kAbort;
  }
  std::uint64_t word = 0;
  std::function<void()> on_read;
};

}  // namespace smmu::testing

#endif  // SMMU_TEST_SYSTEM_INTERPOSED_H_
