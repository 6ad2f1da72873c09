// A device's registers as its driver sees them.
#ifndef SMMU_PLATFORM_MMIO_H_
#define SMMU_PLATFORM_MMIO_H_

#include <cstdint>

namespace smmu {

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
