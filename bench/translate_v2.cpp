// The same through an SMMUv2.
#include <memory>
#include <utility>

#include "bench/machine.h"
#include "bench/rows.h"
#include "smmu/arch/v2/context_bank.h"
#include "smmu/arch/v2/context_bank_tables.h"
#include "smmu/arch/v2/global_space_0.h"
#include "smmu/arch/v2/global_space_1.h"
#include "smmu/arch/v2/stream_mapping.h"
#include "smmu/emulator/smmu_v2.h"

namespace smmu::bench {
namespace {

using emulator::Caching;
using emulator::Transaction;

using Loop = std::function<void(std::uint64_t)>;

constexpr std::uint64_t kRamBase = 0x4000'0000;
constexpr std::uint64_t kRamSize = std::uint64_t{4} << 20;
constexpr std::uint64_t kPage = 4096;
constexpr Iova kFirst{0x12'3456'0000};
constexpr StreamId kTranslated{1};
constexpr StreamId kBypassed{2};

// RAM and an SMMUv2 with one bank of stage 1: 4K tables of four levels.
class MachineV2 {
 public:
  explicit MachineV2(const Caching& caching, Translating translating) : free_(kRamBase) {
    emulator::SmmuV2Config config = emulator::SmmuV2Config::generic();
    config.caching = caching;
    if (!ram_.add(Pa(kRamBase), kRamSize)) give_up("no room for the RAM");
    auto made = emulator::SmmuV2::create(config, {.memory = &ram_});
    if (!made) give_up(made.error().c_str());
    smmu_ = *std::move(made);
    port_ = &smmu_->add_port();
    root_ = allocate();
    build_bank();
    map_stream(0, kTranslated, v2::StreamType::kTranslation);
    map_stream(1, kBypassed, v2::StreamType::kBypass);
    using v2::SMMU_sCR0;
    smmu_->write(SMMU_sCR0()
                     .set(SMMU_sCR0::CLIENTPD, translating == Translating::kNo)
                     .set(SMMU_sCR0::USFCFG, true));
  }

  emulator::Port& port() { return *port_; }

  void map(Iova address) {
    Pa table = root_;
    for (unsigned at = 39; at != 12; at -= 9) {
      const Pa slot(table.value + 8 * ((address.value >> at) % 512));
      std::uint64_t descriptor = *ram_.load64(slot);
      if (descriptor == 0) {
        descriptor = allocate().value | 0b11;
        store(slot, descriptor);
      }
      table = Pa(descriptor & ~std::uint64_t{0xfff});
    }
    // A page: AF, inner shareable, not global, AP[1].
    store(Pa(table.value + 8 * ((address.value >> 12) % 512)), 0x10'0000'0f43);
  }

