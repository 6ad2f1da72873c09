// The reserved IOVA domain: a window of an address space, and what is bound in it.
#ifndef SMMU_LIB_IOMMU_RESERVED_IOVA_H_
#define SMMU_LIB_IOMMU_RESERVED_IOVA_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>

#include "lib/iommu/bindings.h"
#include "lib/iommu/underway.h"
#include "lib/iommu/window_bounds.h"
#include "lib/iommu/window_mapping.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/iova.h"
#include "smmu/iommu/prot.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

struct ReservedWindow {
  Iova first;
  Iova last;
  std::uint64_t granule = 0;
  Prot prot = Prot::kNone;

  // invalid_argument: `iova` or `size` is no multiple of 2^order, 2^order is no number of 64 bits,
  // there are no bytes, or they wrap; `prot` says neither kRead nor kWrite.
  static Result<ReservedWindow, std::errc> of(Iova iova, std::uint64_t size, unsigned order,
                                              Prot prot);
};

// One window at a time, or none.  Functions that Domain has too are as described there, but for
// what is checked against the domain.
//
// Every function may be called from any thread, and from the calls of the mapping.  The mutex is
// never held during these.  What they work on meanwhile is in `underway_` and in no tree; its
// addresses in the window are taken until it is unmapped, and the window is there until all are
// back.
class ReservedIova {
 public:
  // The mapping outlives it.
  explicit ReservedIova(WindowMapping& mapping) : mapping_(mapping) {}
  // REQUIRES: nobody else uses it.
  ~ReservedIova() { free(); }
  ReservedIova(const ReservedIova&) = delete;
  ReservedIova& operator=(const ReservedIova&) = delete;

  // file_exists: there is a window, which may be one that is being given up.  not_enough_memory.
  Result<Done, std::errc> alloc(const ReservedWindow& window);
  void free();
  Result<WindowBinding, std::errc> bind(Pa pa, std::uint64_t size, Prot prot);
  void put(const WindowBinding& binding);
  // The same two, by an address of the window that there is.
  Result<Iova, std::errc> get(Pa pa, std::uint64_t size, Prot prot);
  void put(Iova iova);

  std::optional<ReservedWindow> window() const;
  // Whether the window of that number is there, and is not being given up.
  bool is_open(std::uint64_t number) const;
  // Whether [first, last] has an address in common with the window, or with one that is being given
  // up.
  bool touches(Iova first, Iova last) const;

 private:
  enum class State : std::uint8_t { kNone, kOpen, kClosing };

  void put(Iova iova, std::unique_lock<std::mutex>& lock);
  std::unique_ptr<Binding> make_binding(Pa first, Pa last, Prot prot);
  void undo(Binding& binding, std::unique_lock<std::mutex>& lock);
  void end(Underway::Call& call);

  WindowMapping& mapping_;
  WindowBounds bounds_;
  mutable std::mutex mutex_;  // of all below; changes of the bounds as well
  State state_ = State::kNone;
  ReservedWindow window_;
  std::uint64_t number_ = 0;  // of the latest window; 0: there was none
  std::unique_ptr<IovaDomain> iovas_;
  Bindings bindings_;
  Underway underway_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOMMU_RESERVED_IOVA_H_
