#include "smmu/testing/board_v2.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <utility>
#include <vector>

namespace smmu::testing {

using v2::SMMU_IDR1;
using v2::SMMU_PMCFGR;

namespace {

std::size_t groups_of(SMMU_PMCFGR pmcfgr) {
  return pmcfgr.raw() == 0 ? 0 : std::size_t{pmcfgr[SMMU_PMCFGR::NCG]} + 1;
}

std::vector<LevelLine*> pointers_to(std::deque<RecordingLevelLine>& lines) {
  std::vector<LevelLine*> pointers;
  for (RecordingLevelLine& line : lines) pointers.push_back(&line);
  return pointers;
}

}  // namespace

void RecordingLevelLine::set(bool up) {
  EXPECT_NE(up, up_) << "the line is told what it knows";
  up_ = up;
  if (up) ++rises_;
}

BoardV2::BoardV2(const Options& options)
    : config_(options.config),
      context_faults_(options.config.idr1[SMMU_IDR1::NUMCB]),
      counter_groups_(groups_of(options.config.pmcfgr)),
      next_free_(options.ram_base.value),
      end_of_ram_(options.ram_base.value + options.ram_size) {
  if (!ram_.add(options.ram_base, options.ram_size)) {
    std::cerr << "the board's RAM does not fit\n";
    std::abort();
  }
  wires_ = {.memory = options.smmu_memory != nullptr ? options.smmu_memory : &ram_,
            .secure_memory = options.secure_memory,
            .global_fault = &global_fault,
            .configuration_fault = &configuration_fault,
            .secure_global_fault = &secure_global_fault,
            .secure_configuration_fault = &secure_configuration_fault,
            .context_faults = pointers_to(context_faults_),
            .counter_groups = pointers_to(counter_groups_),
            .combined = &combined,
            .observer = options.observer};
  replace_smmu();
}

void BoardV2::replace_smmu() {
  auto made = emulator::SmmuV2::create(config_, wires_);
  if (!made) {
    std::cerr << made.error() << '\n';
    std::abort();
  }
  smmu_ = *std::move(made);
}

Pa BoardV2::allocate(std::uint64_t bytes, std::uint64_t alignment) {
  const std::uint64_t begin = (next_free_ + alignment - 1) / alignment * alignment;
  next_free_ = begin + bytes;
  EXPECT_LE(next_free_, end_of_ram_) << "the board's RAM is full";
  return Pa(begin);
}

PageTable BoardV2::page_table(PageTable::Options options) {
  return {
      ram_,
      [this](std::uint64_t bytes, std::uint64_t alignment) { return allocate(bytes, alignment); },
      options};
}

}  // namespace smmu::testing
