#include "lib/smmu_v2/translation_operations.h"

#include <fmt/format.h>

#include <algorithm>

#include "smmu/arch/v2/translation_operations.h"

namespace smmu::iommu {

using v2::SMMU_CBn_ATS1PR;
using v2::SMMU_CBn_ATSR;
using v2::SMMU_CBn_PAR_Long;
using v2::SMMU_CBn_PAR_Short;

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kSupersection = 0x100'0000;

}  // namespace

std::optional<TranslationOperations::Answer> TranslationOperations::translate(Iova iova) {
  if (!hardware_.features.translation_operations || is_stage2(format_) || !hardware_.powered()) {
    return std::nullopt;
  }
  if (busy_.test_and_set(std::memory_order_acquire)) return std::nullopt;
  const auto answer = operate(iova);
  busy_.clear(std::memory_order_release);
  return answer;
}

bool TranslationOperations::active() const {
  return page_.read<SMMU_CBn_ATSR>()[SMMU_CBn_ATSR::ACTIVE];
}

std::optional<TranslationOperations::Answer> TranslationOperations::operate(Iova iova) {
  // Its answer would be taken for that of the next.
  if (abandoned_ && active()) return std::nullopt;
  abandoned_ = false;

  const std::uint64_t offset = iova.value % kPage;
  const auto operand = SMMU_CBn_ATS1PR().set(SMMU_CBn_ATS1PR::ADDR, iova.value - offset);
  if (format_ == PgtableFormat::kAArch64Stage1) {
    page_.write(operand);
  } else {
    page_.write_low(operand);
  }
  const auto timeout = hardware_.config.translation_timeout;
  if (!hardware_.wait_until(timeout, timeout / 10, [&] { return !active(); })) {
    abandoned_ = true;
    hardware_.say(fmt::format(
        "the SMMU does not finish an address translation operation: SMMU_CB{}_ATSR.ACTIVE stays 1",
        bank_));
    return std::nullopt;
  }
  const auto par = page_.read<SMMU_CBn_PAR_Long>();
  if (par[SMMU_CBn_PAR_Long::F]) return Answer{std::nullopt};
  if (format_ != PgtableFormat::kAArch32Short) {
    return Answer{Pa(par[SMMU_CBn_PAR_Long::PA] + offset)};
  }
  const SMMU_CBn_PAR_Short short_par(par.raw());
  const std::uint64_t pa = short_par[SMMU_CBn_PAR_Short::PA];
  if (!short_par[SMMU_CBn_PAR_Short::SS]) return Answer{Pa(pa + offset)};
  // Of a supersection the page within it is not told.
  return Answer{Pa(pa - pa % kSupersection + iova.value % kSupersection)};
}

}  // namespace smmu::iommu
