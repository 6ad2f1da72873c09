#include "emulator/v2/register_file.h"

#include <utility>

namespace smmu::emulator {

using v2::SMMU_CBn_ATSR;
using v2::SMMU_CBn_TLBSTATUS;
using v2::SMMU_sCR0;
using v2::SMMU_SCR1;
using v2::SMMU_sGATSR;
using v2::SMMU_sTLBGSTATUS;

RegisterFileV2::RegisterFileV2(SharedRegisters& shared, Monitors& monitors,
                               std::function<bool(Asker)> in_flight)
    : shared_(shared),
      monitors_(monitors),
      in_flight_(std::move(in_flight)),
      banks_(shared.registers, shared.config),
      globals_(shared.registers, banks_, shared.config) {}

BusResponse RegisterFileV2::read(SecurityState security, std::uint32_t offset, std::uint32_t bytes,
                                 std::uint64_t& value, RegisterEffects& effects) {
  value = 0;
  if ((bytes != 4 && bytes != 8) || offset % bytes != 0) return BusResponse::kOkay;
  std::uint32_t word = 0;
  if (read32(security, offset, word) == Access32::kIllegal) {
    return refuse(security, offset, Direction::kRead, effects);
  }
  value = word;
  if (bytes == 8) {
    // Beside a register of 32 bits there may be none.
    static_cast<void>(read32(security, offset + 4, word));
    value |= std::uint64_t{word} << 32;
  }
  return BusResponse::kOkay;
}

BusResponse RegisterFileV2::write(SecurityState security, std::uint32_t offset, std::uint32_t bytes,
                                  std::uint64_t value, RegisterEffects& effects) {
  // DDI 0517: what is not aligned is ignored.
  if ((bytes != 4 && bytes != 8) || offset % bytes != 0) return BusResponse::kOkay;
  if (bytes == 8 && write_whole(security, offset, value, effects)) return BusResponse::kOkay;
  if (write32(security, offset, static_cast<std::uint32_t>(value), effects) == Access32::kIllegal) {
    return refuse(security, offset, Direction::kWrite, effects);
  }
  if (bytes == 8) {
    static_cast<void>(
        write32(security, offset + 4, static_cast<std::uint32_t>(value >> 32), effects));
  }
  return BusResponse::kOkay;
}

RegisterPlace RegisterFileV2::place_of(SecurityState security, std::uint32_t offset) const {
  const RegisterPlace place = locate(shared_.features, offset);
  if (!shared_.features.secure || security == SecurityState::kSecure) return place;
  switch (place.space) {
    case RegisterSpace::kBank:
      return shared_.registers.has_bank(security, place.bank) ? place : RegisterPlace{};
    case RegisterSpace::kSecurityTable:
      return {};
    case RegisterSpace::kGlobal0:
    case RegisterSpace::kGlobal1:
    case RegisterSpace::kImplementation:
    case RegisterSpace::kMonitors:
      // GASRAE: the global spaces are for Secure accesses.
      return shared_.registers.scr1[SMMU_SCR1::GASRAE] ? RegisterPlace{} : place;
    case RegisterSpace::kNowhere:
      break;
  }
  return place;
}

Access32 RegisterFileV2::read32(SecurityState security, std::uint32_t offset,
                                std::uint32_t& value) {
  value = 0;
  const RegisterPlace place = place_of(security, offset);
  if (read_status(security, place, value)) return Access32::kDone;
  switch (place.space) {
    case RegisterSpace::kGlobal0:
      return globals_.read32(security, place.offset, value);
    case RegisterSpace::kGlobal1:
      return globals_.read32_of_banks(security, place.offset, value);
    case RegisterSpace::kImplementation:
      return read_implementation(place.offset, value);
    case RegisterSpace::kMonitors:
      return monitors_.read32(place.offset, value);
    case RegisterSpace::kSecurityTable:
      if (place.offset / 4 >= shared_.registers.ssd.size()) return Access32::kIllegal;
      value = shared_.registers.ssd[place.offset / 4];
      return Access32::kDone;
    case RegisterSpace::kBank:
      if (monitors_.read32_of_bank(place.bank, place.offset, value) == Access32::kDone) {
        return Access32::kDone;
      }
      return banks_.read32(place.bank, place.offset, value);
    case RegisterSpace::kNowhere:
      break;
  }
  return Access32::kIllegal;
}

Access32 RegisterFileV2::write32(SecurityState security, std::uint32_t offset, std::uint32_t value,
                                 RegisterEffects& effects) {
  const RegisterPlace place = place_of(security, offset);
  switch (place.space) {
    case RegisterSpace::kGlobal0:
      return globals_.write32(security, place.offset, value, effects);
    case RegisterSpace::kGlobal1:
      return globals_.write32_of_banks(security, place.offset, value, effects);
    case RegisterSpace::kImplementation:
      return write_implementation(place.offset, value);
    case RegisterSpace::kMonitors:
      return monitors_.write32(place.offset, value, effects);
    case RegisterSpace::kSecurityTable:
      if (place.offset / 4 >= shared_.registers.ssd.size()) return Access32::kIllegal;
      shared_.registers.ssd[place.offset / 4] = value;
      return Access32::kDone;
    case RegisterSpace::kBank:
      if (monitors_.write32_of_bank(place.bank, place.offset, value, effects) == Access32::kDone) {
        return Access32::kDone;
      }
      // Read-only.
      if (place.offset == SMMU_CBn_TLBSTATUS::kOffset || place.offset == SMMU_CBn_ATSR::kOffset) {
        return Access32::kDone;
      }
      return banks_.write32(place.bank, place.offset, value, effects);
    case RegisterSpace::kNowhere:
      break;
  }
  return Access32::kIllegal;
}

// The address of an operation, which begins it once.
bool RegisterFileV2::write_whole(SecurityState security, std::uint32_t offset, std::uint64_t value,
                                 RegisterEffects& effects) {
  const RegisterPlace place = place_of(security, offset);
  if (place.space == RegisterSpace::kBank && banks_.is_operation(place.offset)) {
    banks_.write64(place.bank, place.offset, value, effects);
    return true;
  }
  if (place.space == RegisterSpace::kGlobal0 && GlobalSpace::is_operation(place.offset)) {
    return globals_.write64(security, place.offset, value, effects) == Access32::kDone;
  }
  return false;
}

// Reading a status counts down how often it says that it is busy.
bool RegisterFileV2::read_status(SecurityState security, const RegisterPlace& place,
                                 std::uint32_t& value) {
  RegistersV2& registers = shared_.registers;
  if (place.space == RegisterSpace::kBank) {
    BankRegisters& bank = registers.banks[place.bank];
    if (place.offset == SMMU_CBn_TLBSTATUS::kOffset) {
      const Asker asker{registers.owner_of_bank(place.bank), place.bank};
      value =
          SMMU_CBn_TLBSTATUS()
              .set(SMMU_CBn_TLBSTATUS::SACTIVE, bank.synchronization.read() || in_flight_(asker))
              .raw();
      return true;
    }
    if (place.offset == SMMU_CBn_ATSR::kOffset) {
      value = SMMU_CBn_ATSR().set(SMMU_CBn_ATSR::ACTIVE, bank.operation.read()).raw();
      return true;
    }
    return false;
  }
  if (place.space != RegisterSpace::kGlobal0) return false;
  const GlobalSpace::Copy copy = globals_.copy_of(security, place.offset);
  GlobalRegisters& global = registers.global(copy.security);
  if (copy.offset == SMMU_sTLBGSTATUS::kOffset) {
    const Asker asker{copy.security, std::nullopt};
    value = SMMU_sTLBGSTATUS()
                .set(SMMU_sTLBGSTATUS::GSACTIVE, global.synchronization.read() || in_flight_(asker))
                .raw();
    return true;
  }
  if (copy.offset == SMMU_sGATSR::kOffset) {
    value = SMMU_sGATSR().set(SMMU_sGATSR::ACTIVE, global.operation.read()).raw();
    return true;
  }
  return false;
}

// DDI 0517, page 2: integration registers that read 0, TBUQOS0 to 3, PER and
// TBU_PWR_STATUS.
Access32 RegisterFileV2::read_implementation(std::uint32_t offset, std::uint32_t& value) const {
  constexpr std::uint32_t kQos = 0x100;
  constexpr std::uint32_t kPowerStatus = 0x204;
  if (!shared_.config.mmu_500) return Access32::kIllegal;
  value = 0;
  if (offset >= kQos && offset < kQos + 16) {
    value = shared_.registers.implementation.words[(offset - kQos) / 4];
  } else if (offset == kPowerStatus) {
    // Every TBU is on.
    value = monitors_.num_groups() == 0
                ? 1
                : static_cast<std::uint32_t>(
                      mask(static_cast<unsigned>(monitors_.num_groups()) - 1, 0));
  }
  return Access32::kDone;
}

Access32 RegisterFileV2::write_implementation(std::uint32_t offset, std::uint32_t value) {
  constexpr std::uint32_t kQos = 0x100;
  if (!shared_.config.mmu_500) return Access32::kIllegal;
  if (offset >= kQos && offset < kQos + 16) {
    shared_.registers.implementation.words[(offset - kQos) / 4] = value;
  }
  return Access32::kDone;
}

BusResponse RegisterFileV2::refuse(SecurityState security, std::uint32_t offset,
                                   Direction direction, RegisterEffects& effects) {
  if (shared_.config.illegal_access == SmmuV2Config::IllegalAccess::kIgnored) {
    return BusResponse::kOkay;
  }
  // NSCAFRO: those of Non-secure software are Secure software's to hear of.
  const SecurityState into = shared_.features.secure && shared_.registers.scr1[SMMU_SCR1::NSCAFRO]
                                 ? SecurityState::kSecure
                                 : security;
  record_access(shared_.registers, into, security, offset, direction);
  effects.lines = true;
  return shared_.registers.global(into).cr0[SMMU_sCR0::GCFGFRE] ? BusResponse::kAbort
                                                                : BusResponse::kOkay;
}

}  // namespace smmu::emulator
