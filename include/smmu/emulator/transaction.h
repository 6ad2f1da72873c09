// What a device asks of an SMMU and what it gets back.
#ifndef SMMU_EMULATOR_TRANSACTION_H_
#define SMMU_EMULATOR_TRANSACTION_H_

#include <cstdint>
#include <optional>
#include <variant>

#include "smmu/arch/memory_attributes.h"
#include "smmu/types.h"

namespace smmu::emulator {

enum class Direction : std::uint8_t { kRead, kWrite };
enum class Privilege : std::uint8_t { kUnprivileged, kPrivileged };
enum class Content : std::uint8_t { kData, kInstruction };
// Whether the device has translated the address already, by what the SMMU has
// told it (IHI 0070, 3.9: ATS).
enum class AddressType : std::uint8_t { kUntranslated, kTranslated };

// An access a device makes.  The defaults are those that an interconnect
// which carries no such attribute gets (IHI 0070, 13.1).
struct Transaction {
  StreamId stream;
  Iova address;
  Direction direction = Direction::kRead;
  Privilege privilege = Privilege::kUnprivileged;
  Content content = Content::kData;  // a write is data whatever this says
  std::optional<SubstreamId> substream = std::nullopt;
  // SEC_SID: whose stream it is (3.10.1).  An SMMU without a Secure interface
  // takes every stream for Non-secure.
  SecurityState security = SecurityState::kNonSecure;
  AddressType address_type = AddressType::kUntranslated;
  MemoryAttributes attributes = {};
  // NS, of Secure streams: the address space of `address` where stage 1 does not
  // say.
  SecurityState space = SecurityState::kNonSecure;
  // SSD_Index: of an SMMUv2 whose table says whose a device is (IHI 0062).
  std::uint16_t ssd_index = 0;
};

// What one privilege level may do.
struct Rights {
  bool read = false;
  bool write = false;
  bool execute = false;
};

// The six accesses a translation allows or not.
class Permissions {
 public:
  constexpr Permissions() = default;
  constexpr Permissions(Rights unprivileged, Rights privileged)
      : bits_(static_cast<std::uint8_t>(bits(unprivileged) | bits(privileged) << 4)) {}

  static constexpr Permissions all() {
    constexpr Rights kAll{.read = true, .write = true, .execute = true};
    return {kAll, kAll};
  }

  constexpr bool allow(Privilege privilege, Direction direction, Content content) const {
    return (bits_ >> bit(privilege, direction, content) & 1) != 0;
  }

  // What both allow.
  friend constexpr Permissions operator&(Permissions a, Permissions b) {
    a.bits_ &= b.bits_;
    return a;
  }
  friend constexpr bool operator==(Permissions, Permissions) = default;

 private:
  // A bit for each access there is a name for, so that asking takes no
  // decision: a write is data whatever Content says, and has two.
  static constexpr unsigned bit(Privilege privilege, Direction direction, Content content) {
    return static_cast<unsigned>(direction) + 2 * static_cast<unsigned>(content) +
           4 * static_cast<unsigned>(privilege);
  }
  static constexpr unsigned bits(Rights rights) {
    return (rights.read ? 0b0001U : 0) | (rights.write ? 0b1010U : 0) |
           (rights.execute ? 0b0100U : 0);
  }

  std::uint8_t bits_ = 0;
};

// By which way an access got its address.
enum class Route : std::uint8_t {
  kTables,      // through translation tables
  kBypass,      // unchanged: the stream's configuration says so
  kDisabled,    // unchanged: the SMMU is off
  kTranslated,  // unchanged: the device had it from the SMMU
};

// The access goes on to `pa`.  So does every access of the same kind to the
// naturally aligned block of `size` bytes around the address, which maps
// linearly, for as long as the configuration and the tables stay as they are.
struct Translation {
  Pa pa;
  std::uint64_t size;
  MemoryAttributes attributes;
  Permissions permissions;
  Route route;
  SecurityState space = SecurityState::kNonSecure;  // of `pa`
};

enum class Response : std::uint8_t {
  kAbort,  // the device sees a bus error
  kRazWi,  // the device sees success: a read gives zeros, a write is dropped
};

// The access went no further.  Whether software was told is not visible to
// the device.
struct Terminated {
  Response response;
};

// The access waits for software, which names it by StreamID and `tag` (the
// STAG of the event record).  The tag is the access's own, among those of its
// Security state, until the port's StallClient has been told how it ended.
struct Stalled {
  std::uint16_t tag;
  SecurityState security = SecurityState::kNonSecure;

  friend constexpr bool operator==(Stalled, Stalled) = default;
};

using Outcome = std::variant<Translation, Terminated, Stalled>;

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TRANSACTION_H_
