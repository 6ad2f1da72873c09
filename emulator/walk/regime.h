// What a walk has to know of the configuration, in the form that a walk wants
// it: the fields of a CD and an STE (or of v2 context banks) checked, decoded
// and limited to what the implementation has.  Granule and format are resolved
// here, once; a walk follows masks and shifts.
#ifndef SMMU_EMULATOR_WALK_REGIME_H_
#define SMMU_EMULATOR_WALK_REGIME_H_

#include <array>
#include <cstdint>

#include "smmu/arch/memory_attributes.h"
#include "smmu/emulator/transaction.h"
#include "smmu/types.h"

namespace smmu::emulator {

// A granule, by the number of address bits it covers.
enum class Granule : std::uint8_t { k4K = 12, k16K = 14, k64K = 16 };

constexpr unsigned granule_bits(Granule granule) { return static_cast<unsigned>(granule); }
// Address bits that one table resolves: a table of 8-byte descriptors fills a
// granule (DDI 0487, D8.2).
constexpr unsigned stride_bits(Granule granule) { return granule_bits(granule) - 3; }
// The low address bits that a leaf at `level` leaves to the access.
constexpr unsigned leaf_bits(Granule granule, int level) {
  return granule_bits(granule) + static_cast<unsigned>(3 - level) * stride_bits(granule);
}
// The level whose index has `shift` address bits below it.
constexpr int level_of(Granule granule, unsigned shift) {
  int level = 3;
  for (unsigned bits = granule_bits(granule); bits < shift; bits += stride_bits(granule)) --level;
  return level;
}
// The level of the first table when `input_bits` have to be resolved and
// nothing else is said.
constexpr int start_level(Granule granule, unsigned input_bits) {
  return 3 - static_cast<int>((input_bits - 1 - granule_bits(granule)) / stride_bits(granule));
}

// Where a descriptor has the bits of an address: most of them in place, and
// in some formats a few moved.
struct AddressBits {
  std::uint64_t in_place = 0;
  std::uint64_t moved = 0;
  std::uint8_t up = 0;  // by so many places

  constexpr std::uint64_t of(std::uint64_t descriptor) const {
    return (descriptor & in_place) | (descriptor & moved) << up;
  }
};

// What every address meets where a walk cannot be begun: the size or the place of
// the first table is such that an SMMUv2 faults.  (An SMMUv3 refuses the CD or STE.)
enum class Refusal : std::uint8_t {
  kNone,
  kTranslation,
  kAddressSize,
  kInvalidContext,  // of stage 2: there is to be none
};

// A tree of translation tables with 64-bit descriptors.
struct Tables {
  std::uint64_t root = 0;  // a Pa, or an Ipa where stage 2 translates too
  AddressBits address;
  std::uint64_t out_of_range = 0;      // bits that no address in a descriptor may have
  std::uint64_t first_index_bits = 0;  // the offsets of descriptors in the first table
  Granule granule = Granule::k4K;
  std::uint8_t input_bits = 48;
  std::int8_t first_level = 0;
  std::uint8_t first_shift = 0;      // address bits below the first table's index
  std::uint8_t last_table_bits = 0;  // a table of the last level covers 2^n bytes
  std::uint8_t block_levels = 0;     // bit level + 1: blocks exist there
  std::int8_t no_level = 0;          // what a fault says for which no descriptor was read
  bool big_endian = false;
  // Of stage 1: why its half is not enabled, if nobody has disabled it.
  Refusal refusal = Refusal::kNone;
  SecurityState space = SecurityState::kNonSecure;  // of the first table
  bool plain = false;  // little-endian, and every bit of an address and SH in place
  std::uint64_t type_and_range = 0b11;  // plain: 0b11 in these bits is a table or page in range
  // Bits of attributes_index() that a descriptor does not decide, and their
  // values.
  std::uint8_t fixed_attributes = 0;
  std::uint8_t attributes = 0;

