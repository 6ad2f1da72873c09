// A snapshot may be anything: it is refused, and nothing has changed; or what comes of it is an
// SMMU like any other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "test/system/ats_stream.h"
#include "test/system/enhanced_queue.h"
#include "test/system/moved.h"

namespace smmu::testing::hostile_snapshot_test {
namespace {

using emulator::CachePolicy;
using emulator::Pace;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using v3::CMD_ATC_INV;
using v3::CMD_SYNC;
using v3::CMD_TLBI_NSNH_ALL;

using Snapshot = std::vector<std::byte>;

// An SMMU that has begun many things.
class Busy {
 public:
  Busy(CachePolicy policy, Pace pace, bool secure)
      : stream_(options(policy, pace, secure)), queue_(stream_.board, 0, 1) {
    Board& board = stream_.board;
    board.bring_up_page_requests(1);
    board.settle();
    stream_.attach(stream_.nested());
    connect();
    queue_.write64(0, queue_.entry(0).value | 4);
    queue_.write32(0x8, EnhancedQueue::kEnable);
    const Pa cd = board.allocate(64, 64);
    store(board.memory(), cd, context(stream_.stage1).set(v3::CD::S, true));
    board.attach(StreamId(6), translate(cd));
    ports_[0]->translate({.stream = AtsStream::kStream, .address = AtsStream::kAddress});
    ports_[1]->translate({.stream = StreamId(6), .address = AtsStream::kAddress});
    for (unsigned i = 0; i != 3; ++i) {
      ports_[1]->translate({.stream = StreamId(6), .address = AtsStream::kUnmapped});
    }
    board.smmu().step(2);
    ports_[1]->translate({.stream = StreamId(6), .address = AtsStream::kUnmapped});
    ports_[0]->translate({.stream = AtsStream::kStream, .address = AtsStream::kUnmapped});
    stream_.device.set_answers(AtsDevice::Answers::kLater);
    ports_[0]->request_page({.stream = StreamId(6), .address = AtsStream::kAddress, .read = true});
    board.submit(command<CMD_TLBI_NSNH_ALL>(), command<CMD_ATC_INV>().set(CMD_ATC_INV::StreamID, 5),
                 command<CMD_SYNC>());
    board.smmu().step(3);
    queue_.put(command<CMD_SYNC>());
    queue_.ring();
  }

  emulator::SmmuV3& smmu() { return stream_.board.smmu(); }

  // Another SMMU, of which this is expected: that it does things, and comes to an end with them.
  void renew() {
    stream_.board.replace_smmu();
    smmu().add_port();  // in the place of the ATS device's
    connect();
  }
  void use() {
    smmu().step(50);
    for (emulator::Port* port : ports_) {
      for (const unsigned stream : {5U, 6U, 7U}) {
        port->translate({.stream = StreamId(stream), .address = AtsStream::kAddress});
        port->translate({.stream = StreamId(stream), .address = AtsStream::kUnmapped});
        port->translate({.stream = StreamId(stream),
                         .address = AtsStream::kAddress,
                         .security = SecurityState::kSecure});
      }
      port->request_translation(
          {.stream = AtsStream::kStream, .address = AtsStream::kAddress, .count = 2});
    }
    smmu().write(v3::SMMU_GERRORN(smmu().read<v3::SMMU_GERROR>().raw()));
    const auto prod = smmu().read<v3::SMMU_CMDQ_PROD>();
    smmu().write(v3::SMMU_CMDQ_PROD(prod.raw() + 1));
    for (std::uint64_t tag = 0; tag != 4; ++tag) {
      smmu().complete(emulator::InvalidationTag(tag), emulator::InvalidationResult::kComplete);
    }
    smmu().step(50);
    smmu().write(v3::SMMU_CR0(smmu().read<v3::SMMU_CR0>()).set(v3::SMMU_CR0::SMMUEN, false));
    smmu().step(50);
    for (std::uint32_t offset = 0; offset < 0x1000; offset += 4) smmu().read32(offset);
  }

 private:
  static Board::Options options(CachePolicy policy, Pace pace, bool secure) {
    Board::Options options;
    options.config.pace = pace;
    options.config.caching.policy = policy;
    options.config.caching.main_tlb = {.sets = 2, .ways = 2};
    options.config.caching.configuration = {.sets = 2, .ways = 2};
    options.config.caching.stage2 = {.sets = 2, .ways = 2};
    options.config.caching.walk = {.sets = 2, .ways = 2};
    options.config.caching.cap = 64;
    options.config.most_stalled = 16;
    if (!secure) options.config = options.config.without_secure_state();
    options.log2_events = 1;
    options.ram_size = std::uint64_t{1} << 20;
    return options;
  }
  void connect() {
    ports_[0] = &smmu().add_port();
    ports_[1] = &smmu().add_port(client_);
  }

