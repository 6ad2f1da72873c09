// What the driver does when memory runs out, of the heap or of the pool: nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "smmu/arch/v3/registers.h"
#include "smmu/arch/v3/stream_table.h"
#include "smmu/platform/memory.h"
#include "test/driver_v3/scripted_board.h"
#include "test/heap/heap.h"

namespace smmu::testing::memory_test {
namespace {

using iommu::DomainType;
using iommu::HeapRefusal;
using iommu::kReadWrite;
using iommu::PagePool;
using ::testing::AnyOf;
using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using v3::SMMU_STRTAB_BASE;
using v3::SMMU_STRTAB_BASE_CFG;
using v3::STE;

constexpr StreamId kStream = StreamId(0x205);

enum class Source : std::uint8_t { kHeap, kPool };

class Memory : public ::testing::TestWithParam<Source> {
 protected:
  Memory() {
    EXPECT_EQ(board.start(), "");
    // Whatever is made once: lists that have grown.
    board.iommu->remove_device(board.add({.streams = {{StreamId(0x700)}}}));
  }

  // What the SMMU may have been told meanwhile.
  enum class Told : std::uint8_t { kNothing, kToForget };
  // Tries with less memory than it takes, a request more each time, and sees that nothing has
  // happened as long as it does not work.  How often it did not.
  template <class Try>
  unsigned refuse_each(Try&& attempt, Told told = Told::kNothing) {
    board.smmu.story();
    for (unsigned granted = 0; granted != 1000; ++granted) {
      const State before = state();
      std::errc error{};
      {
        std::optional<HeapRefusal> refusal;
        if (GetParam() == Source::kHeap) refusal.emplace(granted);
        if (GetParam() == Source::kPool) board.pool().grant(granted);
        error = attempt();
      }
      board.pool().grant(PagePool::kUnlimited);
      if (error == std::errc{}) return granted;
      EXPECT_EQ(error, std::errc::not_enough_memory) << granted;
      const auto story = board.smmu.story();
      EXPECT_THAT(story, Each(AnyOf(StartsWith("CMD_CFGI"), "CMD_SYNC"))) << granted;
      if (told == Told::kNothing) {
        EXPECT_THAT(story, IsEmpty()) << granted;
      }
      EXPECT_TRUE(state() == before) << granted;
    }
    return 1000;
  }

  // Tables there are, and the level 1 descriptors and entries of the stream.
  struct State {
    std::uint64_t blocks = 0;
    std::uint64_t bytes = 0;
    std::vector<std::uint64_t> words;
    friend bool operator==(const State&, const State&) = default;
  };
  State state() {
    State now{.blocks = board.pool().live(), .bytes = board.pool().live_bytes(), .words = {}};
    const std::uint64_t top = board.smmu.get<SMMU_STRTAB_BASE>()[SMMU_STRTAB_BASE::ADDR];
    const std::uint64_t* const descriptors = board.pool().words(Pa(top));
    for (unsigned i = 0; i != 16; ++i) {
      const v3::L1STD descriptor({little_endian(descriptors[i])});
      now.words.push_back(descriptor.word(0));
      if (descriptor[v3::L1STD::Span] == 0) continue;
      const std::uint64_t* const entries = board.pool().words(Pa(descriptor[v3::L1STD::L2Ptr]));
      now.words.insert(now.words.end(), entries, entries + 256 * STE::kSize / 8);
    }
    return now;
  }
  template <class T>
  static std::errc error_of(const Result<T, std::errc>& result) {
    return result ? std::errc{} : result.error();
  }

  ScriptedBoard board;
};

TEST_P(Memory, WithoutItNoDeviceIsAdded) {
  const unsigned refused = refuse_each(
      [&] {
        return error_of(board.iommu->add_device(
            {.streams = {{kStream}, {StreamId(0x305)}, {StreamId(0x405)}}, .pasid_bits = 4}));
      },
      Told::kToForget);  // the group is made when the driver has its part
  EXPECT_GT(refused, GetParam() == Source::kHeap ? 4U : 2U);
}

TEST_P(Memory, WithoutItNothingIsAttached) {
  iommu::Device& device = board.add({.streams = {{kStream}}, .pasid_bits = 12});
  for (const bool nest_parent : {false, true}) {
    const auto domain = board.domain(DomainType::kUnmanaged, {.nest_parent = nest_parent});
    const unsigned refused = refuse_each([&] { return error_of(device.group().attach(*domain)); });
    EXPECT_EQ(refused != 0, !nest_parent || GetParam() == Source::kHeap);
    EXPECT_TRUE(device.group().detach());
  }
}

TEST_P(Memory, WithoutItNoGuestIsAttached) {
  iommu::Device& device = board.add({.streams = {{kStream}}});
  const auto parent = board.domain(DomainType::kUnmanaged, {.nest_parent = true});
  const auto guest = board.domain(DomainType::kNested, {.parent = parent.get()});
  const unsigned refused = refuse_each([&] { return error_of(device.group().attach(*guest)); });
  EXPECT_EQ(refused, GetParam() == Source::kHeap ? 2U : 0U) << "the guest, and what is below it";
  EXPECT_TRUE(device.group().detach());
}

TEST_P(Memory, WithoutItNoPasidIsAttached) {
  iommu::Device& device = board.add({.streams = {{kStream}}, .pasid_bits = 12});
  const auto domain = board.domain(DomainType::kUnmanaged, {.pasid = true});
  for (const std::uint32_t pasid : {5U, 2000U}) {
    const unsigned refused =
        refuse_each([&] { return error_of(device.attach_pasid(SubstreamId(pasid), *domain)); });
    EXPECT_GT(refused, 0U);
  }
  device.detach_pasid(SubstreamId(5));
  device.detach_pasid(SubstreamId(2000));
}

// An attachment that does not come about takes no ASID: here there is but one.
TEST_P(Memory, WithoutItNoTagIsTaken) {
  ScriptedBoard one;
  one.driver_config.asid_bits = 1;
  ASSERT_EQ(one.start(), "");
  iommu::Device& device = one.add({.streams = {{kStream}}, .pasid_bits = 2});
  const auto first = one.domain(DomainType::kUnmanaged, {.pasid = true});
  const auto second = one.domain();
  for (const bool by_pasid : {false, true}) {
    std::optional<HeapRefusal> refusal;
    // The list of PASIDs is the layer's above.
    if (GetParam() == Source::kHeap) refusal.emplace(by_pasid ? 1 : 0);
    if (GetParam() == Source::kPool) one.pool().grant(0);
    const auto attached =
        by_pasid ? device.attach_pasid(SubstreamId(1), *first) : device.group().attach(*first);
    EXPECT_EQ(error_of(attached), std::errc::not_enough_memory);
    refusal.reset();
    one.pool().grant(PagePool::kUnlimited);
  }
  EXPECT_TRUE(device.group().attach(*second));
  EXPECT_TRUE(device.group().detach());
  EXPECT_EQ(error_of(device.group().attach(*first)), std::errc::no_space_on_device);
}

INSTANTIATE_TEST_SUITE_P(Driver, Memory, ::testing::Values(Source::kHeap, Source::kPool));

}  // namespace
}  // namespace smmu::testing::memory_test
