// A container against a naive one: a list of slots that every group finds.
#include "test/vfio/container_system.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>

namespace smmu::iommu::container_model_test {
namespace {

using std::errc;

constexpr std::uint64_t kPages = 64;  // of the address space that is used

class Model {
 public:
  explicit Model(std::uint32_t seed, ContainerVersion version)
      : random_(seed),
        version_(version),
        system_(
            {.version = version, .most_slots = 8, .unsafe_interrupts = UnsafeInterrupts::kAllow},
            3) {
    system_.first.smmu->incoherent = {"old"};
    system_.second.smmu->unsociable = {"hermit"};
    for (const char* const name : {"nic", "old", "disk"})
      groups_.push_back(&system_.first.add(name));
    for (const char* const name : {"net", "hermit"}) groups_.push_back(&system_.second.add(name));
  }

  void step() {
    switch (pick(10)) {
      case 0:
        return attach_or_detach();
      case 1:
      case 2:
      case 3:
      case 4:
        return map();
      case 5:
        return open_window();
      case 6:
        // A driver that refuses changes nothing, and says so.
        system_.first.smmu->fail_map(pick(6), errc::no_space_on_device);
        map();
        return system_.first.smmu->fail_map(UINT64_MAX / 2, errc{});
      default:
        return unmap();
    }
  }

  void check() {
    std::map<std::uint64_t, std::uint64_t> pins;
    std::map<std::uint64_t, std::uint64_t> mapped;
    std::optional<std::uint64_t> window;
    for (const auto& [first, slot] : slots_) {
      if (slot.is_window) window = first;
      if (slot.is_window) continue;
      for (std::uint64_t page = 0; page != slot.count; ++page) {
        const Pa pa = system_.memory.pa_of(ContainerSystem::user(slot.from + page));
        mapped[(first + page) * kPage] = pa.value;
        if (!attached_.empty()) ++pins[pa.value];
      }
    }
    ASSERT_EQ(system_.memory.pins(), pins);
    ASSERT_EQ(system_.container->slots(), slots_.size());
    for (const Group* const group : groups_) {
      ASSERT_EQ(group->is_owned(), attached_.count(group) != 0);
      if (attached_.count(group) == 0) {
        ASSERT_EQ(group->domain(), &group->default_domain());
        continue;
      }
      std::map<std::uint64_t, std::uint64_t> found;
      for (const auto& [iova, page] : pages(*group)) found[iova] = page.pa;
      ASSERT_EQ(found, mapped);
      for (std::uint64_t page = 0; page != kPages; ++page) {
        const auto expected = mapped.find(page * kPage);
        const auto pa = group->domain()->iova_to_phys(Iova(page * kPage + 4));
        ASSERT_EQ(
            pa, expected != mapped.end() ? std::optional(Pa(expected->second + 4)) : std::nullopt);
        const bool in_window =
            window && page >= *window && page < *window + slots_.at(*window).count;
        ASSERT_EQ(group->domain()->in_reserved_window(Iova(page * kPage), kPage), in_window);
      }
    }
  }

 private:
  struct Slot {
    std::uint64_t count;
    std::uint64_t from;
    bool is_window;
  };

  std::uint64_t pick(std::uint64_t below) {
    return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random_);
  }
  bool overlaps(std::uint64_t first, std::uint64_t count) const {
    for (const auto& [other, slot] : slots_) {
      if (first < other + slot.count && other < first + count) return true;
    }
    return false;
  }
  bool has_window() const {
    for (const auto& [first, slot] : slots_) {
      if (slot.is_window) return true;
    }
    return false;
  }

  void attach_or_detach() {
    Group* const group = groups_[pick(groups_.size())];
    if (attached_.count(group) != 0) {
      ASSERT_EQ(system_.container->attach(*group).error(), errc::invalid_argument);
      ASSERT_TRUE(system_.container->detach(*group));
      attached_.erase(group);
      if (attached_.empty()) slots_.clear();
    } else {
      ASSERT_EQ(system_.container->detach(*group).error(), errc::invalid_argument);
      ASSERT_TRUE(system_.container->attach(*group));
      attached_.insert(group);
    }
  }

  void map() {
    const std::uint64_t first = pick(kPages - 12);
    const std::uint64_t count = 1 + pick(12);
    const std::uint64_t from = pick(100);
    const auto done = system_.map(first, from, count);
    if (overlaps(first, count)) {
      ASSERT_EQ(done.error(), errc::file_exists);
    } else if (slots_.size() == 8) {
      ASSERT_EQ(done.error(), errc::no_space_on_device);
    } else if (done) {
      slots_[first] = {count, from, false};
    } else {
      ASSERT_EQ(done.error(), errc::no_space_on_device) << "the driver's";
    }
  }

  void open_window() {
    const std::uint64_t first = pick(kPages - 4);
    const std::uint64_t count = 1 + pick(4);
    const auto done = system_.open_window(first, count);
    if (overlaps(first, count) || has_window()) {
      ASSERT_EQ(done.error(), errc::file_exists);
    } else if (slots_.size() == 8) {
      ASSERT_EQ(done.error(), errc::no_space_on_device);
    } else {
      ASSERT_TRUE(done);
      slots_[first] = {count, 0, true};
    }
  }

  void unmap() {
    std::uint64_t first = pick(kPages);
    std::uint64_t count = 1 + pick(kPages - first);
    if (!slots_.empty() && pick(2) == 0) {
      const auto slot = std::next(slots_.begin(), static_cast<std::ptrdiff_t>(pick(slots_.size())));
      first = slot->first;
      count = slot->second.count;
    }
    const auto done = system_.unmap(first, count);
    std::uint64_t bytes = 0;
    auto left = slots_;
    for (const auto& [other, slot] : slots_) {
      const bool meets = first < other + slot.count && other < first + count;
      if (!meets) continue;
      const bool is_whole = other >= first && other + slot.count <= first + count;
      if (version_ == ContainerVersion::kV2 && !is_whole) {
        ASSERT_EQ(done.error(), errc::invalid_argument);
        return;
      }
      if (version_ == ContainerVersion::kV1 && other < first) {
        bytes = 0;
        left = slots_;
        break;
      }
      bytes += slot.count * kPage;
      left.erase(other);
    }
    ASSERT_TRUE(done);
    ASSERT_EQ(*done, bytes);
    slots_ = left;
  }

  std::mt19937 random_;
  const ContainerVersion version_;
  ContainerSystem system_;
  std::vector<Group*> groups_;
  std::set<const Group*> attached_;
  std::map<std::uint64_t, Slot> slots_;
};

void run(ContainerVersion version) {
  for (std::uint32_t seed = 0; seed != 12; ++seed) {
    Model model(seed, version);
    for (int step = 0; step != 150; ++step) {
      SCOPED_TRACE(fmt::format("seed {}, step {}", seed, step));
      model.step();
      if (::testing::Test::HasFatalFailure()) return;
      model.check();
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(ContainerModel, WhateverIsCalledInWhateverOrderDevicesFindTheSlots) {
  run(ContainerVersion::kV2);
}

TEST(ContainerModel, TheSameHoldsForV1) { run(ContainerVersion::kV1); }

}  // namespace
}  // namespace smmu::iommu::container_model_test
