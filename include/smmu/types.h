// The numbers both halves pass around, as distinct types: mixing an address
// space or an identifier with another does not compile.
#ifndef SMMU_TYPES_H_
#define SMMU_TYPES_H_

#include <compare>
#include <cstdint>

namespace smmu {

// A number of one kind.  `value` is public: the type says what the number
// is, not what may be done with it.
template <class Kind, class Representation>
struct Number {
  Representation value{};

  constexpr Number() = default;
  constexpr explicit Number(Representation number) : value(number) {}

  friend constexpr auto operator<=>(Number, Number) = default;
};

using Iova = Number<struct IovaKind, std::uint64_t>;  // what a device puts on the bus
using Ipa = Number<struct IpaKind, std::uint64_t>;    // stage 1's output, stage 2's input
using Pa = Number<struct PaKind, std::uint64_t>;      // physical

using StreamId = Number<struct StreamIdKind, std::uint32_t>;
using SubstreamId = Number<struct SubstreamIdKind, std::uint32_t>;  // a PCIe PASID
using DeviceId = Number<struct DeviceIdKind, std::uint32_t>;        // who sends an interrupt
using EventId = Number<struct EventIdKind, std::uint32_t>;          // which of its interrupts
using Asid = Number<struct AsidKind, std::uint16_t>;
using Vmid = Number<struct VmidKind, std::uint16_t>;

// Whose something is, and the physical address space that goes with it
// (IHI 0070, 3.10).
enum class SecurityState : std::uint8_t { kNonSecure, kSecure };

}  // namespace smmu

#endif  // SMMU_TYPES_H_
