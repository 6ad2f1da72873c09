#include "emulator/walk/regime.h"

#include <algorithm>

#include "emulator/walk/attributes.h"
#include "smmu/arch/bits.h"
#include "smmu/arch/vmsa/aarch32_long.h"
#include "smmu/arch/vmsa/aarch64.h"

namespace smmu::emulator {
namespace {

// DDI 0487, D8.3.1.  With the 64 KiB granule bits [15:12] are always taken for
// address bits [51:48]: where addresses end below, one that is set makes an
// address that is out of range.
AddressBits address_places(Granule granule, bool wide) {
  const std::uint64_t pages = ~mask(granule_bits(granule) - 1, 0);
  if (granule == Granule::k64K) {
    using vmsa::Address_64K;
    return {.in_place = decltype(Address_64K::OA_47_16)::kMask,
            .moved = decltype(Address_64K::OA_51_48)::kMask,
            .up = 48 - decltype(Address_64K::OA_51_48)::kLo};
  }
  if (wide) {
    using vmsa::Address_DS;
    return {.in_place = decltype(Address_DS::OA_49_12)::kMask & pages,
            .moved = decltype(Address_DS::OA_51_50)::kMask,
            .up = 50 - decltype(Address_DS::OA_51_50)::kLo};
  }
  return {.in_place = decltype(vmsa::Leaf_Stage1::OA)::kMask & pages, .moved = 0, .up = 0};
}

// DDI 0487, D8.3.1: where a Block descriptor is not reserved.
std::uint8_t block_levels(Granule granule, bool wide) {
  const auto from = [](int level) {
    return static_cast<std::uint8_t>(mask(3, static_cast<unsigned>(level + 1)));
  };
  if (granule == Granule::k4K) return from(wide ? 0 : 1);
  return from(wide ? 1 : 2);
}

// What follows from the rest of a Tables.
void complete(Tables& tables, std::uint64_t root, unsigned least_alignment) {
  const unsigned first_shift = leaf_bits(tables.granule, tables.first_level);
  // The first table is aligned to its size.
  const unsigned log2_bytes = std::max<unsigned>(tables.input_bits, first_shift) - first_shift + 3;
  tables.root = root & ~mask(std::max(log2_bytes, least_alignment) - 1, 0);
  tables.first_shift = static_cast<std::uint8_t>(first_shift);
  tables.first_index_bits = mask(log2_bytes - 1, 3);
  tables.last_table_bits = static_cast<std::uint8_t>(leaf_bits(tables.granule, 2));
  tables.plain = !tables.big_endian && tables.address.moved == 0;
  tables.type_and_range = 0b11 | (tables.out_of_range & tables.address.in_place);
}

}  // namespace

Tables tables(const TableShape& shape) {
  Tables tables;
  tables.address = address_places(shape.granule, shape.wide);
  tables.out_of_range = ~mask(shape.output_bits - 1, 0);
  tables.granule = shape.granule;
  tables.input_bits = static_cast<std::uint8_t>(shape.input_bits);
  tables.first_level = static_cast<std::int8_t>(shape.first_level);
  tables.block_levels = block_levels(shape.granule, shape.wide);
  tables.big_endian = shape.big_endian;
  if (shape.wide && shape.granule != Granule::k64K) {
    tables.fixed_attributes = static_cast<std::uint8_t>(attributes_index(0, 0b11));
    tables.attributes =
        static_cast<std::uint8_t>(attributes_index(0, static_cast<unsigned>(shape.shareability)));
  }
  // An address of 52 bits has no bits below 6 (IHI 0070, 5.4: TTB0).
  complete(tables, shape.root, shape.output_bits == 52 ? 6 : 4);
  return tables;
}

Tables aarch32_long_tables(unsigned input_bits, int first_level, std::uint64_t root,
                           unsigned memory_bits, bool big_endian, LongerAddresses longer) {
  using Address = decltype(vmsa::Leaf_Stage1_Long::OA);
  using Beyond = decltype(vmsa::Leaf_Stage1_Long::OA_47_40);
  Tables tables;
  const std::uint64_t in_memory = mask(memory_bits - 1, 0);
  tables.address.in_place = Address::kMask | Beyond::kMask;
  tables.out_of_range = Beyond::kMask;
  if (longer == LongerAddresses::kAreCut) {
    tables.address.in_place = (Address::kMask & in_memory) | Beyond::kMask;
  } else {
    tables.out_of_range |= ~in_memory;
  }
  tables.granule = Granule::k4K;
  tables.no_level = 1;
  tables.input_bits = static_cast<std::uint8_t>(input_bits);
  tables.first_level = static_cast<std::int8_t>(first_level);
  tables.block_levels = block_levels(Granule::k4K, false);
  tables.big_endian = big_endian;
  complete(tables, root & in_memory, 4);
  return tables;
}

Tables aarch32_short_tables(unsigned n, std::uint32_t ttb, unsigned output_bits, bool big_endian) {
  constexpr unsigned kSectionBits = 20;
  Tables tables;
  tables.out_of_range = ~mask(output_bits - 1, 0);
  tables.no_level = 1;
  tables.input_bits = static_cast<std::uint8_t>(32 - n);
  tables.first_level = 1;
  tables.first_shift = kSectionBits;
  tables.big_endian = big_endian;
  // Four bytes for each section, aligned to all of them (G5.4.5.1).
  const unsigned log2_bytes = tables.input_bits - kSectionBits + 2;
  tables.root = ttb & ~mask(log2_bytes - 1, 0);
  tables.first_index_bits = mask(log2_bytes - 1, 2);
  return tables;
}

}  // namespace smmu::emulator
