#include "bench/machine.h"

#include <utility>
#include <variant>

#include "smmu/arch/v3/context_table.h"
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/arch/v3/stream_table.h"

namespace smmu::bench {
namespace {

constexpr std::uint64_t kRamBase = 0x4000'0000;
constexpr std::uint64_t kRamSize = std::uint64_t{64} << 20;
constexpr std::uint64_t kPage = 4096;
constexpr unsigned kLog2Streams = 6;
constexpr unsigned kLog2Queue = 8;

// Where the pages lie: nothing is there, for translate() makes no access.
constexpr std::uint64_t kTarget = 0x10'0000'0000;

}  // namespace

void expect(const emulator::Outcome& outcome, bool translated) {
  if (std::holds_alternative<emulator::Translation>(outcome) == translated) return;
  give_up("a transaction did not end as it should");
}

Machine::Machine(const emulator::Caching& caching, Translating translating) : free_(kRamBase) {
  if (!ram_.add(Pa(kRamBase), kRamSize)) give_up("no room for the RAM");
  emulator::SmmuV3Config config = emulator::SmmuV3Config::everything();
  config.caching = caching;
  auto made = emulator::SmmuV3::create(config, {.memory = &ram_});
  if (!made) give_up(made.error().c_str());
  smmu_ = *std::move(made);
  port_ = &smmu_->add_port();

  streams_ = allocate(std::uint64_t{64} << kLog2Streams);
  commands_ = allocate(16 * kCommands);
  queue_ = &ram_.direct_region(commands_)->word(commands_);
  events_ = allocate(32 * kEvents);
  root_ = allocate(kPage);
  build_streams();
  bring_up(translating);
}

Pa Machine::allocate(std::uint64_t bytes) {
  const Pa begin(free_);
  free_ += (bytes + kPage - 1) / kPage * kPage;
  if (free_ > kRamBase + kRamSize) give_up("the RAM is full");
  return begin;
}

void Machine::store(Pa pa, std::uint64_t word) {
  if (ram_.store64(pa, word) != BusResponse::kOkay) give_up("no memory there");
}

std::uint64_t Machine::load(Pa pa) {
  const auto word = ram_.load64(pa);
  if (!word) give_up("no memory there");
  return *word;
}

template <class S>
void Machine::store(Pa pa, const S& structure) {
  for (std::size_t i = structure.words().size(); i-- != 0;) {
    store(Pa(pa.value + 8 * i), structure.word(i));
  }
}

void Machine::build_streams() {
  using v3::CD;
  using v3::STE;
  cd_ = allocate(CD::kSize);
  store(cd_, CD().set(CD::T0SZ, 16)
                 .set(CD::TG0, TG0::k4K)
                 .set(CD::EPD1, true)
                 .set(CD::V, true)
                 .set(CD::IPS, OutputSize::k48Bits)
                 .set(CD::AA64, true)
                 .set(CD::R, true)
                 .set(CD::A, true)
                 .set(CD::ASET, true)
                 .set(CD::ASID, 1)
                 .set(CD::TTB0, root_.value)
                 .set(CD::MAIR0, 0xff));
  store(Pa(streams_.value + 64 * kTranslated.value),
        STE()
            .set(STE::V, true)
            .set(STE::Config, v3::SteConfig::kS1Translate)
            .set(STE::S1ContextPtr, cd_.value)
            .set(STE::SHCFG, ShareabilityOverride::kIncoming));
  store(Pa(streams_.value + 64 * kBypassed.value),
        STE()
            .set(STE::V, true)
            .set(STE::Config, v3::SteConfig::kBypass)
            .set(STE::SHCFG, ShareabilityOverride::kIncoming));
}

void Machine::bring_up(Translating translating) {
  using v3::SMMU_CMDQ_BASE;
  using v3::SMMU_CR0;
  using v3::SMMU_EVENTQ_BASE;
  using v3::SMMU_STRTAB_BASE;
  using v3::SMMU_STRTAB_BASE_CFG;
  smmu_->write(SMMU_STRTAB_BASE().set(SMMU_STRTAB_BASE::ADDR, streams_.value));
  smmu_->write(SMMU_STRTAB_BASE_CFG().set(SMMU_STRTAB_BASE_CFG::LOG2SIZE, kLog2Streams));
  smmu_->write(SMMU_CMDQ_BASE()
                   .set(SMMU_CMDQ_BASE::ADDR, commands_.value)
                   .set(SMMU_CMDQ_BASE::LOG2SIZE, kLog2Queue));
  smmu_->write(SMMU_EVENTQ_BASE()
                   .set(SMMU_EVENTQ_BASE::ADDR, events_.value)
                   .set(SMMU_EVENTQ_BASE::LOG2SIZE, kLog2Queue));
  smmu_->write(SMMU_CR0()
                   .set(SMMU_CR0::CMDQEN, true)
                   .set(SMMU_CR0::EVENTQEN, true)
                   .set(SMMU_CR0::SMMUEN, translating == Translating::kYes));
}

void Machine::enter(Pa root, std::uint64_t address, unsigned shift, std::uint64_t leaf) {
  Pa table = root;
  for (unsigned at = 39; at != shift; at -= 9) {
    const Pa slot(table.value + 8 * ((address >> at) % 512));
    std::uint64_t descriptor = load(slot);
    if (descriptor == 0) {
      descriptor = allocate(kPage).value | 0b11;
      store(slot, descriptor);
    }
    table = Pa(descriptor & ~std::uint64_t{0xfff});
  }
  store(Pa(table.value + 8 * ((address >> shift) % 512)), leaf);
}

void Machine::map(Iova first, std::uint64_t pages) {
  for (std::uint64_t page = 0; page != pages; ++page) {
    // A page: AF, inner shareable, not global, AP[1].
    enter(root_, first.value + page * kPage, 12, (kTarget + mapped_++ * kPage) | 0xf43);
  }
}

void Machine::nest(Leaves leaves) {
  using v3::STE;
  const Pa root = allocate(kPage);
  const unsigned shift = leaves == Leaves::kPages ? 12 : 21;
  // AF, inner shareable, readable and writable, Write-Back; a page or a block.
  const std::uint64_t bits = leaves == Leaves::kPages ? 0x7ff : 0x7fd;
  for (const std::uint64_t first : {kRamBase, kTarget}) {
    for (std::uint64_t at = 0; at != kRamSize; at += std::uint64_t{1} << shift) {
      enter(root, first + at, shift, (first + at) | bits);
    }
  }
  store(Pa(streams_.value + 64 * kNested.value), STE()
                                                     .set(STE::V, true)
                                                     .set(STE::Config, v3::SteConfig::kNested)
                                                     .set(STE::S1ContextPtr, cd_.value)
                                                     .set(STE::S2VMID, 1)
                                                     .set(STE::S2T0SZ, 16)
                                                     .set(STE::S2SL0, 2)
                                                     .set(STE::S2TG, TG0::k4K)
                                                     .set(STE::S2PS, OutputSize::k48Bits)
                                                     .set(STE::S2AA64, true)
                                                     .set(STE::S2R, true)
                                                     .set(STE::S2TTB, root.value));
}

void Machine::enqueue(const std::array<std::uint64_t, 2>& words) {
  std::uint64_t* entry = queue_ + 2 * (produced_ % kCommands);
  entry[0] = words[0];
  entry[1] = words[1];
  produced_ = (produced_ + 1) % (2 * kCommands);
}

void Machine::ring() { smmu_->write(v3::SMMU_CMDQ_PROD().set(v3::SMMU_CMDQ_PROD::WR, produced_)); }

void Machine::consume_events(std::uint32_t count) {
  consumed_ = (consumed_ + count) % (2 * kEvents);
  smmu_->write(v3::SMMU_EVENTQ_CONS().set(v3::SMMU_EVENTQ_CONS::RD, consumed_));
}

}  // namespace smmu::bench
