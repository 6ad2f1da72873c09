// A domain: one address space, for all devices that are attached to it.
#ifndef SMMU_IOMMU_DOMAIN_H_
#define SMMU_IOMMU_DOMAIN_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

#include "smmu/iommu/driver.h"
#include "smmu/iommu/fault.h"
#include "smmu/iommu/linked_list.h"
#include "smmu/iommu/prot.h"
#include "smmu/iommu/unmap_batch.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

class Device;
class DoorbellSpace;
class Group;
class Iommu;
class PasidAttachment;

// A piece of what map_sg() maps.
struct ScatterEntry {
  Pa pa;
  std::uint64_t size = 0;  // bytes
};

// Where software may map doorbells, and what alignment that has.
struct MsiGeometry {
  Iova first;
  Iova last;
  std::uint64_t granule = 0;
  bool required = false;  // a device's MSIs are translated, so somebody has to map the doorbell

  friend bool operator==(const MsiGeometry&, const MsiGeometry&) = default;
};

// What is bound in a reserved window, and in which: no two of a process have the same number.
struct WindowBinding {
  Iova iova;
  std::uint64_t window = 0;

  friend bool operator==(const WindowBinding&, const WindowBinding&) = default;
};

// Threads: map(), unmap(), sync() and iova_to_phys() may be called from any number at once, as long
// as no two of them that change something have addresses in common; and so may everything else,
// together with them.  But iova_to_phys() and read_and_clear_dirty() must have no address in common
// with a change that takes tables away: a map() of a block where smaller pages were, and an unmap()
// of as much as a block would take.  The destructor wants the domain to itself.
class Domain final : public ListPlace<Domain, Iommu>, private FaultSink {
 public:
  // Detaches what is attached, by PASID too, and frees the tables, whatever they map.
  ~Domain() override;
  Domain(const Domain&) = delete;
  Domain& operator=(const Domain&) = delete;

  DomainType type() const { return type_; }
  Iommu& iommu() const { return iommu_; }
  // Whether there is anything to map in it.
  bool is_paging() const { return iommu::is_paging(type_); }
  // Sizes of pages and blocks, one bit each, of this domain alone; 0 where nothing is mapped.
  std::uint64_t page_sizes() const { return driver_domain_->page_sizes(); }
  Geometry geometry() const { return driver_domain_->geometry(); }
  // Of the reserved window if there is one, else of the region of kSoftwareMsi that a device has
  // which is attached.  None: there is neither, or the domain does not page.
  std::optional<MsiGeometry> msi_geometry() const;

  // Whether guests' tables may be put above it.  operation_not_permitted: it was attached, or
  // something was mapped; or there is a reserved window.
  // Quirks that were set stay so, but for those that the other stage has not.
  // REQUIRES, as set_quirks(): no other thread uses the domain.
  bool nesting() const { return driver_domain_->nesting(); }
  Result<Done, std::errc> set_nesting(bool nesting);
  // All at once, in place of those of before.  A driver that chooses `dirty` and `s2fwb` itself, as
  // that of an SMMUv3 does by DomainOptions and the SMMU, keeps them whatever is said here.
  // invalid_argument: it is not unmanaged, or the driver cannot.  operation_not_permitted: as
  // above.
  Result<Done, std::errc> set_quirks(const PgtableQuirks& quirks);
  // From now on, of devices that are attached none can keep its accesses to pages of Prot::kCache
  // out of the caches; one that could is not attached any more, with invalid_argument.  False: one
  // that is attached can, or a guest above it, or the driver does not know.
  bool enforce_cache_coherency();

