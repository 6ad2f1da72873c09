// What tests expect of accesses and of events, as GoogleTest matchers.
#ifndef SMMU_TESTING_MATCHERS_H_
#define SMMU_TESTING_MATCHERS_H_

#include <gmock/gmock.h>

#include <cstdint>
#include <ostream>
#include <variant>

#include "smmu/emulator/port.h"
#include "smmu/testing/board.h"

namespace smmu::testing {

// The outcome of a translation, or of an access.
inline const emulator::Outcome& outcome_of(const emulator::Outcome& outcome) { return outcome; }
inline const emulator::Outcome& outcome_of(const emulator::Transfer& transfer) {
  return transfer.outcome;
}

inline void describe(const emulator::Outcome& outcome, std::ostream* out) {
  if (const auto* translation = std::get_if<emulator::Translation>(&outcome)) {
    *out << "it translates to 0x" << std::hex << translation->pa.value << std::dec;
  } else if (const auto* terminated = std::get_if<emulator::Terminated>(&outcome)) {
    *out << (terminated->response == emulator::Response::kAbort ? "it aborts" : "it is RAZ/WI");
  } else {
    *out << "it stalls";
  }
}

MATCHER_P(TranslatesTo, pa, "") {
  const emulator::Outcome& outcome = outcome_of(arg);
  if (result_listener->IsInterested()) describe(outcome, result_listener->stream());
  const auto* translation = std::get_if<emulator::Translation>(&outcome);
  return translation != nullptr && translation->pa == pa;
}

MATCHER(Aborts, "") {
  const emulator::Outcome& outcome = outcome_of(arg);
  if (result_listener->IsInterested()) describe(outcome, result_listener->stream());
  const auto* terminated = std::get_if<emulator::Terminated>(&outcome);
  return terminated != nullptr && terminated->response == emulator::Response::kAbort;
}

// Reads give zeros and writes are dropped.
MATCHER(IsRazWi, "") {
  const emulator::Outcome& outcome = outcome_of(arg);
  if (result_listener->IsInterested()) describe(outcome, result_listener->stream());
  const auto* terminated = std::get_if<emulator::Terminated>(&outcome);
  return terminated != nullptr && terminated->response == emulator::Response::kRazWi;
}

MATCHER(Stalls, "") {
  const emulator::Outcome& outcome = outcome_of(arg);
  if (result_listener->IsInterested()) describe(outcome, result_listener->stream());
  return std::holds_alternative<emulator::Stalled>(outcome);
}

MATCHER_P2(IsEvent, type, stream, "") {
  const Event& event = arg;
  return event.type() == type && event.stream() == stream;
}

// REQUIRES: the type is one whose records hold an input address.
MATCHER_P3(IsEvent, type, stream, address, "") {
  const Event& event = arg;
  using v3::F_UUT;
  return event.type() == type && event.stream() == stream &&
         event.as<F_UUT>()[F_UUT::InputAddr] == Iova(address).value;
}

}  // namespace smmu::testing

#endif  // SMMU_TESTING_MATCHERS_H_
