// Tables of VMSAv8-64, and of VMSAv8-32 with long descriptors, which are the same with fewer bits
// (DDI 0487, D8.3 and G5.5).
#ifndef SMMU_LIB_PGTABLE_LONG_DESCRIPTOR_H_
#define SMMU_LIB_PGTABLE_LONG_DESCRIPTOR_H_

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>

#include "lib/pgtable/leaf_attributes.h"
#include "lib/pgtable/long_entry.h"
#include "lib/pgtable/table_memory.h"
#include "smmu/arch/bits.h"
#include "smmu/iommu/io_pgtable.h"

namespace smmu::iommu {

// How the tables of one configuration begin.
struct LongShape {
  unsigned granule_shift;
  unsigned start_level;
  unsigned root_log2;  // bytes of the first table, or of those that stand for it, as one block
};

// The configuration as it can be, and its shape.  invalid_argument: it cannot.
Result<LongShape, std::errc> shape_of(PgtableConfig& config);

// With granules of 2^kGranule bytes.
template <unsigned kGranule>
class LongDescriptor final : public IoPgtable {
 public:
  static Result<std::unique_ptr<IoPgtable>, std::errc> create(const PgtableConfig& config,
                                                              const LongShape& shape,
                                                              PagePool& pool,
                                                              PgtableInvalidation& invalidation,
                                                              CacheMaintenance* caches);
  ~LongDescriptor() override;

  Mapped map(Iova iova, Pa pa, std::uint64_t page_size, std::uint64_t count, Prot prot) override;
  Unmapped unmap(Iova iova, std::uint64_t page_size, std::uint64_t count) override;
  std::optional<Pa> iova_to_phys(Iova iova) const override;
  Result<Done, std::errc> read_and_clear_dirty(Iova iova, std::uint64_t size, DirtyBits bits,
                                               DirtySink& sink) override;
  PgtableRegisters registers() const override;
  const PgtableConfig& config() const override { return config_; }
  std::uint64_t live_tables() const override { return memory_.live() - 1; }
  void trim() override;

 private:
  static constexpr unsigned kBits = kGranule - 3;  // of the address, a level
  static constexpr std::uint64_t kEntries = std::uint64_t{1} << kBits;
  static constexpr std::uint64_t kNoTable = 0;  // is no descriptor of a table

  // Entries, by the number of the first.
  struct Run {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
  };

  // The entries of a contiguous run at one time: a note that comes later is told of the next time,
  // with all that it stands for.
  struct DirtyRun {
    std::array<std::uint64_t, 128> entries{};
    bool dirty = false;
  };

  LongDescriptor(const PgtableConfig& config, const LongShape& shape, PagePool& pool,
                 PgtableInvalidation& invalidation, CacheMaintenance* caches);

  // Bits of the address that a level's entry maps; level 3 has the least.
  static constexpr unsigned shift_of(unsigned level) { return kGranule + (3 - level) * kBits; }
  // That of what has this size, 0 if nothing has.
  unsigned shift_of_size(std::uint64_t page_size) const;
  // The address as the tables see it, which begin at 0; false: they do not have it.
  bool in_range(Iova iova, std::uint64_t& address) const {
    address = iova.value - first_;
    return address <= last_;
  }
  std::uint64_t* root_entry(std::uint64_t address) const {
    return root_ + (address >> root_shift_);
  }
  // `table`: the descriptor of one.
  std::uint64_t* entry_below(std::uint64_t table, std::uint64_t address, unsigned shift) const {
    const std::uint64_t index = address >> shift & (kEntries - 1);
    if constexpr (kGranule == 16) return memory_.entries(address_of<kGranule>(table)) + index;
    return reinterpret_cast<std::uint64_t*>(table + table_to_host_) + index;
  }
  // How many entries there are from this one on.
  std::uint64_t room(std::uint64_t address, unsigned shift) const;

  // The entry of a page, if all tables on the way are there; else null.
  std::uint64_t* page_entry(std::uint64_t address) const;

  std::uint64_t table(Pa pa) const;

  std::optional<Pa> look_up(Iova iova) const;
  std::optional<Pa> look_up_in_pieces(Iova iova) const;
  Mapped map_any(Iova iova, Pa pa, std::uint64_t page_size, std::uint64_t count, Prot prot);
  Unmapped unmap_any(Iova iova, std::uint64_t page_size, std::uint64_t count);
  std::uint64_t install(std::uint64_t* entry, std::errc& error);
  Mapped write(std::uint64_t* entry, std::uint64_t address, Pa pa, unsigned shift,
               std::uint64_t count, std::uint64_t attributes);
  bool maps_anything(std::uint64_t table, unsigned shift) const;
  std::uint64_t mapped_by(std::uint64_t table, unsigned shift) const;
  bool take_tables_away(std::uint64_t* entry, std::uint64_t count, std::uint64_t address,
                        unsigned shift);
  Unmapped clear(std::uint64_t* entry, std::uint64_t address, unsigned shift, std::uint64_t count);
  std::uint64_t clear_some_below(std::uint64_t table, std::uint64_t begin, unsigned shift);
  Run whole_runs(const std::uint64_t* entry, std::uint64_t count, Pa pa, unsigned shift) const;
  void take_hints(std::uint64_t* entry, std::uint64_t count, std::uint64_t address, unsigned shift);
  std::uint64_t split(std::uint64_t* entry, std::uint64_t block, std::uint64_t address,
                      unsigned shift);
  void look_at_run(std::uint64_t* first, std::uint64_t run, std::uint64_t begin, std::uint64_t end,
                   DirtyBits bits, DirtyRun& seen);
  void replace_table(std::uint64_t* entry, std::uint64_t address, unsigned shift,
                     std::uint64_t found);
  void free_below(Pa table, unsigned shift);
  bool trim_below(std::uint64_t* entries, std::uint64_t count, std::uint64_t address,
                  unsigned shift);

  const PgtableConfig config_;
  PgtableInvalidation& invalidation_;
  TableMemory memory_;
  const LeafAttributes attributes_;
  const unsigned root_shift_;
  const unsigned root_log2_;
  const std::uint64_t first_;    // IOVA of the tables' address 0
  const std::uint64_t last_;     // address, as the tables see it
  const std::uint64_t last_pa_;  // that an output may have
  // The bits of a table's descriptor that are no address are the same for all of them, so an
  // addition takes it to the host's address.  Not if the address has bits that are elsewhere (64K).
  const std::uintptr_t table_to_host_;
  const bool locks_;
  const bool plain_;  // neither a lock nor caches have to be thought of
  std::uint64_t* root_ = nullptr;
  mutable std::recursive_mutex mutex_;
  // Calls that wait for the SMMU with a leaf in pieces: what a fault handler asks for meanwhile
  // takes no table away, since it may be theirs.
  unsigned in_pieces_ = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_PGTABLE_LONG_DESCRIPTOR_H_