  // Maps [iova, iova + size) to [pa, pa + size), in the largest pages and blocks that fit; all of
  // it or nothing.  No bytes: nothing is done.
  // invalid_argument: an address or the size is no multiple of the smallest page, a range wraps,
  // the domain does not page, `prot` says neither kRead nor kWrite or more than Prot has, or part
  // of the range is in the reserved window.  result_out_of_range: it is not all inside geometry(),
  // or goes to addresses that the tables do not have; no table is added then.
  // no_such_device: the domain gets its tables when it is first attached.  And those of
  // IoPgtable::map() and of the driver.
  //
  // After not_enough_memory, and any error that comes when a part was mapped, there may be tables
  // more, which map nothing: counted by IoPgtable::live_tables(), for the next map() there or until
  // trim().  They are those of the first address and of the first that was not mapped, so two of a
  // level at most; but of tables whose place no block can take, all that were made.  Other threads
  // may be about to map in any of them, so they are not taken away at once.
  Result<Done, std::errc> map(Iova iova, Pa pa, std::uint64_t size, Prot prot);
  // The same for pieces that follow one another from `iova` on; those that follow one another in
  // memory are mapped as one.  Returns the bytes.
  Result<std::uint64_t, std::errc> map_sg(Iova iova, std::span<const ScatterEntry> entries,
                                          Prot prot);

  // Unmaps from `iova` on, up to `size` bytes, and returns how many that were: it ends at what is
  // not mapped, and at a block of which it is a part.  Nothing, if an address or the size is no
  // multiple of the smallest page, the range wraps or part of it is in the reserved window.  When
  // it returns, no device reaches what was mapped there; but where the SMMU does not answer an
  // invalidation, that is logged, and all goes on as if it had.
  std::uint64_t unmap(Iova iova, std::uint64_t size);
  // The same, but a device may reach it until sync() has returned; or, if the batch says so, until
  // flush_all() has.
  std::uint64_t unmap(Iova iova, std::uint64_t size, UnmapBatch& batch);
  void sync(UnmapBatch& batch);
  void flush_all() { driver_domain_->flush_all(); }
  // Gives tables that map nothing back to the pool, when the SMMU has forgotten them.  Without this
  // they stay for the next map().
  // REQUIRES: no thread maps or unmaps meanwhile, in the reserved window neither; and none is in
  // iova_to_phys() or read_and_clear_dirty().
  void trim();

  // Where an access of an attached device to `iova` goes.  None: it is not mapped, or is blocked.
  std::optional<Pa> iova_to_phys(Iova iova) const;

  // Groups that are attached.
  std::size_t attachments() const;

  // What is told of faults of this domain's devices; null: nobody.  When it returns no thread is in
  // the one of before, which may be destroyed then; but called from inside a handler it does not
  // wait for other threads.
  // device_or_resource_busy: there is another one; or a reserved window, as Linux has it, which
  // keeps one of the two for a domain.
  Result<Done, std::errc> set_fault_handler(FaultHandler* handler);

  // From now on what devices write to is remembered.  operation_not_supported: the hardware cannot,
  // or the domain was not made for it.
  Result<Done, std::errc> set_dirty_tracking(bool on);
  // Tells of what was written to in the range since it was last asked with kClear.  When it returns
  // so, what is written from now on is told next time; after an error this holds for what was told.
  // invalid_argument: the domain does not page.  no_such_device: it has no tables yet.  And those
  // of IoPgtable::read_and_clear_dirty().
  Result<Done, std::errc> read_and_clear_dirty(Iova iova, std::uint64_t size, DirtyBits bits,
                                               DirtySink& sink);

