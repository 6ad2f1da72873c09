// The structures a driver puts into memory, built.  Nothing here is shared
// with the emulator, so that an error in one shows against the other.
#ifndef SMMU_TESTING_TABLES_H_
#define SMMU_TESTING_TABLES_H_

#include <cstddef>
#include <cstdint>
#include <functional>

#include "smmu/arch/v3/context_table.h"
#include "smmu/arch/v3/stream_table.h"
#include "smmu/platform/memory.h"
#include "smmu/types.h"

namespace smmu::testing {

// Accesses to memory that must not abort: a test that has no memory there is
// itself wrong, and fails.
std::uint64_t load(PhysicalMemory& memory, Pa pa);
void store(PhysicalMemory& memory, Pa pa, std::uint64_t word);

// Writes a structure, its first word, which makes it valid, last.
template <class S>
void store(PhysicalMemory& memory, Pa pa, const S& structure) {
  for (std::size_t i = structure.words().size(); i-- != 0;) {
    store(memory, Pa(pa.value + 8 * i), structure.word(i));
  }
}

// Gives out zeroed memory: so many bytes, so aligned.
using Allocator = std::function<Pa(std::uint64_t bytes, std::uint64_t alignment)>;

struct PageAttributes {
  bool writable = true;
  bool unprivileged = true;
  bool global = false;
  bool access_flag = true;
  bool unprivileged_execute_never = false;
  bool privileged_execute_never = false;
};

// Stage 1 tables of one half of the address range (DDI 0487, D8.2).  For the
// upper half `t0sz` is T1SZ.
class PageTable {
 public:
  struct Options {
    unsigned granule_bits = 12;  // 12, 14 or 16
    unsigned t0sz = 16;
    unsigned output_bits = 48;  // or 52: larger blocks, too; CD.DS or STE.S2DS below 64 KiB
    unsigned stage = 1;         // or 2: the table of an STE
  };

  PageTable(PhysicalMemory& memory, Allocator allocate, Options options);

  // Maps [iova, iova + size) with the largest leaves that fit.
  // REQUIRES: all three are multiples of the granule.
  void map(Iova iova, Pa pa, std::uint64_t size, PageAttributes attributes = {});
  // Invalidates the leaf that maps `iova`.
  void unmap(Iova iova);

  // Where the last descriptor on the way to `iova` is.
  Pa descriptor(Iova iova) const;
  Pa root() const { return root_; }
  const Options& options() const { return options_; }

 private:
  bool leaf_allowed(unsigned shift) const;
  Pa slot(Pa table, Iova iova, unsigned shift) const;

  PhysicalMemory& memory_;
  Allocator allocate_;
  Options options_;
  unsigned top_shift_;  // of the address bits that index the first table
  Pa root_;
};

// A legal CD for these tables: no upper half, faults abort and are recorded,
// memory type 0 is write-back.
v3::CD context(const PageTable& table, Asid asid = Asid(1));

// Legal STEs.
// An STE that translates at stage 2 alone.
v3::STE translate_stage2(const PageTable& table, Vmid vmid = Vmid(1));
// The same STE, with stage 2 below what it does.
v3::STE above_stage2(v3::STE ste, const PageTable& table, Vmid vmid = Vmid(1));

v3::STE abort_all();
v3::STE bypass();
v3::STE translate(Pa cd);

// A linear Stream table.
class StreamTable {
 public:
  StreamTable(PhysicalMemory& memory, Pa base) : memory_(&memory), base_(base) {}

  Pa entry(StreamId stream) const { return Pa(base_.value + 64 * std::uint64_t{stream.value}); }
  void set(StreamId stream, const v3::STE& ste) { store(*memory_, entry(stream), ste); }

 private:
  PhysicalMemory* memory_;
  Pa base_;
};

}  // namespace smmu::testing

#endif  // SMMU_TESTING_TABLES_H_
