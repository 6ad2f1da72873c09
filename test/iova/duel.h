// A domain beside a sorted vector, both asked the same at random.
#ifndef SMMU_TEST_IOVA_DUEL_H_
#define SMMU_TEST_IOVA_DUEL_H_

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "smmu/iommu/iova.h"
#include "smmu/result.h"
#include "test/heap/heap.h"
#include "test/iova/naive_space.h"
#include "test/iova/seeds.h"
#include "test/iova/shape.h"

namespace smmu::iommu {

inline std::string told(const std::optional<NaiveRange>& range) {
  return range ? fmt::format("[{:x},{:x}]", range->first, range->last) : "none";
}
template <class Range>
std::string told(const std::optional<Range>& range) {
  return range ? fmt::format("[{:x},{:x}]", range->first(), range->last()) : "none";
}
template <class Range>
std::string told(const Result<Range, std::errc>& range) {
  if (!range) return fmt::format("error {}", static_cast<int>(range.error()));
  return told(std::optional<Range>(*range));
}

// A domain and the model, which are asked the same.  `Kind` makes the domain.
template <class Kind>
class Duel {
 public:
  Duel(std::uint64_t seed, const IovaConfig& config)
      : dice_(seed),
        shape_(any_shape(dice_, config)),
        subject_(Kind::make(shape_)),
        other_(Kind::make(shape_)),
        model_(shape_.start, shape_.end, shape_.boundary, shape_.config),
        other_model_(model_) {}

  // False: an answer differed, and a test failure tells which.
  bool step(bool look_at_tree) {
    growing_ = dice_.one_in(100) ? !growing_ : growing_;
    act();
    same(fmt::format("{} ranges", subject_->statistics().ranges),
         fmt::format("{} ranges", model_.ranges().size()));
    if (look_at_tree && !Kind::consistent(*subject_)) {
      ADD_FAILURE() << "the tree is broken after " << asked_;
    }
    return !::testing::Test::HasFailure();
  }

  void compare_all() {
    Pfn from = 0;
    for (const NaiveRange& range : model_.ranges()) {
      const auto found = subject_->find_from(from);
      asked_ = fmt::format("find_from({:x})", from);
      same(told(found), told(std::optional(range)));
      if (!found) return;
      if (subject_->is_reserved(*found) != range.reserved) ADD_FAILURE() << "kind of " << asked_;
      from = range.last + 1;
    }
    EXPECT_EQ(told(subject_->find_from(from)), "none");
  }

  std::string asked() const { return asked_; }

 private:
  void act() {
    const std::uint64_t choice = dice_.below(1000);
    const std::uint64_t grow = model_.ranges().size() >= shape_.ranges ? 100 : growing_ ? 500 : 200;
    if (choice < grow) return allocate();
    if (choice < 600) return dice_.one_in(3) ? free_page() : free_range();
    if (choice < 700) return look();
    if (choice < 800) return reserve();
    if (choice < 900) return split();
    if (choice < 990) return free_stale();
    if (choice < 999) return reserve_from();
    if (dice_.one_in(2)) reset();
  }

  Pfn any_page() {
    if (!model_.ranges().empty() && dice_.one_in(2)) {
      const NaiveRange& range = any_range();
      return dice_.between(range.first - (range.first != 0), range.last + 1);
    }
    return dice_.one_in(20) ? dice_.any() : dice_.between(shape_.low, shape_.high);
  }
  const NaiveRange& any_range() { return model_.ranges()[dice_.below(model_.ranges().size())]; }

  Pfn any_limit() {
    switch (dice_.below(8)) {
      case 0:
        return shape_.boundary - 1;
      case 1:
        return (std::uint64_t{1} << 48) / shape_.granule - 1;
      case 2:
        return ~Pfn{0} - dice_.below(3);
      case 3:
        return shape_.start + dice_.below(3) - (shape_.start != 0);
      case 4:
        return any_page();
      default:
        return shape_.high;
    }
  }

  std::uint64_t any_pages() {
    if (dice_.one_in(40)) return std::uint64_t{1} << dice_.below(64);
    if (dice_.one_in(40)) return ~std::uint64_t{0} - dice_.below(3);
    if (dice_.one_in(40)) return shape_.high - shape_.low + 3 - dice_.below(6);
    if (dice_.one_in(100)) return 0;
    // Just as much as there is between two ranges, or one more.
    if (!model_.ranges().empty() && dice_.one_in(10)) {
      const NaiveRange& range = any_range();
      const auto next = model_.find_from(range.last + 1);
      if (next) return next->first - range.last - 1 + dice_.below(2);
    }
    return dice_.between(1, shape_.pages);
  }

  // The answer to what may want memory.  Sometimes there is none: then it is refused, with nothing
  // changed, and asked again.
  template <class Ask>
  auto answer(Ask ask) {
    if (dice_.one_in(4)) {
      const HeapRefusal refusal;
      auto refused = ask();
      if (refusal.refused() == 0) return refused;
      if (refused || refused.error() != std::errc::not_enough_memory) {
        ADD_FAILURE() << asked_ << " without memory";
      }
    }
    return ask();
  }

  void same(const std::string& got, const std::string& wanted) {
    if (got != wanted) ADD_FAILURE() << asked_ << ": " << got << ", and not " << wanted;
  }

  void allocate() {
    const std::uint64_t pages = any_pages();
    const Pfn limit = any_limit();
    const Alignment alignment = dice_.one_in(3) ? Alignment::kNone : Alignment::kNatural;
    asked_ = fmt::format("allocate({}, {:x}, {})", pages, limit,
                         alignment == Alignment::kNone ? "none" : "natural");
    const auto range = answer([&] { return subject_->allocate(pages, limit, alignment); });
    same(told(range), told(model_.allocate(pages, limit, alignment)));
    if (range && subject_->is_reserved(*range)) ADD_FAILURE() << asked_ << " is reserved";
    if (range) remember(*range);
  }

