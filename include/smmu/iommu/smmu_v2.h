// The driver of an SMMUv2 (IHI 0062).
#ifndef SMMU_IOMMU_SMMU_V2_H_
#define SMMU_IOMMU_SMMU_V2_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "smmu/iommu/device.h"
#include "smmu/iommu/driver.h"
#include "smmu/iommu/driver_log.h"
#include "smmu/iommu/io_pgtable.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/iommu/reserved_regions.h"
#include "smmu/platform/clock.h"
#include "smmu/platform/interrupt.h"
#include "smmu/platform/mmio.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

// What drives one SMMUv2, and how.  What is named here outlives the driver.  Each choice says first
// what the default is.
struct SmmuV2DriverConfig {
  Mmio* registers = nullptr;
  // For tables.  Where it reaches beyond the addresses that they may be at, which are those of
  // SMMU_IDR2.OAS and with short descriptors 32 bits, attach() gives invalid_argument.
  PagePool* pool = nullptr;
  Clock* clock = nullptr;
  DriverLog* log = nullptr;  // null: nobody listens
  // Interrupts of context banks, one a bank; those of banks that are not there are not used.
  std::uint32_t context_interrupts = 0;

  // Whether walks of tables look into caches; none: SMMU_IDR0.CTTW says.
  std::optional<WalkCoherency> coherency = std::nullopt;
  CacheMaintenance* caches = nullptr;

  // What becomes of streams that no device has; with kBypass also of those of a device that was
  // removed: to hold them back for good would take their stream mapping group from devices that
  // come, and there are few.
  enum class Unknown : std::uint8_t { kFault, kBypass };
  Unknown unknown = Unknown::kFault;
  // Streams that firmware set up, and that go on as they did until a device has them: they bypass.
  // At most as many as there are stream mapping groups.
  std::vector<StreamMatch> firmware_streams = {};

  // What translates where both stages can, and the domain has no need of stage 2.
  enum class Stage : std::uint8_t { kStage1, kStage2 };
  Stage stage = Stage::kStage1;
  // The largest address space there is; or one of the formats of AArch32, where there is such:
  // short descriptors for stage 1 alone.
  enum class Formats : std::uint8_t { kWidest, kAArch32Long, kAArch32Short };
  Formats formats = Formats::kWidest;
  std::uint64_t preferred_granule = 4096;

  // Registers of 64 bits in one access; or in two, where a bus has no others: the high half first,
  // since the low one begins an operation, as in Marvell's AP806.  Two are not one: two threads
  // that invalidate would mix their halves, so that such an SMMU gets the formats of AArch32, whose
  // operands have 32 bits.
  enum class RegisterAccess : std::uint8_t { k64Bits, k32Bits };
  RegisterAccess register_access = RegisterAccess::k64Bits;

  // Devices whose accesses fault get an error at once; or, in domains whose first device can wait
  // (DeviceConfig::can_stall), when the handler of the fault has answered.
  enum class Stalls : std::uint8_t { kNever, kWhereDevicesCan };
  Stalls stalls = Stalls::kNever;

  // MMU-500: its TLB holds streams that bypass, and no context bank prefetches, for that ignores
  // invalidation (its errata 841119 and 826419).
  enum class Implementation : std::uint8_t { kGeneric, kMmu500 };
  Implementation implementation = Implementation::kGeneric;

  // An interrupt is handled by the thread that raises its line, before set() returns, with all that
  // come meanwhile; or by whoever calls handle_interrupts().  A line that does not go down, however
  // often its faults are cleared, is left alone until either comes again; and so is one whose
  // faults other threads make without end, when a thread has handled some thousands: what is left
  // is handled with the next interrupt of any line, or in handle_interrupts().  An SMMU that waits
  // for set() to return before it does anything else confirms no invalidation meanwhile: there
  // handlers that unmap or attach want the second.
  enum class Interrupts : std::uint8_t { kAtOnce, kDeferred };
  Interrupts interrupts = Interrupts::kAtOnce;

  // How long the SMMU may take to finish an invalidation, and an address translation operation. One
  // that takes longer is not driven: create() says so in its sentence, and resume() gives
  // timed_out, with the SMMU switched on nevertheless.  So does attach(), and the device goes where
  // it went; but one that blocks only says so to the log, as unmaps do, since there is no way back.
  std::chrono::nanoseconds timeout = std::chrono::seconds(1);
  std::chrono::nanoseconds translation_timeout = std::chrono::microseconds(50);

  // Where software may map doorbells; no bytes: nowhere.
  ReservedRegion software_msi = {Iova(0x0800'0000), std::uint64_t{1} << 20,
                                 ReservedType::kSoftwareMsi,
                                 Prot::kWrite | Prot::kNoExec | Prot::kMmio};
};

// Domains are translated by stage 1, unless they shall have guests' tables above them, the SMMU has
// no stage 1, or the configuration wants otherwise.  A domain gets its context bank and its tables
// when it is first attached, and keeps them.
//
// Interrupts may come on any thread, also from inside a register access; no lock is held during
// one.  Where they come while a fault is handled, they are handled after it by the same thread.
//
// While the SMMU is suspended interrupts access no register; whoever resumes ends the faults that
// were not.
//
// Removing a device or a domain waits for handlers of its faults that other threads run.  A domain
// that goes aborts accesses that wait in it, and takes faults along that nobody was told of.
//
// Devices whose StreamIDs are matched by one stream mapping group are of one Group.  One that would
// share such with devices of several Groups is refused with invalid_argument, unless its
// DeviceConfig::not_isolated_from names one of each.
//
// In shut_down() the SMMU is told to translate nothing any more: an SMMUv2 then lets all traffic
// through, untranslated.
class SmmuV2Driver final : public Driver {
 public:
  // Probes the SMMU and brings it up.  The error is a sentence: what the SMMU is not or has not, or
  // what the configuration lacks.
  static Result<std::unique_ptr<SmmuV2Driver>, std::string> create(
      const SmmuV2DriverConfig& config);
  // REQUIRES: its domains and devices are gone, its lines are quiet.
  ~SmmuV2Driver() override;
  SmmuV2Driver(const SmmuV2Driver&) = delete;
  SmmuV2Driver& operator=(const SmmuV2Driver&) = delete;

  // Where the SMMU's lines end: SMMU_NSgIrpt, SMMU_NSgCfgIrpt, which may be one, and that of
  // context bank n.
  LevelLine& global_fault_line();
  LevelLine& configuration_fault_line();
  // REQUIRES: n < context_banks().
  LevelLine& context_fault_line(std::uint32_t n);
  std::uint32_t context_banks() const;
  // Handles what the lines that are up tell of.
  void handle_interrupts();

  bool capable(Capability capability, const Device* device) const override;
  Result<std::unique_ptr<DeviceState>, std::errc> add_device(Device& device) override;
  void remove_device(Device& device) override;
  void wait_for_handlers(Device& removed) override;
  Device* inseparable_from(const Device& device) const override;
  Result<std::unique_ptr<DriverDomain>, std::errc> create_domain(const DomainRequest& request,
                                                                 Device* device) override;
  std::span<const ReservedRegion> reserved_regions(const Device& device) const override;
  Result<Done, std::errc> attach(Device& device, const Attachment& to) override;
  void shut_down() override;
  Result<Done, std::errc> suspend() override;
  Result<Done, std::errc> resume() override;

 private:
  struct Parts;
  explicit SmmuV2Driver(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_SMMU_V2_H_
