// What all parts of the driver of an SMMUv2 work with.
#ifndef SMMU_LIB_SMMU_V2_HARDWARE_H_
#define SMMU_LIB_SMMU_V2_HARDWARE_H_

#include <algorithm>
#include <chrono>
#include <string_view>

#include "lib/iommu/power.h"
#include "lib/smmu_v2/probe.h"
#include "lib/smmu_v2/smmu_v2_registers.h"
#include "smmu/iommu/smmu_v2.h"

namespace smmu::iommu {

class SmmuV2Hardware {
 public:
  SmmuV2Hardware(const SmmuV2DriverConfig& driver_config, const SmmuV2Features& found)
      : config(driver_config),
        features(found),
        pages(*config.registers, found.page_bytes, found.pages, config.register_access),
        global0(pages.global0()),
        global1(pages.global1()) {
    power.turn_off();
  }

  const SmmuV2DriverConfig config;
  SmmuV2Features features;
  const SmmuV2Pages pages;
  const SmmuV2Page global0;
  const SmmuV2Page global1;

  // Registers may be accessed from the reset on, but not while suspended and after the end.  Who
  // handles interrupts accesses them by a Power::Use; calls that attach, map or unmap are not made
  // while there is no power, and look whether it is there.
  mutable Power power;
  bool powered() const { return !power.is_off(); }

  void say(std::string_view sentence) const {
    if (config.log != nullptr) config.log->say(sentence);
  }

  // Asks again and again whether the SMMU has finished, with pauses that double, and gives up when
  // they have come to `timeout`: false.
  template <class Finished>
  bool wait_until(std::chrono::nanoseconds timeout, std::chrono::nanoseconds longest_pause,
                  Finished finished) const {
    std::chrono::nanoseconds waited{0};
    for (std::chrono::nanoseconds pause = std::chrono::microseconds(1);;
         pause = std::min(2 * pause, longest_pause)) {
      for (unsigned read = 0; read != kReadsBetweenPauses; ++read) {
        if (finished()) return true;
      }
      if (waited >= timeout) return false;
      config.clock->wait(pause);
      waited += pause;
    }
  }

 private:
  static constexpr unsigned kReadsBetweenPauses = 10;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V2_HARDWARE_H_
