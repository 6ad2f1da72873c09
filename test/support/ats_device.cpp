#include "smmu/testing/ats_device.h"

#include <algorithm>
#include <array>
#include <bit>

#include "smmu/platform/memory.h"

namespace smmu::testing {

using emulator::AddressType;
using emulator::AtcInvalidation;
using emulator::Direction;
using emulator::InvalidationResult;
using emulator::InvalidationTag;
using emulator::PageGroupResponse;
using emulator::Privilege;
using emulator::TranslatedRange;
using emulator::TranslationCompletion;

void Fabric::plug_in(StreamId stream, AtsDevice& device) {
  const std::lock_guard lock(mutex_);
  devices_[stream.value] = &device;
}

void Fabric::unplug(StreamId stream) {
  const std::lock_guard lock(mutex_);
  devices_.erase(stream.value);
}

AtsDevice* Fabric::find(StreamId stream) const {
  const auto found = devices_.find(stream.value);
  return found == devices_.end() ? nullptr : found->second;
}

void Fabric::invalidate(const AtcInvalidation& invalidation, InvalidationTag tag) {
  AtsDevice* device = nullptr;
  {
    const std::lock_guard lock(mutex_);
    invalidations_.push_back(invalidation);
    device = find(invalidation.stream);
  }
  if (device == nullptr) return complete(tag, InvalidationResult::kComplete);
  device->on_invalidate(invalidation, tag);
}

void Fabric::respond(const PageGroupResponse& response) {
  AtsDevice* device = nullptr;
  {
    const std::lock_guard lock(mutex_);
    responses_.push_back(response);
    device = find(response.stream);
  }
  if (device != nullptr) device->on_response(response);
}

std::vector<AtcInvalidation> Fabric::invalidations() const {
  const std::lock_guard lock(mutex_);
  return invalidations_;
}

std::vector<PageGroupResponse> Fabric::responses() const {
  const std::lock_guard lock(mutex_);
  return responses_;
}

AtsDevice::AtsDevice(Fabric& fabric, emulator::Port& port, StreamId stream)
    : fabric_(fabric), port_(port), stream_(stream) {
  fabric_.plug_in(stream, *this);
}

AtsDevice::~AtsDevice() { fabric_.unplug(stream_); }

AtsDevice::Key AtsDevice::key_of(std::uint64_t last) const {
  if (!pasid_) return {.address = last};
  return {.substream = pasid_->substream.value,
          .privileged = pasid_->privilege == Privilege::kPrivileged,
          .address = last};
}

TranslationCompletion AtsDevice::request(Iova address, std::uint8_t count, bool no_write) {
  std::uint64_t before = 0;
  {
    const std::lock_guard lock(mutex_);
    before = invalidations_;
  }
  const auto completion = port_.request_translation({.stream = stream_,
                                                     .address = address,
                                                     .count = count,
                                                     .no_write = no_write,
                                                     .pasid = pasid_});
  const std::lock_guard lock(mutex_);
  // What has been invalidated while it was on its way must not be kept.
  if (invalidations_ != before) return completion;
  for (const TranslatedRange& range : completion.ranges()) {
    if (!range.accessible()) continue;
    cache_[key_of(range.address.value + (range.size - 1))] = range;
  }
  return completion;
}

std::optional<TranslatedRange> AtsDevice::find(Iova address) const {
  const Key key = key_of(address.value);
  const auto found = cache_.lower_bound(key);
  if (found == cache_.end() || found->first.substream != key.substream ||
      found->first.privileged != key.privileged || found->second.address.value > address.value) {
    return std::nullopt;
  }
  return found->second;
}

bool AtsDevice::knows(Iova address) const {
  const std::lock_guard lock(mutex_);
  return find(address).has_value();
}

std::size_t AtsDevice::known() const {
  const std::lock_guard lock(mutex_);
  return cache_.size();
}

template <class Access>
std::optional<bool> AtsDevice::transfer(Iova address, std::size_t size, Direction direction,
                                        Access&& access) {
  const auto allowed = [&](const std::optional<TranslatedRange>& range) {
    return range && (direction == Direction::kRead ? range->read : range->write);
  };
  std::size_t done = 0;
  bool made = true;
  while (made && done != size) {
    const Iova at(address.value + done);
    std::optional<TranslatedRange> range;
    // Found and in use at once, or an invalidation would slip in between.
    const auto take = [&] {
      const std::lock_guard lock(mutex_);
      range = find(at);
      in_use_ = allowed(range);
    };
    take();
    while (!allowed(range)) {
      const auto completion = request(at, 1, direction == Direction::kRead);
      const auto granted = completion.ranges();
      if (granted.empty() || !allowed(granted.front())) return std::nullopt;
      take();  // not if it has been invalidated meanwhile
    }
    const std::uint64_t offset = at.value - range->address.value;
    const auto piece =
        static_cast<std::size_t>(std::min<std::uint64_t>(range->size - offset, size - done));
    const emulator::Transaction transaction{.stream = stream_,
                                            .address = Iova(range->translated.value + offset),
                                            .direction = direction,
                                            .address_type = AddressType::kTranslated};
    made = access(transaction, done, piece) == piece;
    end_use();
    done += piece;
  }
  return made;
}

void AtsDevice::end_use() {
  std::vector<InvalidationTag> owed;
  {
    const std::lock_guard lock(mutex_);
    in_use_ = false;
    owed.swap(owed_);
  }
  answer(owed, InvalidationResult::kComplete);
}

std::optional<bool> AtsDevice::read(Iova address, std::span<std::byte> bytes) {
  return transfer(address, bytes.size(), Direction::kRead,
                  [&](const emulator::Transaction& transaction, std::size_t at, std::size_t size) {
                    return port_.read(transaction, bytes.subspan(at, size)).bytes;
                  });
}

std::optional<bool> AtsDevice::write(Iova address, std::span<const std::byte> bytes) {
  return transfer(address, bytes.size(), Direction::kWrite,
                  [&](const emulator::Transaction& transaction, std::size_t at, std::size_t size) {
                    return port_.write(transaction, bytes.subspan(at, size)).bytes;
                  });
}

std::optional<std::uint64_t> AtsDevice::read64(Iova address) {
  std::array<std::byte, 8> bytes{};
  if (!read(address, bytes).value_or(false)) return std::nullopt;
  return little_endian(std::bit_cast<std::uint64_t>(bytes));
}

bool AtsDevice::write64(Iova address, std::uint64_t value) {
  const auto bytes = std::bit_cast<std::array<std::byte, 8>>(little_endian(value));
  return write(address, bytes).value_or(false);
}

emulator::Outcome AtsDevice::access_translated(Iova translated, Direction direction) {
  return port_.translate({.stream = stream_,
                          .address = translated,
                          .direction = direction,
                          .address_type = AddressType::kTranslated});
}

void AtsDevice::ask_for_page(Iova address, std::uint16_t group, bool last, bool write) {
  port_.request_page({.stream = stream_,
                      .address = address,
                      .read = true,
                      .write = write,
                      .last = last,
                      .group = group,
                      .pasid = pasid_});
}

void AtsDevice::stop_pasid() {
  port_.request_page(
      {.stream = stream_, .address = Iova(0), .last = true, .group = 0, .pasid = pasid_});
}

std::vector<PageGroupResponse> AtsDevice::responses() {
  const std::lock_guard lock(mutex_);
  return std::exchange(responses_, {});
}

void AtsDevice::on_response(const PageGroupResponse& response) {
  const std::lock_guard lock(mutex_);
  responses_.push_back(response);
}

void AtsDevice::on_invalidate(const AtcInvalidation& invalidation, InvalidationTag tag) {
  {
    const std::lock_guard lock(mutex_);
    ++invalidations_;
    std::erase_if(cache_, [&](const auto& entry) {
      const TranslatedRange& range = entry.second;
      const std::uint64_t last = entry.first.address;
      const auto named =
          invalidation.substream ? std::optional(invalidation.substream->value) : std::nullopt;
      return entry.first.substream == named && range.address <= invalidation.last &&
             Iova(last) >= invalidation.first;
    });
    if (answers_ != Answers::kAtOnce) return held_.push_back(tag);
    if (in_use_) return owed_.push_back(tag);
  }
  fabric_.complete(tag, InvalidationResult::kComplete);
}

void AtsDevice::set_answers(Answers answers) {
  const std::lock_guard lock(mutex_);
  answers_ = answers;
}

void AtsDevice::answer(InvalidationResult result) {
  std::vector<InvalidationTag> tags;
  {
    const std::lock_guard lock(mutex_);
    tags.swap(held_);
    if (answers_ == Answers::kNever) result = InvalidationResult::kNotComplete;
  }
  answer(tags, result);
}

void AtsDevice::answer(const std::vector<InvalidationTag>& tags, InvalidationResult result) {
  for (const InvalidationTag tag : tags) fabric_.complete(tag, result);
}

std::size_t AtsDevice::unanswered() const {
  const std::lock_guard lock(mutex_);
  return held_.size();
}

}  // namespace smmu::testing
