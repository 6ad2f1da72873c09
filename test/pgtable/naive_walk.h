// What an SMMU finds in tables, by the text of DDI 0487 alone (D8.2, D8.3, G5.4, G5.5): nothing of
// the code under test is used but its registers().
#ifndef SMMU_TEST_PGTABLE_NAIVE_WALK_H_
#define SMMU_TEST_PGTABLE_NAIVE_WALK_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <span>

#include "smmu/iommu/io_pgtable.h"
#include "smmu/platform/memory.h"

namespace smmu::iommu {

// One page or block, as its descriptor tells.
struct NaiveLeaf {
  std::uint64_t pa = 0;
  std::uint64_t size = 0;
  std::uint64_t descriptor = 0;
  Pa at;  // of the descriptor
  unsigned level = 0;
};

// Everything that tables map, by the first address, and the tables below the first one.
struct NaiveTables {
  std::map<std::uint64_t, NaiveLeaf> leaves;
  std::set<std::uint64_t> tables;
  // Entries that are not valid and not free either: of leaves that are being taken apart.
  unsigned in_pieces = 0;
};

class NaiveWalk {
 public:
  NaiveWalk(PhysicalMemory& memory, const IoPgtable& tables)
      : memory_(memory),
        registers_(tables.registers()),
        format_(tables.config().format),
        upper_(tables.config().quirks.ttbr1) {
    switch (registers_.granule) {
      case TG0::k4K:
        granule_ = 12;
        break;
      case TG0::k16K:
        granule_ = 14;
        break;
      case TG0::k64K:
        granule_ = 16;
        break;
    }
    const bool short_addresses = format_ == PgtableFormat::kAArch32LongStage1 ||
                                 format_ == PgtableFormat::kAArch32LongStage2;
    // VTCR.T0SZ of VMSAv8-32 is a number of four bits with a sign.
    const int tsz = static_cast<int>(registers_.tsz);
    bits_ = static_cast<unsigned>(short_addresses ? 32 - (tsz >= 8 ? tsz - 16 : tsz) : 64 - tsz);
  }

  // The page or block that a device's access finds.
  std::optional<NaiveLeaf> at(Iova iova) {
    if (format_ == PgtableFormat::kAArch32Short) return short_at(iova.value);
    std::uint64_t address = iova.value;
    if (upper_) {
      if (~address >> bits_ != 0) return std::nullopt;
      address &= low(bits_);
    } else if (address >> bits_ != 0) {
      return std::nullopt;
    }
    std::uint64_t table = registers_.root.value;
    for (unsigned level = registers_.start_level; level <= 3; ++level) {
      const std::uint64_t index = (address & low(width(level))) >> shift(level);
      const Pa at(table + 8 * index);
      const std::uint64_t descriptor = read(at);
      if ((descriptor & 1) == 0) return std::nullopt;
      if (level != 3 && (descriptor & 2) != 0) {
        table = table_address(descriptor);
        continue;
      }
      return long_leaf(descriptor, at, level);
    }
    return std::nullopt;
  }

  // All of it.
  NaiveTables all() {
    NaiveTables found;
    if (format_ == PgtableFormat::kAArch32Short) {
      short_all(found);
      return found;
    }
    EXPECT_EQ(registers_.root.value % (std::uint64_t{8} << (bits_ - shift(start()))), 0U);
    EXPECT_EQ(registers_.root.value % 64, 0U);
    below(found, registers_.root.value, start(), upper_ ? ~low(bits_) : 0);
    return found;
  }

 private:
  static std::uint64_t low(unsigned bits) {
    return bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  }
  unsigned start() const { return registers_.start_level; }
  // The lowest bit of the address that a level resolves, and how many it has with those below.
  unsigned shift(unsigned level) const { return granule_ + (3 - level) * (granule_ - 3); }
  unsigned width(unsigned level) const { return level == start() ? bits_ : shift(level - 1); }

  std::uint64_t read(Pa pa) {
    const auto word = memory_.load64(pa);
    EXPECT_TRUE(word) << pa.value;
    return word ? *word : 0;
  }
  std::uint32_t read32(Pa pa) {
    std::uint32_t word = 0;
    EXPECT_EQ(memory_.read(pa, std::as_writable_bytes(std::span(&word, 1))), BusResponse::kOkay);
    return word;
  }

