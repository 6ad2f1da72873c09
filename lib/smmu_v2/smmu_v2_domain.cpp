#include "lib/smmu_v2/smmu_v2_domain.h"

#include <algorithm>
#include <utility>

#include "smmu/arch/bits.h"

namespace smmu::iommu {

namespace {

constexpr std::uint64_t kLongSizes = 0x1000 | 0x20'0000 | 0x4000'0000;
constexpr std::uint64_t kShortSizes = 0x1000 | 0x1'0000 | 0x10'0000 | 0x100'0000;
constexpr unsigned kMostLongBits = 40;
constexpr unsigned kAArch32Bits = 32;

}  // namespace

SmmuV2Domain::SmmuV2Domain(SmmuV2Hardware& hardware, ContextBanks& banks, SmmuV2Registry& registry,
                           const DomainRequest& request)
    : hardware_(hardware),
      banks_(banks),
      registry_(registry),
      type_(request.type),
      faults_(request.faults),
      nesting_(request.nest_parent) {
  registry_.add(*this);
}

SmmuV2Domain::~SmmuV2Domain() {
  const bool prepared = tables() != nullptr;
  if (prepared) banks_.silence(*bank_);
  registry_.remove(*this);
  if (!prepared) return;
  banks_.disable(*bank_);
  // Of those who have come since the domain is gone, and found its fault still there.
  registry_.wait_for_reports_of(*bank_);
  // Before the tables are freed, which the SMMU may still know.
  tlb_->forget_all();
  owned_tables_.reset();
  banks_.release(*bank_);
}

PgtableFormat SmmuV2Domain::wanted_format() const {
  const SmmuV2Features& features = hardware_.features;
  const bool prefers = hardware_.config.stage == SmmuV2DriverConfig::Stage::kStage2;
  const bool stage2 = nesting_ || !features.stage1 || (prefers && features.stage2);
  if (features.page_sizes != 0) {
    return stage2 ? PgtableFormat::kAArch64Stage2 : PgtableFormat::kAArch64Stage1;
  }
  if (stage2) return PgtableFormat::kAArch32LongStage2;
  return features.short_descriptors ? PgtableFormat::kAArch32Short
                                    : PgtableFormat::kAArch32LongStage1;
}

PgtableConfig SmmuV2Domain::wanted_tables() const {
  const SmmuV2Features& features = hardware_.features;
  PgtableConfig config{.format = wanted_format(),
                       .page_sizes = kLongSizes,
                       .preferred_granule = hardware_.config.preferred_granule,
                       .input_bits = features.upstream_bits,
                       .output_bits = std::min(features.ipa_bits, features.output_bits),
                       .coherency = features.coherency,
                       .quirks = quirks_};
  if (is_stage2(config.format)) {
    // There are no tables for inputs beyond what the SMMU puts out (DDI 0487, D8.2.2).
    config.input_bits = std::min(features.ipa_bits, features.output_bits);
    config.output_bits = features.output_bits;
  }
  switch (config.format) {
    case PgtableFormat::kAArch64Stage1:
    case PgtableFormat::kAArch64Stage2:
      config.page_sizes = features.page_sizes;
      break;
    case PgtableFormat::kAArch32LongStage1:
      config.input_bits = std::min(config.input_bits, kAArch32Bits);
      config.output_bits = std::min(config.output_bits, kMostLongBits);
      break;
    case PgtableFormat::kAArch32LongStage2:
      config.input_bits = std::min(config.input_bits, kMostLongBits);
      config.output_bits = std::min(config.output_bits, kMostLongBits);
      break;
    case PgtableFormat::kAArch32Short:
      config.page_sizes = kShortSizes;
      config.input_bits = std::min(config.input_bits, kAArch32Bits);
      config.output_bits = std::min(config.output_bits, kAArch32Bits);
      break;
  }
  return config;
}

PgtableConfig SmmuV2Domain::chosen_tables() const {
  const std::lock_guard lock(mutex_);
  const PgtableConfig wanted = wanted_tables();
  const auto chosen = IoPgtable::config_for(wanted);
  // Else an attach is refused.
  return chosen ? *chosen : wanted;
}

Result<Done, std::errc> SmmuV2Domain::prepare(const Device& first) {
  if (tables() != nullptr) return Done{};
  PgtableConfig config;
  {
    const std::lock_guard lock(mutex_);
    chosen_ = true;
    config = wanted_tables();
  }
  const auto fail = [this](std::errc error) {
    if (bank_) banks_.release(*bank_);
    bank_.reset();
    const std::lock_guard lock(mutex_);
    chosen_ = false;
    return error;
  };
  bank_ = banks_.take(is_stage2(config.format));
  if (!bank_) return fail(std::errc::no_space_on_device);
  auto made = IoPgtable::create(config, *hardware_.config.pool, *this, hardware_.config.caches);
  if (!made) return fail(made.error());

  format_ = config.format;
  owned_tables_ = *std::move(made);
  tlb_.emplace(hardware_, *bank_, format_);
  operations_.emplace(hardware_, *bank_, format_);
  const bool stalls = hardware_.config.stalls == SmmuV2DriverConfig::Stalls::kWhereDevicesCan &&
                      first.config().can_stall;
  banks_.program(*bank_, {.format = format_,
                          .quirks = config.quirks,
                          .registers = owned_tables_->registers(),
                          .stalls = stalls});
  tables_.store(owned_tables_.get(), std::memory_order_release);
  return Done{};
}

std::uint64_t SmmuV2Domain::page_sizes() const {
  if (!is_paging(type_)) return 0;
  if (const IoPgtable* own = tables(); own != nullptr) return own->page_sizes();
  return chosen_tables().page_sizes;
}

Geometry SmmuV2Domain::geometry() const {
  if (!is_paging(type_)) return {Iova(0), Iova(UINT64_MAX)};
  const IoPgtable* const own = tables();
  const PgtableConfig config = own != nullptr ? own->config() : chosen_tables();
  const std::uint64_t last = mask(config.input_bits - 1, 0);
  if (config.quirks.ttbr1) return {Iova(~last), Iova(UINT64_MAX)};
  return {Iova(0), Iova(last)};
}

void SmmuV2Domain::flush_all() {
  if (tables() != nullptr) tlb_->forget_all();
}

void SmmuV2Domain::sync(const UnmapBatch& batch) {
  if (tables() == nullptr) return;
  tlb_->forget(batch.first(), batch.size(), batch.granule(), BankTlb::Levels::kLast);
}

void SmmuV2Domain::flush_walk(Iova iova, std::uint64_t size, std::uint64_t granule) {
  tlb_->forget(iova, size, granule, BankTlb::Levels::kAll);
}

std::optional<Pa> SmmuV2Domain::iova_to_phys(Iova iova) {
  IoPgtable* const own = tables();
  if (own == nullptr) return std::nullopt;
  const Geometry reach = geometry();
  if (iova < reach.first || iova > reach.last) return std::nullopt;
  if (const auto answer = operations_->translate(iova)) return answer->pa;
  return own->iova_to_phys(iova);
}

Result<Done, std::errc> SmmuV2Domain::set_nesting(bool nesting) {
  if (!is_paging(type_) || (nesting && !hardware_.features.stage2)) {
    return std::errc::invalid_argument;
  }
  const std::lock_guard lock(mutex_);
  if (chosen_) return std::errc::operation_not_permitted;
  const bool before = std::exchange(nesting_, nesting);
  const auto fits = IoPgtable::config_for(wanted_tables());
  if (fits) return Done{};
  nesting_ = before;
  return fits.error();
}

bool SmmuV2Domain::nesting() const {
  const std::lock_guard lock(mutex_);
  return nesting_;
}

Result<Done, std::errc> SmmuV2Domain::set_quirks(const PgtableQuirks& quirks) {
  // What the SMMU has not: hardware updates, S2FWB, XNX; and none of its streams is Secure.
  if (!is_paging(type_) || quirks.dirty || quirks.s2fwb || quirks.xnx || quirks.non_secure) {
    return std::errc::invalid_argument;
  }
  const std::lock_guard lock(mutex_);
  if (chosen_) return std::errc::operation_not_permitted;
  const PgtableQuirks before = std::exchange(quirks_, quirks);
  const auto fits = IoPgtable::config_for(wanted_tables());
  if (fits) return Done{};
  quirks_ = before;
  return fits.error();
}

}  // namespace smmu::iommu
