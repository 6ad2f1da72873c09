#include "emulator/cli/table_walk.h"

#include <algorithm>

#include "smmu/arch/v3/registers.h"
#include "smmu/arch/vmsa/aarch64.h"

namespace smmu::cli {

namespace {

using v3::CD;
using vmsa::Leaf_Stage1;
using vmsa::Table_Stage1;

std::uint64_t low_bits(unsigned count) {
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

class Walk {
 public:
  Walk(const Stream& stream, const RegisterValues& registers, const MemoryImage& memory,
       Budget& budget)
      : stream_(stream), cd_(*stream.cd), memory_(memory), budget_(budget) {
    oas_ = registers.get<v3::SMMU_IDR5>()[v3::SMMU_IDR5::OAS];
    output_bits_ = std::min(address_bits(cd_[CD::IPS]), address_bits(oas_));
  }

  void half(const Half& half) {
    half_ = &half;
    const int level = half.granule.start_level(half.input_bits);
    start_ = level;
    const unsigned index_bits = half.input_bits - half.granule.shift(level);
    const std::uint64_t base = half.upper ? ~low_bits(half.input_bits) : 0;
    table(half.table & ~low_bits(index_bits + 3), level, index_bits, base,
          {.read = true, .write = true});
  }

  TableWalk take() { return std::move(result_); }

 private:
  // Visits a table of 2^index_bits descriptors, the first of which is for `iova`.
  void table(std::uint64_t address, int level, unsigned index_bits, std::uint64_t iova,
             Allows allows) {
    const std::uint64_t entries = std::uint64_t{1} << index_bits;
    for (std::uint64_t i = 0; i < entries;) {
      const std::uint64_t place = address + 8 * i;
      const std::uint64_t in_page =
          std::min<std::uint64_t>(entries - i, (kPageBytes - place % kPageBytes) / 8);
      budget_.spend_entries(in_page);
      const auto page = memory_.pages().find(place & ~(kPageBytes - 1));
      if (page == memory_.pages().end()) {
        result_.missing_tables.push_back(place);
      } else {
        for (std::uint64_t j = 0; j < in_page; ++j) {
          const std::uint64_t word = (*page->second)[place % kPageBytes / 8 + j];
          if (word != 0)
            descriptor(place + 8 * j, word, level, iova + ((i + j) << shift(level)), allows);
        }
      }
      i += in_page;
    }
  }

  void descriptor(std::uint64_t address, std::uint64_t word, int level, std::uint64_t iova,
                  Allows allows) {
    const Table_Stage1 next({word});
    if (!next[Table_Stage1::Valid]) return;
    if (level < 3 && next[Table_Stage1::Type]) {
      // APTable[0] takes unprivileged access away, APTable[1] takes writes away (D8.4.1.2).
      if (half_->hierarchical) {
        const unsigned limit = next[Table_Stage1::APTable];
        if ((limit & 0b01) != 0) allows = {.read = false, .write = false};
        if ((limit & 0b10) != 0) allows.write = false;
      }
      table(output(word, half_->granule.page_bits()), level + 1, half_->granule.index_bits(), iova,
            allows);
    } else if (level == 3 ? next[Table_Stage1::Type] : block_allowed(level)) {
      leaf(address, word, level, iova, allows);
    }
  }

  void leaf(std::uint64_t address, std::uint64_t word, int level, std::uint64_t iova,
            Allows allows) {
    budget_.spend_leaf();
    const Leaf_Stage1 d({word});
    const unsigned ap = d[Leaf_Stage1::AP];  // AP[2:1]
    const bool unprivileged = (ap & 0b01) != 0;
    const bool writable = (ap & 0b10) == 0;
    const unsigned index = d[Leaf_Stage1::AttrIndx];
    const std::uint64_t mair = index < 4 ? cd_[CD::MAIR0] : cd_[CD::MAIR1];
    const std::uint64_t pa = output(word, shift(level));
    const bool flag = d[Leaf_Stage1::AF];
    result_.leaves.push_back({.mapping = {.line = 0,
                                          .stream = stream_.id,
                                          .asid = cd_[CD::ASID],
                                          .iova = iova,
                                          .pa = pa,
                                          .size = std::uint64_t{1} << shift(level),
                                          .level = static_cast<std::uint64_t>(level),
                                          .descriptor = word,
                                          .descriptor_address = address,
                                          .attrindx = index,
                                          .mair_attr = mair >> (index % 4 * 8) & 0xff,
                                          .sh = static_cast<std::uint64_t>(d[Leaf_Stage1::SH]),
                                          .ap = ap,
                                          .af = flag,
                                          .ng = d[Leaf_Stage1::nG],
                                          .cont = d[Leaf_Stage1::Contiguous],
                                          .dbm = d[Leaf_Stage1::DBM],
                                          .pxn = d[Leaf_Stage1::PXN],
                                          .xn = d[Leaf_Stage1::UXN]},
                              .unprivileged = {.read = allows.read && unprivileged,
                                               .write = allows.write && unprivileged && writable},
                              .usable = (flag || cd_[CD::AFFD]) && pa >> output_bits_ == 0,
                              .descriptors = static_cast<unsigned>(level - start_ + 1)});
  }

  unsigned shift(int level) const { return half_->granule.shift(level); }

  // D8.3.1: which levels may hold a Block.
  bool block_allowed(int level) const {
    if (half_->granule.page_bits() == 12) return level == 1 || level == 2;
    if (half_->granule.page_bits() == 16 && oas_ == OutputSize::k52Bits)
      return level == 1 || level == 2;
    return level == 2;
  }

  std::uint64_t output(std::uint64_t word, unsigned bits) const {
    return output_address(word, half_->granule, bits, oas_);
  }

  const Stream& stream_;
  const CD& cd_;
  const MemoryImage& memory_;
  Budget& budget_;
  OutputSize oas_;
  unsigned output_bits_;
  const Half* half_ = nullptr;
  int start_ = 0;  // its first level
  TableWalk result_;
};

}  // namespace

std::optional<Granule> granule(TG0 code) {
  switch (code) {
    case TG0::k4K:
      return Granule(12);
    case TG0::k16K:
      return Granule(14);
    case TG0::k64K:
      return Granule(16);
  }
  return std::nullopt;
}

std::optional<Granule> granule(TG1 code) {
  switch (code) {
    case TG1::k4K:
      return Granule(12);
    case TG1::k16K:
      return Granule(14);
    case TG1::k64K:
      return Granule(16);
  }
  return std::nullopt;
}

std::uint64_t output_address(std::uint64_t descriptor, Granule granule, unsigned bits,
                             OutputSize oas) {
  std::uint64_t address = Leaf_Stage1({descriptor})[Leaf_Stage1::OA];
  if (granule.page_bits() == 16) {
    const vmsa::Address_64K wide({descriptor});
    address = wide[vmsa::Address_64K::OA_47_16];
    if (oas == OutputSize::k52Bits) {
      address |= std::uint64_t{wide[vmsa::Address_64K::OA_51_48]} << 48;
    }
  }
  return address & ~low_bits(bits);
}

bool Half::translates(std::uint64_t iova) const {
  const std::uint64_t ignored = tagged ? low_bits(8) << 56 : 0;
  // D8.2: the bits above the input are zeros in the lower half, ones in the upper.
  return in_upper_half(iova) == upper && ((upper ? ~iova : iova) & ~ignored) >> input_bits == 0;
}

std::vector<Half> halves(const v3::CD& cd, const RegisterValues& registers) {
  std::vector<Half> result;
  if (!cd[CD::V] || !cd[CD::AA64]) return result;
  const bool wide =
      registers.get<v3::SMMU_IDR5>()[v3::SMMU_IDR5::VAX] != v3::SMMU_IDR5::VirtualSize::k48Bits;
  const bool small_tables = registers.get<v3::SMMU_IDR3>()[v3::SMMU_IDR3::STT];
  const auto add = [&](std::optional<Granule> size, unsigned txsz, std::uint64_t address,
                       bool upper, bool disabled, bool tagged) {
    if (!size) return;
    // 5.4: 52-bit input needs the 64 KiB granule, as DS is not modelled.
    const unsigned least = wide && size->page_bits() == 16 ? 12 : 16;
    const unsigned most = !small_tables ? 39 : size->page_bits() == 16 ? 47 : 48;
    if (txsz < least || txsz > most) return;
    result.push_back({*size, 64 - txsz, address, upper, !disabled, tagged});
  };
  if (!cd[CD::EPD0]) {
    add(granule(cd[CD::TG0]), cd[CD::T0SZ], cd[CD::TTB0], false, cd[CD::HAD0], cd[CD::TBI0]);
  }
  if (!cd[CD::EPD1]) {
    add(granule(cd[CD::TG1]), cd[CD::T1SZ], cd[CD::TTB1], true, cd[CD::HAD1], cd[CD::TBI1]);
  }
  return result;
}

TableWalk walk_tables(const Stream& stream, const RegisterValues& registers,
                      const MemoryImage& memory, Budget& budget) {
  if (!stream.cd) return {};
  Walk walk(stream, registers, memory, budget);
  for (const Half& half : halves(*stream.cd, registers)) walk.half(half);
  return walk.take();
}

}  // namespace smmu::cli
