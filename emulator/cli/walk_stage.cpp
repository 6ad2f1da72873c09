#include "emulator/cli/walk_stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "emulator/cli/input.h"
#include "emulator/cli/session.h"
#include "smmu/arch/v3/registers.h"

namespace smmu::cli {

namespace {

using Cfg = v3::SMMU_STRTAB_BASE_CFG;

constexpr unsigned kSplit = 8;
constexpr std::uint64_t kArrayBytes = v3::STE::kSize << kSplit;
// An array of 2^kSplit STEs (5.1).
constexpr std::uint32_t kSpan = kSplit + 1;
constexpr std::uint32_t kQueueLog2Size = 7;
// The alignment of the whole is that of the largest first level, for 32-bit StreamIDs.
constexpr std::uint64_t kAlignment = v3::L1STD::kSize << (32 - kSplit);

std::uint64_t align_up(std::uint64_t address) {
  return (address + kAlignment - 1) & ~(kAlignment - 1);
}

// The first aligned address with `bytes` free between the extents of `used`.
std::uint64_t find_room(const MemoryMap& used, std::uint64_t bytes, const std::string& source) {
  // Every SMMU has as many address bits (6.3.6, OAS).
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 32;
  std::uint64_t candidate = 0;
  for (const Extent& extent : used.extents()) {
    if (candidate + bytes <= extent.base) break;
    candidate = align_up(std::max(candidate, extent.base + extent.bytes));
  }
  if (candidate + bytes <= kEnd) return candidate;
  throw BadInput(
      fmt::format("{}: expected {} MiB of addresses without a descriptor.", source, bytes >> 20));
}

}  // namespace

WalkStage::WalkStage(const Capture& capture, const emulator::Caching& caching) {
  const std::string source = (capture.folder / "walks.tsv").string();
  const auto idr0 = capture.registers.get<v3::SMMU_IDR0>();
  const auto idr1 = capture.registers.get<v3::SMMU_IDR1>();
  // 6.3.2: 32 is the most, and beyond 6 the Stream table may have two levels.
  log2size_ = std::min<unsigned>(idr1[v3::SMMU_IDR1::SIDSIZE], 32);
  two_level_ = idr0[v3::SMMU_IDR0::ST_LEVEL] != 0 && log2size_ > kSplit;
  if (!two_level_) log2size_ = std::min(log2size_, kSplit);

  MemoryMap map;
  std::set<std::uint32_t> used_arrays;
  for (const RecordedWalk& walk : capture.walks) {
    for (const WalkStep& step : walk.steps) map.add(step.address, 8);
    if (std::uint64_t{walk.stream} >> log2size_ == 0) used_arrays.insert(walk.stream >> kSplit);
  }

  // The Stream table, its arrays, a page each for the CD and the two queues.
  const std::uint64_t table_bytes =
      two_level_ ? v3::L1STD::kSize << (log2size_ - kSplit) : v3::STE::kSize << log2size_;
  const std::uint64_t first_array = (table_bytes + kArrayBytes - 1) & ~(kArrayBytes - 1);
  const std::uint64_t pages = first_array + used_arrays.size() * kArrayBytes;
  stream_table_ = find_room(map, pages + 3 * kPageBytes, source);
  cd_ = stream_table_ + pages;
  const std::uint64_t command_queue = cd_ + kPageBytes;
  const std::uint64_t event_queue = command_queue + kPageBytes;

  if (two_level_) {
    std::uint64_t array = stream_table_ + first_array;
    for (const std::uint32_t index : used_arrays) {
      arrays_.emplace(index, array);
      map.add(array, kArrayBytes);
      map.add(stream_table_ + index * v3::L1STD::kSize, v3::L1STD::kSize);
      array += kArrayBytes;
    }
  } else {
    map.add(stream_table_, table_bytes);
  }
  map.add(cd_, 3 * kPageBytes);

  machine_.emplace(Session::configuration_with(capture.registers, caching), map,
                   (capture.folder / "registers.txt").string());
  for (const auto& [index, array] : arrays_) {
    store(stream_table_ + index * v3::L1STD::kSize,
          v3::L1STD().set(v3::L1STD::Span, kSpan).set(v3::L1STD::L2Ptr, array).word(0));
  }

  RegisterValues registers;
  const auto add = [&registers]<class R>(R value) { registers.add(R::kOffset, value.raw()); };
  add(v3::SMMU_CR0()
          .set(v3::SMMU_CR0::SMMUEN, true)
          .set(v3::SMMU_CR0::EVENTQEN, true)
          .set(v3::SMMU_CR0::CMDQEN, true));
  add(capture.registers.get<v3::SMMU_CR1>());
  add(capture.registers.get<v3::SMMU_CR2>());
  add(v3::SMMU_STRTAB_BASE().set(v3::SMMU_STRTAB_BASE::ADDR, stream_table_));
  add(Cfg()
          .set(Cfg::LOG2SIZE, log2size_)
          .set(Cfg::SPLIT, kSplit)
          .set(Cfg::FMT, two_level_ ? Cfg::Format::kTwoLevel : Cfg::Format::kLinear));
  add(v3::SMMU_CMDQ_BASE()
          .set(v3::SMMU_CMDQ_BASE::LOG2SIZE,
               std::min(kQueueLog2Size, std::uint32_t{idr1[v3::SMMU_IDR1::CMDQS]}))
          .set(v3::SMMU_CMDQ_BASE::ADDR, command_queue));
  add(v3::SMMU_EVENTQ_BASE()
          .set(v3::SMMU_EVENTQ_BASE::LOG2SIZE,
               std::min(kQueueLog2Size, std::uint32_t{idr1[v3::SMMU_IDR1::EVENTQS]}))
          .set(v3::SMMU_EVENTQ_BASE::ADDR, event_queue));
  driver_.emplace(*machine_);
  driver_->bring_up(registers);
}

std::optional<std::uint64_t> WalkStage::ste_address(std::uint32_t stream) const {
  if (std::uint64_t{stream} >> log2size_ != 0) return std::nullopt;
  if (!two_level_) return stream_table_ + stream * v3::STE::kSize;
  const auto array = arrays_.find(stream >> kSplit);
  if (array == arrays_.end()) return std::nullopt;
  return array->second + stream % (1U << kSplit) * v3::STE::kSize;
}

void WalkStage::store(std::uint64_t address, std::uint64_t value) {
  // Everything that is stored to was mapped by the constructor.
  (void)machine_->memory().store64(Pa(address), value);
}

void WalkStage::set(const RecordedWalk& walk, const WalkConfiguration& configuration) {
  for (const WalkStep& step : walk.steps) store(step.address, step.descriptor);
  for (std::size_t i = 0; i < 8; ++i) store(cd_ + 8 * i, configuration.cd.word(i));
  const v3::STE ste = v3::STE(configuration.ste).set(v3::STE::S1ContextPtr, cd_);
  for (std::size_t i = 0; i < 8; ++i) store(*ste_address(walk.stream) + 8 * i, ste.word(i));
  driver_->invalidate_all();
  recorder().forget();
}

void WalkStage::clear(const RecordedWalk& walk) {
  for (const WalkStep& step : walk.steps) store(step.address, 0);
  for (std::size_t i = 0; i < 8; ++i) store(*ste_address(walk.stream) + 8 * i, 0);
}

}  // namespace smmu::cli
