// Random maps and unmaps, held against a std::map of leaves.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "smmu/emulator/ram.h"
#include "smmu/iommu/page_pool.h"
#include "test/iommu/fake_driver.h"

namespace smmu::iommu::domain_model_test {
namespace {

constexpr std::uint64_t k4K = 1ull << 12;
constexpr std::uint64_t k16K = 1ull << 14;
constexpr std::uint64_t k64K = 1ull << 16;
constexpr std::uint64_t k1M = 1ull << 20;
constexpr std::uint64_t k2M = 1ull << 21;
constexpr std::uint64_t k16M = 1ull << 24;
constexpr std::uint64_t k32M = 1ull << 25;
constexpr std::uint64_t k512M = 1ull << 29;
constexpr std::uint64_t k1G = 1ull << 30;

enum class Tables { kMap, kReal };

struct Case {
  Tables tables;
  std::uint64_t sizes;
};

class DomainModel : public ::testing::TestWithParam<Case> {
 protected:
  struct Leaf {
    std::uint64_t pa;
    std::uint64_t size;
  };

  DomainModel() {
    constexpr Pa kBase{1ull << 40};
    EXPECT_TRUE(ram_.add(kBase, 16 << 20));
    pool_ = *PagePool::create(ram_, kBase, 16 << 20);
    system_.driver->page_sizes = GetParam().sizes;
    if (is_real()) system_.driver->pool = pool_.get();
    domain_ = system_.domain();
  }

  bool is_real() const { return GetParam().tables == Tables::kReal; }
  std::uint64_t page() const { return std::uint64_t{1} << std::countr_zero(GetParam().sizes); }
  // The size after the smallest: real tables take away as much at once whatever is mapped there.
  std::uint64_t block() const {
    return std::uint64_t{1} << std::countr_zero(GetParam().sizes & (GetParam().sizes - 1));
  }
  std::uint64_t random(std::uint64_t below) { return random_() % below; }

  // The leaf that an address is in.
  std::optional<std::pair<std::uint64_t, Leaf>> find(std::uint64_t iova) const {
    auto at = model_.upper_bound(iova);
    if (at == model_.begin()) return std::nullopt;
    --at;
    if (iova - at->first >= at->second.size) return std::nullopt;
    return *at;
  }
  bool is_free(std::uint64_t iova, std::uint64_t size) const {
    const auto next = model_.lower_bound(iova);
    return !find(iova) && (next == model_.end() || next->first >= iova + size);
  }
  bool is_full(std::uint64_t iova, std::uint64_t size) const {
    for (std::uint64_t at = iova; at < iova + size;) {
      const auto leaf = find(at);
      if (!leaf) return false;
      at = leaf->first + leaf->second.size;
    }
    return true;
  }
  // Of what can be mapped at each address, the largest.
  void add(std::uint64_t iova, std::uint64_t pa, std::uint64_t size) {
    while (size != 0) {
      std::uint64_t best = 0;
      for (unsigned bit = 0; bit < 40; ++bit) {
        const std::uint64_t one = std::uint64_t{1} << bit;
        if ((GetParam().sizes & one) != 0 && iova % one == 0 && pa % one == 0 && one <= size) {
          best = one;
        }
      }
      model_[iova] = {pa, best};
      iova += best;
      pa += best;
      size -= best;
    }
  }
  std::uint64_t remove(std::uint64_t iova, std::uint64_t size) {
    std::uint64_t bytes = 0;
    while (bytes < size) {
      const auto leaf = model_.find(iova + bytes);
      if (leaf == model_.end() || leaf->second.size > size - bytes) break;
      bytes += leaf->second.size;
      model_.erase(leaf);
    }
    return bytes;
  }

  void map();
  void map_pieces();
  void unmap();
  void fail();
  // All of it was told to the SMMU.
  void expect_forgotten(std::uint64_t iova, std::uint64_t size);
  void compare(std::uint64_t addresses);

  std::uint64_t size() { return (1 + random(random(4) == 0 ? 3 * block() / page() : 40)) * page(); }
  std::uint64_t iova() {
    return random(2) == 0 ? random(kSpace() / page()) * page()
                          : random(kSpace() / block()) * block();
  }
  std::uint64_t kSpace() const { return 16 * block(); }