  // A live range, as the domain knows it.
  std::optional<IovaRange> found() {
    if (model_.ranges().empty()) return std::nullopt;
    const NaiveRange& range = any_range();
    const Pfn page = dice_.between(range.first, range.last);
    asked_ = fmt::format("find({:x})", page);
    const auto live = subject_->find(page);
    same(told(live), told(std::optional(range)));
    if (live && subject_->is_reserved(*live) != range.reserved) {
      ADD_FAILURE() << asked_ << " is reserved or not";
    }
    return live;
  }

  void free_range() {
    const auto range = found();
    if (!range) return;
    asked_ = fmt::format("free([{:x},{:x}])", range->first(), range->last());
    EXPECT_TRUE(subject_->free(*range)) << asked_;
    EXPECT_TRUE(model_.free(range->first()));
    remember(*range);
  }

  void free_page() {
    const Pfn page = any_page();
    asked_ = fmt::format("free({:x})", page);
    same(told(subject_->free(page)), told(model_.free(page)));
  }

  void remember(const IovaRange& range) {
    if (stale_.size() < 64) return stale_.push_back(range);
    stale_[dice_.below(stale_.size())] = range;
  }

  // A range that was live some time; if it still is it stays.
  void free_stale() {
    if (stale_.empty()) return;
    const IovaRange range = stale_[dice_.below(stale_.size())];
    const auto live = model_.find(range.first());
    if (live && live->first == range.first() && live->last == range.last()) return;
    asked_ = fmt::format("free([{:x},{:x}]), which is gone", range.first(), range.last());
    EXPECT_FALSE(subject_->free(range)) << asked_;
    const auto removed = subject_->split_and_remove(range, range.first(), range.last());
    EXPECT_TRUE(!removed && removed.error() == std::errc::invalid_argument) << asked_;
  }

  void look() {
    const Pfn page = any_page();
    asked_ = fmt::format("find({:x})", page);
    same(told(subject_->find(page)), told(model_.find(page)));
    asked_ = fmt::format("find_from({:x})", page);
    same(told(subject_->find_from(page)), told(model_.find_from(page)));
  }

  void reserve() {
    const Pfn first = any_page();
    Pfn last = first + dice_.below(2 * shape_.pages);
    if (dice_.one_in(20)) last = first - 1;
    if (dice_.one_in(20)) last = any_page();
    asked_ = fmt::format("reserve({:x}, {:x})", first, last);
    const auto range = answer([&] { return subject_->reserve(first, last); });
    same(told(range), told(model_.reserve(first, last)));
  }

  void split() {
    const auto range = found();
    if (!range) return;
    Pfn first = dice_.between(range->first(), range->last());
    Pfn last = dice_.between(first, range->last());
    if (dice_.one_in(3)) first = range->first();
    if (dice_.one_in(3)) last = range->last();
    if (dice_.one_in(20)) first -= dice_.below(range->pages() + 2);
    if (dice_.one_in(20)) last += dice_.below(3);
    if (dice_.one_in(20)) std::swap(first, last);
    asked_ = fmt::format("split_and_remove([{:x},{:x}], {:x}, {:x})", range->first(), range->last(),
                         first, last);
    const auto remains = answer([&] { return subject_->split_and_remove(*range, first, last); });
    const auto wanted = model_.split_and_remove(range->first(), first, last);
    if (remains.has_value() != wanted.has_value()) {
      ADD_FAILURE() << asked_ << (wanted ? " is refused" : " is not refused");
    } else if (remains) {
      same(told(remains->below), told(wanted->below));
      same(told(remains->above), told(wanted->above));
    } else {
      EXPECT_EQ(remains.error(), wanted.error()) << asked_;
    }
    remember(*range);
  }

  // From a domain that has a few reservations, or from itself.
  void reserve_from() {
    if (dice_.one_in(4)) {
      asked_ = "reserve_from(itself)";
      const auto count = subject_->reserve_from(*subject_);
      const auto wanted = model_.reserve_from(model_);
      same(count ? fmt::format("{}", *count) : "refused",
           wanted ? fmt::format("{}", *wanted) : "refused");
      return compare_all();
    }
    if (other_model_.ranges().size() > 6 || dice_.one_in(3)) {
      other_->reset();
      other_model_.reset();
    }
    const Pfn first = any_page();
    const Pfn last = first + dice_.below(shape_.pages);
    asked_ = fmt::format("reserve({:x}, {:x}) elsewhere", first, last);
    same(told(other_->reserve(first, last)), told(other_model_.reserve(first, last)));
    same(told(other_->allocate(1, shape_.high, Alignment::kNatural)),
         told(other_model_.allocate(1, shape_.high, Alignment::kNatural)));
    asked_ = "reserve_from(another)";
    const auto count = answer([&] { return subject_->reserve_from(*other_); });
    const auto wanted = model_.reserve_from(other_model_);
    same(count ? fmt::format("{}", *count) : "refused",
         wanted ? fmt::format("{}", *wanted) : "refused");
    compare_all();
  }

  void reset() {
    asked_ = "reset()";
    subject_->reset();
    model_.reset();
  }

  Dice dice_;
  const Shape shape_;
  std::unique_ptr<typename Kind::Subject> subject_;
  std::unique_ptr<typename Kind::Subject> other_;
  NaiveSpace model_;
  NaiveSpace other_model_;
  std::vector<IovaRange> stale_;  // freed, or live
  std::string asked_;
  bool growing_ = true;
};

}  // namespace smmu::iommu

#endif  // SMMU_TEST_IOVA_DUEL_H_
