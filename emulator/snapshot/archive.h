// How values of every kind get into a snapshot and out of it again: one visit
// for both directions, so that what is saved is what is restored.
#ifndef SMMU_EMULATOR_SNAPSHOT_ARCHIVE_H_
#define SMMU_EMULATOR_SNAPSHOT_ARCHIVE_H_

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "smmu/arch/memory_attributes.h"
#include "smmu/types.h"

namespace smmu::emulator {

// A SnapshotWriter or a SnapshotReader.  `snapshot(a, b)` writes the values, or
// replaces them by what was written.  A class that is part of a snapshot has
//
//   template <class Snapshot>
//   void archive(Snapshot& snapshot) { snapshot(first_, second_); }
//
// or a function archive(snapshot, value) beside it; an enumeration has
// known(value), whether there is such a value.
//
// A reader goes on after a mistake, with zeros, and keeps the first: whoever
// takes a number for an index or a count asks require() or ok() before.

// Of the enumerations that are not in this namespace.
constexpr bool known(SecurityState value) { return value <= SecurityState::kSecure; }
// A descriptor may say the reserved one.
constexpr bool known(Shareability value) { return value <= Shareability::kInner; }

template <class T, class Snapshot>
concept Archivable = requires(T& value, Snapshot& snapshot) {
  value.archive(snapshot);
};

template <class Snapshot, class T>
void visit(Snapshot& snapshot, T& value);

template <class Snapshot, class Kind, class Representation>
void archive(Snapshot& snapshot, Number<Kind, Representation>& number) {
  snapshot(number.value);
}

template <class Snapshot, class T>
void archive(Snapshot& snapshot, std::atomic<T>& value) {
  T plain = value.load(std::memory_order_relaxed);
  snapshot(plain);
  if constexpr (Snapshot::kReads) value.store(plain, std::memory_order_relaxed);
}

// A register.
template <class Snapshot, class R>
requires requires { R::kOffset; }
void archive(Snapshot& snapshot, R& value) {
  auto word = value.raw();
  snapshot(word);
  if constexpr (Snapshot::kReads) value = R(word);
}

template <class Snapshot, class T, std::size_t kSize>
void archive(Snapshot& snapshot, std::array<T, kSize>& values) {
  for (T& value : values) snapshot(value);
}

template <class Snapshot, class T>
void archive(Snapshot& snapshot, std::optional<T>& value) {
  bool present = value.has_value();
  snapshot(present);
  if constexpr (Snapshot::kReads) {
    value.reset();
    if (present) value.emplace(T{});
  }
  if (value) snapshot(*value);
}

template <class Snapshot, class... T>
void archive(Snapshot& snapshot, std::variant<T...>& value) {
  auto index = static_cast<std::uint8_t>(value.index());
  snapshot(index);
  if constexpr (Snapshot::kReads) {
    if (!snapshot.require(index < sizeof...(T), "a choice that does not exist")) return;
    std::uint8_t at = 0;
    ((at++ == index ? static_cast<void>(value.template emplace<T>()) : void()), ...);
  }
  std::visit([&](auto& chosen) { snapshot(chosen); }, value);
}

template <class Snapshot, class T>
void visit(Snapshot& snapshot, T& value) {
  if constexpr (std::same_as<T, bool>) {
    auto bit = static_cast<std::uint8_t>(value);
    snapshot.integer(bit);
    snapshot.require(bit <= 1, "a truth value that is neither");
    value = bit == 1;
  } else if constexpr (std::integral<T>) {
    snapshot.integer(value);
  } else if constexpr (std::is_enum_v<T>) {
    auto number = static_cast<std::underlying_type_t<T>>(value);
    snapshot.integer(number);
    if constexpr (Snapshot::kReads) {
      if (snapshot.require(known(static_cast<T>(number)), "a value that does not exist")) {
        value = static_cast<T>(number);
      }
    }
  } else if constexpr (Archivable<T, Snapshot>) {
    value.archive(snapshot);
  } else {
    archive(snapshot, value);
  }
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_SNAPSHOT_ARCHIVE_H_
