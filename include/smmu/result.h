// Result<T, E>: a T, or the E that explains why there is none.  The subset of
// C++23's std::expected this library uses, under the same member names, so
// that the day it compiles as C++23 this file becomes one using-declaration.
#ifndef SMMU_RESULT_H_
#define SMMU_RESULT_H_

#include <cassert>
#include <utility>
#include <variant>

namespace smmu {

// The T of what is done for its effect alone.
struct Done {};

template <class T, class E>
class [[nodiscard]] Result {
 public:
  constexpr Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  constexpr Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}

  constexpr bool has_value() const { return state_.index() == 0; }
  constexpr explicit operator bool() const { return has_value(); }

  constexpr const T& operator*() const& {
    assert(has_value());
    return *std::get_if<0>(&state_);
  }
  constexpr T& operator*() & {
    assert(has_value());
    return *std::get_if<0>(&state_);
  }
  constexpr T&& operator*() && { return std::move(**this); }
  constexpr const T* operator->() const { return &**this; }
  constexpr T* operator->() { return &**this; }
  constexpr const E& error() const {
    assert(!has_value());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, E> state_;
};

}  // namespace smmu

#endif  // SMMU_RESULT_H_
