// Commands that make the SMMU forget translations (IHI 0070, 4.4).
#ifndef SMMU_LIB_SMMU_V3_TLB_INVALIDATION_H_
#define SMMU_LIB_SMMU_V3_TLB_INVALIDATION_H_

#include <cstdint>

#include "lib/smmu_v3/command_batch.h"
#include "lib/smmu_v3/features.h"
#include "smmu/types.h"

namespace smmu::iommu {

// Whose TLB entries are meant.
struct TlbTag {
  enum class Regime : std::uint8_t { kEl1, kEl2, kStage2 };
  Regime regime = Regime::kEl1;
  Asid asid = Asid(0);
  Vmid vmid = Vmid(0);  // of kStage2
};

class TlbInvalidation {
 public:
  // Whether pages and blocks alone were unmapped, or tables too.
  enum class Entries : std::uint8_t { kLeaves, kAll };

  // `granule`: the size of a page of the tables.
  TlbInvalidation(const FeaturesV3& features, std::uint64_t granule);

  // [first, first + size), in pages or blocks of `leaf` bytes: by address, or, where that takes too
  // many commands, everything of the tag.
  void range(CommandBatch& batch, const TlbTag& tag, std::uint64_t first, std::uint64_t size,
             std::uint64_t leaf, Entries entries) const;
  // The same for one page or block, as a command.
  CommandWords one(const TlbTag& tag, std::uint64_t address, std::uint64_t leaf,
                   Entries entries) const;
  // The same command for another page.
  static CommandWords at(const TlbTag& tag, const CommandWords& command, std::uint64_t address);
  static void everything(CommandBatch& batch, const TlbTag& tag);

 private:
  struct Range;
  template <class C>
  C addressed(const Range& range) const;
  CommandWords command(const TlbTag& tag, const Range& range) const;
  unsigned level_of(std::uint64_t leaf) const;

  const bool ranges_;
  const unsigned scales_;  // that SCALE can hold
  const unsigned log2_granule_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_TLB_INVALIDATION_H_
