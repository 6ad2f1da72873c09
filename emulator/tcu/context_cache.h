// The contexts of streams and substreams that the TCU keeps (IHI 0070, 3.21.3).
#ifndef SMMU_EMULATOR_TCU_CONTEXT_CACHE_H_
#define SMMU_EMULATOR_TCU_CONTEXT_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "emulator/tcu/configuration_source.h"
#include "emulator/tcu/stream_context.h"
#include "emulator/tlb/set_associative.h"
#include "smmu/emulator/config.h"
#include "smmu/types.h"

namespace smmu::emulator {

// Called with the TCU's lock held.
class ContextCache {
 public:
  using Context = std::shared_ptr<const StreamContext>;

  explicit ContextCache(const Caching& caching)
      : drops_(caching.policy == CachePolicy::kAdversarial),
        contexts_(caching.configuration, drops_ ? caching.cap : 0) {}

  // The context, current or invalid; or null.
  const Context* find(StreamId stream, std::optional<SubstreamId> substream) {
    return contexts_.find(Key(stream, substream));
  }
  void keep(StreamId stream, std::optional<SubstreamId> substream, const Context& context);
  // The same of a stream as such.
  const Context* find_stream(StreamId stream) { return contexts_.find(Key::of_stream(stream)); }
  void keep_stream(StreamId stream, const Context& context);
  // What `what` covers is invalid.  Where some was made before and some after
  // the invalidation, what was made before goes and the rest stays.
  void invalidate(const ConfigurationInvalidation& what, Stamp before);
  void clear();

  // `tag(context)`: completes one that has been read.
  template <class Snapshot, class Tag>
  void archive(Snapshot& snapshot, Tag&& tag);

 private:
  class Key {
   public:
    Key() = default;
    Key(StreamId stream, std::optional<SubstreamId> substream)
        : stream_(stream.value), substream_(substream ? std::uint64_t{substream->value} + 1 : 0) {}

    // No substream's.
    static Key of_stream(StreamId stream) {
      Key key(stream, std::nullopt);
      key.substream_ = ~std::uint64_t{0};
      return key;
    }

    std::uint64_t stream() const { return stream_; }
    bool vacant() const { return stream_ == ~std::uint64_t{0}; }
    std::uint64_t hash() const {
      return (stream_ ^ substream_ * 0xc2b2ae3d27d4eb4f) * 0x9e3779b97f4a7c15;
    }
    friend bool operator==(const Key&, const Key&) = default;

    bool of_stream() const { return substream_ == ~std::uint64_t{0}; }
    bool of_substream() const { return substream_ != 0 && !of_stream(); }
    template <class Snapshot>
    void archive(Snapshot& snapshot) {
      snapshot(stream_, substream_);
      snapshot.require(stream_ >> 32 == 0, "a stream that cannot be");
    }

   private:
    std::uint64_t stream_ = ~std::uint64_t{0};
    std::uint64_t substream_ = 0;  // 0: none, else one more than its number
  };

  void keep(Key key, const Context& context);
  // The TCU does not have it any more, if it was made before.
  static bool drop(const Context& context, Stamp before);
  [[gnu::always_inline]] void invalidate_one(Key key, Stamp before);
  void drop_all(StreamId first, StreamId last, Stamp before);

  const bool drops_;  // invalid ones
  SetAssociative<Key, Context> contexts_;
  std::size_t substreams_ = 0;  // contexts of substreams ever kept since empty
  std::size_t streams_ = 0;     // and of streams as such
};

template <class Snapshot, class Tag>
void ContextCache::archive(Snapshot& snapshot, Tag&& tag) {
  if constexpr (Snapshot::kReads) clear();
  contexts_.archive(snapshot, [](const Key&, const Context& context) {
    return context->state.load(std::memory_order_relaxed) != StreamContext::State::kUnknown;
  });
  std::uint64_t substreams = substreams_;
  std::uint64_t streams = streams_;
  snapshot(substreams, streams);
  if constexpr (Snapshot::kReads) {
    contexts_.erase_if([&](const Key& key, const Context& context) {
      tag(const_cast<StreamContext&>(*context));
      snapshot.require(
          (substreams != 0 || !key.of_substream()) && (streams != 0 || !key.of_stream()),
          "a context that would not be found");
      return false;
    });
    substreams_ = static_cast<std::size_t>(substreams);
    streams_ = static_cast<std::size_t>(streams);
  }
}

// One that is shared with nobody yet.
template <class Snapshot>
void archive(Snapshot& snapshot, std::shared_ptr<const StreamContext>& context) {
  if constexpr (Snapshot::kReads) {
    auto read = std::make_shared<StreamContext>();
    snapshot(*read);
    context = std::move(read);
  } else {
    snapshot(const_cast<StreamContext&>(*context));
  }
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TCU_CONTEXT_CACHE_H_
