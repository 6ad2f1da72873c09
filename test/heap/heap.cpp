#include "test/heap/heap.h"

#include <algorithm>
#include <new>

namespace smmu::iommu {

constinit Heap heap;

namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

std::atomic<std::uint64_t> asked{0};
std::atomic<std::uint64_t> held{0};
thread_local std::uint64_t granted_here = kAll;
thread_local std::uint64_t refused_here = 0;

void* memory(std::size_t bytes, std::size_t alignment) {
  asked.fetch_add(1, std::memory_order_relaxed);
  bytes = std::max<std::size_t>(bytes, 1);
  void* const got = alignment <= alignof(std::max_align_t)
                        ? std::malloc(bytes)
                        : std::aligned_alloc(alignment, (bytes + alignment - 1) & ~(alignment - 1));
  if (got) held.fetch_add(1, std::memory_order_relaxed);
  return got;
}

void* memory_or_null(std::size_t bytes, std::size_t alignment) {
  if (granted_here == 0) {
    ++refused_here;
    return nullptr;
  }
  if (granted_here != kAll) --granted_here;
  const bool watched = heap.watched();
  if (watched && heap.refuses()) return nullptr;
  void* const got = memory(bytes, alignment);
  if (watched && got) heap.note(got, bytes);
  return got;
}

void* memory_or_throw(std::size_t bytes, std::size_t alignment) {
  if (heap.watched()) heap.note_throwing();
  void* const got = memory(bytes, alignment);
  if (!got) throw std::bad_alloc();
  return got;
}

void give_back(void* piece) {
  if (!piece) return;
  held.fetch_sub(1, std::memory_order_relaxed);
  heap.forget(piece);
  std::free(piece);
}

}  // namespace

HeapCounts heap_counts() { return {asked.load(), held.load()}; }

HeapRefusal::HeapRefusal(std::uint64_t granted) {
  granted_here = granted;
  refused_here = 0;
}
HeapRefusal::~HeapRefusal() { granted_here = kAll; }
std::uint64_t HeapRefusal::refused() const { return refused_here; }

}  // namespace smmu::iommu

using smmu::iommu::give_back;
using smmu::iommu::memory_or_null;
using smmu::iommu::memory_or_throw;

// Of arrays too: a sanitizer has forms of its own, which would not fit together with these.
void* operator new(std::size_t bytes) { return memory_or_throw(bytes, 0); }
void* operator new[](std::size_t bytes) { return memory_or_throw(bytes, 0); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return memory_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return memory_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return memory_or_null(bytes, 0);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return memory_or_null(bytes, 0);
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return memory_or_null(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment,
                     const std::nothrow_t&) noexcept {
  return memory_or_null(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* piece) noexcept { give_back(piece); }
void operator delete[](void* piece) noexcept { give_back(piece); }
void operator delete(void* piece, std::size_t) noexcept { give_back(piece); }
void operator delete[](void* piece, std::size_t) noexcept { give_back(piece); }
void operator delete(void* piece, std::align_val_t) noexcept { give_back(piece); }
void operator delete[](void* piece, std::align_val_t) noexcept { give_back(piece); }
void operator delete(void* piece, std::size_t, std::align_val_t) noexcept { give_back(piece); }
void operator delete[](void* piece, std::size_t, std::align_val_t) noexcept { give_back(piece); }
void operator delete(void* piece, const std::nothrow_t&) noexcept { give_back(piece); }
void operator delete[](void* piece, const std::nothrow_t&) noexcept { give_back(piece); }
void operator delete(void* piece, std::align_val_t, const std::nothrow_t&) noexcept {
  give_back(piece);
}
void operator delete[](void* piece, std::align_val_t, const std::nothrow_t&) noexcept {
  give_back(piece);
}
