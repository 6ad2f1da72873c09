// Translation tables, as software writes them for an SMMU to read (DDI 0487, D8 and G5).
#ifndef SMMU_IOMMU_IO_PGTABLE_H_
#define SMMU_IOMMU_IO_PGTABLE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

#include "smmu/arch/encodings.h"
#include "smmu/arch/memory_attributes.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/iommu/prot.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

enum class PgtableFormat : std::uint8_t {
  kAArch64Stage1,
  kAArch64Stage2,
  kAArch32LongStage1,
  kAArch32LongStage2,
  kAArch32Short,  // of stage 1
};

constexpr bool is_stage2(PgtableFormat format) {
  return format == PgtableFormat::kAArch64Stage2 || format == PgtableFormat::kAArch32LongStage2;
}

// Whether the SMMU's walks see what is in the caches of who writes the tables.
enum class WalkCoherency : std::uint8_t { kNone, kCoherent };

// What may be done differently.  A format that has no use for one refuses it.
struct PgtableQuirks {
  // Non-secure tables and memory of a Secure stream (stage 1, long and short descriptors).
  bool non_secure = false;
  // The upper half of the address space, by TTB1 (VMSAv8-64 stage 1).
  bool ttbr1 = false;
  // Walks are outer write-back though they are not coherent: for a system cache (VMSAv8-64 stage
  // 1).
  bool outer_write_back = false;
  // The SMMU tells by AP[2] which writable pages were written to (VMSAv8-64 stage 1, HD).
  bool dirty = false;
  // MemAttr is what S2FWB has it be (VMSAv8-64 stage 2).
  bool s2fwb = false;
  // SMMU_IDR3.XNX: stage 2 tells instruction fetches of EL1 and EL0 apart, and where none may be
  // made XN is 0b10 instead of Linux's 0b11 (VMSAv8-64 stage 2).
  bool xnx = false;
  // Runs that are mapped at once, are aligned and long enough have the Contiguous bit (VMSAv8-64):
  // a TLB may hold them as one entry.  What is unmapped of a run takes the bit from the others.
  // Threads that map and unmap wait for one another, flush_walk() included.
  bool contiguous = false;
  // To unmap a part of a block leaves the rest of it mapped, by smaller ones (VMSAv8-64).  Without
  // this it is refused.  Threads wait as above.
  bool split_blocks = false;
};

struct PgtableConfig {
  PgtableFormat format = PgtableFormat::kAArch64Stage1;
  // Sizes of pages and blocks that the SMMU has, one bit each.  create() chooses one granule, see
  // IoPgtable::page_sizes().
  std::uint64_t page_sizes = 0;
  // The granule that is chosen if the SMMU has it; else the largest of those that are smaller, or
  // the smallest: 4096 as the CPU's pages are.
  std::uint64_t preferred_granule = 4096;
  unsigned input_bits = 48;   // the addresses that are mapped
  unsigned output_bits = 48;  // physical addresses: 32, 36, 40, 42, 44, 48 or 52
  WalkCoherency coherency = WalkCoherency::kCoherent;
  // SMMU_IDR3.BBML.  2: the size of a translation may change in place; otherwise it is made invalid
  // and forgotten by the SMMU first, and a device that comes meanwhile gets a fault (DDI 0487,
  // D8.16).
  unsigned break_before_make = 0;
  PgtableQuirks quirks = {};
};

// What tables ask of the driver that uses them.  Called by the thread that maps or unmaps, with no
// lock held but that of quirks.contiguous and quirks.split_blocks, which may be entered again.
class PgtableInvalidation {
 public:
  virtual ~PgtableInvalidation() = default;

  // Everything in [iova, iova + size) was made invalid, tables included.  Returns when the SMMU has
  // forgotten translations and tables of that range; the tables are freed after that.  `granule`:
  // the size of a page.
  virtual void flush_walk(Iova iova, std::uint64_t size, std::uint64_t granule) = 0;
};

// What software whose accesses are cached does where those of an SMMU do not look into caches
// (WalkCoherency::kNone): tables, queues.  Who gives none to a driver of such an SMMU has memory
// that is not cached.  Called by any number of threads at once.
class CacheMaintenance {
 public:
  virtual ~CacheMaintenance() = default;
  // Cleans [pa, pa + bytes) to memory: an SMMU that is told of it afterwards finds what was stored
  // before.
  virtual void clean(Pa pa, std::uint64_t bytes) = 0;
  // Has caches forget [pa, pa + bytes), and the rest of its lines, where nothing is that was not
  // cleaned: what is loaded afterwards is what the SMMU stored before.  The default does nothing,
  // which is enough for tables: of them software reads what it has written itself.
  virtual void invalidate(Pa /*pa*/, std::uint64_t /*bytes*/) {}
};

// What an SMMU is told of tables, by role: a driver puts it into the fields its SMMU has.
struct PgtableRegisters {
  Pa root;  // TTB; of a short descriptor, without attributes
  // T0SZ, T1SZ or S2T0SZ; of kAArch32LongStage2 the four bits of a number with a sign, VTCR.T0SZ.
  unsigned tsz = 0;
  TG0 granule = TG0::k4K;    // of TTB1, too, whose encoding differs
  unsigned start_level = 0;  // of walks; stage 2 codes it as SL0
  OutputSize output_size = OutputSize::k32Bits;
  WalkCacheability inner = WalkCacheability::kNonCacheable;
  WalkCacheability outer = WalkCacheability::kNonCacheable;
  Shareability shareability = Shareability::kNonShareable;
  // Stage 1: what AttrIndx means, MAIR_ELx.
  std::uint64_t memory_attributes = 0;
  // Short descriptors: what TEX[0], C and B mean, PRRR and NMRR.
  std::uint32_t primary_region_remap = 0;
  std::uint32_t normal_memory_remap = 0;
};

