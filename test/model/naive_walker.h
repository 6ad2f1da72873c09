// A second translation table walker, written from the manuals alone so that
// another walker can be compared with it.  Straight lines, one function per
// table format, nothing shared between them: slow, and easy to check by eye.
//
// Bits are taken apart by number, with the section that gives the number.
// "DDI 0487" is the A-profile architecture, "IHI 0070" the SMMUv3.
//
// What is assumed.  An SMMU checks CDs and STEs before it walks (IHI 0070,
// 5.2.2 and 5.4.2), so the configuration is taken to be legal: granules that
// exist, TnSZ within the limits of the granule and of DS, SL0 that agrees with
// S2T0SZ, table bases within the output size, formats of the two stages that
// go together, FWB only with a VMSAv8-64 stage 2.  Where the A-profile manual
// gives a bad configuration a fault the walker returns that fault.  Stage 2 is
// only ever combined with World::kEl1And0.
//
// The level of a fault for which no descriptor was read:
//   - Translation faults of a VMSAv8-64 stage: 0 (DDI 0487, D8.15.1.1);
//   - Translation faults of a VMSAv8-32 stage: 1 (DDI 0487, G5.11.1.2);
//   - Address size faults of a table base: 0 (DDI 0487, D8.15.1.2, G5.11.3.1.1);
//   - the Address size fault of an input to a stream without stage 1: 0.
#ifndef SMMU_TEST_MODEL_NAIVE_WALKER_H_
#define SMMU_TEST_MODEL_NAIVE_WALKER_H_

#include <cstdint>
#include <functional>
#include <optional>

#include "smmu/result.h"

namespace smmu::model {

// --- Where the manuals leave a choice, it is made here. ---

// DDI 0487, D8.5.1.2 (RQSPMS), and IHI 0070, 3.13.2: whether an access that
// ends in a Permission fault sets the Access flag of that descriptor.
inline constexpr bool kSetAccessFlagOnPermissionFault = false;

// DDI 0487, D8.5.1.2 (ICVNQR) and D8.5.2.1 (RDYCFD): whether the stage 1
// descriptor is updated when stage 2 faults on the output address.  D8.15.4
// lists the update before the output address is used.
inline constexpr bool kUpdateStage1BeforeStage2 = true;

// Whether the permissions returned for a writable-clean descriptor, which this
// access has left clean, include the write that would dirty it.
inline constexpr bool kWritableCleanAllowsWrite = false;

// DDI 0487, D8.15.1.2 (RWDZFC): whether bits [15:12] of a 64KB granule
// descriptor count as OA[51:48] where no 52-bit address is implemented.
inline constexpr bool kCheckBits15To12Without52BitAddresses = true;

// DDI 0487, D8.6.2 (RNSCNC): whether stage 1 Device and Normal Non-cacheable
// memory goes into stage 2 as Outer Shareable, or with the SH of its descriptor.
inline constexpr bool kStage1DeviceEntersStage2OuterShareable = true;

// DDI 0487, D8.6.2 and D8.6.7: what the reserved SH 0b01 stands for.
inline constexpr std::uint8_t kReservedShareability = 0b00;

// DDI 0487, D8.6.5 and D8.6.6: what the reserved stage 2 MemAttr stand for,
// 0bxx00 other than 0b0000 without FWB and 0bx100 with it.  IHI 0070, 5.2 has
// STE.MemAttr, of the same encoding, behave as Device-nGnRnE.
inline constexpr std::uint8_t kReservedMemAttr = 0b0000;

// DDI 0487, G5.6.3.2: SCTLR.WXN makes regions "writable at stage 1" XN, which
// may mean by anyone or at the privilege of the fetch.  It matters for the
// Short-descriptor AP 0b010 only, which lets EL0 read what PL1 writes: true
// where PL1's write access also forbids EL0 to execute.
inline constexpr bool kWxnLooksAtAnyPrivilege = false;

// DDI 0487, G5.6.1.2, Table G5-9: AP[2:0] 0b100 is reserved.
inline constexpr bool kReservedApGivesNoAccess = true;

// DDI 0487, G5.7.2, Table G5-12 and PRRR: the MAIR code that stands for the
// reserved and the IMPLEMENTATION DEFINED encodings of {TEX, C, B} without TEX
// remap, and for TRn 0b11 with it.  TRn of index 6 is like that of the others.
inline constexpr std::uint8_t kReservedTexCB = 0x00;

// DDI 0487, G5.4: whether Supersections exist, and hold 40-bit addresses.
inline constexpr bool kSupersections = true;

// DDI 0487, G5.11.6, 8: whether the address of a Supersection that the OAS
// cannot hold, and stage 2 does not translate, is an Address size fault.
// G5.11.1.3 speaks of A[47:40] only, which no Short descriptor has; IHI 0070,
// 3.4 truncates, but knows the Long format alone.
inline constexpr bool kSupersectionBeyondOasFaults = true;

// --- The configuration, as the structures spell it. ---

struct Implementation {
  unsigned oas = 48;    // SMMU_IDR5.OAS, in bits
  bool aarch32 = true;  // SMMU_IDR0.TTF[0]: IAS is then at least 40 (IHI 0070, 3.4)
  bool xnx = true;      // SMMU_IDR3.XNX

