#include "lib/vfio/mappings.h"

#include <algorithm>
#include <iterator>
#include <optional>

namespace smmu::iommu {

std::uint64_t Mappings::step() const {
  return std::max(page_size_, domains_.front().smallest_page());
}

// The next pages of a slot.  Whoever finds memory may be wrong about it, which is his loss alone.
Result<PinnedRun, std::errc> Mappings::pin(const Slot& slot, std::uint64_t offset) {
  const std::uint64_t rest = slot.size() - offset;
  const auto run = memory_.pin(UserAddress(slot.address.value + offset), rest, slot.prot);
  if (!run) return run;
  const std::uint64_t last = run->pa.value + (run->size - 1);
  const bool is_sound = run->size != 0 && run->size <= rest && last >= run->pa.value &&
                        (run->pa.value | run->size) % page_size_ == 0;
  if (is_sound) return run;
  if (run->size != 0) memory_.unpin(run->pa, run->size);
  return std::errc::io_error;
}

Result<Done, std::errc> Mappings::map_everywhere(Iova iova, const PinnedRun& run, Prot prot) {
  for (auto domain = domains_.begin(); domain != domains_.end(); ++domain) {
    const auto mapped = domain->map(iova, run, prot);
    if (mapped) continue;
    while (domain != domains_.begin()) (--domain)->unmap(iova, run.size);
    return mapped;
  }
  return Done{};
}

Result<Done, std::errc> Mappings::pin_and_map(const Slot& slot) {
  for (std::uint64_t done = 0; done < slot.size();) {
    const Iova iova(slot.first.value + done);
    const auto run = pin(slot, done);
    std::errc error{};
    if (!run) {
      error = run.error();
    } else {
      const auto mapped = map_everywhere(iova, *run, slot.prot);
      if (mapped) {
        done += run->size;
        continue;
      }
      error = mapped.error();
      memory_.unpin(run->pa, run->size);
    }
    unmap_and_unpin(slot.first, done);
    return error;
  }
  return Done{};
}

// REQUIRES: all of it is mapped, and there is a domain.
void Mappings::unmap_and_unpin(Iova iova, std::uint64_t size) {
  ContainerDomain& first = domains_.front();
  for (auto domain = domains_.rbegin(); &*domain != &first; ++domain) domain->unmap(iova, size);

  const std::uint64_t page = step();
  UnmapBatch batch;
  std::size_t runs = 0;
  for (std::uint64_t done = 0; done < size;) {
    const Iova at(iova.value + done);
    const auto run = first.run_at(at, size - done, page);
    const std::uint64_t bytes = run ? first.domain->unmap(at, run->size, batch) : 0;
    // What is not there any more, though nobody took it away, is nothing to unpin.
    done += bytes != 0 ? bytes : page;
    if (bytes == 0) continue;
    runs_[runs++] = {run->pa, bytes};
    if (runs != runs_.size()) continue;
    sync_and_unpin(batch, runs);
    runs = 0;
  }
  sync_and_unpin(batch, runs);
}

// A page is its owner's again only after devices have lost it.
void Mappings::sync_and_unpin(UnmapBatch& batch, std::size_t runs) {
  domains_.front().domain->sync(batch);
  for (std::size_t n = 0; n != runs; ++n) memory_.unpin(runs_[n].pa, runs_[n].size);
}

Result<Done, std::errc> Mappings::open_windows(const Slot& slot) {
  for (auto domain = domains_.begin(); domain != domains_.end(); ++domain) {
    const auto opened = domain->open_window(slot);
    if (opened) continue;
    while (domain != domains_.begin()) (--domain)->domain->free_reserved_iova_domain();
    return opened;
  }
  return Done{};
}

Result<Done, std::errc> Mappings::add(const Slot& slot) {
  if (domains_.empty()) return Done{};
  return slot.kind == SlotKind::kMsiWindow ? open_windows(slot) : pin_and_map(slot);
}

void Mappings::remove(const Slot& slot) {
  if (domains_.empty()) return;
  if (slot.kind == SlotKind::kMemory) {
    unmap_and_unpin(slot.first, slot.size());
    return;
  }
  for (auto domain = domains_.rbegin(); domain != domains_.rend(); ++domain) {
    domain->domain->free_reserved_iova_domain();
  }
}

// Maps what the first domain maps.
Result<Done, std::errc> Mappings::copy(const Slot& slot, ContainerDomain& to) {
  if (slot.kind == SlotKind::kMsiWindow) return to.open_window(slot);
  const std::uint64_t page = step();
  for (std::uint64_t done = 0; done < slot.size();) {
    const Iova at(slot.first.value + done);
    const auto run = domains_.front().run_at(at, slot.size() - done, page);
    const Result<Done, std::errc> mapped =
        run ? to.map(at, *run, slot.prot) : Result<Done, std::errc>(std::errc::io_error);
    if (!mapped) {
      if (done != 0) to.unmap(slot.first, done);
      return mapped;
    }
    done += run->size;
  }
  return Done{};
}

void Mappings::retract(const Slot& slot, ContainerDomain& from) {
  if (slot.kind == SlotKind::kMsiWindow) {
    from.domain->free_reserved_iova_domain();
  } else {
    from.unmap(slot.first, slot.size());
  }
}

Result<Done, std::errc> Mappings::join(Slots& slots, ContainerDomain& domain) {
  const bool is_first = domains_.empty();
  if (is_first) domains_.push_back(domain);
  for (auto slot = slots.begin(); slot != slots.end(); ++slot) {
    const auto done = is_first ? add(*slot) : copy(*slot, domain);
    if (done) continue;
    while (slot != slots.begin()) {
      --slot;
      if (is_first) {
        remove(*slot);
      } else {
        retract(*slot, domain);
      }
    }
    if (is_first) domains_.pop_back();
    return done;
  }
  if (!is_first) domains_.push_back(domain);
  return Done{};
}

void Mappings::leave(Slots& slots, ContainerDomain& domain) {
  if (domains_.size() == 1) {
    for (const Slot& slot : slots) remove(slot);
  }
  domains_.erase(domains_.iterator_to(domain));
}

}  // namespace smmu::iommu
