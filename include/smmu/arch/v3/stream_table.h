// The Stream table: from a StreamID to what its traffic gets (IHI 0070, 5.1 and 5.2).  Bit numbers
// run across all 512 bits of an STE, as the manual numbers them.
#ifndef SMMU_ARCH_V3_STREAM_TABLE_H_
#define SMMU_ARCH_V3_STREAM_TABLE_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/encodings.h"

namespace smmu::v3 {

// STE.Config.  0b0xx aborts and records nothing: 0b001 to 0b011 behave as 0b000.
enum class SteConfig : std::uint8_t {
  kAbort = 0b000,
  kBypass = 0b100,
  kS1Translate = 0b101,
  kS2Translate = 0b110,
  kNested = 0b111,
};

// STE.S1Fmt: how the CD table is built.  0b11 behaves as kLinear.
enum class CdTableFormat : std::uint8_t {
  kLinear = 0b00,
  kTwoLevel4KLeaf = 0b01,
  kTwoLevel64KLeaf = 0b10,
};

// STE.S1DSS: what a transaction without a SubstreamID gets.  0b11 behaves as kTerminate.
enum class DefaultSubstream : std::uint8_t { kTerminate = 0b00, kBypass = 0b01, kCd0 = 0b10 };

// STE.S1CIR and STE.S1COR: cacheability of CD fetches.  Neither CR1's code nor that of table walks.
enum class CdCacheability : std::uint8_t {
  kNonCacheable = 0b00,
  kWriteBackReadAllocate = 0b01,
  kWriteThroughReadAllocate = 0b10,
  kWriteBackNoReadAllocate = 0b11,
};

// STE.EATS.  kFullWithDpt is reserved, and behaves as kNone, unless SMMU_IDR3.DPT.
enum class AtsMode : std::uint8_t {
  kNone = 0b00,
  kFull = 0b01,
  kSplitStage = 0b10,
  kFullWithDpt = 0b11,
};

// Level 1 descriptor of a 2-level table.  Span 0 means that there is no array; n, 2^(n-1) STEs.
struct L1STD : Structure<L1STD, 8> {
  using Structure::Structure;
  static constexpr Bits<4, 0>     Span{"Span"};
  static constexpr Address<55, 6> L2Ptr{"L2Ptr"};

  static constexpr FieldInfo kFields[] = {Span, reserved(5), L2Ptr, reserved(63, 56)};
};
static_assert(covers_exactly<L1STD>());

struct STE : Structure<STE, 64> {
  using Structure::Structure;

  static constexpr Bit<0>                    V{"V"};
  static constexpr Bits<3, 1, SteConfig>     Config{"Config"};
  static constexpr Bits<5, 4, CdTableFormat> S1Fmt{"S1Fmt"};
  static constexpr Address<55, 6>            S1ContextPtr{"S1ContextPtr"};
  static constexpr Bits<63, 59>              S1CDMax{"S1CDMax"};

