// What a DMA space is asked for, recorded, and asked again of its allocator.
#include "bench/study/trace/recorder.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "bench/study/trace/reader.h"
#include "bench/study/trace/replay.h"
#include "bench/study/trace/text_format.h"
#include "smmu/iommu/dma.h"
#include "smmu/iommu/dma_space.h"
#include "test/iommu/fake_driver.h"
#include "test/study_trace/check_trace.h"
#include "test/study_trace/temporary_folder.h"

namespace smmu::study::recorder_test {
namespace {

using iommu::DeviceDma;
using iommu::DmaConfig;
using iommu::DmaLimits;
using iommu::DmaSpace;
using iommu::DomainType;
using iommu::IovaConfig;
using iommu::IovaDomain;
using iommu::IovaOrder;

constexpr auto kBoth = iommu::DmaDirection::kBidirectional;
constexpr std::uint64_t kPage = 4096;

// What a space has its addresses from.
class SpaceAllocator final : public AnyAllocator {
 public:
  SpaceAllocator(Pfn start, const IovaConfig& config)
      : domain_(std::move(*IovaDomain::create(kPage, start, config))) {}
  std::optional<Pfn> allocate(const Request& request) override {
    EXPECT_EQ(request.alignment, Alignment::kNatural);
    const auto first = domain_->allocate_fast(request.pages, request.limit);
    if (!first) return std::nullopt;
    return *first;
  }
  void free(Pfn first, std::uint64_t pages) override {
    EXPECT_EQ(domain_->free_fast(first, pages), std::nullopt);
  }
  std::uint64_t visits() const override { return 0; }
  std::uint64_t bytes() const override { return 0; }

