#include "lib/iommu/reserved_iova.h"

#include <atomic>
#include <cassert>
#include <new>
#include <utility>

namespace smmu::iommu {
namespace {

// No two windows of the process have the same, so that what was bound in one is nothing of another
// that is where that one was, in the host's memory too.
std::uint64_t next_number() {
  static std::atomic<std::uint64_t> latest{0};
  return latest.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

Result<ReservedWindow, std::errc> ReservedWindow::of(Iova iova, std::uint64_t size, unsigned order,
                                                     Prot prot) {
  if (order >= 64 || size == 0 || !can_be_mapped(prot)) {
    return std::errc::invalid_argument;
  }
  const std::uint64_t granule = std::uint64_t{1} << order;
  const std::uint64_t last = iova.value + (size - 1);
  if ((iova.value | size) % granule != 0 || last < iova.value) return std::errc::invalid_argument;
  return ReservedWindow{iova, Iova(last), granule, prot};
}

Result<Done, std::errc> ReservedIova::alloc(const ReservedWindow& window) {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kNone) return std::errc::file_exists;
  // Nothing of what is bound and put back is kept for later, and the mutex sees to one thread at a
  // time.
  constexpr IovaConfig kConfig{.threads = Threads::kOne, .cache = {.sizes = 0}};
  auto iovas = IovaDomain::create(window.granule, window.first.value / window.granule, kConfig);
  if (!iovas) return iovas.error();
  iovas_ = std::move(*iovas);
  window_ = window;
  bounds_.set(window.first, window.last);
  state_ = State::kOpen;
  number_ = next_number();
  return Done{};
}

void ReservedIova::free() {
  std::unique_lock lock(mutex_);
  const std::uint64_t number = number_;
  if (state_ == State::kOpen) {
    state_ = State::kClosing;
    Underway::Call call;
    underway_.begin(call);
    while (Binding* const next = bindings_.any()) {
      bindings_.remove(*next);
      const std::unique_ptr<Binding> binding(next);
      undo(*binding, lock);
    }
    end(call);
  }
  // Others have gets and puts underway, or a free() of their own.
  while (state_ == State::kClosing && number_ == number &&
         underway_.wait_for_one(lock, underway_.latest())) {
  }
}

Result<Iova, std::errc> ReservedIova::get(Pa pa, std::uint64_t size, Prot prot) {
  const auto bound = bind(pa, size, prot);
  if (!bound) return bound.error();
  return bound->iova;
}

Result<WindowBinding, std::errc> ReservedIova::bind(Pa pa, std::uint64_t size, Prot prot) {
  const Pa last(pa.value + (size - 1));
  if (size == 0 || last < pa || !can_be_mapped(prot)) {
    return std::errc::invalid_argument;
  }
  std::unique_lock lock(mutex_);
  const std::uint64_t latest = underway_.latest();
  std::unique_ptr<Binding> binding;
  do {
    if (state_ != State::kOpen || !allows(window_.prot, prot)) return std::errc::invalid_argument;
    if (Binding* const shared = bindings_.find(pa, last, prot)) {
      ++shared->references;
      return WindowBinding{shared->iova_of(pa), number_};
    }
    binding = make_binding(pa, last, prot);
    // What others have underway may be what is asked for, or about to give its addresses back.
  } while (!binding && underway_.wait_for_one(lock, latest));
  if (!binding) return std::errc::not_enough_memory;

  Underway::Call call;
  underway_.begin(call);
  lock.unlock();
  // Without kCache, which a device's pages have no use for.
  const auto mapped =
      mapping_.map(binding->iova, binding->first, binding->size(), binding->prot | Prot::kMmio);
  lock.lock();

  if (!mapped) {
    iovas_->free(binding->pages);
    end(call);
    return mapped.error();
  }
  if (state_ != State::kOpen) {
    undo(*binding, lock);
    end(call);
    return std::errc::invalid_argument;
  }
  // Somebody else may have bound it meanwhile; then that is what everybody shares.
  Binding* const shared = bindings_.find(pa, last, prot);
  const WindowBinding answer{shared ? shared->iova_of(pa) : binding->iova_of(pa), number_};
  if (shared) {
    ++shared->references;
    undo(*binding, lock);
  } else {
    bindings_.insert(*binding.release());
  }
  end(call);
  return answer;
}

void ReservedIova::put(const WindowBinding& binding) {
  std::unique_lock lock(mutex_);
  if (number_ == binding.window) put(binding.iova, lock);
}

void ReservedIova::put(Iova iova) {
  std::unique_lock lock(mutex_);
  put(iova, lock);
}

// REQUIRES: the lock.
void ReservedIova::put(Iova iova, std::unique_lock<std::mutex>& lock) {
  if (state_ != State::kOpen) return;
  Binding* const found = bindings_.find(iova);
  if (!found || --found->references != 0) return;
  bindings_.remove(*found);
  const std::unique_ptr<Binding> binding(found);
  Underway::Call call;
  underway_.begin(call);
  undo(*binding, lock);
  end(call);
}

std::optional<ReservedWindow> ReservedIova::window() const {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kOpen) return std::nullopt;
  return window_;
}

bool ReservedIova::is_open(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  return state_ == State::kOpen && number_ == number;
}

bool ReservedIova::touches(Iova first, Iova last) const {
  if (const auto touches = bounds_.touches(first, last)) return *touches;
  const std::lock_guard lock(mutex_);
  return *bounds_.touches(first, last);
}

// Addresses for a range that is not bound.  Null: no room, or no memory to note it in.
std::unique_ptr<Binding> ReservedIova::make_binding(Pa first, Pa last, Prot prot) {
  const std::uint64_t granule = window_.granule;
  const std::uint64_t begin = first.value & ~(granule - 1);
  const std::uint64_t end = last.value | (granule - 1);
  // Compared before 1 is added, which might wrap.
  if (end - begin > window_.last.value - window_.first.value) return nullptr;
  const auto pages = iovas_->allocate((end - begin) / granule + 1, window_.last.value / granule);
  if (!pages) return nullptr;
  const Prot rights = prot & (kReadWrite | Prot::kNoExec | Prot::kPriv);
  const Iova iova(pages->first() * granule);
  std::unique_ptr<Binding> binding(new (std::nothrow)
                                       Binding(Pa(begin), Pa(end), rights, iova, *pages));
  if (!binding) iovas_->free(*pages);
  return binding;
}

// Unmaps a binding that is in no tree.  Its addresses are free only after that: else somebody could
// be given them who finds them mapped, or whose device still reaches what was there.
// REQUIRES: the lock, which it lets go meanwhile, and a call underway.
void ReservedIova::undo(Binding& binding, std::unique_lock<std::mutex>& lock) {
  assert(!underway_.none());
  lock.unlock();
  mapping_.unmap(binding.iova, binding.size());
  lock.lock();
  iovas_->free(binding.pages);
}

// Whoever is last to leave a window that is given up takes it away.
void ReservedIova::end(Underway::Call& call) {
  underway_.end(call);
  if (state_ != State::kClosing || !underway_.none() || !bindings_.empty()) return;
  iovas_.reset();
  bounds_.clear();
  state_ = State::kNone;
}

}  // namespace smmu::iommu