  // D8.3.1: bits [47:granule]; with 64K and 52-bit addresses [51:48] stand at [15:12].
  std::uint64_t table_address(std::uint64_t descriptor) const {
    std::uint64_t pa = descriptor & low(48) & ~low(granule_);
    if (granule_ == 16 && registers_.output_size == OutputSize::k52Bits) {
      pa |= (descriptor >> 12 & 0xf) << 48;
    }
    return pa;
  }
  NaiveLeaf long_leaf(std::uint64_t descriptor, Pa at, unsigned level) const {
    // Blocks: 4K at levels 1 and 2, 16K at 2, 64K at 2, and at 1 with 52-bit addresses.
    if (level != 3) {
      const bool wide = granule_ == 16 && registers_.output_size == OutputSize::k52Bits;
      EXPECT_TRUE(level == 2 || (level == 1 && (granule_ == 12 || wide))) << level;
    }
    const std::uint64_t pa = table_address(descriptor);
    const std::uint64_t size = std::uint64_t{1} << shift(level);
    EXPECT_EQ(pa % size, 0U) << std::hex << descriptor;
    return {.pa = pa, .size = size, .descriptor = descriptor, .at = at, .level = level};
  }
  void below(NaiveTables& found, std::uint64_t table, unsigned level, std::uint64_t address) {
    const std::uint64_t entries = std::uint64_t{1} << (width(level) - shift(level));
    for (std::uint64_t i = 0; i != entries; ++i) {
      const Pa at(table + 8 * i);
      const std::uint64_t descriptor = read(at);
      const std::uint64_t begin = address + (i << shift(level));
      if ((descriptor & 1) == 0) {
        constexpr std::uint64_t kInPieces = std::uint64_t{1} << 55;
        EXPECT_TRUE(descriptor == 0 || descriptor == kInPieces) << std::hex << descriptor;
        if (descriptor != 0) ++found.in_pieces;
      } else if (level != 3 && (descriptor & 2) != 0) {
        const std::uint64_t next = table_address(descriptor);
        EXPECT_TRUE(found.tables.insert(next).second) << "two entries lead to one table";
        below(found, next, level + 1, begin);
      } else {
        EXPECT_TRUE(level != 3 || (descriptor & 2) != 0);
        found.leaves.emplace(begin, long_leaf(descriptor, at, level));
      }
    }
  }

  // G5.4.1: TTBCR.N is 0, so 4096 entries of level 1, and 256 of level 2.
  std::optional<NaiveLeaf> short_at(std::uint64_t address) {
    if (address >> 32 != 0) return std::nullopt;
    const Pa first(registers_.root.value + 4 * (address >> 20));
    const std::uint32_t level1 = read32(first);
    switch (level1 & 3) {
      case 0:
        return std::nullopt;
      case 1:
        break;
      default:
        return section(level1, first);
    }
    const Pa second((level1 & ~std::uint32_t{0x3ff}) + 4 * (address >> 12 & 0xff));
    const std::uint32_t level2 = read32(second);
    if ((level2 & 3) == 0) return std::nullopt;
    return page(level2, second);
  }
  static NaiveLeaf section(std::uint32_t descriptor, Pa at) {
    if ((descriptor >> 18 & 1) == 0) {
      return {.pa = descriptor & 0xfff0'0000,
              .size = 1 << 20,
              .descriptor = descriptor,
              .at = at,
              .level = 1};
    }
    const std::uint64_t pa = (descriptor & 0xff00'0000) |
                             std::uint64_t{descriptor >> 20 & 0xf} << 32 |
                             std::uint64_t{descriptor >> 5 & 0xf} << 36;
    return {.pa = pa, .size = 1 << 24, .descriptor = descriptor, .at = at, .level = 1};
  }
  static NaiveLeaf page(std::uint32_t descriptor, Pa at) {
    const bool large = (descriptor & 3) == 1;
    return {.pa = descriptor & (large ? 0xffff'0000 : 0xffff'f000),
            .size = large ? 1U << 16 : 1U << 12,
            .descriptor = descriptor,
            .at = at,
            .level = 2};
  }
  // Sixteen entries of what is repeated have to be alike, and aligned (G5.4.2).
  void short_entries(NaiveTables& found, std::uint64_t table, unsigned entries,
                     std::uint64_t address, unsigned shift) {
    for (unsigned i = 0; i < entries;) {
      const Pa at(table + 4 * i);
      const std::uint32_t descriptor = read32(at);
      const std::uint64_t begin = address + (std::uint64_t{i} << shift);
      if ((descriptor & 3) == 0) {
        EXPECT_EQ(descriptor, 0U);
        ++i;
        continue;
      }
      if (shift == 20 && (descriptor & 3) == 1) {
        const std::uint64_t next = descriptor & ~std::uint32_t{0x3ff};
        EXPECT_TRUE(found.tables.insert(next).second) << "two entries lead to one table";
        short_entries(found, next, 256, begin, 12);
        ++i;
        continue;
      }
      const NaiveLeaf leaf = shift == 20 ? section(descriptor, at) : page(descriptor, at);
      const auto span = static_cast<unsigned>(leaf.size >> shift);
      EXPECT_EQ(i % span, 0U);
      for (unsigned k = 0; k != span; ++k) EXPECT_EQ(read32(Pa(at.value + 4 * k)), descriptor);
      found.leaves.emplace(begin, leaf);
      i += span;
    }
  }
  void short_all(NaiveTables& found) {
    EXPECT_EQ(registers_.root.value % 0x4000, 0U);
    short_entries(found, registers_.root.value, 4096, 0, 20);
  }

  PhysicalMemory& memory_;
  const PgtableRegisters registers_;
  const PgtableFormat format_;
  const bool upper_;
  unsigned granule_ = 12;
  unsigned bits_ = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_TEST_PGTABLE_NAIVE_WALK_H_
