// Event records (IHI 0070, 7.3): what software is told of a fault.
#ifndef SMMU_EMULATOR_V3_EVENT_RECORD_H_
#define SMMU_EMULATOR_V3_EVENT_RECORD_H_

#include <array>
#include <cstdint>

#include "emulator/tcu/configuration_source.h"
#include "smmu/emulator/ats.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

using EventRecord = std::array<std::uint64_t, 4>;

EventRecord event_record(const Transaction& transaction, const ConfigurationFault& fault);
// `security`: whose queue it is for.
EventRecord event_record(SecurityState security, const Transaction& transaction,
                         const TranslationFault& fault);
// Of a transaction whose address is translated already.
EventRecord event_record(const Transaction& transaction, AtsForbidden);
EventRecord event_record(const TranslationRequest& request, AtsForbidden);
EventRecord event_record(const Transaction& transaction, const UnsupportedTransaction& fault);
// The same of a transaction that is stalled.
EventRecord stall_record(const Transaction& transaction, const TranslationFault& fault,
                         Stalled stalled);

// Whether an event of that kind may be merged whatever the STE says, because
// it may come before there is an STE (7.3.1).
bool always_mergeable(const ConfigurationFault& fault);
// Whether one record can stand for both: what differs is none of what 7.3 says
// must not.
bool alike(const EventRecord& a, const EventRecord& b);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_EVENT_RECORD_H_