// How much was mapped, and what stopped it: nothing, errc{}, even if the table ended there.
struct [[nodiscard]] Mapped {
  std::uint64_t bytes;
  std::errc error;
};

// How much was unmapped, from the first address on.
struct [[nodiscard]] Unmapped {
  std::uint64_t bytes;
  // Some of it was pages or blocks of the size that was given, which the SMMU may still know; what
  // was smaller it has forgotten, by flush_walk().
  bool leaves;
};

enum class DirtyBits : std::uint8_t { kKeep, kClear };

// A page that was written to.
class DirtySink {
 public:
  virtual ~DirtySink() = default;
  virtual void dirty(Iova iova, std::uint64_t size) = 0;
};

// Tables of one format.  Any number of threads may map and unmap at once, without a lock, as long
// as no two have addresses in common; where they meet at a table both add one, and one of these is
// freed.  iova_to_phys() and read_and_clear_dirty() may come beside them; but they must have no
// address in common with a change that takes tables away, which is that of a block where a table
// is: what they read may be freed.
//
// Nothing here tells the SMMU that a page or block was unmapped: that is for whoever batches it.
class IoPgtable {
 public:
  // What config() of such tables is: the sizes of one granule, and the bits there really are.
  // invalid_argument: a size or a number of bits that the format does not have, or a quirk it has
  // no use for.
  static Result<PgtableConfig, std::errc> config_for(const PgtableConfig& config);

  // Empty tables.  The pool, the invalidation and, where given, the maintenance must outlive them.
  // Maintenance is asked for with WalkCoherency::kNone alone.
  // invalid_argument: as config_for(), or a pool that reaches beyond output_bits: of kAArch32Short
  // it has to end below 4 GiB.  not_enough_memory.
  static Result<std::unique_ptr<IoPgtable>, std::errc> create(const PgtableConfig& config,
                                                              PagePool& pool,
                                                              PgtableInvalidation& invalidation,
                                                              CacheMaintenance* caches = nullptr);
  // Frees all tables, whatever they map.
  // REQUIRES: the SMMU does not use them any more.
  virtual ~IoPgtable() = default;
  IoPgtable(const IoPgtable&) = delete;
  IoPgtable& operator=(const IoPgtable&) = delete;

  // `count` pages or blocks of `page_size`.  Stops without an error at the end of a table, so who
  // has more to map calls again.
  // invalid_argument: not a size of page_sizes(), or rights that are none (can_be_mapped()).
  // result_out_of_range: an address is beyond input_bits or output_bits.  file_exists: something is
  // mapped there already, be it larger or smaller; of what one call writes to one table, nothing is
  // mapped then, and what was there stays.  not_enough_memory: what is told was mapped; of the
  // tables of the next page those that could be had stay, fewer than there are levels: empty,
  // counted by live_tables(), for the next map() there or until trim().  Addresses are rounded down
  // to a page.
  //
  // A block takes the place of a table that maps nothing.
  virtual Mapped map(Iova iova, Pa pa, std::uint64_t page_size, std::uint64_t count, Prot prot) = 0;

  // Stops at the first address that is not mapped, at a block that is larger than `page_size`
  // (unless quirks.split_blocks) and at the end of a table.  What is smaller than `page_size` is
  // unmapped as well, page by page up to the first hole; a table that has none goes.  A size that
  // is not one of page_sizes(), or an address beyond input_bits: unmaps nothing.
  virtual Unmapped unmap(Iova iova, std::uint64_t page_size, std::uint64_t count) = 0;

  virtual std::optional<Pa> iova_to_phys(Iova iova) const = 0;

  // Tells of each page and block of the range that was written to since this was last asked with
  // kClear.  The SMMU may still have it as written to: see Domain.
  // invalid_argument: nothing, an address beyond input_bits, or something that is not mapped: what
  // comes before has been told.  operation_not_supported: quirks.dirty is not set.
  virtual Result<Done, std::errc> read_and_clear_dirty(Iova iova, std::uint64_t size,
                                                       DirtyBits bits, DirtySink& sink) = 0;

  virtual PgtableRegisters registers() const = 0;
  // Of the granule that was chosen, and with the bits there really are.
  virtual const PgtableConfig& config() const = 0;
  // The sizes map() takes, one bit each.
  std::uint64_t page_sizes() const { return config().page_sizes; }
  // Tables there are now below the first one, which there is always.  Those that map nothing any
  // more stay, for the next map(), until a block takes their place or:
  virtual std::uint64_t live_tables() const = 0;
  // Frees tables that map nothing.
  // REQUIRES: no thread maps or unmaps meanwhile, nor is one in iova_to_phys() or
  // read_and_clear_dirty().
  virtual void trim() = 0;

 protected:
  IoPgtable() = default;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_IO_PGTABLE_H_
