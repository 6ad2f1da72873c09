// What is refused has changed nothing: neither what can be seen of a domain, nor where it puts what
// comes next.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "smmu/iommu/iova.h"
#include "test/iova/seeds.h"
#include "test/iova/seen.h"

namespace smmu::iommu::refusal_test {
namespace {

constexpr Pfn k32Bits = 0xfffff;
constexpr Pfn kStart = 0xff000;

// Some ranges of 4096 pages, allocated and reserved, with gaps between.
class Lived {
 public:
  explicit Lived(IovaOrder order) {
    auto made = IovaDomain::create(4096, kStart, {.order = order, .threads = Threads::kOne});
    if (!made) return;
    domain = *std::move(made);
    EXPECT_TRUE(domain->reserve(0xff800, 0xff8ff));
    EXPECT_TRUE(domain->reserve(0x10, 0x1f));
    Dice dice(1);
    std::vector<IovaRange> live;
    for (unsigned i = 0; i != 300; ++i) {
      const auto range = domain->allocate(mixed_pages(dice), k32Bits);
      if (range) live.push_back(*range);
      if (i % 3 != 0) continue;
      const std::size_t victim = dice.below(live.size());
      EXPECT_TRUE(domain->free(live[victim]));
      gone.push_back(live[victim]);
      live.erase(live.begin() + static_cast<std::ptrdiff_t>(victim));
    }
    some = live[live.size() / 2];
  }

