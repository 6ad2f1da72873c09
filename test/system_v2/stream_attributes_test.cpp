// What the fields of SMMU_S2CRn do to the attributes, the permissions and the address space of what
// passes, or of what a bank translates.
#include "test/system_v2/bank.h"

namespace smmu::testing::stream_attributes_test {
namespace {

using emulator::Content;
using emulator::Direction;
using emulator::Permissions;
using emulator::Privilege;
using emulator::SmmuV2Config;
using emulator::Transaction;
using emulator::Translation;
using namespace v2;
using S2cr = SMMU_S2CRn_Translation;

constexpr Iova kAddress(0x1234'5000);
constexpr std::uint8_t kWriteThrough = 0xbb;

// A stream that bypasses by its group, or by a bank whose stage 1 is off.
struct Passing {
  explicit Passing(bool with_a_bank) : by_bank(with_a_bank) {
    rig.registers().global0().write(all_faults_abort());
    bank.become(Bank::stage1_alone());
    bank.take(StreamId(7));
  }

  Translation with(S2cr fields, MemoryAttributes incoming) {
    fields.set(S2cr::TYPE, by_bank ? StreamType::kTranslation : StreamType::kBypass);
    rig.registers().global0().write(0, fields);
    return translation_of(
        port.translate({.stream = StreamId(7), .address = kAddress, .attributes = incoming}));
  }

  bool by_bank;
  V2Rig rig;
  Bank bank{rig, 0};
  emulator::Port& port = rig.smmu().add_port();
};

constexpr MemoryAttributes kInnerWriteBack{.type = 0xff, .shareability = Shareability::kInner};

TEST(StreamAttributes, LeaveWhatComesIn) {
  for (const bool by_bank : {false, true}) {
    Passing passing(by_bank);
    const MemoryAttributes all[] = {kInnerWriteBack,
                                    {.type = 0xff, .shareability = Shareability::kNonShareable},
                                    {.type = kWriteThrough, .shareability = Shareability::kOuter},
                                    {.type = 0x44, .shareability = Shareability::kOuter},
                                    {.type = 0x04, .shareability = Shareability::kOuter}};
    for (const MemoryAttributes incoming : all) {
      EXPECT_EQ(passing.with({}, incoming).attributes, incoming);
    }
  }
}

TEST(StreamAttributes, ReplaceTheShareability) {
  const struct {
    ShareabilityConfig config;
    Shareability result;
  } all[] = {{ShareabilityConfig::kOuterShareable, Shareability::kOuter},
             {ShareabilityConfig::kInnerShareable, Shareability::kInner},
             {ShareabilityConfig::kNonShareable, Shareability::kNonShareable}};
  for (const bool by_bank : {false, true}) {
    Passing passing(by_bank);
    for (const auto& one : all) {
      const auto fields = S2cr().set(S2cr::SHCFG, one.config);
      EXPECT_EQ(passing.with(fields, kInnerWriteBack).attributes.shareability, one.result);
      // Device memory is Outer Shareable whatever is said.
      EXPECT_EQ(passing.with(fields, {.type = 0x04}).attributes.shareability, Shareability::kOuter);
    }
  }
}

TEST(StreamAttributes, ReplaceTheMemoryType) {
  const struct {
    unsigned mem_attr;
    std::uint8_t type;
  } all[] = {{0b0000, 0x00}, {0b0001, 0x04}, {0b0010, 0x08},          {0b0011, 0x0c},
             {0b0101, 0x44}, {0b1111, 0xff}, {0b1010, kWriteThrough}, {0b0111, 0x4f},
             {0b1101, 0xf4}, {0b1110, 0xfb}};
  for (const bool by_bank : {false, true}) {
    Passing passing(by_bank);
    for (const auto& one : all) {
      const auto fields = S2cr().set(S2cr::MemAttr, one.mem_attr);
      EXPECT_EQ(passing.with(fields, kInnerWriteBack).attributes.type, 0xff) << "MTCFG is 0";
      const auto replaced = passing.with(S2cr(fields).set(S2cr::MTCFG, true), kInnerWriteBack);
      EXPECT_EQ(replaced.attributes.type, one.type) << one.mem_attr;
      // Also where Device memory came in.
      const auto other = passing.with(S2cr(fields).set(S2cr::MTCFG, true), {.type = 0x04});
      EXPECT_EQ(other.attributes.type, one.type) << one.mem_attr;
    }
  }
}

TEST(StreamAttributes, ReplaceTheHints) {
  for (const bool by_bank : {false, true}) {
    Passing passing(by_bank);
    const auto type = [&](AllocationConfig racfg, AllocationConfig wacfg, TransientConfig transient,
                          std::uint8_t incoming) {
      const auto fields =
          S2cr().set(S2cr::RACFG, racfg).set(S2cr::WACFG, wacfg).set(S2cr::TRANSIENTCFG, transient);
      return passing.with(fields, {.type = incoming}).attributes.type;
    };
    using A = AllocationConfig;
    using T = TransientConfig;
    EXPECT_EQ(type(A::kNoAllocate, A::kIncoming, T::kIncoming, 0xff), 0xdd);
    EXPECT_EQ(type(A::kIncoming, A::kNoAllocate, T::kIncoming, 0xff), 0xee);
    EXPECT_EQ(type(A::kNoAllocate, A::kNoAllocate, T::kIncoming, 0xff), 0xcc);
    EXPECT_EQ(type(A::kAllocate, A::kIncoming, T::kIncoming, 0xcc), 0xee);
    EXPECT_EQ(type(A::kIncoming, A::kAllocate, T::kIncoming, 0xcc), 0xdd);
    EXPECT_EQ(type(A::kIncoming, A::kIncoming, T::kTransient, 0xff), 0x77);
    EXPECT_EQ(type(A::kIncoming, A::kIncoming, T::kNonTransient, 0x77), 0xff);
    // What is not cached has none.
    EXPECT_EQ(type(A::kAllocate, A::kAllocate, T::kTransient, 0x44), 0x44);
    EXPECT_EQ(type(A::kAllocate, A::kAllocate, T::kTransient, 0x04), 0x04);
  }
}

// Where stage 1 translates, the tables say what memory it is.
TEST(StreamAttributes, OfMemoryDoNotMatterWhereTablesSayThem) {
  Translating translating;
  translating.table.map(kAddress, translating.rig.allocate(4096), 4096);
  translating.bank.take(Translating::kStream,
                        S2cr()
                            .set(S2cr::MTCFG, true)
                            .set(S2cr::MemAttr, 0b0000)
                            .set(S2cr::SHCFG, ShareabilityConfig::kNonShareable));
  const auto translation = translation_of(translating.translate(kAddress));
  EXPECT_EQ(translation.attributes.type, 0xff);
  EXPECT_EQ(translation.attributes.shareability, Shareability::kInner);
}

// Stage 2 alone combines what comes in with what the tables say.
TEST(StreamAttributes, OfMemoryMeetThoseOfStage2) {
  Translating translating({.stage = 2});
  translating.bank.translate_stage2(translating.table);
  translating.table.map(kAddress, translating.rig.allocate(4096), 4096);
  translating.bank.take(Translating::kStream,
                        S2cr().set(S2cr::MTCFG, true).set(S2cr::MemAttr, 0b1010));
  EXPECT_EQ(translation_of(translating.translate(kAddress)).attributes.type, kWriteThrough);
}

// A page of each kind, and who may do what there.
struct Allowed {
  bool unprivileged_read, privileged_read, unprivileged_fetch, privileged_fetch;
  bool unprivileged_write, privileged_write;
};
std::ostream& operator<<(std::ostream& out, const Allowed& allowed) {
  return out << allowed.unprivileged_read << allowed.privileged_read << allowed.unprivileged_fetch
             << allowed.privileged_fetch << allowed.unprivileged_write << allowed.privileged_write;
}
bool operator==(const Allowed& a, const Allowed& b) {
  return a.unprivileged_read == b.unprivileged_read && a.privileged_read == b.privileged_read &&
         a.unprivileged_fetch == b.unprivileged_fetch && a.privileged_fetch == b.privileged_fetch &&
         a.unprivileged_write == b.unprivileged_write && a.privileged_write == b.privileged_write;
}

struct Guarded {
  Guarded() {
    translating.table.map(Iova(0x0000), translating.rig.allocate(4096), 4096);
    translating.table.map(Iova(0x1000), translating.rig.allocate(4096), 4096,
                          {.writable = false, .unprivileged = false});
    translating.table.map(Iova(0x2000), translating.rig.allocate(4096), 4096,
                          {.writable = false, .unprivileged_execute_never = true});
  }

  Allowed at(Iova address, S2cr fields) {
    translating.bank.take(Translating::kStream, fields);
    const auto may = [&](const DmaDevice& device, Direction direction) {
      const auto outcome = device.translate(address, direction);
      return std::holds_alternative<Translation>(outcome);
    };
    const DmaDevice& device = translating.device;
    return {may(device, Direction::kRead),
            may(device.privileged(), Direction::kRead),
            may(device.fetching_instructions(), Direction::kRead),
            may(device.privileged().fetching_instructions(), Direction::kRead),
            may(device, Direction::kWrite),
            may(device.privileged(), Direction::kWrite)};
  }

  Translating translating;
};

constexpr Iova kShared(0x0000), kPrivileged(0x1000), kNoUserCode(0x2000);

TEST(StreamAttributes, ReplaceThePrivilege) {
  Guarded guarded;
  EXPECT_EQ(guarded.at(kShared, {}), (Allowed{1, 1, 1, 0, 1, 1}));
  EXPECT_EQ(guarded.at(kPrivileged, {}), (Allowed{0, 1, 1, 1, 0, 0}));
  EXPECT_EQ(guarded.at(kNoUserCode, {}), (Allowed{1, 1, 0, 1, 0, 0}));
  const auto privileged = S2cr().set(S2cr::PRIVCFG, PrivilegeConfig::kPrivileged);
  EXPECT_EQ(guarded.at(kShared, privileged), (Allowed{1, 1, 0, 0, 1, 1}));
  EXPECT_EQ(guarded.at(kPrivileged, privileged), (Allowed{1, 1, 1, 1, 0, 0}));
  EXPECT_EQ(guarded.at(kNoUserCode, privileged), (Allowed{1, 1, 1, 1, 0, 0}));
  const auto unprivileged = S2cr().set(S2cr::PRIVCFG, PrivilegeConfig::kUnprivileged);
  EXPECT_EQ(guarded.at(kShared, unprivileged), (Allowed{1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(guarded.at(kPrivileged, unprivileged), (Allowed{0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(guarded.at(kNoUserCode, unprivileged), (Allowed{1, 1, 0, 0, 0, 0}));
}

TEST(StreamAttributes, MakeDataOfInstructionsAndTheReverse) {
  Guarded guarded;
  const auto data = S2cr().set(S2cr::INSTCFG, InstructionOverride::kData);
  EXPECT_EQ(guarded.at(kPrivileged, data), (Allowed{0, 1, 0, 1, 0, 0}));
  EXPECT_EQ(guarded.at(kNoUserCode, data), (Allowed{1, 1, 1, 1, 0, 0}));
  const auto instructions = S2cr().set(S2cr::INSTCFG, InstructionOverride::kInstruction);
  EXPECT_EQ(guarded.at(kPrivileged, instructions), (Allowed{1, 1, 1, 1, 0, 0}));
  EXPECT_EQ(guarded.at(kNoUserCode, instructions), (Allowed{0, 1, 0, 1, 0, 0}));
  EXPECT_EQ(guarded.at(kShared, instructions), (Allowed{1, 0, 1, 0, 1, 1})) << "writes are data";
}

// DIPANS: the transaction is privileged, and data of the unprivileged is out of its reach.
TEST(StreamAttributes, NeverReachUnprivilegedDataWithDipan) {
  Guarded guarded;
  const auto never = S2cr().set(S2cr::PRIVCFG, PrivilegeConfig::kPrivilegedAccessNever);
  EXPECT_EQ(guarded.at(kShared, never), (Allowed{0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(guarded.at(kPrivileged, never), (Allowed{1, 1, 1, 1, 0, 0}));
  EXPECT_EQ(guarded.at(kNoUserCode, never), (Allowed{0, 0, 1, 1, 0, 0}));
  // Another stream of the same bank is not so kept out.
  EXPECT_EQ(guarded.at(kShared, {}), (Allowed{1, 1, 1, 0, 1, 1}));
  EXPECT_EQ(guarded.at(kShared, never), (Allowed{0, 0, 0, 0, 0, 0}));
}

TEST(StreamAttributes, TakeDipanForNothingWhereItIsNotThere) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr2.set(SMMU_IDR2::DIPANS, false);
  Translating translating(V2Rig::Options{.config = config});
  const Pa page = translating.rig.allocate(4096);
  translating.table.map(kAddress, page, 4096);
  translating.bank.take(Translating::kStream,
                        S2cr().set(S2cr::PRIVCFG, PrivilegeConfig::kPrivilegedAccessNever));
  EXPECT_THAT(translating.translate(kAddress), TranslatesTo(page));
  EXPECT_THAT(translating.device.privileged().translate(kAddress), TranslatesTo(page));
}

// Stage 2 knows of instructions too.
TEST(StreamAttributes, MakeInstructionsOfWhatStage2Permits) {
  Translating translating({.stage = 2});
  translating.bank.translate_stage2(translating.table);
  const Pa page = translating.rig.allocate(4096);
  translating.table.map(kAddress, page, 4096, {.unprivileged_execute_never = true});
  EXPECT_THAT(translating.translate(kAddress), TranslatesTo(page));
  translating.bank.take(Translating::kStream,
                        S2cr().set(S2cr::INSTCFG, InstructionOverride::kInstruction));
  EXPECT_THAT(translating.translate(kAddress), Aborts());
  EXPECT_THAT(translating.bank.take_fault(), IsFault(SMMU_CBn_FSR::PF, 3));
  translating.bank.take(Translating::kStream,
                        S2cr().set(S2cr::INSTCFG, InstructionOverride::kData));
  EXPECT_THAT(translating.device.fetching_instructions().translate(kAddress), TranslatesTo(page));
}

// What a device is told that it may do, it may do by what it says of itself.
TEST(StreamAttributes, ShowInThePermissionsThatAreTold) {
  Guarded guarded;
  auto& [translating] = guarded;
  translating.bank.take(Translating::kStream,
                        S2cr().set(S2cr::PRIVCFG, PrivilegeConfig::kPrivileged));
  const Permissions told = translation_of(translating.translate(kPrivileged)).permissions;
  EXPECT_TRUE(told.allow(Privilege::kUnprivileged, Direction::kRead, Content::kData));
  EXPECT_FALSE(told.allow(Privilege::kUnprivileged, Direction::kWrite, Content::kData));
}

// NSCFG is Secure groups'.
TEST(StreamAttributes, ChooseTheAddressSpaceOfSecureStreams) {
  V2Rig rig;
  const RegisterPage secure = rig.secure_registers().global0();
  secure.write(SMMU_SCR1().set(SMMU_SCR1::NSNUMCBO, 64).set(SMMU_SCR1::NSNUMSMRGO, 64));
  const auto space = [&](std::uint32_t group, SecurityState of, SecurityState in,
                         NonSecureOverride nscfg) {
    secure.write(group, SMMU_SMRn().set(SMMU_SMRn::ID, 7).set(SMMU_SMRn::VALID, true));
    secure.write(group, SMMU_S2CRn_Bypass()
                            .set(SMMU_S2CRn_Bypass::TYPE, StreamType::kBypass)
                            .set(SMMU_S2CRn_Bypass::NSCFG, nscfg));
    return translation_of(rig.device(StreamId(7)).of(of).in(in).translate(kAddress)).space;
  };
  constexpr auto kS = SecurityState::kSecure;
  constexpr auto kNs = SecurityState::kNonSecure;
  rig.registers().global0().write(all_faults_abort());
  secure.write(all_faults_abort());
  for (const auto in : {kS, kNs}) {
    EXPECT_EQ(space(70, kS, in, NonSecureOverride::kIncoming), in);
    EXPECT_EQ(space(70, kS, in, NonSecureOverride::kSecure), kS);
    EXPECT_EQ(space(70, kS, in, NonSecureOverride::kNonSecure), kNs);
  }
  EXPECT_EQ(space(3, kNs, kNs, NonSecureOverride::kSecure), kNs) << "has no effect here";
  // Nor without a group: then it is the NSCFG of sCR0.
  secure.write(SMMU_sCR0().set(SMMU_sCR0::NSCFG, NonSecureOverride::kSecure));
  EXPECT_EQ(translation_of(rig.device(StreamId(9)).of(kS).in(kNs).translate(kAddress)).space, kS);
  secure.write(SMMU_sCR0()
                   .set(SMMU_sCR0::CLIENTPD, true)
                   .set(SMMU_sCR0::NSCFG, NonSecureOverride::kNonSecure));
  EXPECT_EQ(translation_of(rig.device(StreamId(9)).of(kS).in(kS).translate(kAddress)).space, kNs);
}

// SIF is about all instructions that Secure streams fetch, also where nothing translates.
TEST(StreamAttributes, OfSecureFetchesMayNotBeNonSecure) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 64)
      .set(SMMU_SCR1::NSNUMSMRGO, 64)
      .set(SMMU_SCR1::SIF, true);
  V2Rig rig(config);
  const RegisterPage secure = rig.secure_registers().global0();
  secure.write(all_faults_abort());
  const Bank bank(rig, 70, SecurityState::kSecure);
  bank.become(Bank::stage1_alone());
  bank.take(StreamId(7));
  const DmaDevice device = rig.device(StreamId(7)).of(SecurityState::kSecure);
  const auto expect_refused = [&](const DmaDevice& fetching) {
    EXPECT_THAT(fetching.translate(kAddress), Aborts());
    EXPECT_EQ(secure.read<SMMU_sGFSR>(), SMMU_sGFSR().set(SMMU_sGFSR::PF, true));
    secure.write(SMMU_sGFSR(0xffff'ffff));
    // Data may be, and so may Secure instructions.
    EXPECT_THAT(device.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
    EXPECT_THAT(fetching.in(SecurityState::kSecure).translate(kAddress),
                TranslatesTo(Pa(kAddress.value)));
  };
  const DmaDevice fetching = device.fetching_instructions();
  expect_refused(fetching);  // by a bank that is off
  secure.write(70, SMMU_S2CRn().set(SMMU_S2CRn::TYPE, StreamType::kBypass));
  expect_refused(fetching);
  secure.write(70, SMMU_SMRn());
  secure.write(all_faults_abort().set(SMMU_sCR0::USFCFG, false));
  expect_refused(fetching);
}

}  // namespace
}  // namespace smmu::testing::stream_attributes_test
