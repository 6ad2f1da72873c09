// Takes values out of a snapshot, which may be anything.
#ifndef SMMU_EMULATOR_SNAPSHOT_READER_H_
#define SMMU_EMULATOR_SNAPSHOT_READER_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "emulator/snapshot/archive.h"

namespace smmu::emulator {

class SnapshotReader {
 public:
  static constexpr bool kReads = true;

  explicit SnapshotReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class... T>
  void operator()(T&... values) {
    (visit(*this, values), ...);
  }
  // Replaces the elements, of which there may be `most`.  What is taken of the
  // host's memory is in proportion to what is left of the snapshot.
  template <class Container>
  void sequence(Container& values, std::size_t most) {
    values.clear();
    std::uint32_t size = 0;
    integer(size);
    if (!require(size <= most, "more of something than there can be")) return;
    for (std::uint32_t i = 0; i != size && ok(); ++i) {
      values.emplace_back();
      (*this)(values.back());
    }
  }
  template <std::integral T>
  void integer(T& value) {
    value = 0;
    if (left() < sizeof(T)) return run_out();
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i != sizeof(T); ++i) {
      bits |= std::to_integer<std::uint64_t>(bytes_[at_ + i]) << 8 * i;
    }
    at_ += sizeof(T);
    value = static_cast<T>(static_cast<std::make_unsigned_t<T>>(bits));
  }

  // What follows is about this, as an error says it.
  void section(const char* name) { section_ = name; }
  // False: it is not so, or something before was not.
  bool require(bool condition, const char* otherwise) {
    if (!condition)
      fail("the snapshot is damaged: " + (otherwise + std::string(" in ")) + section_);
    return ok();
  }
  void fail(std::string sentence) {
    if (ok()) error_ = std::move(sentence);
  }

  bool ok() const { return error_.empty(); }
  // A sentence; empty as long as nothing was wrong.
  const std::string& error() const { return error_; }
  std::size_t left() const { return bytes_.size() - at_; }

 private:
  void run_out() {
    at_ = bytes_.size();
    fail(std::string("the snapshot ends in the middle of ") + section_);
  }

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  const char* section_ = "its head";
  std::string error_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_SNAPSHOT_READER_H_
