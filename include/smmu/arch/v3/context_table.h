// The CD table: from a SubstreamID to a stage 1 translation (IHI 0070, 5.3 and 5.4).  Bit numbers
// run across all 512 bits of a CD, as the manual numbers them.
#ifndef SMMU_ARCH_V3_CONTEXT_TABLE_H_
#define SMMU_ARCH_V3_CONTEXT_TABLE_H_

#include "smmu/arch/bits.h"
#include "smmu/arch/encodings.h"

namespace smmu::v3 {

// Level 1 descriptor of a 2-level table.
struct L1CD : Structure<L1CD, 8> {
  using Structure::Structure;
  static constexpr Bit<0>          V{"V"};
  static constexpr Address<55, 12> L2Ptr{"L2Ptr"};

  static constexpr FieldInfo kFields[] = {V, reserved(11, 1), L2Ptr, reserved(63, 56)};
};
static_assert(covers_exactly<L1CD>());

// If SMMU_IDR5.D128 is 1 some bits mean something else: [65] DisCH0, [127:126] SKL0, [129] DisCH1
// and [191:190] SKL1.
struct CD : Structure<CD, 64> {
  using Structure::Structure;

  static constexpr Bits<5, 0>                     T0SZ{"T0SZ"};
  static constexpr Bits<7, 6, smmu::TG0>          TG0{"TG0"};
  static constexpr Bits<9, 8, WalkCacheability>   IR0{"IR0"};
  static constexpr Bits<11, 10, WalkCacheability> OR0{"OR0"};
  static constexpr Bits<13, 12, Shareability>     SH0{"SH0"};
  static constexpr Bit<14>                        EPD0{"EPD0"};
  static constexpr Bit<15>                        ENDI{"ENDI"};
  static constexpr Bits<21, 16>                   T1SZ{"T1SZ"};
  static constexpr Bits<23, 22, smmu::TG1>        TG1{"TG1"};
  static constexpr Bits<25, 24, WalkCacheability> IR1{"IR1"};
  static constexpr Bits<27, 26, WalkCacheability> OR1{"OR1"};
  static constexpr Bits<29, 28, Shareability>     SH1{"SH1"};
  static constexpr Bit<30>                        EPD1{"EPD1"};
  static constexpr Bit<31>                        V{"V"};
  static constexpr Bits<34, 32, OutputSize>       IPS{"IPS"};
  static constexpr Bit<35>                        AFFD{"AFFD"};
  static constexpr Bit<36>                        WXN{"WXN"};
  static constexpr Bit<37>                        UWXN{"UWXN"};
  static constexpr Bit<38>                        TBI0{"TBI0"};
  static constexpr Bit<39>                        TBI1{"TBI1"};
  static constexpr Bit<40>                        PAN{"PAN"};
  static constexpr Bit<41>                        AA64{"AA64"};
  static constexpr Bit<42>                        HD{"HD"};
  static constexpr Bit<43>                        HA{"HA"};
  static constexpr Bit<44>                        S{"S"};
  static constexpr Bit<45>                        R{"R"};
  static constexpr Bit<46>                        A{"A"};
  static constexpr Bit<47>                        ASET{"ASET"};
  static constexpr Bits<63, 48>                   ASID{"ASID"};

  static constexpr Bit<64>          NSCFG0{"NSCFG0"};
  static constexpr Bit<65>          HAD0{"HAD0"};
  static constexpr Bit<66>          E0PD0{"E0PD0"};
  static constexpr Bit<67>          HAFT{"HAFT"};
  static constexpr Address<119, 68> TTB0{"TTB0"};
  static constexpr Bit<122>         PnCH{"PnCH"};
  static constexpr Bit<123>         EPAN{"EPAN"};
  static constexpr Bit<124>         HWU059{"HWU059"};
  static constexpr Bit<125>         HWU060{"HWU060"};
  static constexpr Bit<126>         HWU061{"HWU061"};
  static constexpr Bit<127>         HWU062{"HWU062"};

  static constexpr Bit<128>          NSCFG1{"NSCFG1"};
  static constexpr Bit<129>          HAD1{"HAD1"};
  static constexpr Bit<130>          E0PD1{"E0PD1"};
  static constexpr Bit<131>          AIE{"AIE"};
  static constexpr Address<183, 132> TTB1{"TTB1"};
  static constexpr Bit<186>          DS{"DS"};  // of both halves, unlike its neighbours
  static constexpr Bit<187>          PIE{"PIE"};
  static constexpr Bit<188>          HWU159{"HWU159"};
  static constexpr Bit<189>          HWU160{"HWU160"};
  static constexpr Bit<190>          HWU161{"HWU161"};
  static constexpr Bit<191>          HWU162{"HWU162"};

