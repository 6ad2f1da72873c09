#include "smmu/emulator/ram.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace smmu::emulator {
namespace {

constexpr std::uint64_t kPage = 4096;

// Whether [base, base + size) is made of pages and ends below 2^64.
bool whole_pages(Pa base, std::uint64_t size) {
  return base.value % kPage == 0 && size != 0 && size % kPage == 0 &&
         base.value + (size - 1) >= base.value;
}

// Copies between bytes of this thread and memory that other threads may be
// accessing: by the largest pieces that are aligned, each of them atomic, so
// that a race is a mix of old and new and nothing worse.
template <class Piece>
void copy_shared(std::byte* shared, std::size_t size, Piece&& piece) {
  const auto fits = [&](std::size_t i, std::size_t bytes) {
    return size - i >= bytes && reinterpret_cast<std::uintptr_t>(shared + i) % bytes == 0;
  };
  for (std::size_t i = 0; i != size;) {
    if (fits(i, 8)) {
      piece(std::atomic_ref(*reinterpret_cast<std::uint64_t*>(shared + i)), i);
      i += 8;
    } else if (fits(i, 4)) {
      piece(std::atomic_ref(*reinterpret_cast<std::uint32_t*>(shared + i)), i);
      i += 4;
    } else {
      piece(std::atomic_ref(shared[i]), i);
      ++i;
    }
  }
}

}  // namespace

struct Ram::Region {
  DirectRegion direct;  // host: null for a device
  DeviceRegion* device = nullptr;

  Region(Pa base, std::uint64_t size, std::byte* host, DeviceRegion* target)
      : direct{base, size, host}, device(target) {}
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region() {
    if (direct.host != nullptr) munmap(direct.host, direct.size);
  }

  std::uint64_t offset(Pa pa) const { return pa.value - direct.base.value; }
};

Ram::Ram() = default;
Ram::~Ram() = default;

Result<Ram::Added, std::errc> Ram::add(Pa base, std::uint64_t size) {
  if (!whole_pages(base, size)) return std::errc::invalid_argument;
  void* host = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (host == MAP_FAILED) return std::errc::not_enough_memory;
  return insert(base, size,
                std::make_unique<Region>(base, size, static_cast<std::byte*>(host), nullptr));
}

Result<Ram::Added, std::errc> Ram::add_device(Pa base, std::uint64_t size, DeviceRegion& device) {
  return insert(base, size, std::make_unique<Region>(base, size, nullptr, &device));
}

Result<Ram::Added, std::errc> Ram::insert(Pa base, std::uint64_t size,
                                          std::unique_ptr<Region> region) {
  if (!whole_pages(base, size)) return std::errc::invalid_argument;
  const auto next = std::ranges::upper_bound(regions_, base, {},
                                             [](const auto& other) { return other->direct.base; });
  if (next != regions_.begin() && (*std::prev(next))->direct.contains(base, 1)) {
    return std::errc::address_in_use;
  }
  if (next != regions_.end() && (*next)->direct.base.value - base.value < size) {
    return std::errc::address_in_use;
  }
  regions_.insert(next, std::move(region));
  return Added{};
}

Ram::Region* Ram::find(Pa pa) const {
  const auto next = std::ranges::upper_bound(
      regions_, pa, {}, [](const auto& region) { return region->direct.base; });
  if (next == regions_.begin()) return nullptr;
  Region* region = std::prev(next)->get();
  return region->direct.contains(pa, 1) ? region : nullptr;
}

// Has `access(region, offset, bytes)` make each part of an access that lies in
// one region.
template <class Byte, class Access>
BusResponse Ram::by_region(Pa pa, std::span<Byte> bytes, Access&& access) {
  while (!bytes.empty()) {
    const Region* region = find(pa);
    if (region == nullptr) return BusResponse::kAbort;
    const std::uint64_t offset = region->offset(pa);
    const auto piece = static_cast<std::size_t>(
        std::min<std::uint64_t>(bytes.size(), region->direct.size - offset));
    if (access(*region, offset, bytes.first(piece)) == BusResponse::kAbort) {
      return BusResponse::kAbort;
    }
    bytes = bytes.subspan(piece);
    pa = Pa(pa.value + piece);
  }
  return BusResponse::kOkay;
}

template <class Device>
BusResponse Ram::read(Pa pa, std::span<std::byte> bytes, Device&& device) {
  const auto access = [&](const Region& region, std::uint64_t offset, std::span<std::byte> part) {
    if (region.device != nullptr) return device(*region.device, offset, part);
    copy_shared(region.direct.host + offset, part.size(), [&](auto shared, std::size_t i) {
      const auto value = shared.load(std::memory_order_acquire);
      std::memcpy(part.data() + i, &value, sizeof value);
    });
    return BusResponse::kOkay;
  };
  return by_region(pa, bytes, access);
}

template <class Device>
BusResponse Ram::write(Pa pa, std::span<const std::byte> bytes, Device&& device) {
  const auto access = [&](const Region& region, std::uint64_t offset,
                          std::span<const std::byte> part) {
    if (region.device != nullptr) return device(*region.device, offset, part);
    copy_shared(region.direct.host + offset, part.size(), [&](auto shared, std::size_t i) {
      typename decltype(shared)::value_type value;
      std::memcpy(&value, part.data() + i, sizeof value);
      shared.store(value, std::memory_order_release);
    });
    return BusResponse::kOkay;
  };
  return by_region(pa, bytes, access);
}

BusResponse Ram::read(Pa pa, std::span<std::byte> bytes) {
  return read(pa, bytes, [](DeviceRegion& device, std::uint64_t offset, std::span<std::byte> part) {
    return device.read(offset, part);
  });
}

BusResponse Ram::write(Pa pa, std::span<const std::byte> bytes) {
  return write(pa, bytes,
               [](DeviceRegion& device, std::uint64_t offset, std::span<const std::byte> part) {
                 return device.write(offset, part);
               });
}

BusResponse Ram::read_for(const Requester& requester, Pa pa, std::span<std::byte> bytes) {
  return read(pa, bytes,
              [&](DeviceRegion& device, std::uint64_t offset, std::span<std::byte> part) {
                return device.read_for(requester, offset, part);
              });
}

BusResponse Ram::write_for(const Requester& requester, Pa pa, std::span<const std::byte> bytes) {
  return write(pa, bytes,
               [&](DeviceRegion& device, std::uint64_t offset, std::span<const std::byte> part) {
                 return device.write_for(requester, offset, part);
               });
}

const DirectRegion* Ram::direct_region(Pa pa) {
  const Region* region = find(pa);
  if (region == nullptr || region->device != nullptr) return nullptr;
  return &region->direct;
}

Result<std::uint64_t, ExternalAbort> Ram::load64_indirect(Pa pa) {
  std::uint64_t word = 0;
  if (read(pa, std::as_writable_bytes(std::span(&word, 1))) == BusResponse::kAbort) {
    return ExternalAbort{};
  }
  return little_endian(word);
}

BusResponse Ram::store64_indirect(Pa pa, std::uint64_t value) {
  const std::uint64_t word = little_endian(value);
  return write(pa, std::as_bytes(std::span(&word, 1)));
}

Result<std::uint64_t, ExternalAbort> Ram::compare_exchange64_indirect(Pa, std::uint64_t,
                                                                      std::uint64_t) {
  return ExternalAbort{};
}

}  // namespace smmu::emulator
