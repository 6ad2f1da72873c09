// Puts values into a snapshot.
#ifndef SMMU_EMULATOR_SNAPSHOT_WRITER_H_
#define SMMU_EMULATOR_SNAPSHOT_WRITER_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "emulator/snapshot/archive.h"

namespace smmu::emulator {

// Numbers are little-endian, of the size of their type.
class SnapshotWriter {
 public:
  static constexpr bool kReads = false;

  template <class... T>
  void operator()(T&... values) {
    (visit(*this, values), ...);
  }
  // The elements, and before them how many they are.
  template <class Container>
  void sequence(Container& values, std::size_t /*most*/) {
    auto size = static_cast<std::uint32_t>(values.size());
    integer(size);
    for (auto& value : values) (*this)(value);
  }
  template <std::integral T>
  void integer(T& value) {
    const auto bits = static_cast<std::uint64_t>(static_cast<std::make_unsigned_t<T>>(value));
    for (std::size_t i = 0; i != sizeof(T); ++i) {
      bytes_.push_back(static_cast<std::byte>(bits >> 8 * i));
    }
  }

  // What a reader asks.
  void section(const char*) {}
  bool require(bool, const char*) { return true; }
  bool ok() const { return true; }

  // Replaces eight bytes that have been written.
  void put(std::size_t at, std::uint64_t value) {
    for (std::size_t i = 0; i != sizeof value; ++i) {
      bytes_[at + i] = static_cast<std::byte>(value >> 8 * i);
    }
  }
  std::size_t size() const { return bytes_.size(); }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_SNAPSHOT_WRITER_H_
