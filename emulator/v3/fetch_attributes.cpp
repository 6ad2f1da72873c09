#include "emulator/v3/fetch_attributes.h"

#include <cstdint>

namespace smmu::emulator {

using v3::CdCacheability;
using v3::SMMU_CR1;
using v3::SMMU_STRTAB_BASE;
using v3::STE;

namespace {

// Half a byte of MAIR: what it is, and whether reads and writes allocate.
constexpr std::uint8_t kNonCacheable = 0b0100;
constexpr std::uint8_t kWriteThrough = 0b1000;
constexpr std::uint8_t kWriteBack = 0b1100;
constexpr std::uint8_t kReadAllocate = 0b0010;

MemoryAttributes normal(std::uint8_t outer, std::uint8_t inner, Shareability shareability) {
  // What is not cached at all is Outer Shareable.
  const bool uncached = outer == kNonCacheable && inner == kNonCacheable;
  return {.type = static_cast<std::uint8_t>(outer << 4 | inner),
          .shareability = uncached ? Shareability::kOuter : shareability};
}

// 0b01 is reserved, and taken as 0b00.
Shareability effective(Shareability shareability) {
  const bool outer = shareability == Shareability::kOuter;
  return outer || shareability == Shareability::kInner ? shareability : Shareability::kNonShareable;
}

std::uint8_t half_of(Cacheability cacheability, bool read_allocate) {
  const std::uint8_t hint = read_allocate ? kReadAllocate : 0;
  switch (cacheability) {
    case Cacheability::kWriteBack:
      return kWriteBack | hint;
    case Cacheability::kWriteThrough:
      return kWriteThrough | hint;
    case Cacheability::kNonCacheable:
      break;
  }
  return kNonCacheable;
}

std::uint8_t half_of(CdCacheability cacheability) {
  switch (cacheability) {
    case CdCacheability::kWriteBackReadAllocate:
      return kWriteBack | kReadAllocate;
    case CdCacheability::kWriteThroughReadAllocate:
      return kWriteThrough | kReadAllocate;
    case CdCacheability::kWriteBackNoReadAllocate:
      return kWriteBack;
    case CdCacheability::kNonCacheable:
      break;
  }
  return kNonCacheable;
}

}  // namespace

MemoryAttributes attributes_of_stream_table(const RegisterFile& registers) {
  const auto cr1 = registers.get<SMMU_CR1>();
  const bool read_allocate = registers.get<SMMU_STRTAB_BASE>()[SMMU_STRTAB_BASE::RA];
  return normal(half_of(cr1[SMMU_CR1::TABLE_OC], read_allocate),
                half_of(cr1[SMMU_CR1::TABLE_IC], read_allocate),
                effective(cr1[SMMU_CR1::TABLE_SH]));
}

MemoryAttributes attributes_of_contexts(const STE& ste) {
  return normal(half_of(ste[STE::S1COR]), half_of(ste[STE::S1CIR]), effective(ste[STE::S1CSH]));
}

}  // namespace smmu::emulator
