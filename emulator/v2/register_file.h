// The registers of an SMMUv2 as one address space, seen by either Security state
// (IHI 0062).
#ifndef SMMU_EMULATOR_V2_REGISTER_FILE_H_
#define SMMU_EMULATOR_V2_REGISTER_FILE_H_

#include <cstdint>
#include <functional>

#include "emulator/v2/address_map.h"
#include "emulator/v2/bank_space.h"
#include "emulator/v2/clients.h"
#include "emulator/v2/global_space.h"
#include "emulator/v2/monitors.h"
#include "emulator/v2/register_effects.h"
#include "smmu/platform/memory.h"

namespace smmu::emulator {

// Called with the registers' lock.
class RegisterFileV2 {
 public:
  // `in_flight(asker)`: whether its TLB synchronisation waits for an access.
  RegisterFileV2(SharedRegisters& shared, Monitors& monitors, std::function<bool(Asker)> in_flight);

  // Of 4 or 8 bytes.
  BusResponse read(SecurityState security, std::uint32_t offset, std::uint32_t bytes,
                   std::uint64_t& value, RegisterEffects& effects);
  BusResponse write(SecurityState security, std::uint32_t offset, std::uint32_t bytes,
                    std::uint64_t value, RegisterEffects& effects);

 private:
  // Where an access goes; kNowhere if whoever makes it may not.
  RegisterPlace place_of(SecurityState security, std::uint32_t offset) const;
  Access32 read32(SecurityState security, std::uint32_t offset, std::uint32_t& value);
  Access32 write32(SecurityState security, std::uint32_t offset, std::uint32_t value,
                   RegisterEffects& effects);
  bool write_whole(SecurityState security, std::uint32_t offset, std::uint64_t value,
                   RegisterEffects& effects);
  bool read_status(SecurityState security, const RegisterPlace& place, std::uint32_t& value);
  Access32 read_implementation(std::uint32_t offset, std::uint32_t& value) const;
  Access32 write_implementation(std::uint32_t offset, std::uint32_t value);
  BusResponse refuse(SecurityState security, std::uint32_t offset, Direction direction,
                     RegisterEffects& effects);

  SharedRegisters& shared_;
  Monitors& monitors_;
  const std::function<bool(Asker)> in_flight_;
  BankSpace banks_;
  GlobalSpace globals_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_REGISTER_FILE_H_
