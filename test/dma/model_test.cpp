// Requests by chance against a list of what must be mapped.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "test/dma/dma_system.h"

namespace smmu::iommu::model_test {
namespace {

class Model {
 public:
  Model(DmaSystem& dma, std::uint64_t seed) : dma_(dma), random_(seed) {
    limits_ = {{.mask = 0x3f'ffff},
               {.mask = 0xffff'ffff, .longest_segment = 3 * kPage},
               {.preference = AddressPreference::kLow32Bits, .boundary = 4 * kPage}};
    for (const DmaLimits& limits : limits_) devices_.push_back(dma.device(limits));
  }

  void run(int steps) {
    for (int i = 0; i != steps && !::testing::Test::HasFailure(); ++i) step();
    while (!live_.empty()) unmap(live_.begin());
    EXPECT_TRUE(dma_.leaves().empty());
  }

 private:
  struct Mapping {
    std::size_t device;
    std::vector<ScatterEntry> pieces;
    std::vector<DmaSegment> segments;
    bool is_list;
  };
  // By the first page, up to the page after the last.
  using Live = std::map<std::uint64_t, std::pair<std::uint64_t, Mapping>>;

  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  void step() {
    const std::uint64_t what = below(100);
    if (what < 55) {
      map();
    } else if (what < 96 && !live_.empty()) {
      auto any = live_.lower_bound(below(UINT64_MAX >> 16) / kPage);
      unmap(any == live_.end() ? live_.begin() : any);
    } else if (what < 98) {
      dma_.space->flush();
    } else {
      fake(*dma_.domain).leaves().fail_map(below(2), std::errc::not_enough_memory);
    }
  }

  void map() {
    Mapping mapping;
    mapping.device = below(devices_.size());
    mapping.is_list = below(2) == 0;
    mapping.pieces.resize(mapping.is_list ? 1 + below(5) : 1);
    for (ScatterEntry& piece : mapping.pieces) {
      piece = {Pa(0x1'0000'0000 + below(1 << 20)), 1 + below(3 * kPage - kPage)};
    }
    mapping.segments.resize(mapping.pieces.size());
    DeviceDma& device = devices_[mapping.device];
    if (mapping.is_list) {
      const auto count =
          device.map_sg(mapping.pieces, DmaDirection::kBidirectional, mapping.segments);
      if (!count) return expect_refusal(count.error());
      mapping.segments.resize(*count);
    } else {
      const ScatterEntry& piece = mapping.pieces[0];
      const auto iova = device.map_single(piece.pa, piece.size, DmaDirection::kBidirectional);
      if (!iova) return expect_refusal(iova.error());
      mapping.segments[0] = {*iova, piece.size};
    }
    const std::uint64_t first = mapping.segments.front().iova.value / kPage;
    const DmaSegment& last = mapping.segments.back();
    const std::uint64_t end = (last.iova.value + last.size - 1) / kPage + 1;
    EXPECT_LE(end * kPage - 1, limits_[mapping.device].mask);
    const auto next = live_.lower_bound(first);
    EXPECT_TRUE(next == live_.end() || end <= next->first);
    EXPECT_TRUE(next == live_.begin() || std::prev(next)->second.first <= first);
    live_.emplace(first, std::pair(end, std::move(mapping)));
  }

  // Only where a test has asked for it, or the narrow device's addresses have run out.
  void expect_refusal(std::errc error) { EXPECT_EQ(error, std::errc::not_enough_memory); }

  void unmap(Live::iterator at) {
    const Mapping& mapping = at->second.second;
    std::size_t segment = 0;
    std::uint64_t used = 0;
    for (const ScatterEntry& piece : mapping.pieces) {
      const DmaSegment& in = mapping.segments[segment];
      EXPECT_TRUE(dma_.finds(Iova(in.iova.value + used), piece.pa, piece.size));
      used += piece.size;
      if (used < in.size) continue;
      EXPECT_EQ(used, in.size);
      ++segment;
      used = 0;
    }
    // Any device may do it, if it is no list.
    DeviceDma& device = devices_[mapping.is_list ? mapping.device : below(devices_.size())];
    const DmaSegment& first = mapping.segments[0];
    EXPECT_TRUE(mapping.is_list ? device.unmap_sg(mapping.segments)
                                : device.unmap_single(first.iova, first.size));
    for (const DmaSegment& gone : mapping.segments) {
      EXPECT_EQ(dma_.domain->iova_to_phys(gone.iova), std::nullopt);
    }
    live_.erase(at);
  }

  DmaSystem& dma_;
  std::mt19937_64 random_;
  std::vector<DmaLimits> limits_;
  std::vector<DeviceDma> devices_;
  Live live_;
};

TEST(Model, BuffersByChanceDoNotMeetAndAreFound) {
  for (const DomainType type : {DomainType::kDma, DomainType::kDmaLazy}) {
    for (const UnmapCheck check : {UnmapCheck::kNo, UnmapCheck::kYes}) {
      for (const IovaOrder order : {IovaOrder::kHighestGap, IovaOrder::kLinuxExact}) {
        StandingClock clock;
        DmaConfig config;
        config.iova.order = order;
        config.unmap_check = check;
        config.flush_queue = {.entries = 16, .rings = 2};
        config.clock = &clock;
        DmaSystem dma(config, type);
        Model(dma, 11).run(2000);
      }
    }
  }
}

}  // namespace
}  // namespace smmu::iommu::model_test
