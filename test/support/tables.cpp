#include "smmu/testing/tables.h"

#include <gtest/gtest.h>

#include <utility>

namespace smmu::testing {

std::uint64_t load(PhysicalMemory& memory, Pa pa) {
  const auto word = memory.load64(pa);
  EXPECT_TRUE(word) << "no memory at " << std::hex << pa.value;
  return word ? *word : 0;
}

void store(PhysicalMemory& memory, Pa pa, std::uint64_t word) {
  EXPECT_EQ(memory.store64(pa, word), BusResponse::kOkay)
      << "no memory at " << std::hex << pa.value;
}

namespace {

std::uint64_t leaf_bits_of(const PageAttributes& attributes) {
  std::uint64_t bits = 0x1;
  bits |= 0b11U << 8U;  // SH: inner shareable
  if (attributes.unprivileged) bits |= 1U << 6U;
  if (!attributes.writable) bits |= 1U << 7U;
  if (attributes.access_flag) bits |= 1U << 10U;
  if (!attributes.global) bits |= 1U << 11U;
  if (attributes.privileged_execute_never) bits |= std::uint64_t{1} << 53U;
  if (attributes.unprivileged_execute_never) bits |= std::uint64_t{1} << 54U;
  return bits;
}

// S2AP, MemAttr (Write-Back), SH, AF and XN (DDI 0487, Table D8-53).
std::uint64_t stage2_leaf_bits_of(const PageAttributes& attributes) {
  std::uint64_t bits = 0x1 | 0b1111U << 2U | 0b01U << 6U | 0b11U << 8U;
  if (attributes.writable) bits |= 0b10U << 6U;
  if (attributes.access_flag) bits |= 1U << 10U;
  if (attributes.unprivileged_execute_never) bits |= std::uint64_t{0b10} << 53U;
  return bits;
}

constexpr std::uint64_t kAddressBits = 0x0000'ffff'ffff'f000;

// DS and S2DS: 52-bit addresses with the smaller granules.
bool large(const PageTable::Options& options) {
  return options.output_bits == 52 && options.granule_bits != 16;
}

// DDI 0487, D8.3: bits [51:48] of a 52-bit address stand in bits [15:12], which
// a granule of 64 KiB leaves free; with the others bits [51:50] stand in the
// place of SH.
constexpr std::uint64_t kShareability = 0b11U << 8U;
constexpr std::uint64_t kLargeAddressBits = 0x0003'ffff'ffff'f000;
std::uint64_t address_bits_of(const PageTable::Options& options, Pa pa) {
  if (options.output_bits != 52) return pa.value;
  if (large(options)) return (pa.value & kLargeAddressBits) | (pa.value >> 50U) << 8U;
  return (pa.value & kAddressBits) | (pa.value >> 48U) << 12U;
}
Pa address_in(const PageTable::Options& options, std::uint64_t descriptor) {
  if (options.output_bits != 52) return Pa(descriptor & kAddressBits);
  if (large(options)) {
    return Pa((descriptor & kLargeAddressBits) | (descriptor >> 8U & 0b11) << 50U);
  }
  return Pa((descriptor & 0x0000'ffff'ffff'0000) | (descriptor >> 12U & 0xf) << 48U);
}

}  // namespace

PageTable::PageTable(PhysicalMemory& memory, Allocator allocate, Options options)
    : memory_(memory),
      allocate_(std::move(allocate)),
      options_(options),
      top_shift_(options.granule_bits) {
  // A table of one granule holds a descriptor for each 8 bytes.
  const unsigned bits_a_level = options.granule_bits - 3;
  while (top_shift_ + bits_a_level < 64 - options.t0sz) top_shift_ += bits_a_level;
  // It may use only the beginning of its granule.
  const std::uint64_t granule = std::uint64_t{1} << options.granule_bits;
  root_ = allocate_(granule, granule);
}

void PageTable::map(Iova iova, Pa pa, std::uint64_t size, PageAttributes attributes) {
  const unsigned bits_a_level = options_.granule_bits - 3;
  while (size != 0) {
    Pa table = root_;
    unsigned shift = top_shift_;
    const auto fits = [&] {
      const std::uint64_t bytes = std::uint64_t{1} << shift;
      return leaf_allowed(shift) && size >= bytes && ((iova.value | pa.value) & (bytes - 1)) == 0;
    };
    for (; !fits(); shift -= bits_a_level) {
      ASSERT_GT(shift, options_.granule_bits) << "not a multiple of the granule";
      const Pa here = slot(table, iova, shift);
      std::uint64_t descriptor = load(memory_, here);
      if (descriptor == 0) {
        const std::uint64_t granule = std::uint64_t{1} << options_.granule_bits;
        descriptor = address_bits_of(options_, allocate_(granule, granule)) | 0b11;
        store(memory_, here, descriptor);
      }
      table = address_in(options_, descriptor);
    }
    const std::uint64_t type = shift == options_.granule_bits ? 0b10 : 0;
    std::uint64_t bits =
        options_.stage == 2 ? stage2_leaf_bits_of(attributes) : leaf_bits_of(attributes);
    if (large(options_)) bits &= ~kShareability;
    store(memory_, slot(table, iova, shift), address_bits_of(options_, pa) | bits | type);
    const std::uint64_t bytes = std::uint64_t{1} << shift;
    iova = Iova(iova.value + bytes);
    pa = Pa(pa.value + bytes);
    size -= bytes;
  }
}

void PageTable::unmap(Iova iova) { store(memory_, descriptor(iova), std::uint64_t{0}); }

Pa PageTable::descriptor(Iova iova) const {
  Pa table = root_;
  for (unsigned shift = top_shift_;; shift -= options_.granule_bits - 3) {
    const Pa here = slot(table, iova, shift);
    const std::uint64_t descriptor = load(memory_, here);
    if (shift == options_.granule_bits || (descriptor & 0b11) != 0b11) return here;
    table = address_in(options_, descriptor);
  }
}

bool PageTable::leaf_allowed(unsigned shift) const {
  if (shift == options_.granule_bits) return true;
  switch (options_.granule_bits) {
    case 12:
      return shift == 21 || shift == 30 || (shift == 39 && large(options_));
    case 14:
      return shift == 25 || (shift == 36 && large(options_));
    default:
      return shift == 29 || (shift == 42 && options_.output_bits == 52);
  }
}

Pa PageTable::slot(Pa table, Iova iova, unsigned shift) const {
  const std::uint64_t entries = std::uint64_t{1} << (options_.granule_bits - 3);
  // The bits above the input range say which half it is, not which entry.
  const std::uint64_t offset = iova.value % (std::uint64_t{1} << (64 - options_.t0sz));
  return Pa(table.value + 8 * ((offset >> shift) % entries));
}

v3::CD context(const PageTable& table, Asid asid) {
  using v3::CD;
  const unsigned granule_bits = table.options().granule_bits;
  return CD()
      .set(CD::T0SZ, table.options().t0sz)
      .set(CD::TG0, granule_bits == 12   ? TG0::k4K
                    : granule_bits == 14 ? TG0::k16K
                                         : TG0::k64K)
      .set(CD::EPD1, true)
      .set(CD::V, true)
      .set(CD::IPS, table.options().output_bits == 52 ? OutputSize::k52Bits : OutputSize::k48Bits)
      .set(CD::AA64, true)
      .set(CD::R, true)
      .set(CD::A, true)
      .set(CD::ASET, true)
      .set(CD::ASID, asid.value)
      .set(CD::DS, large(table.options()))
      .set(CD::SH0, Shareability::kInner)
      .set(CD::TTB0, table.root().value)
      .set(CD::MAIR0, 0xff);
}

v3::STE translate_stage2(const PageTable& table, Vmid vmid) {
  using v3::STE;
  return above_stage2(bypass(), table, vmid);
}

v3::STE above_stage2(v3::STE ste, const PageTable& table, Vmid vmid) {
  using v3::STE;
  const PageTable::Options& options = table.options();
  // At which level the walk begins: how many tables are above the last one
  // (DDI 0487, VTCR_EL2.SL0).
  unsigned levels = 0;
  for (unsigned bits = options.granule_bits; bits < 64 - options.t0sz;
       bits += options.granule_bits - 3) {
    ++levels;
  }
  const unsigned first = 4 - levels;
  const unsigned sl0 = options.granule_bits != 12 ? 3 - first : first == 3 ? 3 : 2 - first;
  const bool stage1 = ste[STE::Config] == v3::SteConfig::kS1Translate;
  return ste.set(STE::Config, stage1 ? v3::SteConfig::kNested : v3::SteConfig::kS2Translate)
      .set(STE::S2VMID, vmid.value)
      .set(STE::S2T0SZ, options.t0sz)
      .set(STE::S2SL0, sl0)
      .set(STE::S2TG, options.granule_bits == 12   ? TG0::k4K
                      : options.granule_bits == 14 ? TG0::k16K
                                                   : TG0::k64K)
      .set(STE::S2PS, options.output_bits == 52 ? OutputSize::k52Bits : OutputSize::k48Bits)
      .set(STE::S2AA64, true)
      .set(STE::S2R, true)
      .set(STE::S2DS, large(options))
      .set(STE::S2SH0, Shareability::kInner)
      .set(STE::S2TTB, table.root().value);
}

v3::STE abort_all() {
  using v3::STE;
  return STE().set(STE::V, true).set(STE::Config, v3::SteConfig::kAbort);
}

v3::STE bypass() {
  using v3::STE;
  return STE()
      .set(STE::V, true)
      .set(STE::Config, v3::SteConfig::kBypass)
      .set(STE::SHCFG, ShareabilityOverride::kIncoming);
}

v3::STE translate(Pa cd) {
  using v3::STE;
  return STE()
      .set(STE::V, true)
      .set(STE::Config, v3::SteConfig::kS1Translate)
      .set(STE::S1ContextPtr, cd.value)
      .set(STE::SHCFG, ShareabilityOverride::kIncoming);
}

}  // namespace smmu::testing
