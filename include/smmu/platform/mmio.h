// A device's registers as its driver sees them.
#ifndef SMMU_PLATFORM_MMIO_H_
#define SMMU_PLATFORM_MMIO_H_

#include <cstdint>

namespace smmu {

// Any number of threads may make accesses at once.  Those of one thread come in the order of its
// program, none is left out, and memory is part of that order:
//   - What it has loaded and stored before a write is done when the write reaches the device: the
//     device, told to look, finds what was stored (IHI 0070, 3.21.2, the DSB before a PROD index).
//   - What it loads and stores after a read is done after it: where the device says that it has
//     stored something, that is what is loaded.
//   - What another thread has done before, and it knows by a lock or an atomic, counts as its own.
// Drivers have no barriers.  An implementation over real registers has them: as in Linux's readl()
// and writel(), but a write also comes after loads.  One over a model in the same process needs no
// more than the model's locks.
class Mmio {
 public:
  virtual ~Mmio() = default;

  // `offset` counts bytes from the start of the device's first page.  What an
  // access that is not aligned to its size does is the device's affair.
  virtual std::uint32_t read32(std::uint32_t offset) = 0;
  virtual std::uint64_t read64(std::uint32_t offset) = 0;
  virtual void write32(std::uint32_t offset, std::uint32_t value) = 0;
  virtual void write64(std::uint32_t offset, std::uint64_t value) = 0;

  // The same by register type: mmio.read<v3::SMMU_CR0ACK>().
  template <class R>
  R read() {
    if constexpr (sizeof(typename R::Value) == 8) {
      return R(read64(R::kOffset));
    } else {
      return R(read32(R::kOffset));
    }
  }
  template <class R>
  void write(R value) {
    if constexpr (sizeof(typename R::Value) == 8) {
      write64(R::kOffset, value.raw());
    } else {
      write32(R::kOffset, value.raw());
    }
  }
};

}  // namespace smmu

#endif  // SMMU_PLATFORM_MMIO_H_
