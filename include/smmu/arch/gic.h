// What of an Arm interrupt controller devices write to: the MSI frame of a GICv2m and the translation
// frame of an ITS.
//
// Not sure: the frame of a GICv2m is of Arm's Server Base System Architecture (DEN 0029), which was
// not at hand.  The layouts are what drivers and models make of it (Linux, FreeBSD, QEMU), with the
// names of fields that Linux has; V2M_MSI_IIDR is laid out as GICC_IIDR is, which is how QEMU fills
// it.  GITS_TRANSLATER is as Arm's register reference (DDI 0595) has it.
#ifndef SMMU_ARCH_GIC_H_
#define SMMU_ARCH_GIC_H_

#include <cstdint>

#include "smmu/arch/bits.h"

namespace smmu {

// INTIDs by kind: SPIs are those of this range, LPIs all from there on.
inline constexpr std::uint32_t kFirstSpi = 32;
inline constexpr std::uint32_t kLastSpi = 1019;
inline constexpr std::uint32_t kFirstLpi = 8192;

// Bytes of each frame.
inline constexpr std::uint64_t kV2mFrameSize = 0x1000;
inline constexpr std::uint64_t kItsTranslationFrameSize = 0x1'0000;

// Which SPIs a frame has.
struct V2M_MSI_TYPER : Register<V2M_MSI_TYPER, std::uint32_t, 0x008> {
  using Register::Register;
  static constexpr Bits<9, 0>   NUM_SPI{"NUM_SPI"};
  static constexpr Bits<25, 16> BASE_SPI{"BASE_SPI"};

  static constexpr FieldInfo kFields[] = {NUM_SPI, reserved(15, 10), BASE_SPI, reserved(31, 26)};
};
static_assert(covers_exactly<V2M_MSI_TYPER>());

// The doorbell: which SPI becomes pending, by its INTID.
struct V2M_MSI_SETSPI_NS : Register<V2M_MSI_SETSPI_NS, std::uint32_t, 0x040> {
  using Register::Register;
  static constexpr Bits<9, 0> SPI{"SPI"};

  static constexpr FieldInfo kFields[] = {SPI, reserved(31, 10)};
};
static_assert(covers_exactly<V2M_MSI_SETSPI_NS>());

// Who made it.  Linux knows two by the whole word whose doorbell takes other numbers.
struct V2M_MSI_IIDR : Register<V2M_MSI_IIDR, std::uint32_t, 0xFCC> {
  using Register::Register;
  static constexpr Bits<11, 0>  Implementer{"Implementer"};  // a JEP106 code
  static constexpr Bits<15, 12> Revision{"Revision"};
  static constexpr Bits<19, 16> Architecture_version{"Architecture_version"};
  static constexpr Bits<31, 20> ProductID{"ProductID"};

  static constexpr FieldInfo kFields[] = {Implementer, Revision, Architecture_version, ProductID};
};
static_assert(covers_exactly<V2M_MSI_IIDR>());

// The doorbell of an ITS, in the second frame of its two: at 0x1'0040 from where the ITS begins.
struct GITS_TRANSLATER : Register<GITS_TRANSLATER, std::uint32_t, 0x0040> {
  using Register::Register;
  static constexpr Bits<31, 0> EventID{"EventID"};

  static constexpr FieldInfo kFields[] = {EventID};
};
static_assert(covers_exactly<GITS_TRANSLATER>());

}  // namespace smmu

#endif  // SMMU_ARCH_GIC_H_
