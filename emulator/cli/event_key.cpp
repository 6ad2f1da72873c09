#include "emulator/cli/event_key.h"

#include <algorithm>
#include <string_view>

namespace smmu::cli {

namespace {

using v3::EventHeader;
using v3::EventType;

bool has_field(EventType type, std::string_view name) {
  const auto event = std::ranges::find(v3::kEvents, type, &v3::EventLayout::type);
  return event != std::end(v3::kEvents) &&
         std::ranges::any_of(event->layout.fields, [name](const FieldInfo& field) {
           return field.name != nullptr && field.name == name;
         });
}

EventKey make_key(EventType type, std::uint32_t stream, std::uint64_t iova, bool read) {
  return {type, stream, has_field(type, "InputAddr") ? iova : 0, !has_field(type, "RnW") || read};
}

}  // namespace

EventKey key_of(const EventWords& words) {
  const EventHeader header(words);
  // These two are in one place in every record that has them.
  const v3::F_PERMISSION fault(words);
  return make_key(header[EventHeader::EventNumber], header[EventHeader::StreamID],
                  fault[v3::F_PERMISSION::InputAddr], fault[v3::F_PERMISSION::RnW]);
}

EventKey key_of(const RecordedFault& fault) {
  return make_key(fault.event, fault.stream, fault.iova, !fault.write);
}

}  // namespace smmu::cli