  unsigned ias() const { return aarch32 && oas < 40 ? 40 : oas; }
};

enum class World : std::uint8_t { kEl1And0, kEl2, kEl2And0, kEl3 };

enum class Stage1Format : std::uint8_t { kVmsa8_64, kVmsa8_32Long, kVmsa8_32Short };
enum class Stage2Format : std::uint8_t { kVmsa8_64, kVmsa8_32Long };

// The fields have the encodings of the CD (IHI 0070, 5.4).
struct Stage1 {
  Stage1Format format = Stage1Format::kVmsa8_64;
  World world = World::kEl1And0;
  bool big_endian = false;          // ENDI
  bool epd0 = false, epd1 = false;  // PD0 and PD1 in the Short-descriptor format
  std::uint64_t ttb0 = 0, ttb1 = 0;
  bool affd = false;
  bool wxn = false;
  bool pan = false;

  // The Long formats.
  unsigned t0sz = 0, t1sz = 0;
  bool had0 = false, had1 = false;
  std::uint64_t mair = 0;

  // VMSAv8-64.
  unsigned tg0 = 0, tg1 = 0b10;
  unsigned ips = 0;
  unsigned sh0 = 0, sh1 = 0;
  bool ds = false;
  bool tbi0 = false, tbi1 = false;
  bool e0pd0 = false, e0pd1 = false;
  bool epan = false;
  bool ha = false, hd = false;

  // VMSAv8-32.
  bool uwxn = false;

  // The Short-descriptor format (DDI 0487, TTBCR, SCTLR, PRRR, NMRR, DACR).
  unsigned n = 0;
  bool afe = false;
  bool tre = false;
  std::uint32_t prrr = 0, nmrr = 0;
  bool check_domains = false;  // an SMMU has no DACR: every domain is a Client
  std::uint32_t dacr = 0;
};

// The fields have the encodings of the STE (IHI 0070, 5.2).
struct Stage2 {
  Stage2Format format = Stage2Format::kVmsa8_64;
  bool big_endian = false;  // S2ENDI
  unsigned t0sz = 0;        // four bits, signed, for VMSAv8-32
  unsigned sl0 = 0;
  std::uint64_t ttb = 0;
  bool affd = false;
  bool ptw = false;

