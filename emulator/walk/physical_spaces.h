// The physical address spaces that an SMMU can reach (IHI 0070, 3.10).
#ifndef SMMU_EMULATOR_WALK_PHYSICAL_SPACES_H_
#define SMMU_EMULATOR_WALK_PHYSICAL_SPACES_H_

#include "smmu/platform/memory.h"
#include "smmu/types.h"

namespace smmu::emulator {

class PhysicalSpaces {
 public:
  // One memory, which does not tell them apart.
  explicit PhysicalSpaces(PhysicalMemory& memory) : PhysicalSpaces(memory, memory) {}
  PhysicalSpaces(PhysicalMemory& non_secure, PhysicalMemory& secure)
      : non_secure_(&non_secure), secure_(&secure) {}

  PhysicalMemory& operator[](SecurityState space) const {
    return space == SecurityState::kNonSecure ? *non_secure_ : *secure_;
  }

 private:
  PhysicalMemory* non_secure_;
  PhysicalMemory* secure_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_PHYSICAL_SPACES_H_