  WaitingDevice client_;
  AtsStream stream_;
  EnhancedQueue queue_;
  std::array<emulator::Port*, 2> ports_{};
};

struct Kind {
  CachePolicy policy;
  Pace pace;
  bool secure;
};

class HostileSnapshot : public ::testing::TestWithParam<Kind> {
 protected:
  HostileSnapshot() : busy_(GetParam().policy, GetParam().pace, GetParam().secure) {
    snapshot_ = saved(busy_.smmu());
    busy_.renew();
    before_ = saved(busy_.smmu());
  }
  // Whether it is refused.  Nothing has changed then.
  bool refused(std::span<const std::byte> snapshot) {
    const auto restored = busy_.smmu().restore(snapshot);
    if (restored) return false;
    EXPECT_FALSE(restored.error().empty());
    EXPECT_TRUE(saved(busy_.smmu()) == before_);
    return true;
  }

  Busy busy_;
  Snapshot snapshot_;
  Snapshot before_;
};

TEST_P(HostileSnapshot, IsTakenUndamaged) {
  EXPECT_FALSE(refused(snapshot_));
  EXPECT_TRUE(saved(busy_.smmu()) == snapshot_);
  busy_.use();
}

TEST_P(HostileSnapshot, ThatIsTooShortIsRefused) {
  for (std::size_t size = 0; size != snapshot_.size(); ++size) {
    ASSERT_TRUE(refused(std::span(snapshot_).first(size))) << size;
  }
}

// The length that the head says fits, and the content does not.
TEST_P(HostileSnapshot, ThatEndsEarlyIsRefused) {
  for (std::size_t size = 20; size != snapshot_.size(); ++size) {
    Snapshot cut(snapshot_.begin(), snapshot_.begin() + static_cast<std::ptrdiff_t>(size));
    for (unsigned i = 0; i != 8; ++i) cut[12 + i] = static_cast<std::byte>(size >> 8 * i);
    const auto restored = busy_.smmu().restore(cut);
    ASSERT_FALSE(restored) << size;
    ASSERT_THAT(restored.error(), AnyOf(HasSubstr("ends in the middle"), HasSubstr("this one")))
        << size;
  }
  EXPECT_TRUE(saved(busy_.smmu()) == before_);
}

TEST_P(HostileSnapshot, ThatGoesOnIsRefused) {
  Snapshot longer = snapshot_;
  longer.push_back(std::byte{0});
  EXPECT_TRUE(refused(longer));
  for (unsigned i = 0; i != 8; ++i) longer[12 + i] = static_cast<std::byte>(longer.size() >> 8 * i);
  EXPECT_THAT(busy_.smmu().restore(longer).error(), HasSubstr("goes on after its end"));
}

TEST_P(HostileSnapshot, WithAChangedByteIsRefusedOrMakesAnSmmu) {
  std::size_t taken = 0;
  for (std::size_t at = 0; at != snapshot_.size(); ++at) {
    // All of it, or one bit.
    const unsigned change = at % 2 == 0 ? 0xffU : 1U << at / 2 % 8;
    Snapshot changed = snapshot_;
    changed[at] ^= static_cast<std::byte>(change);
    const bool is_refused = refused(changed);
    ASSERT_FALSE(HasFailure()) << "byte " << at;
    if (is_refused) continue;
    ++taken;
    // What comes of it can be saved in turn.
    const Snapshot again = saved(busy_.smmu());
    busy_.use();
    busy_.renew();
    ASSERT_TRUE(busy_.smmu().restore(again)) << "byte " << at;
    busy_.renew();
  }
  EXPECT_GT(taken, snapshot_.size() / 4);
}

TEST_P(HostileSnapshot, WithManyChangesIsRefusedOrMakesAnSmmu) {
  std::mt19937 random(1);
  for (unsigned i = 0; i != 3000; ++i) {
    Snapshot changed = snapshot_;
    const auto changes = 1 + random() % 6;
    for (unsigned long change = 0; change != changes; ++change) {
      // The head is what it has to be.
      const std::size_t at = 260 + random() % (changed.size() - 260);
      changed[at] = static_cast<std::byte>(random() % 3 == 0 ? 0xff : random());
    }
    if (refused(changed)) continue;
    busy_.use();
    busy_.renew();
  }
}

TEST_P(HostileSnapshot, OfNothingIsNone) {
  EXPECT_TRUE(refused({}));
  std::mt19937 random(1);
  for (unsigned i = 0; i != 200; ++i) {
    Snapshot noise(random() % 512);
    for (std::byte& byte : noise) byte = static_cast<std::byte>(random());
    EXPECT_TRUE(refused(noise));
  }
}

TEST_P(HostileSnapshot, OfAnotherVersionIsRefused) {
  Snapshot later = snapshot_;
  later[8] = std::byte{3};
  EXPECT_THAT(busy_.smmu().restore(later).error(), HasSubstr("version 3"));
  Snapshot other = snapshot_;
  other[0] = std::byte{0};
  EXPECT_THAT(busy_.smmu().restore(other).error(), HasSubstr("no snapshot"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, HostileSnapshot,
                         ::testing::Values(Kind{CachePolicy::kAdversarial, Pace::kStepped, true},
                                           Kind{CachePolicy::kRealistic, Pace::kAtOnce, false}));

}  // namespace
}  // namespace smmu::testing::hostile_snapshot_test