  emulator::Ram ram_;
  std::unique_ptr<PagePool> pool_;
  FakeSystem system_;
  std::unique_ptr<Domain> domain_;
  std::map<std::uint64_t, Leaf> model_;
  std::mt19937_64 random_{7};
};

void DomainModel::map() {
  const std::uint64_t at = iova();
  const std::uint64_t bytes = size();
  const std::uint64_t pa = random(2) == 0 ? at + k1G * random(4) : random(1 << 16) * page();
  const bool free = is_free(at, bytes);
  // Real tables put a block where a table is, as they promise.
  if (is_real() && !free && bytes >= block()) return;
  const auto mapped = domain_->map(Iova(at), Pa(pa), bytes, kReadWrite);
  ASSERT_EQ(mapped.has_value(), free) << at << ' ' << bytes;
  if (free) {
    add(at, pa, bytes);
  } else {
    ASSERT_EQ(mapped.error(), std::errc::file_exists);
  }
}

void DomainModel::map_pieces() {
  std::vector<ScatterEntry> entries;
  std::uint64_t bytes = 0;
  std::uint64_t pa = 0;
  for (std::uint64_t n = random(6); n != 0; --n) {
    if (random(2) == 0) pa = random(1 << 14) * page();
    entries.push_back({Pa(pa), random(8) * page()});
    pa += entries.back().size;
    bytes += entries.back().size;
  }
  const std::uint64_t at = iova();
  const bool free = bytes == 0 || is_free(at, bytes);
  if (is_real() && !free && bytes >= block()) return;
  const auto mapped = domain_->map_sg(Iova(at), entries, kReadWrite);
  ASSERT_EQ(mapped.has_value(), free);
  if (!free) return;
  ASSERT_EQ(*mapped, bytes);
  std::uint64_t done = 0;
  for (std::size_t n = 0; n < entries.size(); ++n) {
    ScatterEntry whole = entries[n];
    while (n + 1 < entries.size() && entries[n + 1].pa.value == whole.pa.value + whole.size) {
      whole.size += entries[++n].size;
    }
    add(at + done, whole.pa.value, whole.size);
    done += whole.size;
  }
}

void DomainModel::unmap() {
  std::uint64_t at = iova();
  std::uint64_t bytes = size();
  if (random(4) != 0 && !model_.empty()) {
    auto leaf = model_.lower_bound(at);
    at = leaf != model_.end() ? leaf->first : model_.begin()->first;
  }
  if (is_real() && bytes >= block() && !is_full(at, bytes)) bytes = page();
  const std::uint64_t expected = remove(at, bytes);
  fake(*domain_).take_synced();
  fake(*domain_).take_walks();
  ASSERT_EQ(domain_->unmap(Iova(at), bytes), expected) << at << ' ' << bytes;
  expect_forgotten(at, expected);
}

// A map that fails on its way: nothing of it is left, and the SMMU knows nothing of it.
void DomainModel::fail() {
  const std::uint64_t at = iova();
  const std::uint64_t bytes = size();
  if (!is_free(at, bytes)) return;
  fake(*domain_).take_synced();
  fake(*domain_).take_walks();
  fake(*domain_).sync_map_error = std::errc::timed_out;
  ASSERT_EQ(domain_->map(Iova(at), Pa(at), bytes, Prot::kRead).error(), std::errc::timed_out);
  expect_forgotten(at, bytes);
}

void DomainModel::expect_forgotten(std::uint64_t iova, std::uint64_t size) {
  auto ranges = fake(*domain_).take_synced();
  const auto walks = fake(*domain_).take_walks();
  ranges.insert(ranges.end(), walks.begin(), walks.end());
  for (std::uint64_t at = iova; at < iova + size; at += page()) {
    ASSERT_TRUE(std::any_of(ranges.begin(), ranges.end(), [&](const FakeDomain::Range& range) {
      return at >= range.first && at - range.first < range.size;
    })) << at;
  }
}

void DomainModel::compare(std::uint64_t addresses) {
  for (std::uint64_t n = 0; n < addresses; ++n) {
    const std::uint64_t at = random(kSpace() + 4 * block());
    const auto leaf = find(at);
    const auto found = domain_->iova_to_phys(Iova(at));
    ASSERT_EQ(found.has_value(), leaf.has_value()) << at;
    if (leaf) {
      ASSERT_EQ(found->value, leaf->second.pa + (at - leaf->first));
    }
  }
  if (is_real()) return;
  const auto leaves = fake(*domain_).leaves().leaves();
  ASSERT_EQ(leaves.size(), model_.size());
  for (const auto& [iova, leaf] : model_) {
    const auto found = leaves.find(iova);
    ASSERT_NE(found, leaves.end());
    ASSERT_EQ(found->second.size, leaf.size);
    ASSERT_EQ(found->second.pa, Pa(leaf.pa));
  }
}

TEST_P(DomainModel, WhatIsMappedIsWhatTheModelSays) {
  for (int step = 0; step < 1500; ++step) {
    switch (random(8)) {
      case 0:
      case 1:
      case 2:
        map();
        break;
      case 3:
        map_pieces();
        break;
      case 4:
        fail();
        break;
      default:
        unmap();
        break;
    }
    if (HasFatalFailure()) return;
    compare(8);
    if (HasFatalFailure()) return;
  }
  EXPECT_FALSE(model_.empty());
  while (!model_.empty()) {
    const auto [at, leaf] = *model_.begin();
    model_.erase(model_.begin());
    ASSERT_EQ(domain_->unmap(Iova(at), leaf.size), leaf.size);
  }
  compare(64);
  domain_.reset();
  EXPECT_EQ(pool_->live(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, DomainModel,
    ::testing::Values(Case{Tables::kMap, k4K | k2M | k1G}, Case{Tables::kMap, k16K | k32M},
                      Case{Tables::kMap, k4K | k64K | k1M | k16M}, Case{Tables::kMap, k4K | k64K},
                      Case{Tables::kReal, k4K | k2M | k1G}, Case{Tables::kReal, k16K | k32M},
                      Case{Tables::kReal, k64K | k512M}),
    [](const ::testing::TestParamInfo<Case>& which) {
      return fmt::format("{}{:x}", which.param.tables == Tables::kReal ? "Real" : "Map",
                         which.param.sizes);
    });

}  // namespace
}  // namespace smmu::iommu::domain_model_test
