// Many threads in one space.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <random>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "test/dma/dma_system.h"

namespace smmu::iommu::threads_test {
namespace {

constexpr auto kBoth = DmaDirection::kBidirectional;

// The tables refuse what is mapped already, so that buffers that met would be seen.
void expect_threads_apart(DmaSystem& dma, std::uint64_t mask) {
  std::atomic<unsigned> wrong{0};
  std::atomic<unsigned> left{4};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t != 4; ++t) {
    threads.emplace_back([&, t] {
      DeviceDma device = dma.device({.mask = mask});
      auto queue = device.add_queue();
      std::mt19937 random(t);
      std::vector<std::pair<DmaSegment, Pa>> live;
      for (unsigned i = 0; i != 1500; ++i) {
        if (live.size() < 20 && random() % 2 == 0) {
          const Pa pa(0x1'0000'0000 + std::uint64_t{t} * 0x1000'0000 + random() % 0x10'0000);
          const std::uint64_t size = 1 + random() % (2 * kPage);
          const auto iova = random() % 2 == 0 ? queue->map_single(pa, size, kBoth)
                                              : device.map_single(pa, size, kBoth);
          if (iova) {
            live.push_back({{*iova, size}, pa});
          } else if (iova.error() != std::errc::not_enough_memory) {
            ++wrong;
          }
        } else if (!live.empty()) {
          const auto [segment, pa] = live.back();
          live.pop_back();
          if (dma.domain->iova_to_phys(segment.iova) != pa) ++wrong;
          const auto done = random() % 2 == 0 ? queue->unmap_single(segment.iova, segment.size)
                                              : device.unmap_single(segment.iova, segment.size);
          if (!done) ++wrong;
        }
      }
      for (const auto& one : live) {
        if (!device.unmap_single(one.first.iova, one.first.size)) ++wrong;
      }
      --left;
    });
  }
  while (left != 0) {
    dma.space->tick();
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_TRUE(dma.leaves().empty());
}

TEST(Threads, TheirBuffersDoNotMeet) {
  for (const DomainType type : {DomainType::kDma, DomainType::kDmaLazy}) {
    for (const std::uint64_t mask : {UINT64_MAX, std::uint64_t{0x7'ffff}}) {
      DmaConfig config;
      config.flush_queue = {.entries = 8, .rings = 3, .patience = std::chrono::microseconds(50)};
      DmaSystem dma(config, type);
      expect_threads_apart(dma, mask);
      if (type == DomainType::kDmaLazy) {
        dma.space->flush();
        EXPECT_EQ(dma.space->flush_statistics().waiting, 0u);
        EXPECT_EQ(dma.space->flush_statistics().refused, 0u);
      }
    }
  }
}

// Only between an unmap and the next map nothing is there, so the other thread comes at any moment.
TEST(Threads, WhatOneMapsAnotherDoesNotReserve) {
  for (const IovaOrder order : {IovaOrder::kHighestGap, IovaOrder::kLinuxExact}) {
    DmaConfig config;
    config.iova.order = order;
    DmaSystem dma(config);
    const std::array<ReservedRegion, 2> regions = {{{Iova(0x1000), kPage}, {Iova(0x8000), kPage}}};
    std::atomic<bool> reserved{false};
    std::atomic<unsigned> wrong{0};
    std::thread mapper([&] {
      DeviceDma device = dma.device({.mask = 0xffff});
      for (unsigned rounds = 0; rounds != 20;) {
        const bool was_reserved = reserved;
        if (was_reserved) ++rounds;
        const std::vector<Iova> mapped = map_all(device);
        for (const Iova iova : mapped) {
          const bool is_inside = iova == regions[0].start || iova == regions[1].start;
          if (was_reserved && is_inside) ++wrong;
        }
        for (const Iova iova : mapped) {
          if (!device.unmap_single(iova, 1)) ++wrong;
        }
        std::this_thread::yield();
      }
    });
    while (!reserved) {
      const auto done = dma.space->reserve(regions);
      if (!done && done.error() != std::errc::address_in_use) ++wrong;
      reserved = done.has_value();
    }
    mapper.join();
    EXPECT_EQ(wrong, 0u);
  }
}

TEST(Threads, OfTwoThatMakeASpaceOfOneDomainOneIsRefused) {
  FakeSystem system;
  const auto domain = system.domain(DomainType::kDma);
  for (unsigned round = 0; round != 300; ++round) {
    std::atomic<unsigned> ready{0};
    std::array<std::unique_ptr<DmaSpace>, 2> spaces;
    std::array<std::errc, 2> errors{};
    const auto make = [&](unsigned n) {
      for (++ready; ready != 2;) std::this_thread::yield();
      auto made = DmaSpace::create(*domain, {});
      if (made) {
        spaces[n] = *std::move(made);
      } else {
        errors[n] = made.error();
      }
    };
    std::thread other(make, 1);
    make(0);
    other.join();
    const unsigned winner = spaces[0] != nullptr ? 0 : 1;
    ASSERT_NE(spaces[winner], nullptr);
    ASSERT_EQ(spaces[1 - winner], nullptr) << "two give out the addresses of one domain";
    ASSERT_EQ(errors[1 - winner], std::errc::file_exists);
    ASSERT_EQ(domain->doorbell_space(), spaces[winner].get());
    spaces[winner].reset();
    ASSERT_EQ(domain->doorbell_space(), nullptr);
  }
}

}  // namespace
}  // namespace smmu::iommu::threads_test
