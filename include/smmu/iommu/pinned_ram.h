// RAM of the platform, which a program finds where the host has it.
#ifndef SMMU_IOMMU_PINNED_RAM_H_
#define SMMU_IOMMU_PINNED_RAM_H_

#include <cstdint>
#include <memory>
#include <system_error>

#include "smmu/iommu/pinned_memory.h"
#include "smmu/platform/memory.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

// What it means to pin a page.
enum class Pinning : std::uint8_t {
  kCount,  // it is counted, and never goes away
  // The host keeps it in memory too (mlock), within RLIMIT_MEMLOCK.  Locks of the host are not
  // counted: what is unpinned here is unlocked for everybody.
  kLock,
};

// Every member function may be called from any number of threads at once.
class PinnedRam final : public PinnedMemory {
 public:
  static constexpr std::uint64_t kPageSize = 4096;
  static constexpr std::uint64_t kUnlimited = UINT64_MAX;

  // [base, base + size) of `memory`, which must outlive this object and has to be one directly
  // mapped region, or part of one.  `most`: so many bytes may be pinned at once, where a page that
  // is pinned twice counts once.
  // invalid_argument: it is not, or it is empty, or an end is no multiple of a page, there or in
  // the host.  operation_not_supported: to lock, where the host's pages have another size.
  // not_enough_memory.
  // REQUIRES, to lock: no other object that locks, nor anything else of the program, locks a page
  // of the range.
  static Result<std::unique_ptr<PinnedRam>, std::errc> create(PhysicalMemory& memory, Pa base,
                                                              std::uint64_t size,
                                                              Pinning pinning = Pinning::kCount,
                                                              std::uint64_t most = kUnlimited);
  // Unlocks what is pinned.
  ~PinnedRam() override;
  PinnedRam(const PinnedRam&) = delete;
  PinnedRam& operator=(const PinnedRam&) = delete;

  // What the program calls a byte of the region.
  // REQUIRES: `pa` is inside.
  UserAddress address_of(Pa pa) const;

  // Pins all of [address, address + size) or nothing.
  // bad_address: it is not all in the region.  invalid_argument: there are no bytes, or an end is
  // no multiple of a page.  not_enough_memory: the host or `most` forbids it.
  Result<PinnedRun, std::errc> pin(UserAddress address, std::uint64_t size, Prot prot) override;
  // What is not in the region, or not pinned, stays as it is.
  void unpin(Pa pa, std::uint64_t size) override;

  // Bytes that are pinned, however often.
  std::uint64_t pinned() const;
  // How often the page is that an address is in.
  // REQUIRES: `pa` is inside.
  std::uint32_t pins(Pa pa) const;

 private:
  struct State;
  explicit PinnedRam(std::unique_ptr<State> state);

  const std::unique_ptr<State> state_;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_PINNED_RAM_H_