  std::unique_ptr<IovaDomain> domain;
  std::vector<IovaRange> gone;    // that were freed
  std::optional<IovaRange> some;  // that is live
};

// Where the next requests go, of all sizes and at several limits.
std::vector<Pfn> next_places(IovaDomain& domain) {
  Dice dice(2);
  std::vector<Pfn> places;
  for (unsigned i = 0; i != 300; ++i) {
    const Pfn limit = dice.one_in(4) ? kStart + dice.below(0x1000) : k32Bits;
    const auto range = domain.allocate(mixed_pages(dice), limit,
                                       dice.one_in(4) ? Alignment::kNone : Alignment::kNatural);
    places.push_back(range ? range->first() : ~Pfn{0});
  }
  return places;
}

template <class T>
std::errc why(const Result<T, std::errc>& answer) {
  return answer ? std::errc() : answer.error();
}

struct Case {
  std::string name;
  std::errc error;
  std::function<std::errc(Lived&)> ask;
  bool linux_too = true;  // and not of the other order alone
};
void PrintTo(const Case& refusal, std::ostream* to) { *to << refusal.name; }

// As an error code, so that it fits with the others.
std::errc freed(bool yes) { return yes ? std::errc() : std::errc::invalid_argument; }

const std::vector<Case>& cases() {
  constexpr auto kInvalid = std::errc::invalid_argument;
  constexpr auto kNoSpace = std::errc::not_enough_memory;
  constexpr auto kInUse = std::errc::address_in_use;
  static const std::vector<Case> all = {
      {"NoPages", kInvalid, [](Lived& a) { return why(a.domain->allocate(0, k32Bits)); }},
      {"TooManyPages", kNoSpace, [](Lived& a) { return why(a.domain->allocate(0x1001, k32Bits)); }},
      {"MoreThanAnyGap", kNoSpace,
       [](Lived& a) { return why(a.domain->allocate(0x801, k32Bits)); }},
      {"MoreThanAnyGapUnaligned", kNoSpace,
       [](Lived& a) { return why(a.domain->allocate(0x801, k32Bits, Alignment::kNone)); }},
      {"AllPagesThereAre", kNoSpace,
       [](Lived& a) { return why(a.domain->allocate(~std::uint64_t{0}, ~Pfn{0})); }},
      {"LimitBelowStart", kNoSpace,
       [](Lived& a) { return why(a.domain->allocate(1, kStart - 1)); }},
      {"Limit0", kNoSpace, [](Lived& a) { return why(a.domain->allocate(1, 0)); }},
      {"FreeOfAFreePage", kInvalid, [](Lived& a) { return why(a.domain->free(Pfn{0x20})); }},
      {"FreeOfNoPage", kInvalid, [](Lived& a) { return why(a.domain->free(~Pfn{0})); }},
      {"FreeOfWhatIsGone", kInvalid,
       [](Lived& a) {
         // Those that another range has come in the place of may be live.
         for (const IovaRange& range : a.gone) {
           const auto now = a.domain->find(range.first());
           if (now && *now == range) continue;
           if (a.domain->free(range)) return std::errc();
         }
         return kInvalid;
       }},
      {"FreeOfAnotherDomainsRange", kInvalid,
       [](Lived& a) {
         Lived other(IovaOrder::kHighestGap);
         EXPECT_TRUE(other.domain->free(*other.some));
         return freed(a.domain->free(*other.some));
       }},
      {"ReserveBackwards", kInvalid, [](Lived& a) { return why(a.domain->reserve(0x31, 0x30)); }},
      {"ReserveAboveTheLastPage", kInvalid,
       [](Lived& a) { return why(a.domain->reserve(0x30, a.domain->last() + 1)); }},
      {"ReserveOfAllPagesOf64Bits", kInvalid,
       [](Lived& a) { return why(a.domain->reserve(0, ~Pfn{0})); }},
      {"ReserveOfAnAllocatedPage", kInUse,
       [](Lived& a) { return why(a.domain->reserve(a.some->last(), a.some->last())); }, false},
      {"ReserveFromAReservedPageToAnAllocatedOne", kInUse,
       [](Lived& a) { return why(a.domain->reserve(0x18, k32Bits)); }, false},
      {"ReserveFromOtherPages", kInvalid,
       [](Lived& a) {
         const auto other = IovaDomain::create(65536, 0);
         return why(a.domain->reserve_from(**other));
       }},
      {"ReserveFromADomainThatHasWhatIsAllocatedHere", kInUse,
       [](Lived& a) {
         const auto other = IovaDomain::create(4096, 0);
         // Here the first and the last would go.
         EXPECT_TRUE((*other)->reserve(0x15, 0x25));
         EXPECT_TRUE((*other)->reserve(a.some->first(), a.some->first()));
         EXPECT_TRUE((*other)->reserve(0x200000, 0x200000));
         return why(a.domain->reserve_from(**other));
       },
       false},
      {"SplitFromBelowTheRange", kInvalid,
       [](Lived& a) {
         return why(a.domain->split_and_remove(*a.some, a.some->first() - 1, a.some->first()));
       }},
      {"SplitToAboveTheRange", kInvalid,
       [](Lived& a) {
         return why(a.domain->split_and_remove(*a.some, a.some->first(), a.some->last() + 1));
       }},
      {"SplitBackwards", kInvalid,
       [](Lived& a) {
         return why(a.domain->split_and_remove(*a.some, a.some->last() + 1, a.some->last()));
       }},
      {"SplitOfWhatIsGone", kInvalid,
       [](Lived& a) {
         const auto range = a.domain->reserve(0x40, 0x4f);
         EXPECT_TRUE(range && a.domain->free(*range));
         return why(a.domain->split_and_remove(*range, 0x42, 0x43));
       }},
  };
  return all;
}

class IovaRefusal : public ::testing::TestWithParam<Case> {};

TEST_P(IovaRefusal, ChangesNothing) {
  for (const IovaOrder order : {IovaOrder::kHighestGap, IovaOrder::kLinuxExact}) {
    if (order == IovaOrder::kLinuxExact && !GetParam().linux_too) continue;
    SCOPED_TRACE(order == IovaOrder::kLinuxExact ? "kLinuxExact" : "kHighestGap");
    Lived asked(order);
    Lived left_alone(order);
    const auto before = seen(*asked.domain);
    const std::uint64_t bytes = asked.domain->statistics().bytes;
    ASSERT_GT(before.size(), 50U);
    ASSERT_EQ(before, seen(*left_alone.domain));

    EXPECT_EQ(GetParam().ask(asked), GetParam().error);

    EXPECT_EQ(seen(*asked.domain), before);
    EXPECT_EQ(asked.domain->statistics().ranges, before.size());
    EXPECT_EQ(asked.domain->statistics().bytes, bytes);
    EXPECT_EQ(next_places(*asked.domain), next_places(*left_alone.domain));
  }
}

INSTANTIATE_TEST_SUITE_P(Of, IovaRefusal, ::testing::ValuesIn(cases()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace smmu::iommu::refusal_test
