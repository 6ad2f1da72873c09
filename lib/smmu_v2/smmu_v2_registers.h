// The registers of an SMMUv2, page by page, and how a driver waits for one (IHI 0062).
#ifndef SMMU_LIB_SMMU_V2_SMMU_V2_REGISTERS_H_
#define SMMU_LIB_SMMU_V2_SMMU_V2_REGISTERS_H_

#include <cstdint>

#include "smmu/iommu/smmu_v2.h"
#include "smmu/platform/mmio.h"

namespace smmu::iommu {

// One page: the offsets of registers count from its start.
class SmmuV2Page {
 public:
  using Access = SmmuV2DriverConfig::RegisterAccess;

  SmmuV2Page(Mmio& registers, std::uint32_t start, Access access)
      : registers_(&registers), start_(start), access_(access) {}

  template <class R>
  R read() const {
    return read_at<R>(R::kOffset);
  }
  template <class R>
  void write(R value) const {
    write_at(R::kOffset, value);
  }
  // The nth of an array of registers.
  template <class R>
  R read(std::uint32_t n) const {
    return read_at<R>(R::offset(n));
  }
  template <class R>
  void write(std::uint32_t n, R value) const {
    write_at(R::offset(n), value);
  }
  // A register of 64 bits as AArch32 has it: its low half.
  template <class R>
  void write_low(R value) const {
    static_assert(sizeof(typename R::Value) == 8);
    registers_->write32(start_ + R::kOffset, static_cast<std::uint32_t>(value.raw()));
  }

 private:
  template <class R>
  R read_at(std::uint32_t offset) const {
    if constexpr (sizeof(typename R::Value) == 4) {
      return R(registers_->read32(start_ + offset));
    } else {
      if (access_ == Access::k64Bits) return R(registers_->read64(start_ + offset));
      const std::uint64_t high = registers_->read32(start_ + offset + 4);
      return R(high << 32 | registers_->read32(start_ + offset));
    }
  }
  template <class R>
  void write_at(std::uint32_t offset, R value) const {
    if constexpr (sizeof(typename R::Value) == 4) {
      registers_->write32(start_ + offset, value.raw());
    } else {
      if (access_ == Access::k64Bits) return registers_->write64(start_ + offset, value.raw());
      registers_->write32(start_ + offset + 4, static_cast<std::uint32_t>(value.raw() >> 32));
      registers_->write32(start_ + offset, static_cast<std::uint32_t>(value.raw()));
    }
  }

  Mmio* registers_;
  std::uint32_t start_;
  Access access_;
};

// Where the pages are that SMMU_IDR1 promises.
class SmmuV2Pages {
 public:
  SmmuV2Pages(Mmio& registers, std::uint32_t page_bytes, std::uint32_t pages,
              SmmuV2Page::Access access)
      : registers_(&registers),
        page_bytes_(page_bytes),
        banks_(page_bytes * pages),
        access_(access) {}

  SmmuV2Page global0() const { return {*registers_, 0, access_}; }
  SmmuV2Page global1() const { return {*registers_, page_bytes_, access_}; }
  SmmuV2Page bank(std::uint32_t n) const {
    return {*registers_, banks_ + n * page_bytes_, access_};
  }

 private:
  Mmio* registers_;
  std::uint32_t page_bytes_;
  std::uint32_t banks_;
  SmmuV2Page::Access access_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V2_SMMU_V2_REGISTERS_H_
