// What devices say and are told, in a snapshot.
#ifndef SMMU_EMULATOR_SNAPSHOT_VALUES_H_
#define SMMU_EMULATOR_SNAPSHOT_VALUES_H_

#include <bit>
#include <cstdint>

#include "emulator/snapshot/archive.h"
#include "smmu/emulator/ats.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

constexpr bool known(Direction value) { return value <= Direction::kWrite; }
constexpr bool known(Privilege value) { return value <= Privilege::kPrivileged; }
constexpr bool known(Content value) { return value <= Content::kInstruction; }
constexpr bool known(AddressType value) { return value <= AddressType::kTranslated; }
constexpr bool known(Route value) { return value <= Route::kTranslated; }
constexpr bool known(Response value) { return value <= Response::kRazWi; }
constexpr bool known(StreamWorld value) { return value <= StreamWorld::kEl3; }

// A structured binding names every member: a new one does not compile until it
// is here.

template <class Snapshot>
void archive(Snapshot& snapshot, MemoryAttributes& attributes) {
  auto& [type, shareability] = attributes;
  snapshot(type, shareability);
}

template <class Snapshot>
void archive(Snapshot& snapshot, Permissions& permissions) {
  auto bits = std::bit_cast<std::uint8_t>(permissions);
  snapshot(bits);
  permissions = std::bit_cast<Permissions>(bits);
}

template <class Snapshot>
void archive(Snapshot& snapshot, Transaction& transaction) {
  auto& [stream, address, direction, privilege, content, substream, security, address_type,
         attributes, space, ssd_index] = transaction;
  snapshot(stream, address, direction, privilege, content, substream, security, address_type,
           attributes, space, ssd_index);
}

template <class Snapshot>
void archive(Snapshot& snapshot, Terminated& terminated) {
  auto& [response] = terminated;
  snapshot(response);
}

template <class Snapshot>
void archive(Snapshot& snapshot, Pasid& pasid) {
  auto& [substream, execute, privilege] = pasid;
  snapshot(substream, execute, privilege);
}

template <class Snapshot>
void archive(Snapshot& snapshot, PageRequest& request) {
  auto& [stream, address, read, write, last, group, pasid] = request;
  snapshot(stream, address, read, write, last, group, pasid);
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_SNAPSHOT_VALUES_H_
