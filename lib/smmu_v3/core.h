// What all parts of the driver of one SMMU share.
#ifndef SMMU_LIB_SMMU_V3_CORE_H_
#define SMMU_LIB_SMMU_V3_CORE_H_

#include <mutex>

#include "lib/smmu_v3/command_queue.h"
#include "lib/smmu_v3/deliveries.h"
#include "lib/smmu_v3/features.h"
#include "lib/smmu_v3/number_pool.h"
#include "lib/smmu_v3/structure_memory.h"
#include "smmu/iommu/driver_log.h"
#include "smmu/iommu/smmu_v3.h"

namespace smmu::iommu {

class DomainV3;

// All domains of a driver: one of another driver is not to be taken for one of them.
class DomainsV3 {
 public:
  void add(DomainV3& domain);
  void remove(DomainV3& domain);
  // Null: it is none of these.
  DomainV3* find(const DriverDomain* wanted) const;

 private:
  mutable std::mutex mutex_;
  DomainV3* first_ = nullptr;
};

struct CoreV3 {
  const SmmuV3DriverConfig config;
  const FeaturesV3 features;
  const StructureMemory memory;
  DriverLog& log;
  CommandQueue* queue = nullptr;  // once it is made
  NumberPool asids = {};
  NumberPool vmids = {};
  Deliveries deliveries = {};
  DomainsV3 domains = {};

  CacheMaintenance* caches() const { return features.coherent ? nullptr : config.caches; }
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_CORE_H_
