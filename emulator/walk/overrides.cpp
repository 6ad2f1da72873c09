#include "emulator/walk/overrides.h"

#include "emulator/walk/attributes.h"

namespace smmu::emulator {
namespace {

// 13.1.3, 13.1.4: hints that come in stay where they can; what is cached only
// now allocates, and is not Transient.
std::uint8_t replaced_type(std::uint8_t type, std::uint8_t mem_attr) {
  // As FWB makes Write-Back of everything, and a stage 2 the rest of that.
  const MemoryAttributes cached =
      combine({.type = type}, {.mem_attr = 0b0110, .encoding = MemAttrEncoding::kForcedWriteBack});
  return combine(cached, {.mem_attr = mem_attr}).type;
}

// Of a nibble of MAIR.
unsigned hinted(unsigned nibble, AllocationHints hints) {
  constexpr unsigned kNonCacheable = 0b0100;
  if (nibble == kNonCacheable) return nibble;
  const bool read = hints.read.value_or((nibble & 0b0010) != 0);
  const bool write = hints.write.value_or((nibble & 0b0001) != 0);
  const bool transient = hints.transient.value_or((nibble & 0b1000) == 0);
  // 13.1.7: what is not allocated is not Transient.
  const bool kept = transient && (read || write);
  return (kept ? 0 : 0b1000U) | (nibble & 0b0100) | (read ? 0b0010U : 0) | (write ? 0b0001U : 0);
}

}  // namespace

MemoryAttributes Overrides::applied_to(MemoryAttributes incoming) const {
  MemoryAttributes result = consistent(incoming);
  if (mem_attr) result.type = replaced_type(result.type, *mem_attr);
  if (hints.any() && !result.is_device()) {
    result.type = static_cast<std::uint8_t>(hinted(result.type >> 4U, hints) << 4 |
                                            hinted(result.type & 0xfU, hints));
  }
  if (shareability) result.shareability = *shareability;
  return consistent(result);
}

Transaction Overrides::applied_to(const Transaction& incoming) const {
  Transaction transaction = incoming;
  transaction.attributes = applied_to(incoming.attributes);
  if (privilege) transaction.privilege = *privilege;
  if (space) transaction.space = *space;
  // 13.1.2: a write is data.
  if (content && incoming.direction == Direction::kRead) transaction.content = *content;
  return transaction;
}

Permissions Overrides::seen_from_outside(Permissions permissions) const {
  const auto rights = [&](Privilege incoming) {
    const Privilege as = privilege.value_or(incoming);
    const auto reads = [&](Content what) {
      return permissions.allow(as, Direction::kRead, content.value_or(what));
    };
    return Rights{.read = reads(Content::kData),
                  .write = permissions.allow(as, Direction::kWrite, Content::kData),
                  .execute = reads(Content::kInstruction)};
  };
  return {rights(Privilege::kUnprivileged), rights(Privilege::kPrivileged)};
}

}  // namespace smmu::emulator