 private:
  std::unique_ptr<IovaDomain> domain_;
};

NamedAllocator allocator(const IovaConfig& config) {
  return {"space", "the allocator of a space",
          [config](Pfn start) { return std::make_unique<SpaceAllocator>(start, config); }};
}

// Buffers, lists and doorbells by chance, for a device that runs out of addresses.
void use(DmaSpace& space, const DmaLimits& limits, unsigned seed) {
  std::mt19937_64 random(seed);
  DeviceDma device(space, limits);
  const auto bell = space.bind_doorbell(Pa(0x800'0040), 4, iommu::Prot::kWrite);
  ASSERT_TRUE(bell);
  std::vector<std::vector<iommu::DmaSegment>> live;
  for (int i = 0; i != 3000; ++i) {
    if (random() % 20 < 12) {
      std::array<iommu::ScatterEntry, 3> pieces;
      for (auto& piece : pieces) piece = {Pa(0x1'0000'0000 + random() % 8192), 1 + random() % 9000};
      std::vector<iommu::DmaSegment> segments(pieces.size());
      const auto count = device.map_sg(pieces, kBoth, segments);
      if (!count) continue;
      segments.resize(*count);
      live.push_back(std::move(segments));
    } else if (!live.empty()) {
      std::swap(live[random() % live.size()], live.back());
      ASSERT_TRUE(device.unmap_sg(live.back()));
      live.pop_back();
    }
  }
  space.unbind_doorbell(*bell);
  for (const auto& segments : live) ASSERT_TRUE(device.unmap_sg(segments));
}

// The trace of such a run, written and read again.
Trace recorded(DmaConfig config, DomainType type, const DmaLimits& limits) {
  iommu::FakeSystem system;
  const auto domain = system.domain(type);
  Recorder recorder(kPage, 1, "nic");
  config.recorder = &recorder;
  {
    auto space = DmaSpace::create(*domain, {}, config);
    EXPECT_TRUE(space);
    use(**space, limits, 5);
  }
  const TemporaryFolder folder;
  return read_trace(folder.write("nic.trace", write_text(recorder.take())));
}

ReplayOutcome expect_same_answers(const DmaConfig& config, const DmaLimits& limits) {
  const Trace trace = recorded(config, DomainType::kDma, limits);
  EXPECT_EQ(wrong_with(trace), "");
  EXPECT_EQ(overlap_in(trace), "");
  const ReplayOutcome outcome = replay(trace, allocator(config.iova));
  EXPECT_GT(outcome.requests, 1000u);
  EXPECT_EQ(outcome.frees + outcome.refused, outcome.requests);
  EXPECT_EQ(outcome.recorded, outcome.requests);
  EXPECT_EQ(outcome.different, 0u);
  return outcome;
}

TEST(Recorder, TheSameAllocatorAnswersAsRecorded) {
  for (const IovaOrder order : {IovaOrder::kHighestGap, IovaOrder::kLinuxExact}) {
    DmaConfig config;
    config.iova.order = order;
    config.iova.cache.sizes = 0;
    // Below 1 MiB, where there is too little; and, where that is found out, above 4 GiB.
    EXPECT_GT(expect_same_answers(config, {.mask = 0xf'ffff}).refused, 100u);
    EXPECT_EQ(expect_same_answers(config, {}).refused, 0u);
  }
}

TEST(Recorder, RequestsThatFindNothingBelow4GiBAreToldTwice) {
  DmaConfig config;
  config.iova.cache.sizes = 0;
  iommu::FakeSystem system;
  const auto domain = system.domain(DomainType::kDma);
  Recorder recorder(kPage, 1);
  config.recorder = &recorder;
  const std::array<iommu::ReservedRegion, 1> low = {{{Iova(0), std::uint64_t{1} << 32}}};
  auto space = DmaSpace::create(*domain, low, config);
  ASSERT_TRUE(space);
  DeviceDma device(**space, {.preference = iommu::AddressPreference::kLow32Bits});
  const auto iova = device.map_single(Pa(0x1234), 5 * kPage, kBoth);
  ASSERT_TRUE(iova);
  ASSERT_TRUE(device.unmap_single(*iova, 5 * kPage));
  const Trace trace = recorder.take();
  const std::string at = fmt::format("{:#x}", iova->value / kPage);
  EXPECT_EQ(write_text(trace),
            "iova-trace 1 recorded\n"
            "note requests of buffers and doorbells of a DMA space, sizes as asked for\n"
            "domain granule=4096 start=0x1\n"
            "alloc 6 0xfffff natural -> refused\n"
            "alloc 6 0xfffffffff natural -> 0 at " +
                at + "\nfree 0\n");
}

TEST(Recorder, WithMagazinesToo) { expect_same_answers({}, {.mask = 0xf'ffff}); }

TEST(Recorder, WhatWaitsForAFlushIsFree) {
  DmaConfig config;
  config.flush_queue = {.entries = 16, .rings = 1};
  const Trace trace = recorded(config, DomainType::kDmaLazy, {});
  EXPECT_EQ(wrong_with(trace), "");
  EXPECT_EQ(overlap_in(trace), "");
  const ReplayOutcome outcome = replay(trace, allocator(config.iova));
  EXPECT_EQ(outcome.frees, outcome.requests);
}

TEST(Recorder, ThreadsAreNumberedAsTheyCome) {
  Recorder recorder(kPage, 1);
  recorder.on_allocate(1, 0xff, 7);
  std::thread([&] { recorder.on_free(7); }).join();
  recorder.on_allocate(2, 0xff, std::nullopt);
  const Trace trace = recorder.take();
  ASSERT_EQ(trace.domains[0].operations.size(), 3u);
  EXPECT_EQ(trace.domains[0].operations[0].thread, 0u);
  EXPECT_EQ(trace.domains[0].operations[1].thread, 1u);
  EXPECT_EQ(trace.domains[0].operations[2].thread, 0u);
}

TEST(Recorder, FreesOfWhatWasNotSeenAreLeftOutAndCounted) {
  Recorder recorder(kPage, 1);
  recorder.on_free(9);
  recorder.on_allocate(1, 0xff, 9);
  const Trace trace = recorder.take();
  ASSERT_EQ(trace.domains[0].operations.size(), 1u);
  ASSERT_EQ(trace.notes.size(), 2u);
  EXPECT_EQ(trace.notes[1], "1 more requests and frees were left out");
  // It begins anew: what was live is not known any more.
  recorder.on_free(9);
  EXPECT_TRUE(recorder.take().domains[0].operations.empty());
}

}  // namespace
}  // namespace smmu::study::recorder_test
