// A container: an address space for devices that are handed to a program, as VFIO has it.
#ifndef SMMU_IOMMU_CONTAINER_H_
#define SMMU_IOMMU_CONTAINER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <system_error>

#include "smmu/iommu/container_capabilities.h"
#include "smmu/iommu/device.h"
#include "smmu/iommu/interrupt_isolation.h"
#include "smmu/iommu/pinned_memory.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

// What may be unmapped: with kV1 whatever begins in the range, with kV2 whole slots.
enum class ContainerVersion : std::uint8_t { kV1, kV2 };

// Whether groups are taken whose devices can raise each other's interrupts, or the host's.
enum class UnsafeInterrupts : std::uint8_t { kRefuse, kAllow };

struct ContainerConfig {
  ContainerVersion version = ContainerVersion::kV2;
  // Ranges that may be mapped at once.
  std::uint32_t most_slots = 65535;
  // Of the memory that is pinned; nothing smaller is mapped.
  std::uint64_t page_size = 4096;
  // Who says which groups are isolated; outlives the container.  Null: group_has_isolated_msi()
  // does.
  InterruptIsolation* isolation = nullptr;
  UnsafeInterrupts unsafe_interrupts = UnsafeInterrupts::kRefuse;
};

enum class MapFlags : std::uint32_t {
  kNone = 0,
  kRead = 1 << 0,   // devices may read
  kWrite = 1 << 1,  // devices may write
  // Nothing is mapped: the memory of a slot that UnmapFlags::kAddress was for has this address now.
  kAddress = 1 << 2,
  // The range becomes a window for doorbells, of every domain there is and will be.  Who has bound
  // some (MsiBinding, MsiVectors) unbinds them before the window is unmapped, or the group
  // detached: afterwards they are not current, also in what is attached next, their messages are
  // faults, and to unbind them does nothing.
  // REQUIRES: no thread uses bindings of a group while that is detached, or the container
  // destroyed.
  kMsiWindow = 1 << 16,
};
constexpr MapFlags operator|(MapFlags a, MapFlags b) {
  return static_cast<MapFlags>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr MapFlags operator&(MapFlags a, MapFlags b) {
  return static_cast<MapFlags>(static_cast<std::uint32_t>(a) & static_cast<std::uint32_t>(b));
}

struct DmaMap {
  MapFlags flags = MapFlags::kNone;
  UserAddress address;  // not looked at for a window
  Iova iova;
  std::uint64_t size = 0;
};

enum class UnmapFlags : std::uint32_t {
  kNone = 0,
  kDirtyBitmap = 1 << 0,  // tells what was written to
  kAll = 1 << 1,          // everything there is; iova and size are 0
  // Nothing is unmapped: the program's addresses of what is in the range are not good any more.
  kAddress = 1 << 2,
};
constexpr UnmapFlags operator|(UnmapFlags a, UnmapFlags b) {
  return static_cast<UnmapFlags>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr UnmapFlags operator&(UnmapFlags a, UnmapFlags b) {
  return static_cast<UnmapFlags>(static_cast<std::uint32_t>(a) & static_cast<std::uint32_t>(b));
}

// Bit n of it, which is bit n % 64 of word n / 64, is set if the n-th page of a range was written
// to.  Others are left as they are.
struct DirtyBitmap {
  std::uint64_t page_size = 0;
  std::span<std::uint64_t> words = {};
};

struct DmaUnmap {
  UnmapFlags flags = UnmapFlags::kNone;
  Iova iova;
  std::uint64_t size = 0;
  DirtyBitmap bitmap = {};  // kDirtyBitmap
};

// A slot is a range of IOVAs and the program's memory that devices find there, or the window for
// doorbells.  As long as the container has a group, all slots are mapped in a domain for every
// Iommu its groups are of, and the memory is pinned.  docs/container.md has the rules of all calls
// and their errors.
//
// Every member function may be called from any number of threads at once, but for the destructor.
// They come one after the other: a container has one lock, which is held while PinnedMemory,
// InterruptIsolation and drivers are called.  A call that is made from inside another one, by the
// same thread, fails with device_or_resource_busy; but capabilities() and slots() answer, and tell
// of what is there by then.  A FaultHandler must not wait for a container:
// it may be called by a thread that has another Iommu's lock.
//
// An error leaves all as it was, but for what attach() says of devices.  But for the lists of
// groups' regions and devices, and those that are returned, no memory is taken for granted.
class Container {
 public:
  // `memory` outlives the container.  invalid_argument: the page size is no power of two.
  // not_enough_memory.
  static Result<std::unique_ptr<Container>, std::errc> create(PinnedMemory& memory,
                                                              const ContainerConfig& config = {});
  // Detaches the groups, and unmaps everything.
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  // The group becomes the container's own (Group::claim()), and its devices find all slots.
  // invalid_argument: it is here already; a slot is outside of what its Iommu can map, or where a
  // device has a region (of any type but kDirectRelaxable, and kSoftwareMsi for the window); or
  // there is no page size or no address that all domains have.  device_or_resource_busy: a slot has
  // no address, see UnmapFlags::kAddress.  operation_not_permitted: interrupts are not isolated.
  // not_enough_memory.  And those of Group::claim(), Iommu::create_domain(), Group::attach(),
  // Domain::map(), Domain::alloc_reserved_iova_domain(), Domain::set_dirty_tracking() and
  // PinnedMemory::pin().
  // Where a slot, a region or interrupts forbid it, devices stay as they are meanwhile.  After any
  // other error that comes later than the claim they have been blocked for a while; and one that
  // its driver does not take back then is blocked from then on, with all of its group.
  // REQUIRES: the group has devices, and stays until it is detached.
  Result<Done, std::errc> attach(Group& group);
  // The group is its Iommu's again.  With the last one all slots are gone.
  // invalid_argument: it is not here.
  Result<Done, std::errc> detach(Group& group);

  // Adds a slot, or gives one an address.
  //
  // invalid_argument: flags that are unknown or do not go together (kRead, kWrite or both; kAddress
  // alone; kMsiWindow alone); no bytes; an address or the size is no multiple of the smallest page;
  // devices have a region there, of a type that attach() says, or it is outside of what can be
  // mapped; for kAddress, the slot is another, or has an address.  value_too_large: a range wraps.
  // file_exists: part of it is in a slot, or it would be the second window.
  // no_such_file_or_directory: for kAddress, there is no slot.  no_space_on_device: no slot is
  // left.  not_enough_memory.  io_error: pin() answered what it must not.  And those of
  // PinnedMemory::pin(), Domain::map() and Domain::alloc_reserved_iova_domain().
  Result<Done, std::errc> map_dma(const DmaMap& map);

  // Removes slots, and returns their bytes; 0 if there are none.  When it returns no device reaches
  // the memory, and it is unpinned.  An SMMU that does not answer an invalidation may reach it
  // still: its driver tells the DriverLog, and pages are unpinned all the same.
  //
  // kV2: the slots that are in the range, if none is in it in part.  kV1: those that begin in the
  // range, even if they end elsewhere; none, if the range begins inside one.
  // invalid_argument: flags that are unknown or do not go together; no bytes; an address or the
  // size is no multiple of the smallest page; for kAll, they are not 0; a slot is in the range in
  // part (kV2); for kAddress, a slot has none already; for kDirtyBitmap, see dirty_pages().
  // value_too_large: the range wraps.
  Result<std::uint64_t, std::errc> unmap_dma(const DmaUnmap& unmap);

  // From now on it is remembered what devices write to.  Nothing happens if it is already.
  // permission_denied: kV1.  And those of Domain::set_dirty_tracking(), but that hardware which
  // cannot tell is no error: then all that is mapped counts as written to.
  Result<Done, std::errc> start_dirty_log();
  // permission_denied: kV1.
  Result<Done, std::errc> stop_dirty_log();
  // Marks what was written to in the range since it was last asked, or since the log was started;
  // never what devices may only read.  More than that is marked where tables do not tell, or the
  // group is gone whose did.
  // permission_denied: kV1.  invalid_argument: there is no log; `page_size` is not the smallest
  // page; the range has no bytes or is not made of such pages; a slot is in the range in part; the
  // words are fewer than that many pages have bits, or more than ContainerCapabilities says.
  // value_too_large: the range wraps.
  Result<Done, std::errc> dirty_pages(Iova iova, std::uint64_t size, const DirtyBitmap& bitmap);

  // The last two never fail, whoever calls.
  ContainerCapabilities capabilities() const;
  // Slots there are.
  std::uint32_t slots() const;

 private:
  struct State;
  class Call;
  explicit Container(std::unique_ptr<State> state);

  const std::unique_ptr<State> state_;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_CONTAINER_H_
