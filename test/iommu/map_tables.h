// Tables that are a std::map, for tests of those who use tables.
#ifndef SMMU_TEST_IOMMU_MAP_TABLES_H_
#define SMMU_TEST_IOMMU_MAP_TABLES_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "smmu/iommu/io_pgtable.h"

namespace smmu::iommu {

class MapTables final : public IoPgtable {
 public:
  struct Leaf {
    Pa pa;
    std::uint64_t size = 0;
    Prot prot = Prot::kNone;

    friend bool operator==(const Leaf&, const Leaf&) = default;
  };
  using Leaves = std::map<std::uint64_t, Leaf>;

  // `invalidation`: null if nobody wants to know.
  explicit MapTables(std::uint64_t page_sizes, PgtableInvalidation* invalidation = nullptr,
                     unsigned input_bits = 48)
      : invalidation_(invalidation) {
    config_.page_sizes = page_sizes;
    config_.input_bits = input_bits;
    config_.output_bits = 64;  // they map to any address
  }

  Mapped map(Iova iova, Pa pa, std::uint64_t page_size, std::uint64_t count, Prot prot) override;
  Unmapped unmap(Iova iova, std::uint64_t page_size, std::uint64_t count) override;
  std::optional<Pa> iova_to_phys(Iova iova) const override;
  Result<Done, std::errc> read_and_clear_dirty(Iova iova, std::uint64_t size, DirtyBits bits,
                                               DirtySink& sink) override;
  PgtableRegisters registers() const override { return {}; }
  const PgtableConfig& config() const override { return config_; }
  std::uint64_t live_tables() const override { return 0; }
  void trim() override {}

  Leaves leaves() const;
  // A device writes there.
  void write(Iova iova);
  // After so many calls of map() one fails, after half of its pages.
  void fail_map(std::uint64_t calls, std::errc error);
  // Calls of map() so far.
  std::uint64_t maps() const;

 private:
  Unmapped remove(Iova iova, std::uint64_t page_size, std::uint64_t count,
                  std::vector<std::pair<std::uint64_t, std::uint64_t>>& smaller);
  // The leaf that an address is in.
  Leaves::const_iterator find(std::uint64_t iova) const;

  PgtableInvalidation* const invalidation_;
  mutable std::mutex mutex_;
  PgtableConfig config_;
  Leaves leaves_;
  std::set<std::uint64_t> dirty_;
  std::uint64_t maps_ = 0;
  std::uint64_t failing_ = UINT64_MAX;
  std::errc error_{};
};

}  // namespace smmu::iommu

#endif  // SMMU_TEST_IOMMU_MAP_TABLES_H_
