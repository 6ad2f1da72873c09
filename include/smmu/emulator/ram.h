// Physical memory made of RAM and of device regions; every other address
// aborts.
#ifndef SMMU_EMULATOR_RAM_H_
#define SMMU_EMULATOR_RAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>
#include <vector>

#include "smmu/platform/memory.h"
#include "smmu/platform/requester.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::emulator {

// Addresses answered by a program: a doorbell, a device's registers, memory
// that lives elsewhere.  Called from whichever thread makes the access.
class DeviceRegion {
 public:
  virtual ~DeviceRegion() = default;

  // `offset` counts from the start of the region; the access lies within it.
  virtual BusResponse read(std::uint64_t offset, std::span<std::byte> bytes) = 0;
  virtual BusResponse write(std::uint64_t offset, std::span<const std::byte> bytes) = 0;

  // Accesses of a device that is behind an SMMU's port; those above are of all
  // others.
  virtual BusResponse read_for(const Requester&, std::uint64_t offset, std::span<std::byte> bytes) {
    return read(offset, bytes);
  }
  virtual BusResponse write_for(const Requester&, std::uint64_t offset,
                                std::span<const std::byte> bytes) {
    return write(offset, bytes);
  }
};

// RAM is sparse: a page costs host memory once something is written to it.
// Regions are added first; after that any number of threads may access them.
class Ram final : public PhysicalMemory {
 public:
  struct Added {};

  Ram();
  ~Ram() override;

  // Zeroed RAM at [base, base + size), or a device there, which must outlive
  // this object.  std::errc::invalid_argument if a bound is not a multiple of
  // 4096, the size is 0 or the end is above 2^64; address_in_use if something
  // is there already; not_enough_memory if the host refuses.
  Result<Added, std::errc> add(Pa base, std::uint64_t size);
  Result<Added, std::errc> add_device(Pa base, std::uint64_t size, DeviceRegion& device);

  BusResponse read(Pa pa, std::span<std::byte> bytes) override;
  BusResponse write(Pa pa, std::span<const std::byte> bytes) override;
  BusResponse read_for(const Requester& requester, Pa pa, std::span<std::byte> bytes) override;
  BusResponse write_for(const Requester& requester, Pa pa,
                        std::span<const std::byte> bytes) override;
  const DirectRegion* direct_region(Pa pa) override;

 private:
  struct Region;

  Result<std::uint64_t, ExternalAbort> load64_indirect(Pa pa) override;
  BusResponse store64_indirect(Pa pa, std::uint64_t value) override;
  // A device has no exchange: the access aborts.
  Result<std::uint64_t, ExternalAbort> compare_exchange64_indirect(Pa pa, std::uint64_t expected,
                                                                   std::uint64_t desired) override;

  Result<Added, std::errc> insert(Pa base, std::uint64_t size, std::unique_ptr<Region> region);
  Region* find(Pa pa) const;
  template <class Byte, class Access>
  BusResponse by_region(Pa pa, std::span<Byte> bytes, Access&& access);
  // `device(region, offset, bytes)` makes the part of an access that is a
  // device's.
  template <class Device>
  BusResponse read(Pa pa, std::span<std::byte> bytes, Device&& device);
  template <class Device>
  BusResponse write(Pa pa, std::span<const std::byte> bytes, Device&& device);

  std::vector<std::unique_ptr<Region>> regions_;  // by address
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_RAM_H_