  static constexpr Bits<223, 192> MAIR0{"MAIR0"};
  static constexpr Bits<255, 224> MAIR1{"MAIR1"};
  static constexpr Bits<287, 256> AMAIR0{"AMAIR0"};
  static constexpr Bits<319, 288> AMAIR1{"AMAIR1"};
  static constexpr Bits<367, 352> PARTID{"PARTID"};
  static constexpr Bits<375, 368> PMG{"PMG"};

  // PIIUp and PIIPp are what PIIndex p of a stage 1 descriptor permits to unprivileged and to
  // privileged accesses.
  static constexpr Bits<386, 384> PIIU0{"PIIU0"};
  static constexpr Bits<389, 387> PIIU1{"PIIU1"};
  static constexpr Bits<392, 390> PIIU2{"PIIU2"};
  static constexpr Bits<395, 393> PIIU3{"PIIU3"};
  static constexpr Bits<398, 396> PIIU4{"PIIU4"};
  static constexpr Bits<401, 399> PIIU5{"PIIU5"};
  static constexpr Bits<404, 402> PIIU6{"PIIU6"};
  static constexpr Bits<407, 405> PIIU7{"PIIU7"};
  static constexpr Bits<410, 408> PIIU8{"PIIU8"};
  static constexpr Bits<413, 411> PIIU9{"PIIU9"};
  static constexpr Bits<416, 414> PIIU10{"PIIU10"};
  static constexpr Bits<419, 417> PIIU11{"PIIU11"};
  static constexpr Bits<422, 420> PIIU12{"PIIU12"};
  static constexpr Bits<425, 423> PIIU13{"PIIU13"};
  static constexpr Bits<428, 426> PIIU14{"PIIU14"};
  static constexpr Bits<431, 429> PIIU15{"PIIU15"};

  static constexpr Bits<450, 448> PIIP0{"PIIP0"};
  static constexpr Bits<453, 451> PIIP1{"PIIP1"};
  static constexpr Bits<456, 454> PIIP2{"PIIP2"};
  static constexpr Bits<459, 457> PIIP3{"PIIP3"};
  static constexpr Bits<462, 460> PIIP4{"PIIP4"};
  static constexpr Bits<465, 463> PIIP5{"PIIP5"};
  static constexpr Bits<468, 466> PIIP6{"PIIP6"};
  static constexpr Bits<471, 469> PIIP7{"PIIP7"};
  static constexpr Bits<474, 472> PIIP8{"PIIP8"};
  static constexpr Bits<477, 475> PIIP9{"PIIP9"};
  static constexpr Bits<480, 478> PIIP10{"PIIP10"};
  static constexpr Bits<483, 481> PIIP11{"PIIP11"};
  static constexpr Bits<486, 484> PIIP12{"PIIP12"};
  static constexpr Bits<489, 487> PIIP13{"PIIP13"};
  static constexpr Bits<492, 490> PIIP14{"PIIP14"};
  static constexpr Bits<495, 493> PIIP15{"PIIP15"};

  // [351:320] are IMPLEMENTATION DEFINED.
  static constexpr FieldInfo kFields[] = {
      T0SZ, TG0, IR0, OR0, SH0, EPD0, ENDI, T1SZ, TG1, IR1, OR1, SH1, EPD1, V,
      IPS, AFFD, WXN, UWXN, TBI0, TBI1, PAN, AA64, HD, HA, S, R, A, ASET, ASID,
      NSCFG0, HAD0, E0PD0, HAFT, TTB0, reserved(121, 120), PnCH, EPAN, HWU059, HWU060, HWU061,
      HWU062,
      NSCFG1, HAD1, E0PD1, AIE, TTB1, reserved(185, 184), DS, PIE, HWU159, HWU160, HWU161, HWU162,
      MAIR0, MAIR1, AMAIR0, AMAIR1,
      reserved(351, 320), PARTID, PMG, reserved(383, 376),
      PIIU0, PIIU1, PIIU2, PIIU3, PIIU4, PIIU5, PIIU6, PIIU7, PIIU8, PIIU9, PIIU10, PIIU11, PIIU12,
      PIIU13, PIIU14, PIIU15, reserved(447, 432),
      PIIP0, PIIP1, PIIP2, PIIP3, PIIP4, PIIP5, PIIP6, PIIP7, PIIP8, PIIP9, PIIP10, PIIP11, PIIP12,
      PIIP13, PIIP14, PIIP15, reserved(511, 496)};
};
static_assert(covers_exactly<CD>());
static_assert(sizeof(CD) == CD::kSize);

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_CONTEXT_TABLE_H_