 private:
  Pa allocate() {
    if (free_ + kPage > kRamBase + kRamSize) give_up("the RAM is full");
    return Pa(std::exchange(free_, free_ + kPage));
  }
  void store(Pa pa, std::uint64_t word) {
    if (ram_.store64(pa, word) != BusResponse::kOkay) give_up("no memory there");
  }
  void build_bank() {
    constexpr std::uint32_t kGlobal1 = 1U << 12;
    constexpr std::uint32_t kBank = 128U << 12;
    using Cbar = v2::SMMU_CBARn_Stage1Stage2Bypass;
    using v2::SMMU_CBA2Rn;
    using v2::SMMU_CBn_SCTLR;
    using v2::SMMU_CBn_TCR2;
    using Tcr = v2::SMMU_CBn_TCR_AArch64;
    using Ttbr0 = v2::SMMU_CBn_TTBR0_AArch64;
    smmu_->write32(kGlobal1 + SMMU_CBA2Rn::offset(0),
                   SMMU_CBA2Rn().set(SMMU_CBA2Rn::VA64, true).raw());
    smmu_->write32(kGlobal1 + Cbar::offset(0),
                   Cbar()
                       .set(Cbar::BPSHCFG, v2::ShareabilityConfig::kNonShareable)
                       .set(Cbar::MemAttr, 0xf)
                       .set(Cbar::TYPE, v2::ContextType::kStage1Stage2Bypass)
                       .raw());
    smmu_->write32(kBank + SMMU_CBn_TCR2::kOffset,
                   SMMU_CBn_TCR2()
                       .set(SMMU_CBn_TCR2::PASize, OutputSize::k48Bits)
                       .set(SMMU_CBn_TCR2::AS, true)
                       .set(SMMU_CBn_TCR2::SEP, v2::SignBit::kUpstream)
                       .raw());
    smmu_->write32(kBank + Tcr::kOffset,
                   Tcr().set(Tcr::T0SZ, 16).set(Tcr::TG0, TG0::k4K).set(Tcr::EPD1, true).raw());
    smmu_->write64(kBank + Ttbr0::kOffset,
                   Ttbr0().set(Ttbr0::BaseAddress, root_.value).set(Ttbr0::ASID, 1).raw());
    smmu_->write32(kBank + v2::SMMU_CBn_MAIR0::kOffset, 0xff);
    smmu_->write32(kBank + SMMU_CBn_SCTLR::kOffset, SMMU_CBn_SCTLR()
                                                        .set(SMMU_CBn_SCTLR::M, true)
                                                        .set(SMMU_CBn_SCTLR::CFRE, true)
                                                        .set(SMMU_CBn_SCTLR::HUPCF, true)
                                                        .raw());
  }
  void map_stream(std::uint32_t group, StreamId stream, v2::StreamType type) {
    using v2::SMMU_S2CRn;
    using v2::SMMU_SMRn;
    smmu_->write32(SMMU_S2CRn::offset(group), SMMU_S2CRn().set(SMMU_S2CRn::TYPE, type).raw());
    smmu_->write32(SMMU_SMRn::offset(group),
                   SMMU_SMRn().set(SMMU_SMRn::VALID, true).set(SMMU_SMRn::ID, stream.value).raw());
  }

  emulator::Ram ram_;
  std::unique_ptr<emulator::SmmuV2> smmu_;
  emulator::Port* port_ = nullptr;
  std::uint64_t free_;
  Pa root_;
};

Loop same_address(Translating translating, StreamId stream) {
  auto machine = std::make_shared<MachineV2>(Caching{}, translating);
  machine->map(kFirst);
  expect(machine->port().translate({.stream = stream, .address = kFirst}), true);
  return [machine, stream](std::uint64_t n) {
    emulator::Port& port = machine->port();
    const Transaction transaction{.stream = stream, .address = kFirst};
    for (std::uint64_t i = 0; i != n; ++i) keep(port.translate(transaction));
  };
}

// Pages take turns that have the same place in whatever a port remembers, and in a
// TLB of one entry.
Loop turns() {
  constexpr std::uint64_t kPages = 2;
  constexpr std::uint64_t kStride = std::uint64_t{128} << 20;
  auto machine =
      std::make_shared<MachineV2>(Caching{.main_tlb = {.sets = 1, .ways = 1}}, Translating::kYes);
  for (std::uint64_t page = 0; page != kPages; ++page) {
    const Iova address(kFirst.value + page * kStride);
    machine->map(address);
    expect(machine->port().translate({.stream = kTranslated, .address = address}), true);
  }
  return [machine](std::uint64_t n) {
    emulator::Port& port = machine->port();
    Transaction transaction{.stream = kTranslated, .address = {}};
    std::uint64_t page = 0;
    for (std::uint64_t i = 0; i != n; ++i) {
      transaction.address = Iova(kFirst.value + page * kStride);
      if (++page == kPages) page = 0;
      keep(port.translate(transaction));
    }
  };
}

}  // namespace

std::vector<Row> translate_v2_rows() {
  return {
      {"translate/v2_micro_tlb_hit", [] { return same_address(Translating::kYes, kTranslated); }},
      {"translate/v2_walk_s1", [] { return turns(); }, "empty/turns"},
      {"translate/v2_bypass", [] { return same_address(Translating::kYes, kBypassed); }},
      {"translate/v2_disabled", [] { return same_address(Translating::kNo, kTranslated); }},
  };
}

}  // namespace smmu::bench
