// Tables of 4K granules, four levels, stage 1: pages that follow one another.  Tables that are not
// there are made on the way, as many as that takes.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "bench/rows.h"
#include "smmu/emulator/ram.h"
#include "smmu/iommu/io_pgtable.h"
#include "smmu/iommu/page_pool.h"

namespace smmu::bench {
namespace {

using iommu::IoPgtable;
using iommu::PagePool;

using Loop = std::function<void(std::uint64_t)>;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kPages = 1 << 18;  // of 1 GiB
constexpr auto kProt = iommu::kReadWrite | iommu::Prot::kCache;

class NobodyToTell final : public iommu::PgtableInvalidation {
  void flush_walk(Iova, std::uint64_t, std::uint64_t) override {}
};

class Tables {
 public:
  Tables() {
    constexpr Pa kBase{0x4000'0000};
    constexpr std::uint64_t kSize = 8 << 20;
    if (!ram_.add(kBase, kSize)) give_up("no RAM");
    auto pool = PagePool::create(ram_, kBase, kSize);
    if (!pool) give_up("no pool");
    pool_ = *std::move(pool);
    start_again();
  }
  void start_again() {
    own_.reset();
    auto made =
        IoPgtable::create({.page_sizes = kPage | kPage << 9 | kPage << 18}, *pool_, nobody_);
    if (!made) give_up("no tables");
    own_ = *std::move(made);
  }
  // `count` pages, none of which is mapped, from the nth on.
  void map(std::uint64_t n, std::uint64_t count) {
    const Iova iova((std::uint64_t{1} << 40) + n * kPage);
    const auto mapped = own_->map(iova, Pa(0x8000'0000 + n * kPage), kPage, count, kProt);
    if (mapped.bytes != count * kPage) give_up("not mapped");
  }
  void unmap(std::uint64_t n, std::uint64_t count) {
    const Iova iova((std::uint64_t{1} << 40) + n * kPage);
    if (own_->unmap(iova, kPage, count).bytes != count * kPage) give_up("not unmapped");
  }
  void find(std::uint64_t n) {
    const auto pa = own_->iova_to_phys(Iova((std::uint64_t{1} << 40) + n * kPage));
    if (!pa) give_up("not found");
    keep(*pa);
  }

 private:
  emulator::Ram ram_;
  std::unique_ptr<PagePool> pool_;
  NobodyToTell nobody_;
  std::unique_ptr<IoPgtable> own_;
};

// Calls what does `most` pages at a time, from the nth on, for all of n.
template <class Pages>
void in_calls(std::uint64_t n, std::uint64_t most, Pages pages) {
  for (std::uint64_t i = 0; i < n; i += most) pages(i, std::min(most, n - i));
}

Loop map(std::uint64_t at_once) {
  auto tables = std::make_shared<Tables>();
  return [tables, at_once](std::uint64_t n) {
    in_calls(n, kPages, [&](std::uint64_t i, std::uint64_t pages) {
      if (i != 0) tables->start_again();
      in_calls(pages, at_once, [&](std::uint64_t k, std::uint64_t some) { tables->map(k, some); });
    });
    tables->start_again();
  };
}

Loop map_and_unmap(std::uint64_t at_once) {
  auto tables = std::make_shared<Tables>();
  return [tables, at_once](std::uint64_t n) {
    in_calls(n, kPages, [&](std::uint64_t i, std::uint64_t pages) {
      if (i != 0) tables->start_again();
      in_calls(pages, at_once, [&](std::uint64_t k, std::uint64_t some) { tables->map(k, some); });
      in_calls(pages, at_once,
               [&](std::uint64_t k, std::uint64_t some) { tables->unmap(k, some); });
    });
    tables->start_again();
  };
}

Loop find() {
  auto tables = std::make_shared<Tables>();
  for (std::uint64_t i = 0; i != 4096; ++i) tables->map(i, 1);
  return [tables](std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i) tables->find(i % 4096);
  };
}

// Where find() looks, and nothing else.
Loop only_choosing() {
  return [](std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i) keep(Iova((std::uint64_t{1} << 40) + i % 4096 * kPage));
  };
}

}  // namespace

std::vector<Row> pgtable_rows() {
  return {{"pgtable/map_4k", [] { return map(1); }},
          {"pgtable/unmap_4k", [] { return map_and_unmap(1); }, "pgtable/map_4k"},
          {"empty/choosing_page", [] { return only_choosing(); }},
          {"pgtable/iova_to_phys", [] { return find(); }, "empty/choosing_page"},
          {"pgtable/map_4k_x512", [] { return map(512); }},
          {"pgtable/unmap_4k_x512", [] { return map_and_unmap(512); }, "pgtable/map_4k_x512"}};
}

}  // namespace smmu::bench