  static constexpr Bits<65, 64, DefaultSubstream>       S1DSS{"S1DSS"};
  static constexpr Bits<67, 66, CdCacheability>         S1CIR{"S1CIR"};
  static constexpr Bits<69, 68, CdCacheability>         S1COR{"S1COR"};
  static constexpr Bits<71, 70, Shareability>           S1CSH{"S1CSH"};
  static constexpr Bit<72>                              S2HWU59{"S2HWU59"};
  static constexpr Bit<73>                              S2HWU60{"S2HWU60"};
  static constexpr Bit<74>                              S2HWU61{"S2HWU61"};
  static constexpr Bit<75>                              S2HWU62{"S2HWU62"};
  static constexpr Bit<76>                              DRE{"DRE"};
  static constexpr Bits<80, 77>                         CONT{"CONT"};
  static constexpr Bit<81>                              DCP{"DCP"};
  static constexpr Bit<82>                              PPAR{"PPAR"};
  static constexpr Bit<83>                              MEV{"MEV"};
  static constexpr Bits<87, 84>                         SW_RESERVED{"SW_RESERVED"};
  static constexpr Bit<88>                              S1PIE{"S1PIE"};
  static constexpr Bit<89>                              S2FWB{"S2FWB"};
  static constexpr Bit<90>                              S1MPAM{"S1MPAM"};
  static constexpr Bit<91>                              S1STALLD{"S1STALLD"};
  static constexpr Bits<93, 92, AtsMode>                EATS{"EATS"};
  static constexpr Bits<95, 94>                         STRW{"STRW"};
  static constexpr Bits<99, 96>                         MemAttr{"MemAttr"};
  static constexpr Bit<100>                             MTCFG{"MTCFG"};
  static constexpr Bits<104, 101>                       ALLOCCFG{"ALLOCCFG"};
  static constexpr Bits<109, 108, ShareabilityOverride> SHCFG{"SHCFG"};
  static constexpr Bits<111, 110, NonSecureOverride>    NSCFG{"NSCFG"};
  static constexpr Bits<113, 112, PrivilegeOverride>    PRIVCFG{"PRIVCFG"};
  static constexpr Bits<115, 114, InstructionOverride>  INSTCFG{"INSTCFG"};

  static constexpr Bits<143, 128>                   S2VMID{"S2VMID"};
  static constexpr Bits<165, 160>                   S2T0SZ{"S2T0SZ"};
  static constexpr Bits<167, 166>                   S2SL0{"S2SL0"};
  static constexpr Bits<169, 168, WalkCacheability> S2IR0{"S2IR0"};
  static constexpr Bits<171, 170, WalkCacheability> S2OR0{"S2OR0"};
  static constexpr Bits<173, 172, Shareability>     S2SH0{"S2SH0"};
  static constexpr Bits<175, 174, TG0>              S2TG{"S2TG"};
  static constexpr Bits<178, 176, OutputSize>       S2PS{"S2PS"};
  static constexpr Bit<179>                         S2AA64{"S2AA64"};
  static constexpr Bit<180>                         S2ENDI{"S2ENDI"};
  static constexpr Bit<181>                         S2AFFD{"S2AFFD"};
  static constexpr Bit<182>                         S2PTW{"S2PTW"};
  static constexpr Bit<183>                         S2HD{"S2HD"};
  static constexpr Bit<184>                         S2HA{"S2HA"};
  static constexpr Bit<185>                         S2S{"S2S"};
  static constexpr Bit<186>                         S2R{"S2R"};
  static constexpr Bit<187>                         S2HAFT{"S2HAFT"};
  static constexpr Bit<188>                         S2PIE{"S2PIE"};
  static constexpr Bit<189>                         S2POE{"S2POE"};
  static constexpr Bits<191, 190>                   DPT_VMATCH{"DPT_VMATCH"};

  static constexpr Bit<192>          S2NSW{"S2NSW"};
  static constexpr Bit<193>          S2NSA{"S2NSA"};
  static constexpr Bit<194>          S2SL0_2{"S2SL0_2"};
  static constexpr Bit<195>          S2DS{"S2DS"};
  static constexpr Address<247, 196> S2TTB{"S2TTB"};
  static constexpr Bits<254, 253>    S2SKL{"S2SKL"};

  static constexpr Bits<287, 272>      PARTID{"PARTID"};
  static constexpr Bits<293, 288>      S_S2T0SZ{"S_S2T0SZ"};
  static constexpr Bits<295, 294>      S_S2SL0{"S_S2SL0"};
  static constexpr Bits<303, 302, TG0> S_S2TG{"S_S2TG"};
  static constexpr Bits<319, 304>      MECID{"MECID"};

