// Tables of VMSAv8-32 with short descriptors (DDI 0487, G5.4).
#ifndef SMMU_LIB_PGTABLE_SHORT_DESCRIPTOR_H_
#define SMMU_LIB_PGTABLE_SHORT_DESCRIPTOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>

#include "lib/pgtable/table_memory.h"
#include "smmu/iommu/io_pgtable.h"

namespace smmu::iommu {

// The tables have no fields for addresses of more than 32 bits: neither for what is mapped, nor for
// tables.  input_bits say what map() takes; the first table
// has its 4096 entries always (TTBCR.N 0).
class ShortDescriptor final : public IoPgtable {
 public:
  // As IoPgtable::config_for().
  static Result<PgtableConfig, std::errc> config_for(const PgtableConfig& config);
  // REQUIRES: config_for() has made the configuration, and the pool ends below 4 GiB.
  static Result<std::unique_ptr<IoPgtable>, std::errc> create(const PgtableConfig& config,
                                                              PagePool& pool,
                                                              PgtableInvalidation& invalidation,
                                                              CacheMaintenance* caches);
  ~ShortDescriptor() override;

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
  struct Size;

  ShortDescriptor(const PgtableConfig& config, PagePool& pool, PgtableInvalidation& invalidation,
                  CacheMaintenance* caches);

  const Size* size_of(std::uint64_t page_size) const;
  bool in_range(Iova iova) const { return iova.value >> config_.input_bits == 0; }
  // The entries of a level that are one page or block, the first of which may map the address.
  std::uint32_t* first_of(std::uint32_t* table, Iova iova, const Size& size) const;
  // How many pages or blocks fit into the table from this one on.
  std::uint64_t room(Iova iova, const Size& size) const;
  std::uint32_t* table_of(std::uint32_t descriptor) const;

  std::uint32_t install(std::uint32_t* entry, std::errc& error);
  Mapped write(std::uint32_t* entry, Iova iova, Pa pa, const Size& size, std::uint64_t count,
               Prot prot);
  bool maps_anything(std::uint32_t table) const;
  std::uint64_t entries_in_use(std::uint32_t table) const;
  void clear_some(std::uint32_t table, std::uint64_t count, Iova iova);
  void remove_table(std::uint32_t* entry, Iova iova, std::uint32_t found);

  const PgtableConfig config_;
  PgtableInvalidation& invalidation_;
  TableMemory memory_;
  std::uint32_t* root_ = nullptr;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_PGTABLE_SHORT_DESCRIPTOR_H_
