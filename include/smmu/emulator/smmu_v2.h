// An SMMUv2 (IHI 0062).
#ifndef SMMU_EMULATOR_SMMU_V2_H_
#define SMMU_EMULATOR_SMMU_V2_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "smmu/emulator/config_v2.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/pace.h"
#include "smmu/emulator/port.h"
#include "smmu/platform/interrupt.h"
#include "smmu/platform/memory.h"
#include "smmu/platform/mmio.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::emulator {

// What an SMMUv2 is wired to.  A line may be null: not connected.  Everything
// named here must outlive the SMMU.
struct SmmuV2Wires {
  PhysicalMemory* memory = nullptr;
  // The Secure physical address space; null: the same as `memory`, which then
  // does not tell the two apart.
  PhysicalMemory* secure_memory = nullptr;

  // SMMU_NSgIrpt and SMMU_NSgCfgIrpt: global faults of the Non-secure copy, and its
  // configuration access faults.
  LevelLine* global_fault = nullptr;
  LevelLine* configuration_fault = nullptr;
  // SMMU_gIrpt and SMMU_gCfgIrpt: the same of the Secure copy.
  LevelLine* secure_global_fault = nullptr;
  LevelLine* secure_configuration_fault = nullptr;
  // Context faults, of bank n the nth; those that are missing are not connected.
  std::vector<LevelLine*> context_faults = {};
  // A counter of group n has overflown.
  std::vector<LevelLine*> counter_groups = {};
  // Up while any of the above is, connected or not.
  LevelLine* combined = nullptr;

  Observer* observer = nullptr;
};

// Registers as accesses of one Security state find them.  An access that
// SMMU_sCR0.GCFGFRE wants aborted has a response, which those of Mmio leave out: it
// reads 0.  Accesses have 4 or 8 bytes, and are aligned to them.
class RegisterPort : public Mmio {
 public:
  virtual BusResponse read(std::uint32_t offset, std::uint32_t bytes, std::uint64_t& value) = 0;
  virtual BusResponse write(std::uint32_t offset, std::uint32_t bytes, std::uint64_t value) = 0;
  using Mmio::read;
  using Mmio::write;

  std::uint32_t read32(std::uint32_t offset) final {
    return static_cast<std::uint32_t>(read_or_zero(offset, 4));
  }
  std::uint64_t read64(std::uint32_t offset) final { return read_or_zero(offset, 8); }
  void write32(std::uint32_t offset, std::uint32_t value) final {
    static_cast<void>(write(offset, 4, value));
  }
  void write64(std::uint32_t offset, std::uint64_t value) final {
    static_cast<void>(write(offset, 8, value));
  }

 private:
  std::uint64_t read_or_zero(std::uint32_t offset, std::uint32_t bytes) {
    std::uint64_t value = 0;
    return read(offset, bytes, value) == BusResponse::kOkay ? value : 0;
  }
};

// An invalidation that a processor broadcasts, a DVM message.  What is absent
// does not restrict it.
struct BroadcastInvalidation {
  enum class Regime : std::uint8_t { kEl1, kEl2, kEl3 };
  enum class Stages : std::uint8_t { kStage1, kStage2, kBoth };

  SecurityState security = SecurityState::kNonSecure;
  Regime regime = Regime::kEl1;
  Stages stages = Stages::kStage1;  // of EL1
  std::optional<Vmid> vmid = std::nullopt;
  std::optional<Asid> asid = std::nullopt;  // global entries too if there is an address, else not
  // kStage2: an IPA.  Bits [55:12] say which page; those above are as bit 55.
  std::optional<std::uint64_t> address = std::nullopt;
  bool last_level = false;  // of that address: leaves alone
};

// Registers are accessed at offsets from the start of the SMMU's address space,
// 2^(SMMU_IDR1.NUMPAGENDXB + 2) pages of SMMU_IDR1.PAGESIZE.  Accesses through this
// object are Non-secure.  Devices are connected to ports.
//
// Every register write has taken full effect when it returns, interrupts
// included.  Two cases end later: a write made from inside a callback (memory,
// interrupt, observer), whose effects come before the outermost call returns;
// and a TLB synchronisation that finds another thread's access in flight, which
// is complete when that is.
//
// With Pace::kStepped a register write changes registers alone, and an access
// is answered alone; what that sets in motion waits as effects until step()
// performs them.
//
// All members may be called from any thread and from any callback, but for
// the constructor's counterparts: add_port, reset, save, restore and the
// destructor want the SMMU to themselves.
class SmmuV2 : public RegisterPort {
 public:
  // The error is a sentence that names what is wrong: a register field whose
  // value this model does not implement or the architecture does not allow,
  // or a missing wire.
  static Result<std::unique_ptr<SmmuV2>, std::string> create(const SmmuV2Config& config,
                                                             const SmmuV2Wires& wires);

  // The same registers for Secure accesses.  Without a Secure state these are the
  // same as the others.
  virtual RegisterPort& secure() = 0;

  // A new port, which lives as long as the SMMU.  Behind it is a device that cannot
  // wait: an access that is to stall is terminated.
  //
  // Whose the device is, Transaction::security says; or, if SMMU_IDR1.SSDTP is not 0,
  // the bit of SMMU_SSDRn that Transaction::ssd_index names.  StreamIDs have as many
  // bits as SMMU_IDR0.NUMSIDB says, or 16 with SMMU_sCR0.EXIDENABLE: others are not
  // looked at.  There are no SubstreamIDs, which are not looked at, and no ATS: what
  // is translated already is an unsupported upstream transaction.
  virtual Port& add_port() = 0;
  // The same for a device that can wait, which must outlive the SMMU.
  virtual Port& add_port(StallClient& client) = 0;

  // What processors broadcast, if SMMU_IDR0.BTM is 1: entries go where SMMU_sCR0.PTM,
  // VMIDPNE and SMMU_CBn_SCTLR.ASIDPNE let them.  They are gone when
  // synchronize_broadcasts() has returned true; false: an access that may use one
  // is still in flight.
  virtual void invalidate(const BroadcastInvalidation& what) = 0;
  virtual bool synchronize_broadcasts() = 0;

  // Stalled accesses end in an abort (with Pace::kStepped by the next steps); all
  // other effects that wait are gone.
  virtual void reset(Reset kind) = 0;

  // Pace::kStepped: performs effects that wait, at most so many, and returns
  // how many.  Fewer: no effect is left that could be performed now.  0 with
  // Pace::kAtOnce, while another thread steps, and from a callback that an effect
  // makes.
  //
  // An effect is, and they come in this order:
  //  1. one line goes up or down: that of the lowest context bank first, then the
  //     global ones, in the order of SmmuV2Wires;
  //  2. one address translation operation;
  //  3. one step of one stalled access: it is translated again, or told how it
  //     ended;
  //  4. the end of one TLB synchronisation, as far as accesses in flight let it.
  virtual std::uint32_t step(std::uint32_t most) = 0;

  // As those of SmmuV3 (smmu_v3.h, docs/snapshot.md).
  virtual Result<std::vector<std::byte>, std::string> save() = 0;
  virtual Result<Restored, std::string> restore(std::span<const std::byte> snapshot) = 0;

  virtual const SmmuV2Config& config() const = 0;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_SMMU_V2_H_
