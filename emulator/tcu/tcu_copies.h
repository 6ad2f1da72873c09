// What a TCU keeps for walks in full: leaves of stage 2, and tables.
#ifndef SMMU_EMULATOR_TCU_TCU_COPIES_H_
#define SMMU_EMULATOR_TCU_TCU_COPIES_H_

#include <cstdint>
#include <mutex>

#include "emulator/tcu/tcu.h"

namespace smmu::emulator {

// What walks find in the TCU's caches, and leave there.
class Tcu::Copies final : public WalkCopies {
 public:
  Copies(Tcu& tcu, const StreamContext& stream, Stamp stamp, Generation generation)
      : tcu_(tcu), stream_(stream), stamp_(stamp), generation_(generation) {}

  bool find_stage2(Ipa ipa, Stage2Leaf& leaf) override {
    if (!stream_.stage2_spaces.cached()) return false;
    const std::lock_guard lock(tcu_.mutex_);
    const Stage2Entry* entry = tcu_.stage2_.find(stream_.stage2_spaces, ipa.value);
    if (entry == nullptr) return false;
    leaf = *entry;
    return true;
  }
  void keep_stage2(Ipa ipa, const Stage2Leaf& leaf) override {
    if (!stream_.stage2_spaces.cached()) return;
    Stage2Entry entry{leaf};
    entry.stamp = stamp_;
    const std::lock_guard lock(tcu_.mutex_);
    if (tcu_.unchanged_since(generation_)) {
      tcu_.stage2_.insert(*stream_.stage2_spaces.asid, ipa.value, entry, [](auto&&...) {});
    }
  }
  bool find_table(std::uint64_t address, StartingTable& start) override {
    if (!stream_.table_spaces.cached()) return false;
    const std::lock_guard lock(tcu_.mutex_);
    const TableEntry* entry = tcu_.tables_.find(stream_.table_spaces, address);
    if (entry == nullptr || entry->root != tables_of(address).root) return false;
    start = *entry;
    return true;
  }
  void keep_table(std::uint64_t address, const StartingTable& table) override {
    if (!stream_.table_spaces.cached()) return;
    const Tables& tables = tables_of(address);
    TableEntry entry{table};
    entry.root = tables.root;
    entry.stamp = stamp_;
    entry.granule = tables.granule;
    entry.size_bits = static_cast<std::uint8_t>(leaf_bits(tables.granule, table.level) +
                                                stride_bits(tables.granule));
    const std::lock_guard lock(tcu_.mutex_);
    if (tcu_.unchanged_since(generation_)) {
      tcu_.tables_.insert(*stream_.table_spaces.asid, address, entry, [](auto&&...) {});
    }
  }

 private:
  const Tables& tables_of(std::uint64_t address) const {
    const Regime& regime = stream_.context.regime;
    return regime.stage1.half[Walker::half_of(regime, address)].tables;
  }

  Tcu& tcu_;
  const StreamContext& stream_;
  const Stamp stamp_;
  const Generation generation_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TCU_TCU_COPIES_H_
