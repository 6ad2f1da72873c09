#include "emulator/cli/event_comparison.h"

#include <fmt/format.h>

namespace smmu::cli {

namespace {

using v3::EventClass;
using v3::EventType;
// F_TRANSLATION, F_ADDR_SIZE, F_ACCESS and F_PERMISSION have their common fields in one place, and
// SSV and SubstreamID are where all records have them.
using Fault = v3::F_PERMISSION;

EventType type_of(const EventWords& words) {
  return v3::EventHeader(words)[v3::EventHeader::EventNumber];
}

bool is_translation_fault(const EventWords& words) {
  switch (type_of(words)) {
    case EventType::F_TRANSLATION:
    case EventType::F_ADDR_SIZE:
    case EventType::F_ACCESS:
    case EventType::F_PERMISSION:
      return true;
    default:
      return false;
  }
}

bool is_stage1_fault(const EventWords& words) {
  return is_translation_fault(words) && !Fault(words)[Fault::S2];
}

// Bits of a record that are not compared where `applies` to the record that is expected.
struct Mask {
  std::size_t word;
  std::uint64_t bits;
  bool (*applies)(const EventWords&);
};

template <class Field>
constexpr Mask field(Field, bool (*applies)(const EventWords&)) {
  return {Field::kWord, Field::kMask, applies};
}

// The list is closed: captures/README, "Compare with these masks and nothing else".
constexpr Mask kMasks[] = {
    // 7.3.13: for a stage 1 fault the IPA is UNKNOWN.
    {3, mask(63, 0), is_stage1_fault},
    // 7.3.13: the IPA is [55:12] of the address; newer QEMUs write the low bits too.
    {3, mask(11, 0),
     [](const EventWords& words) {
       return is_translation_fault(words) && Fault(words)[Fault::S2];
     }},
    // 3.12.2: STAG names a stalled transaction only.
    field(Fault::STAG,
          [](const EventWords& words) {
            return is_translation_fault(words) && !Fault(words)[Fault::Stall];
          }),
    // 7.3.16: TTRnW is UNKNOWN unless the walk's own access failed.
    field(Fault::TTRnW,
          [](const EventWords& words) {
            return type_of(words) == EventType::F_PERMISSION &&
                   Fault(words)[Fault::CLASS] != EventClass::kTt;
          }),
    // 7.3.4, 7.3.10, 7.3.12: Reason is IMPLEMENTATION DEFINED.
    field(v3::F_STE_FETCH::Reason,
          [](const EventWords& words) {
            const EventType type = type_of(words);
            return type == EventType::F_STE_FETCH || type == EventType::F_CD_FETCH ||
                   type == EventType::F_WALK_EABT;
          }),
    // 7.3: without SSV the SubstreamID is UNKNOWN.  C_BAD_SUBSTREAMID has no SSV.
    field(Fault::SubstreamID,
          [](const EventWords& words) {
            return type_of(words) != EventType::C_BAD_SUBSTREAMID && !Fault(words)[Fault::SSV];
          }),
};

// What QEMU should have written: CLASS IN in the record of a stage 1 fault (7.3.13 to 7.3.16), and
// the address of a CD that could not be read in FetchAddr (7.3.10).
EventWords corrected(const EventWords& recorded) {
  if (is_stage1_fault(recorded)) return Fault(recorded).set(Fault::CLASS, EventClass::kIn).words();
  if (type_of(recorded) == EventType::F_CD_FETCH && recorded[3] == 0) {
    return {recorded[0], recorded[1], 0, recorded[2] & decltype(v3::F_CD_FETCH::FetchAddr)::kMask};
  }
  return recorded;
}

}  // namespace

EventComparison compare_event(const EventWords& expected, RecordForm form,
                              const EventWords& actual) {
  const EventWords wanted = form == RecordForm::kRecorded ? corrected(expected) : expected;
  EventWords difference;
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = wanted[i] ^ actual[i];

  EventComparison result{.equal = false, .masked = wanted != expected ? 1U : 0U};
  for (const Mask& mask : kMasks) {
    if (!mask.applies(wanted)) continue;
    if ((difference[mask.word] & mask.bits) != 0) ++result.masked;
    difference[mask.word] &= ~mask.bits;
  }
  result.equal = difference == EventWords{};
  return result;
}

std::string to_text(const EventWords& words) {
  return fmt::format("{:#x},{:#x},{:#x},{:#x}", words[0], words[1], words[2], words[3]);
}

}  // namespace smmu::cli
