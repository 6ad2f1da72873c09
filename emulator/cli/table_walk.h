// The tool's own walk of stage 1 tables in a capture's memory (DDI 0487, D8.2 and D8.3).
//
// It visits everything that is there, where the SMMU visits what one address needs, and it shares
// no code with the SMMU.
#ifndef EMULATOR_CLI_TABLE_WALK_H_
#define EMULATOR_CLI_TABLE_WALK_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "emulator/cli/capture.h"
#include "emulator/cli/stream_tables.h"

namespace smmu::cli {

// How a granule and an input size cut an address (D8.2.1).
class Granule {
 public:
  // `page_bits` is 12, 14 or 16.
  explicit constexpr Granule(unsigned page_bits) : page_bits_(page_bits) {}

  constexpr unsigned page_bits() const { return page_bits_; }
  constexpr unsigned index_bits() const { return page_bits_ - 3; }
  // Address bits below those that index a table of `level`.
  constexpr unsigned shift(int level) const {
    return page_bits_ + index_bits() * static_cast<unsigned>(3 - level);
  }
  // Where the walk of `input_bits` begins.
  constexpr int start_level(unsigned input_bits) const {
    return 4 - static_cast<int>((input_bits - page_bits_ + index_bits() - 1) / index_bits());
  }
  // "4K", "16K", "64K".
  const char* name() const { return page_bits_ == 12 ? "4K" : page_bits_ == 14 ? "16K" : "64K"; }

  friend constexpr bool operator==(Granule, Granule) = default;

 private:
  unsigned page_bits_;
};

// None if the code is reserved.
std::optional<Granule> granule(TG0 code);
std::optional<Granule> granule(TG1 code);

// The address in a descriptor, of something 2^bits bytes large.  `oas` says where it stands: with
// 52 bits and the 64 KiB granule, OA[51:48] is below OA[47:16] (D8.3.1).
std::uint64_t output_address(std::uint64_t descriptor, Granule granule, unsigned bits,
                             OutputSize oas);

// IOVA bit 55 chooses the half (D8.2).
constexpr bool in_upper_half(std::uint64_t iova) { return (iova >> 55 & 1) != 0; }

// One of the two halves of a CD's input addresses.
struct Half {
  Granule granule;
  unsigned input_bits;
  std::uint64_t table;  // its address
  bool upper;           // TTB1: the addresses whose upper bits are ones
  bool hierarchical;    // tables restrict the permissions of what lies below them
  bool tagged;          // the top byte of an address is ignored

  // Whether `iova` is in range.
  bool translates(std::uint64_t iova) const;
};
// The halves that a valid CD translates; none of those that are switched off or out of range.
std::vector<Half> halves(const v3::CD& cd, const RegisterValues& registers);

struct Leaf {
  Mapping mapping;       // `line` is 0
  Allows unprivileged;   // tables above included
  bool usable;           // an access is not stopped by the Access flag or by the size of `pa`
  unsigned descriptors;  // that lead to it, its own included
};

struct TableWalk {
  std::vector<Leaf> leaves;                   // by address
  std::vector<std::uint64_t> missing_tables;  // named by a descriptor, but not known
};

// Every leaf of `stream`, which translates at stage 1.
TableWalk walk_tables(const Stream& stream, const RegisterValues& registers,
                      const MemoryImage& memory, Budget& budget);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_TABLE_WALK_H_
