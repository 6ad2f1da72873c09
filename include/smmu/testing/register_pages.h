// The registers of an SMMUv2, page by page, as a driver maps them (IHI 0062).
#ifndef SMMU_TESTING_REGISTER_PAGES_H_
#define SMMU_TESTING_REGISTER_PAGES_H_

#include <cstdint>

#include "smmu/arch/v2/global_space_0.h"
#include "smmu/arch/v2/identification_registers.h"
#include "smmu/platform/mmio.h"

namespace smmu::testing {

// One page: the offsets of registers count from its start, in bytes.  A register of 64
// bits is one access, unless a function says otherwise.
class RegisterPage {
 public:
  // `smmu` must outlive it.
  RegisterPage(Mmio& smmu, std::uint32_t start) : smmu_(&smmu), start_(start) {}

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

  // A register of 64 bits as two accesses of 32, of which systems make either first.
  template <class R>
  R read_low_then_high() const {
    const std::uint64_t low = smmu_->read32(start_ + R::kOffset);
    return R(low | std::uint64_t{smmu_->read32(start_ + R::kOffset + 4)} << 32);
  }
  template <class R>
  R read_high_then_low() const {
    const std::uint64_t high = smmu_->read32(start_ + R::kOffset + 4);
    return R(high << 32 | smmu_->read32(start_ + R::kOffset));
  }
  template <class R>
  void write_low_then_high(R value) const {
    write_low(value);
    smmu_->write32(start_ + R::kOffset + 4, static_cast<std::uint32_t>(value.raw() >> 32));
  }
  template <class R>
  void write_high_then_low(R value) const {
    smmu_->write32(start_ + R::kOffset + 4, static_cast<std::uint32_t>(value.raw() >> 32));
    write_low(value);
  }
  // The low word alone, as software of AArch32 does.
  template <class R>
  void write_low(R value) const {
    smmu_->write32(start_ + R::kOffset, static_cast<std::uint32_t>(value.raw()));
  }

 private:
  template <class R>
  R read_at(std::uint32_t offset) const {
    if constexpr (sizeof(typename R::Value) == 8) {
      return R(smmu_->read64(start_ + offset));
    } else {
      return R(smmu_->read32(start_ + offset));
    }
  }
  template <class R>
  void write_at(std::uint32_t offset, R value) const {
    if constexpr (sizeof(typename R::Value) == 8) {
      smmu_->write64(start_ + offset, value.raw());
    } else {
      smmu_->write32(start_ + offset, value.raw());
    }
  }

  Mmio* smmu_;
  std::uint32_t start_;
};

// Where the pages are that SMMU_IDR1 promises: PAGESIZE and NUMPAGENDXB, as they were
// read when this was made.
class RegisterPages {
 public:
  // `smmu` must outlive it.
  explicit RegisterPages(Mmio& smmu) : smmu_(&smmu) {
    using v2::SMMU_IDR1;
    const auto idr1 = smmu.read<SMMU_IDR1>();
    page_bytes_ = idr1[SMMU_IDR1::PAGESIZE] ? 1U << 16 : 1U << 12;
    banks_ = page_bytes_ << (idr1[SMMU_IDR1::NUMPAGENDXB] + 1);
  }

  RegisterPage global0() const { return {*smmu_, 0}; }
  RegisterPage global1() const { return {*smmu_, page_bytes_}; }
  // The counters: SMMU_PMEVCNTRn and those behind it.
  RegisterPage monitors() const { return {*smmu_, 3 * page_bytes_}; }
  // Where Secure software finds the Non-secure copies of what global0() has twice.
  RegisterPage non_secure_aliases() const { return {*smmu_, v2::kNonSecureAliases}; }
  // Context bank n, whether or not there is one.
  RegisterPage bank(std::uint32_t n) const { return {*smmu_, banks_ + n * page_bytes_}; }

 private:
  Mmio* smmu_;
  std::uint32_t page_bytes_;
  std::uint32_t banks_;  // where those of the context banks begin
};

}  // namespace smmu::testing

#endif  // SMMU_TESTING_REGISTER_PAGES_H_
