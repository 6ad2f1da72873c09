#include "lib/smmu_v2/tlb.h"

#include <fmt/format.h>

#include "lib/smmu_v2/context_banks.h"
#include "smmu/arch/v2/tlb_maintenance.h"

namespace smmu::iommu {

using v2::SMMU_CBn_TLBIASID;
using v2::SMMU_CBn_TLBIIPAS2;
using v2::SMMU_CBn_TLBIIPAS2L;
using v2::SMMU_CBn_TLBIVA_AArch32;
using v2::SMMU_CBn_TLBIVA_AArch64;
using v2::SMMU_CBn_TLBIVAL_AArch32;
using v2::SMMU_CBn_TLBIVAL_AArch64;
using v2::SMMU_CBn_TLBSTATUS;
using v2::SMMU_CBn_TLBSYNC;
using v2::SMMU_sTLBGSTATUS;
using v2::SMMU_sTLBGSYNC;
using v2::SMMU_TLBIVMID;

namespace {

// Pages are numbered in units of 4 KiB, whatever the granule.
constexpr std::uint64_t kPage = 4096;

// Of an address with a sign the operand has bits up to 55.
template <class R>
R stage1_operand(std::uint32_t asid, std::uint64_t address) {
  constexpr std::uint64_t kPages = std::uint64_t{1} << 44;
  return R().set(R::ASID, asid).set(R::Address, address / kPage % kPages);
}
template <class R>
R short_operand(std::uint32_t asid, std::uint64_t address) {
  return R().set(R::ASID, asid).set(R::VA, static_cast<std::uint32_t>(address / kPage * kPage));
}
template <class R>
R stage2_operand(std::uint64_t address) {
  constexpr std::uint64_t kPages = std::uint64_t{1} << 36;
  return R().set(R::Address, address / kPage % kPages);
}

}  // namespace

bool synchronize_tlb(const SmmuV2Hardware& hardware) {
  if (!hardware.powered()) return true;
  const SmmuV2Page& page = hardware.global0;
  page.write(SMMU_sTLBGSYNC());
  const auto finished = [&] { return !page.read<SMMU_sTLBGSTATUS>()[SMMU_sTLBGSTATUS::GSACTIVE]; };
  const auto timeout = hardware.config.timeout;
  if (hardware.wait_until(timeout, timeout, finished)) return true;
  hardware.say(kSynchronizationDoesNotEnd);
  return false;
}

BankTlb::BankTlb(const SmmuV2Hardware& hardware, std::uint32_t bank, PgtableFormat format)
    : hardware_(hardware), page_(hardware.pages.bank(bank)), bank_(bank), format_(format) {}

void BankTlb::forget_address(std::uint64_t address, Levels levels) const {
  const std::uint32_t asid = ContextBanks::asid(bank_);
  const bool last = levels == Levels::kLast;
  switch (format_) {
    case PgtableFormat::kAArch64Stage1:
      if (last) return page_.write(stage1_operand<SMMU_CBn_TLBIVAL_AArch64>(asid, address));
      return page_.write(stage1_operand<SMMU_CBn_TLBIVA_AArch64>(asid, address));
    case PgtableFormat::kAArch32LongStage1:
    case PgtableFormat::kAArch32Short:
      if (last) return page_.write(short_operand<SMMU_CBn_TLBIVAL_AArch32>(asid, address));
      return page_.write(short_operand<SMMU_CBn_TLBIVA_AArch32>(asid, address));
    case PgtableFormat::kAArch64Stage2:
      if (last) return page_.write(stage2_operand<SMMU_CBn_TLBIIPAS2L>(address));
      return page_.write(stage2_operand<SMMU_CBn_TLBIIPAS2>(address));
    case PgtableFormat::kAArch32LongStage2:
      // An operand of 40-bit addresses fits into the low half, which is all that such a bank has.
      if (last) return page_.write_low(stage2_operand<SMMU_CBn_TLBIIPAS2L>(address));
      return page_.write_low(stage2_operand<SMMU_CBn_TLBIIPAS2>(address));
  }
}

void BankTlb::forget(Iova iova, std::uint64_t size, std::uint64_t granule, Levels levels) const {
  if (!hardware_.powered()) return;
  if (size == granule) [[likely]] {
    forget_address(iova.value, levels);
    return synchronize();
  }
  // From the first address to the last one: what lies behind the range may wrap.
  const std::uint64_t further = (size - 1) / granule;
  if (further >= kMostAddresses) return forget_all();
  for (std::uint64_t i = 0; i <= further; ++i) forget_address(iova.value + i * granule, levels);
  synchronize();
}

void BankTlb::forget_all() const {
  if (!hardware_.powered()) return;
  if (is_stage2(format_)) {
    hardware_.global0.write(SMMU_TLBIVMID().set(SMMU_TLBIVMID::VMID, ContextBanks::vmid(bank_)));
    // It has said so where it does not end, and an unmap has nobody else to tell.
    static_cast<void>(synchronize_tlb(hardware_));
    return;
  }
  page_.write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, ContextBanks::asid(bank_)));
  synchronize();
}

void BankTlb::synchronize() const {
  page_.write(SMMU_CBn_TLBSYNC());
  if (page_.read<SMMU_CBn_TLBSTATUS>()[SMMU_CBn_TLBSTATUS::SACTIVE]) [[unlikely]]
    wait();
}

void BankTlb::wait() const {
  const auto finished = [&] {
    return !page_.read<SMMU_CBn_TLBSTATUS>()[SMMU_CBn_TLBSTATUS::SACTIVE];
  };
  const auto timeout = hardware_.config.timeout;
  if (hardware_.wait_until(timeout, timeout, finished)) return;
  hardware_.say(
      fmt::format("the SMMU does not finish a TLB synchronization: SMMU_CB{}_TLBSTATUS.SACTIVE "
                  "stays 1",
                  bank_));
}

}  // namespace smmu::iommu
