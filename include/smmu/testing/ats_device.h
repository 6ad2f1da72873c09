// A device that translates for itself (IHI 0070, 3.9): it keeps translations
// it has been given, drops them when it is told to, and asks for pages.
#ifndef SMMU_TESTING_ATS_DEVICE_H_
#define SMMU_TESTING_ATS_DEVICE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "smmu/emulator/smmu_v3.h"

namespace smmu::testing {

class AtsDevice;

// Carries an SMMU's messages to the devices that are plugged in, by StreamID.
// There is nobody behind other StreamIDs: an Invalidate Request for one comes
// back as unsupported, which completes it.
class Fabric final : public emulator::RootComplex {
 public:
  void invalidate(const emulator::AtcInvalidation& invalidation,
                  emulator::InvalidationTag tag) override;
  void respond(const emulator::PageGroupResponse& response) override;

  // Before anything comes.
  void connect(emulator::SmmuV3& smmu) { smmu_ = &smmu; }
  void complete(emulator::InvalidationTag tag, emulator::InvalidationResult result) {
    smmu_->complete(tag, result);
  }
  void plug_in(StreamId stream, AtsDevice& device);
  void unplug(StreamId stream);

  // All that was sent, by whoever there was to get it.
  std::vector<emulator::AtcInvalidation> invalidations() const;
  std::vector<emulator::PageGroupResponse> responses() const;

 private:
  AtsDevice* find(StreamId stream) const;

  emulator::SmmuV3* smmu_ = nullptr;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::uint32_t, AtsDevice*> devices_;
  std::vector<emulator::AtcInvalidation> invalidations_;
  std::vector<emulator::PageGroupResponse> responses_;
};

// One thread makes accesses and requests; messages come from any thread, also
// in the middle of those.
class AtsDevice {
 public:
  // What it does with Invalidate Requests.
  enum class Answers : std::uint8_t {
    kAtOnce,  // or, if it makes an access, after that
    kLater,   // when answer() says so
    kNever,   // in time, that is
  };

  AtsDevice(Fabric& fabric, emulator::Port& port, StreamId stream);
  ~AtsDevice();
  AtsDevice(const AtsDevice&) = delete;
  AtsDevice& operator=(const AtsDevice&) = delete;

  // As what it works from now on.
  void use(std::optional<emulator::Pasid> pasid) { pasid_ = pasid; }

  // Asks, whatever it has, and keeps what it is told.
  emulator::TranslationCompletion request(Iova address, std::uint8_t count = 1,
                                          bool no_write = false);
  // By a translation that it has, or has asked for; none if it has no right to
  // the access, else whether that was made.
  std::optional<bool> read(Iova address, std::span<std::byte> bytes);
  std::optional<bool> write(Iova address, std::span<const std::byte> bytes);
  // Eight bytes, little-endian.
  std::optional<std::uint64_t> read64(Iova address);
  bool write64(Iova address, std::uint64_t value);
  // As it says, whatever it has: a device that cannot be trusted.
  emulator::Outcome access_translated(Iova translated,
                                      emulator::Direction direction = emulator::Direction::kRead);

  // Whether it has a translation of the address.
  bool knows(Iova address) const;
  std::size_t known() const;

  void ask_for_page(Iova address, std::uint16_t group, bool last = true, bool write = false);
  void stop_pasid();
  // Responses that have come since the last call.
  std::vector<emulator::PageGroupResponse> responses();

  void set_answers(Answers answers);
  // Answers what has been left unanswered, in the order in which it came.
  void answer(emulator::InvalidationResult result = emulator::InvalidationResult::kComplete);
  std::size_t unanswered() const;

 private:
  friend class Fabric;

  struct Key {
    std::optional<std::uint32_t> substream = std::nullopt;
    bool privileged = false;
    std::uint64_t address = 0;  // of the block's last byte

    friend auto operator<=>(const Key&, const Key&) = default;
  };

  void on_invalidate(const emulator::AtcInvalidation& invalidation, emulator::InvalidationTag tag);
  void on_response(const emulator::PageGroupResponse& response);
  void answer(const std::vector<emulator::InvalidationTag>& tags,
              emulator::InvalidationResult result);

  Key key_of(std::uint64_t last) const;
  std::optional<emulator::TranslatedRange> find(Iova address) const;
  // An access, page by page.
  template <class Access>
  std::optional<bool> transfer(Iova address, std::size_t size, emulator::Direction direction,
                               Access&& access);
  // Says that it uses nothing any more, and answers whoever has waited for that.
  void end_use();

  Fabric& fabric_;
  emulator::Port& port_;
  const StreamId stream_;
  std::optional<emulator::Pasid> pasid_;

  mutable std::mutex mutex_;  // guards what follows
  std::map<Key, emulator::TranslatedRange> cache_;
  std::uint64_t invalidations_ = 0;  // that have come
  bool in_use_ = false;              // a translation is
  Answers answers_ = Answers::kAtOnce;
  std::vector<emulator::InvalidationTag> owed_;  // as soon as none is in use
  std::vector<emulator::InvalidationTag> held_;  // kLater and kNever
  std::vector<emulator::PageGroupResponse> responses_;
};

}  // namespace smmu::testing

#endif  // SMMU_TESTING_ATS_DEVICE_H_