  static constexpr Bits<327, 320>    PMG{"PMG"};
  static constexpr Bit<328>          MPAM_NS{"MPAM_NS"};
  static constexpr Bit<329>          AssuredOnly{"AssuredOnly"};
  static constexpr Bit<330>          TL0{"TL0"};
  static constexpr Bit<331>          TL1{"TL1"};
  static constexpr Address<375, 332> VMSPtr{"VMSPtr"};

  static constexpr Bit<384>          S2SW{"S2SW"};
  static constexpr Bit<385>          S2SA{"S2SA"};
  static constexpr Bit<386>          S_S2SL0_2{"S_S2SL0_2"};
  static constexpr Address<439, 388> S_S2TTB{"S_S2TTB"};
  static constexpr Bits<446, 445>    S_S2SKL{"S_S2SKL"};

  // S2POIp is what POIndex p of a stage 2 descriptor permits.
  static constexpr Bits<451, 448> S2POI0{"S2POI0"};
  static constexpr Bits<455, 452> S2POI1{"S2POI1"};
  static constexpr Bits<459, 456> S2POI2{"S2POI2"};
  static constexpr Bits<463, 460> S2POI3{"S2POI3"};
  static constexpr Bits<467, 464> S2POI4{"S2POI4"};
  static constexpr Bits<471, 468> S2POI5{"S2POI5"};
  static constexpr Bits<475, 472> S2POI6{"S2POI6"};
  static constexpr Bits<479, 476> S2POI7{"S2POI7"};
  static constexpr Bits<483, 480> S2POI8{"S2POI8"};
  static constexpr Bits<487, 484> S2POI9{"S2POI9"};
  static constexpr Bits<491, 488> S2POI10{"S2POI10"};
  static constexpr Bits<495, 492> S2POI11{"S2POI11"};
  static constexpr Bits<499, 496> S2POI12{"S2POI12"};
  static constexpr Bits<503, 500> S2POI13{"S2POI13"};
  static constexpr Bits<507, 504> S2POI14{"S2POI14"};
  static constexpr Bits<511, 508> S2POI15{"S2POI15"};

  // [127:116], [159:144] and [271:256] are IMPLEMENTATION DEFINED.
  static constexpr FieldInfo kFields[] = {
      V, Config, S1Fmt, S1ContextPtr, reserved(58, 56), S1CDMax,
      S1DSS, S1CIR, S1COR, S1CSH, S2HWU59, S2HWU60, S2HWU61, S2HWU62, DRE, CONT, DCP, PPAR, MEV,
      SW_RESERVED, S1PIE, S2FWB, S1MPAM, S1STALLD, EATS, STRW, MemAttr, MTCFG, ALLOCCFG,
      reserved(107, 105), SHCFG, NSCFG, PRIVCFG, INSTCFG, reserved(127, 116),
      S2VMID, reserved(159, 144), S2T0SZ, S2SL0, S2IR0, S2OR0, S2SH0, S2TG, S2PS, S2AA64, S2ENDI,
      S2AFFD, S2PTW, S2HD, S2HA, S2S, S2R, S2HAFT, S2PIE, S2POE, DPT_VMATCH,
      S2NSW, S2NSA, S2SL0_2, S2DS, S2TTB, reserved(252, 248), S2SKL, reserved(255),
      reserved(271, 256), PARTID, S_S2T0SZ, S_S2SL0, reserved(301, 296), S_S2TG, MECID,
      PMG, MPAM_NS, AssuredOnly, TL0, TL1, VMSPtr, reserved(383, 376),
      S2SW, S2SA, S_S2SL0_2, reserved(387), S_S2TTB, reserved(444, 440), S_S2SKL, reserved(447),
      S2POI0, S2POI1, S2POI2, S2POI3, S2POI4, S2POI5, S2POI6, S2POI7, S2POI8, S2POI9, S2POI10,
      S2POI11, S2POI12, S2POI13, S2POI14, S2POI15};
};
static_assert(covers_exactly<STE>());
static_assert(sizeof(STE) == STE::kSize);

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_STREAM_TABLE_H_
