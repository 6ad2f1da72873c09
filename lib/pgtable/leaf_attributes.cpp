#include "lib/pgtable/leaf_attributes.h"

#include <cstddef>

#include "smmu/arch/memory_attributes.h"
#include "smmu/arch/vmsa/aarch64.h"

namespace smmu::iommu {
namespace {

using vmsa::Leaf_Stage1;
using vmsa::Leaf_Stage2;

// Indices into kMair.
constexpr std::uint32_t kNonCacheable = 0;
constexpr std::uint32_t kWriteBack = 1;
constexpr std::uint32_t kDevice = 2;

// AP[2:1] (DDI 0487, D8.4.1)
constexpr std::uint32_t kUnprivileged = 0b01;
constexpr std::uint32_t kReadOnly = 0b10;

// MemAttr (DDI 0487, D8.6.5), and what it is with FWB (D8.6.6).
constexpr std::uint32_t kStage2Device = 0b0001;  // nGnRE, with FWB too
constexpr std::uint32_t kStage2NonCacheable = 0b0101;
constexpr std::uint32_t kStage2WriteBack = 0b1111;
constexpr std::uint32_t kStage2ForcedWriteBack = 0b0110;

// S2AP
constexpr std::uint32_t kStage2Read = 0b01;
constexpr std::uint32_t kStage2Write = 0b10;

// What is not cached is shared with everybody; the rest as far as caches go.
Shareability shareability(Prot prot) {
  return has(prot, Prot::kCache) ? Shareability::kInner : Shareability::kOuter;
}

std::uint64_t stage1(Prot prot, const PgtableQuirks& quirks) {
  Leaf_Stage1 leaf;
  std::uint32_t access = has(prot, Prot::kPriv) ? 0 : kUnprivileged;
  if (!has(prot, Prot::kWrite)) {
    access |= kReadOnly;
  } else if (quirks.dirty) {
    leaf.set(Leaf_Stage1::DBM, true);
  }
  std::uint32_t index = kNonCacheable;
  if (has(prot, Prot::kMmio)) {
    index = kDevice;
  } else if (has(prot, Prot::kCache)) {
    index = kWriteBack;
  }
  leaf.set(Leaf_Stage1::AP, access)
      .set(Leaf_Stage1::AttrIndx, index)
      .set(Leaf_Stage1::SH, shareability(prot))
      .set(Leaf_Stage1::NS, quirks.non_secure)
      .set(Leaf_Stage1::AF, true)
      .set(Leaf_Stage1::nG, true)
      .set(Leaf_Stage1::PXN, has(prot, Prot::kNoExec))
      .set(Leaf_Stage1::UXN, has(prot, Prot::kNoExec));
  return leaf.word(0);
}

std::uint64_t stage2(Prot prot, const PgtableQuirks& quirks) {
  std::uint32_t type = kStage2NonCacheable;
  if (has(prot, Prot::kMmio)) {
    type = kStage2Device;
  } else if (has(prot, Prot::kCache)) {
    type = quirks.s2fwb ? kStage2ForcedWriteBack : kStage2WriteBack;
  }
  const std::uint32_t access =
      (has(prot, Prot::kRead) ? kStage2Read : 0) | (has(prot, Prot::kWrite) ? kStage2Write : 0);
  // Without XNX only XN[1] counts.
  const std::uint32_t no_execution = quirks.xnx ? 0b10 : 0b11;
  return Leaf_Stage2()
      .set(Leaf_Stage2::S2AP, access)
      .set(Leaf_Stage2::MemAttr, type)
      .set(Leaf_Stage2::SH, shareability(prot))
      .set(Leaf_Stage2::AF, true)
      .set(Leaf_Stage2::XN, has(prot, Prot::kNoExec) ? no_execution : 0b00)
      .word(0);
}

template <class Stage>
LeafAttributes each(Stage stage, const PgtableQuirks& quirks) {
  LeafAttributes attributes{};
  for (std::size_t i = 0; i != attributes.size(); ++i) {
    const auto prot = static_cast<Prot>(i);
    if (can_be_mapped(prot)) attributes[i] = stage(prot, quirks);  // never 0: AF is 1
  }
  return attributes;
}

}  // namespace

LeafAttributes stage1_attributes(const PgtableQuirks& quirks) { return each(stage1, quirks); }
LeafAttributes stage2_attributes(const PgtableQuirks& quirks) { return each(stage2, quirks); }

}  // namespace smmu::iommu
