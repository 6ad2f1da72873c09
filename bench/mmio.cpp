// Register accesses.
#include <memory>

#include "bench/machine.h"
#include "bench/rows.h"
#include "smmu/arch/v3/queue_registers.h"

namespace smmu::bench {

std::vector<Row> mmio_rows() {
  return {
      {"mmio/read",
       [] {
         return [machine = std::make_shared<Machine>()](std::uint64_t n) {
           for (std::uint64_t i = 0; i != n; ++i) {
             keep(machine->smmu().read<v3::SMMU_CMDQ_CONS>());
           }
         };
       }},
      // The doorbell of an empty queue.
      {"mmio/idle_doorbell",
       [] {
         return [machine = std::make_shared<Machine>()](std::uint64_t n) {
           for (std::uint64_t i = 0; i != n; ++i) machine->ring();
         };
       }},
  };
}

}  // namespace smmu::bench