  // The reserved IOVA domain: a window that doorbells are mapped in, and that map() and unmap()
  // stay out of.  The caller need not know the size of a page, and need not care who else wants the
  // same doorbell.  These functions may be called from inside the driver's calls, too, that map and
  // unmap for them: they wait for what other threads have underway, never for their own.
  //
  // [iova, iova + size) becomes the window, with granules of 2^order bytes.  For the rule of
  // threads it changes all of it. invalid_argument: `iova` or `size` is no multiple of the granule,
  // there are no bytes, or they wrap; the granule is smaller than the smallest page, or `size` is
  // more than kMostWindowPages of these; the window is not inside the aperture, or overlaps what is
  // mapped or a reserved region of a device that is attached (but for one of kSoftwareMsi, and of
  // kDirectRelaxable where the group is owned); `prot` says neither kRead nor kWrite, or more than
  // Prot has; the domain is not one of kUnmanaged.
  // file_exists: there is a window.  device_or_resource_busy: there is a fault handler.
  // not_enough_memory.  no_such_file_or_directory: this library was built without it.
  //
  // A device that is attached later must not have such a region there either.
  Result<Done, std::errc> alloc_reserved_iova_domain(Iova iova, std::uint64_t size, unsigned order,
                                                     Prot prot = kReadWrite | Prot::kNoExec |
                                                                 Prot::kMmio);
  static constexpr std::uint64_t kMostWindowPages = 1 << 20;
  // Unmaps what is bound and gives the window up.  Without a window it does nothing.  Other threads
  // may use the window meanwhile, and then find none.  When it returns nothing is mapped there any
  // more, not even by a get_reserved_iova() that was underway; but what it was called from inside
  // of ends later, and the window with it.
  void free_reserved_iova_domain();
  // Where devices find [pa, pa + size): whole granules are mapped, as a device (kMmio, and not
  // kCache), unless they are already.  Each success has to be put back.
  // invalid_argument: there is no window, no bytes, a range that wraps, neither kRead nor kWrite,
  // or rights the window has not: to read, to write, to execute (without kNoExec), for unprivileged
  // accesses (without kPriv).  not_enough_memory: no room is left in it for the granules, aligned
  // to their number rounded up to a power of two; or no memory, as of map().  And errors of that.
  // no_such_file_or_directory: as above.
  //
  // A range that is inside one that is bound with all these rights shares its binding: of several,
  // that of the one that begins highest, then of the one that ends lowest, then of the latest.  One
  // that overlaps others but is inside none, or for which they lack a right, gets a binding of its
  // own, so that all of it can be reached from the answer on.
  Result<Iova, std::errc> get_reserved_iova(Pa pa, std::uint64_t size,
                                            Prot prot = Prot::kWrite | Prot::kNoExec | Prot::kMmio);
  // Any address inside a binding will do; one that is in none is ignored.  The last one unmaps it;
  // its addresses are given to others only when no device reaches it any more, as unmap() has it.
  void put_reserved_iova(Iova iova);
  // The same two for who may come late: what was bound in a window that was given up meanwhile is
  // not what is there in the next one, even at the same address, and putting it back does nothing.
  Result<WindowBinding, std::errc> bind_in_window(Pa pa, std::uint64_t size,
                                                  Prot prot = Prot::kWrite | Prot::kNoExec |
                                                              Prot::kMmio);
  void put(const WindowBinding& binding);
  // Whether the window that it was made in is there, and is not being given up.
  bool is_in_window(const WindowBinding& binding) const;
  // Whether part of a range is in the window, or in one that is being given up.
  bool in_reserved_window(Iova iova, std::uint64_t size) const;

  // Who maps doorbells in a domain of kDma or kDmaLazy, since it is he who gives addresses out;
  // null: nobody does.  He outlives the domain, or is taken away before he goes.
  // file_exists: somebody does already.
  Result<Done, std::errc> set_doorbell_space(DoorbellSpace& space) {
    DoorbellSpace* there = nullptr;
    if (doorbell_space_.compare_exchange_strong(there, &space)) return Done{};
    return std::errc::file_exists;
  }
  // Nothing happens if it is another one.
  void clear_doorbell_space(DoorbellSpace& space) {
    DoorbellSpace* there = &space;
    doorbell_space_.compare_exchange_strong(there, nullptr);
  }
  DoorbellSpace* doorbell_space() const { return doorbell_space_.load(std::memory_order_acquire); }

