// A Performance Monitor Counter Group (IHI 0070, chapter 10).
#ifndef SMMU_EMULATOR_COUNTER_GROUP_H_
#define SMMU_EMULATOR_COUNTER_GROUP_H_

#include <array>
#include <cstdint>

#include "smmu/arch/v3/pmcg_identification_registers.h"
#include "smmu/platform/mmio.h"
#include "smmu/types.h"

namespace smmu::emulator {

// What a group is built to be.  Which events it counts is no choice: those that
// the SMMU has.
struct CounterGroupConfig {
  v3::SMMU_PMCG_CFGR cfgr = {};
  v3::SMMU_PMCG_IIDR iidr = {};
  v3::SMMU_PMCG_AIDR aidr = {};
  std::array<std::uint32_t, 20> id_block = {};  // offsets 0xFB0 to 0xFFC
  // Support for Secure state (10.6).  False: every access reaches the registers,
  // and events of Secure streams are not seen.
  bool secure_state = false;
  // The streams whose events the group sees: `first_stream` and all that differ
  // from it in the low bits only, of which there are so many (10.4.1).  They are
  // also the bits that SMMU_PMCG_SMRn has.
  unsigned stream_bits = 32;
  StreamId first_stream = StreamId(0);

  // All that this model implements: 64 counters of 64 bits, for every stream.
  static CounterGroupConfig everything();
};

// Registers are accessed through Mmio: page 0 is at offset 0, and page 1, if
// there is one, at 0x10000.  An access that is not aligned to its size is
// RAZ/WI.
//
// Accesses through this object are Non-secure.
//
// What is counted:
//   0  an effect that SmmuV3::step() performs; not with Pace::kAtOnce
//   1  a transaction, whatever becomes of it.  An access through a port is a
//      transaction for each naturally aligned 4 KiB that it touches: a bus
//      transaction does not cross their boundary.  A Translation Request is one,
//      too; an address translation operation and a prefetch are none
//   2  one of these for which a translation table was read
//   3  one of these for which a configuration structure was read
//   4  a read of a translation table descriptor, or an update of one
//   5  a read of a configuration structure
//   6  a Translation Request
//   7  a transaction whose address is translated
// with SMMU_CR0.SMMUEN 0 as with 1.  A stalled transaction that is retried is no
// new one.  A reset of the SMMU leaves the group alone.
//
// A register write has taken full effect when it returns, or, if an interrupt of
// the group is just being delivered, when that is.  With Pace::kStepped the
// acknowledgement of SMMU_PMCG_IRQ_CTRL is an effect that step() performs, and
// so is an interrupt.
//
// All members may be called from any thread and from any callback.
class CounterGroup : public Mmio {
 public:
  // The same registers for Secure accesses.
  virtual Mmio& secure() = 0;

  // What is UNKNOWN after a reset is 0.
  virtual void reset() = 0;

  virtual const CounterGroupConfig& config() const = 0;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_COUNTER_GROUP_H_