  bool has_blocks(int level) const {
    return (static_cast<unsigned>(block_levels) >> (level + 1) & 1) != 0;
  }
};

// What a Tables of VMSAv8-64 is made from.
struct TableShape {
  Granule granule;
  unsigned input_bits;
  int first_level;
  unsigned output_bits;  // the effective size of addresses in descriptors
  std::uint64_t root;    // aligned by tables() to the size of the first table
  // Output addresses may have 52 bits: by bits [15:12] of a descriptor with the
  // 64 KiB granule (FEAT_LPA), by DS with the others (FEAT_LPA2).
  bool wide = false;
  // With DS a descriptor has no room for SH: it is this.
  Shareability shareability = Shareability::kNonShareable;
  bool big_endian = false;
};
Tables tables(const TableShape& shape);

// What becomes of an address in a Long descriptor of VMSAv8-32, which may have 40 bits,
// where a physical one has fewer: an SMMUv3 cuts it (IHI 0070, 3.4), an SMMUv2 faults.
enum class LongerAddresses : std::uint8_t { kAreCut, kFault };

// The same for Long descriptors of VMSAv8-32 (DDI 0487, G5.5).  `memory_bits`:
// the size of a physical address.
Tables aarch32_long_tables(unsigned input_bits, int first_level, std::uint64_t root,
                           unsigned memory_bits, bool big_endian,
                           LongerAddresses longer = LongerAddresses::kAreCut);

// The level 1 table of Short descriptors of VMSAv8-32 (DDI 0487, G5.4.4): that
// of TTBR0 with TTBCR.N, or that of TTBR1 with 0 for it.  `output_bits`: the
// size of addresses.
Tables aarch32_short_tables(unsigned n, std::uint32_t ttb, unsigned output_bits, bool big_endian);

// One of the two halves of a stage 1 input range: what TTB0 or TTB1 covers.
struct Stage1Half {
  bool enabled = false;              // EPDx is 0
  bool top_byte_ignored = false;     // TBIx
  bool hierarchy_disabled = false;   // HADx: table attributes do not limit leaves
  bool unprivileged_denied = false;  // E0PDx
  Tables tables;                     // input_bits is valid whether or not it is enabled
};

// How an input address selects a half.
enum class InputRange : std::uint8_t {
  kSignExtended,  // VMSAv8-64: bits above a half's size are copies of bit 55
  kUpstream,      // the same of an SMMUv2: of Stage1::sign_bit, below 55 of a device that may
                  // not know the bits above
  kAArch32,       // VMSAv8-32 Long descriptors: by the topmost TxSZ of 32 bits
  kAArch32Short,  // VMSAv8-32 Short descriptors: by the topmost N, which are 0 below
};

// What memory a leaf describes (attributes.h), by its SH and AttrIndx.
using Stage1Attributes = std::array<MemoryAttributes, 32>;
// Which accesses it allows (permissions.h), by what its descriptor says in short.
using Stage1Permissions = std::array<Permissions, 32>;
using Stage2Permissions = std::array<Permissions, 16>;

// What memory a leaf of Short descriptors describes, by its TEX, C, B and S.
using ShortAttributes = std::array<MemoryAttributes, 64>;

// What Short descriptors have that the others have not.
struct ShortDescriptors {
  ShortAttributes attributes{};
  bool access_flag = false;  // SCTLR.AFE: AP[0] is one
  // DACR.  An SMMU has none: every domain is a Client.
  std::uint32_t domains = 0x5555'5555;
};

// Whether an SMMU writes to leaf descriptors (IHI 0070, 3.13).
struct HardwareUpdate {
  bool access_flag = false;  // HA
  bool dirty_state = false;  // HD, which is nothing without HA
};

// A stage 1 translation regime.
struct Stage1 {
  std::array<Stage1Half, 2> half;  // by bit 55 of the input address
  Stage1Attributes attributes{};
  Stage1Permissions permissions{};
  InputRange range = InputRange::kSignExtended;
  std::uint8_t sign_bit = 55;        // kUpstream: is extended into those above
  bool access_flag_ignored = false;  // AFFD
  HardwareUpdate update;
  ShortDescriptors short_descriptors;  // kAArch32Short, in place of `attributes` above
};

// How the MemAttr of a stage 2 leaf is read (attributes.h).
enum class MemAttrEncoding : std::uint8_t {
  kUsual,
  kTagAccess,        // as usual, but that NoTagAccess is Write-Back (IHI 0070, 3.23.1)
  kForcedWriteBack,  // S2FWB
};

// A stage 2 translation regime.
struct Stage2 {
  Tables tables;
  SecurityState input = SecurityState::kNonSecure;   // whose IPAs it translates
  SecurityState output = SecurityState::kNonSecure;  // where it leads
  Stage2Permissions permissions{};
  bool access_flag_ignored = false;  // S2AFFD
  bool device_walks_denied = false;  // S2PTW
  MemAttrEncoding mem_attr = MemAttrEncoding::kUsual;
  HardwareUpdate update;
};

struct Regime {
  SecurityState security = SecurityState::kNonSecure;  // of the stream
  // Instructions are not fetched from Non-secure addresses (IHI 0070, 6.3.57.2).
  bool secure_fetches_only = false;
  bool has_stage1 = true;
  bool has_stage2 = false;
  // Stage 1 of VMSAv8-64 with ASIDs, alone and without hardware updates.
  bool simple = true;
  std::uint8_t bypass_bits = 64;  // without stage 1: the size of what comes in
  bool global = false;            // of one privilege level, which has no ASIDs: nG says nothing
  Stage1 stage1;
  Stage2 stage2;         // of a Secure stream: for its Non-secure IPAs
  Stage2 secure_stage2;  // for its Secure ones

  const Stage2& stage2_of(SecurityState ipa_space) const {
    return ipa_space == SecurityState::kNonSecure ? stage2 : secure_stage2;
  }
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_REGIME_H_