  // VMSAv8-64.
  unsigned sl2 = 0;  // S2SL0_2
  unsigned tg = 0;
  unsigned ps = 0;
  unsigned sh0 = 0;
  bool ds = false;
  bool ha = false, hd = false;
  bool fwb = false;
};

struct Regime {
  Implementation implementation;
  std::optional<Stage1> stage1;
  std::optional<Stage2> stage2;
};

struct Access {
  std::uint64_t address = 0;
  bool write = false;
  bool instruction = false;  // of a read; a write is data (IHI 0070, 13.1.2)
  bool privileged = false;
  // What stage 2 combines with where there is no stage 1 (IHI 0070, 13.5).
  std::uint8_t type = 0xff;
  std::uint8_t shareability = 0b00;
};

// --- The result. ---

// One bit for each permission.
inline constexpr unsigned kUnprivilegedRead = 1U << 0;
inline constexpr unsigned kUnprivilegedWrite = 1U << 1;
inline constexpr unsigned kUnprivilegedExecute = 1U << 2;
inline constexpr unsigned kPrivilegedRead = 1U << 3;
inline constexpr unsigned kPrivilegedWrite = 1U << 4;
inline constexpr unsigned kPrivilegedExecute = 1U << 5;

struct Translation {
  std::uint64_t pa = 0;
  // The naturally aligned block around the address that maps linearly: the
  // smaller of the two stages' blocks.  The Contiguous bit does not enlarge it.
  std::uint64_t size = 0;
  // What both stages allow.  In worlds with a single privilege level every
  // access counts as privileged (IHI 0070, 13.4.1) and both halves are equal.
  unsigned permissions = 0;
  std::uint8_t type = 0;          // in MAIR's encoding
  std::uint8_t shareability = 0;  // 0b00, 0b10 or 0b11
  bool global = true;             // stage 1's nG is 0, or there is none
  int level = 0;                  // of stage 1's descriptor if there is one
  int stage2_level = 0;           // of stage 2's descriptor

  friend bool operator==(const Translation&, const Translation&) = default;
};

enum class FaultType : std::uint8_t {
  kTranslation,
  kAddressSize,
  kAccessFlag,
  kPermission,
  kExternalAbort,
  kDomain,
};

// IHI 0070, 7.3, CLASS: the address that a stage of translation was given, or
// a stage 1 descriptor.  An External abort on a stage 1 descriptor is kTable
// too (7.3.12), all other stage 1 faults are kInput.
enum class FaultClass : std::uint8_t { kInput, kTable };

struct Fault {
  FaultType type = FaultType::kTranslation;
  unsigned stage = 1;
  int level = 0;
  FaultClass in = FaultClass::kInput;
  std::uint64_t ipa = 0;     // of a stage 2 fault
  std::uint64_t fetch = 0;   // PA of the descriptor, of an External abort
  bool table_write = false;  // of stage 2, kTable: the update of a descriptor faulted, not its read

  friend bool operator==(const Fault&, const Fault&) = default;
};

// --- Memory. ---

// A descriptor that is about to be read.
struct Fetch {
  unsigned stage = 1;
  int level = 0;
  std::uint64_t pa = 0;                // a multiple of 8, or of 4 in the Short-descriptor format
  FaultClass in = FaultClass::kInput;  // of stage 2: whom the walk is for
};

// Words are 64 bits, at multiples of 8, as a little-endian bus master sees
// them.  Nothing is an External abort.
struct Memory {
  std::function<std::optional<std::uint64_t>(std::uint64_t pa)> read;
  // Gives the word found, and has stored `desired` if that is `expected`.
  std::function<std::optional<std::uint64_t>(std::uint64_t pa, std::uint64_t expected,
                                             std::uint64_t desired)>
      compare_exchange;
  std::function<void(const Fetch&)> before_fetch;  // may be empty
};

// Translates one access, and updates the tables as the configuration asks.
// REQUIRES: stage 1 or stage 2, or both.
Result<Translation, Fault> translate(const Regime& regime, const Access& access,
                                     const Memory& memory);

// DDI 0487, D8.6: what becomes of stage 1's attributes in stage 2.
struct Attributes {
  std::uint8_t type;
  std::uint8_t shareability;

  friend bool operator==(const Attributes&, const Attributes&) = default;
};
Attributes combine(Attributes stage1, unsigned mem_attr, std::uint8_t stage2_shareability,
                   bool fwb);

// IHI 0070, 5.4, MAIR0 and MAIR1: the type an Attr field stands for.
std::uint8_t mair_type(std::uint64_t mair, unsigned index);

}  // namespace smmu::model

#endif  // SMMU_TEST_MODEL_NAIVE_WALKER_H_