  // kNested and kSva; see DriverDomain.
  DriverDomain::Invalidated invalidate(std::span<const std::array<std::uint64_t, 2>> commands) {
    return driver_domain_->invalidate(commands);
  }
  void invalidate(Iova iova, std::uint64_t size) { driver_domain_->invalidate(iova, size); }

  // For drivers and for those who count.
  DriverDomain& driver_domain() const { return *driver_domain_; }

 private:
  friend class Device;
  friend class Group;
  friend class Iommu;
  Domain(Iommu& iommu, DomainType type);

  FaultAction on_fault(Device* device, const Fault& fault) override;

  // map() and unmap() of those who may do so in the reserved window.
  Result<Done, std::errc> map_range(Iova iova, Pa pa, std::uint64_t size, Prot prot);
  std::uint64_t unmap_range(Iova iova, std::uint64_t size, UnmapBatch& batch);
  void unmap_range(Iova iova, std::uint64_t size);

  void note_mapped(const IoPgtable& tables);
  // From then on its tables stay those that they are.
  bool was_mapped() const { return page_size_.load(std::memory_order_relaxed) != 0; }
  IoPgtable* tables_of_page(std::uint64_t addresses, std::uint64_t size) const;
  void add(UnmapBatch& batch, Iova iova, std::uint64_t size, std::uint64_t granule);
  // Whether map() and unmap() must not touch the range because of it.
  bool touches_window(Iova iova, std::uint64_t size) const;
  Result<IoPgtable*, std::errc> tables_to_map(Iova iova, std::uint64_t size, std::uint64_t bits,
                                              std::uint64_t outputs, Prot prot) const;
  Mapped map_pages(IoPgtable& tables, Iova iova, Pa pa, std::uint64_t size, Prot prot) const;
  Result<Done, std::errc> finish_map(IoPgtable& tables, Iova iova, std::uint64_t size,
                                     const Mapped& mapped);
  std::uint64_t unmap_pages(IoPgtable& tables, Iova iova, std::uint64_t size, UnmapBatch& batch);

  // How a driver is told to attach a device to it; null: it is to be blocked.
  static Attachment attachment(const Domain* domain);
  // Whether a window must not be where the device has that region.
  // REQUIRES: the lock of the Iommu.
  static bool forbids_window(const Device& device, const ReservedRegion& region);
  // Whether such a region of a device that is attached has an address in [first, last].
  // REQUIRES: the lock of the Iommu.
  bool meets_reserved_region(Iova first, Iova last) const;

  // The region of kSoftwareMsi of a device that is attached; null: none has one.
  // REQUIRES: the lock of the Iommu.
  const ReservedRegion* software_msi_region() const;

  // The reserved window.
  struct Window;
  void drop_window();
  void detach_all();
  // Returns when no other thread tells a handler of a fault.
  // REQUIRES: nothing is attached, and no lock is held.
  void end_driver();
  // Whether a page is mapped that has an address in [first, last].
  bool is_mapped(Iova first, Iova last) const;
  // As in msi_geometry(), where `required` is yet to be said.
  std::optional<MsiGeometry> window_geometry() const;
  bool has_reserved_window() const;
  bool window_conflicts_with(const Device& device) const;

  Iommu& iommu_;
  const DomainType type_;
  std::unique_ptr<DriverDomain> driver_domain_;
  // The smallest of its tables, once something was mapped; to ask them is a call.
  std::atomic<std::uint64_t> page_size_{0};
  std::atomic<Window*> window_{nullptr};  // made with the first one, and there from then on
  std::atomic<DoorbellSpace*> doorbell_space_{nullptr};
  std::atomic<FaultHandler*> fault_handler_{nullptr};
  std::atomic<std::uint32_t> handling_{0};      // faults
  LinkedList<Group, Domain> groups_;            // attached; by the lock of the Iommu
  LinkedList<PasidAttachment, Domain> pasids_;  // the same
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_DOMAIN_H_
