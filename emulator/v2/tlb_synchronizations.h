// TLB synchronisations that wait for accesses in flight (IHI 0062).
#ifndef SMMU_EMULATOR_V2_TLB_SYNCHRONIZATIONS_H_
#define SMMU_EMULATOR_V2_TLB_SYNCHRONIZATIONS_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "emulator/tbu/tbu.h"
#include "emulator/v2/register_effects.h"

namespace smmu::emulator {

// Each is of an asker, who has one at a time: another takes its place.
class TlbSynchronizations {
 public:
  using Ports = std::vector<std::unique_ptr<Tbu>>;

  // After the invalidations have been applied.
  void begin(Asker asker, const Ports& ports) {
    Waiting waiting{.asker = asker, .moments = {}};
    for (const auto& port : ports) {
      const InFlight::Moment moment = port->in_flight().now();
      if (!InFlight::idle_at(moment)) waiting.moments.push_back({port.get(), moment});
    }
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [&](const Waiting& other) { return other.asker == asker; });
    if (!waiting.moments.empty()) waiting_.push_back(std::move(waiting));
  }

  // Whether an access that was in flight then still is.
  bool active(Asker asker) {
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [](const Waiting& waiting) {
      return std::ranges::all_of(waiting.moments, [](const auto& one) {
        return one.port->in_flight().outlived(one.moment);
      });
    });
    return std::ranges::find(waiting_, asker, &Waiting::asker) != waiting_.end();
  }

  void clear() {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
  }

 private:
  struct PortMoment {
    Tbu* port;
    InFlight::Moment moment;
  };
  struct Waiting {
    Asker asker;
    std::vector<PortMoment> moments;
  };

  std::mutex mutex_;
  std::vector<Waiting> waiting_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_TLB_SYNCHRONIZATIONS_H_
