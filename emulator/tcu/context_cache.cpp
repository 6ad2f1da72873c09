#include "emulator/tcu/context_cache.h"

#include <atomic>

namespace smmu::emulator {
namespace {

using State = StreamContext::State;

// After every reading.
constexpr Stamp kEver = ~Stamp{0};

}  // namespace

bool ContextCache::drop(const Context& context, Stamp before) {
  if (context->stamp >= before) return false;
  context->state.store(State::kUnknown, std::memory_order_release);
  return true;
}

void ContextCache::keep(StreamId stream, std::optional<SubstreamId> substream,
                        const Context& context) {
  keep(Key(stream, substream), context);
  if (substream) ++substreams_;
}

void ContextCache::keep_stream(StreamId stream, const Context& context) {
  keep(Key::of_stream(stream), context);
  ++streams_;
}

void ContextCache::keep(Key key, const Context& context) {
  if (const Context* earlier = contexts_.find(key)) drop(*earlier, kEver);
  contexts_.insert(
      key, context, [](const Key&) { return false; },
      [](const Key&, const Context& victim, EvictionReason) { drop(victim, kEver); });
  context->state.store(State::kCurrent, std::memory_order_release);
}

inline void ContextCache::invalidate_one(Key key, Stamp before) {
  if (drops_) {
    contexts_.erase(key, [&](const Context& context) { return drop(context, before); });
  } else if (const Context* context = contexts_.find(key)) {
    (*context)->state.store(State::kInvalid, std::memory_order_release);
  }
}

void ContextCache::invalidate(const ConfigurationInvalidation& what, Stamp before) {
  if (what.first == what.last) {
    // The CD at index 0 also serves transactions without a substream.
    if (!what.substream || what.substream->value == 0) {
      invalidate_one(Key(what.first, std::nullopt), before);
    }
    if (what.substream) return invalidate_one(Key(what.first, what.substream), before);
    if (streams_ != 0) invalidate_one(Key::of_stream(what.first), before);
    if (substreams_ == 0) return;
  }
  drop_all(what.first, what.last, before);
}

void ContextCache::drop_all(StreamId first, StreamId last, Stamp before) {
  contexts_.erase_if([&](const Key& key, const Context& context) {
    return key.stream() >= first.value && key.stream() <= last.value && drop(context, before);
  });
  if (contexts_.size() == 0) substreams_ = streams_ = 0;
}

void ContextCache::clear() {
  contexts_.erase_if([](const Key&, const Context& context) { return drop(context, kEver); });
  contexts_.clear();
  substreams_ = streams_ = 0;
}

}  // namespace smmu::emulator
