// Invalidations that leave low bits of the VMID out (IHI 0070, 3.17.6; 6.3.9, VMW).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::vmid_wildcard_test {
namespace {

using ::testing::ElementsAre;
using v3::CMD_TLBI_NH_ALL;
using v3::CMD_TLBI_NH_ASID;
using v3::CMD_TLBI_NH_VA;
using v3::CMD_TLBI_NH_VAA;
using v3::CMD_TLBI_S12_VMALL;
using v3::CMD_TLBI_S2_IPA;
using v3::SMMU_CR0;
using v3::SMMU_CR0ACK;
using v3::SMMU_IDR0;
using v3::STE;

constexpr Iova kAddress(0x8000'0000);
constexpr Asid kAsid(3);
// Streams 0 to 31 translate at stage 1 alone, 32 to 63 at stage 2 alone, each half with these
// VMIDs.
constexpr std::uint16_t kFirstVmid = 0x10;
constexpr unsigned kVmids = 32;

class Wildcard : public ::testing::Test {
 protected:
  explicit Wildcard(bool implemented = true) : board_({.config = config(implemented)}) {
    board_.bring_up();
    const Pa cd = board_.allocate(v3::CD::kSize, v3::CD::kSize);
    store(board_.memory(), cd, context(table_, kAsid));
    for (unsigned i = 0; i != kVmids; ++i) {
      const auto vmid = static_cast<std::uint16_t>(kFirstVmid + i);
      board_.attach(StreamId(i), translate(cd).set(STE::S2VMID, vmid));
      board_.attach(StreamId(kVmids + i), translate_stage2(stage2_, Vmid(vmid)));
    }
  }
  static emulator::SmmuV3Config config(bool implemented) {
    auto config = emulator::SmmuV3Config::everything();
    config.caching.policy = emulator::CachePolicy::kAdversarial;
    config.idr0.set(SMMU_IDR0::VMW, implemented);
    return config;
  }
  void set_vmw(unsigned vmw) {
    board_.smmu().write(SMMU_CR0(board_.smmu().read<SMMU_CR0>().raw()).set(SMMU_CR0::VMW, vmw));
  }
  bool translates(unsigned stream) {
    const auto outcome = board_.device(StreamId(stream)).translate(kAddress);
    board_.events();
    return std::holds_alternative<emulator::Translation>(outcome);
  }
  // The first and the last VMID whose entries the command removes, of stage 1 or of stage 2.
  template <class C>
  void expect_removed(const C& command, unsigned half, unsigned first, unsigned last) {
    const unsigned streams = half * kVmids;
    table_.map(kAddress, page_, 4096);
    stage2_.map(kAddress, page_, 4096);
    for (unsigned i = 0; i != kVmids; ++i) EXPECT_TRUE(translates(streams + i));
    table_.unmap(kAddress);
    stage2_.unmap(kAddress);
    board_.submit_and_sync(command);
    for (unsigned i = 0; i != kVmids; ++i) {
      const unsigned vmid = kFirstVmid + i;
      EXPECT_EQ(translates(streams + i), vmid < first || vmid > last) << std::hex << vmid;
    }
  }

  Board board_;
  PageTable table_ = board_.page_table();
  PageTable stage2_ = board_.page_table({.stage = 2});
  Pa page_ = board_.allocate(4096);
};

TEST_F(Wildcard, LeavesOutAsManyBitsAsItSays) {  // 6.3.9, VMW
  const auto command = smmu::testing::command<CMD_TLBI_NH_ALL>().set(CMD_TLBI_NH_ALL::VMID, 0x1a);
  const struct {
    unsigned vmw;
    unsigned first;
    unsigned last;
  } kGroups[] = {
      {0, 0x1a, 0x1a}, {1, 0x1a, 0x1b}, {2, 0x18, 0x1b}, {3, 0x18, 0x1f},
      {4, 0x10, 0x1f}, {5, 0x1a, 0x1a}, {6, 0x1a, 0x1a}, {7, 0x1a, 0x1a},  // reserved: as 0
  };
  for (const auto& [vmw, first, last] : kGroups) {
    set_vmw(vmw);
    expect_removed(command, 0, first, last);
  }
}

TEST_F(Wildcard, IsOfEveryCommandThatNamesAVmid) {  // 3.17.6
  set_vmw(2);
  constexpr std::uint16_t kVmid = 0x15;
  expect_removed(command<CMD_TLBI_NH_ALL>().set(CMD_TLBI_NH_ALL::VMID, kVmid), 0, 0x14, 0x17);
  expect_removed(command<CMD_TLBI_NH_ASID>()
                     .set(CMD_TLBI_NH_ASID::VMID, kVmid)
                     .set(CMD_TLBI_NH_ASID::ASID, kAsid.value),
                 0, 0x14, 0x17);
  expect_removed(command<CMD_TLBI_NH_VA>()
                     .set(CMD_TLBI_NH_VA::VMID, kVmid)
                     .set(CMD_TLBI_NH_VA::ASID, kAsid.value)
                     .set(CMD_TLBI_NH_VA::Address, kAddress.value),
                 0, 0x14, 0x17);
  expect_removed(command<CMD_TLBI_NH_VAA>()
                     .set(CMD_TLBI_NH_VAA::VMID, kVmid)
                     .set(CMD_TLBI_NH_VAA::Address, kAddress.value),
                 0, 0x14, 0x17);
  const auto both = command<CMD_TLBI_S12_VMALL>().set(CMD_TLBI_S12_VMALL::VMID, kVmid);
  expect_removed(both, 0, 0x14, 0x17);
  expect_removed(both, 1, 0x14, 0x17);
  expect_removed(command<CMD_TLBI_S2_IPA>()
                     .set(CMD_TLBI_S2_IPA::VMID, kVmid)
                     .set(CMD_TLBI_S2_IPA::Address, kAddress.value),
                 1, 0x14, 0x17);
}

TEST_F(Wildcard, ComparesTheAsidAllTheSame) {
  set_vmw(4);
  expect_removed(command<CMD_TLBI_NH_ASID>()
                     .set(CMD_TLBI_NH_ASID::VMID, 0x15)
                     .set(CMD_TLBI_NH_ASID::ASID, kAsid.value + 1),
                 0, 1, 0);
}

TEST_F(Wildcard, IsNotOfLookups) {  // 3.17.6: VMIDs do not alias
  set_vmw(4);
  table_.map(kAddress, page_, 4096);
  EXPECT_TRUE(translates(0));
  table_.unmap(kAddress);
  EXPECT_TRUE(translates(0));
  EXPECT_FALSE(translates(1));
}

TEST_F(Wildcard, IsAcknowledged) {  // 6.3.10
  set_vmw(3);
  EXPECT_EQ(board_.smmu().read<SMMU_CR0ACK>()[SMMU_CR0ACK::VMW], 3U);
}

class WithoutWildcard : public Wildcard {
 protected:
  WithoutWildcard() : Wildcard(false) {}
};

TEST_F(WithoutWildcard, VmwIsReserved) {  // 6.3.9, VMW: IDR0.VMW 0
  set_vmw(4);
  EXPECT_EQ(board_.smmu().read<SMMU_CR0>()[SMMU_CR0::VMW], 0U);
  EXPECT_EQ(board_.smmu().read<SMMU_CR0ACK>()[SMMU_CR0ACK::VMW], 0U);
  expect_removed(command<CMD_TLBI_NH_ALL>().set(CMD_TLBI_NH_ALL::VMID, 0x1a), 0, 0x1a, 0x1a);
}

}  // namespace
}  // namespace smmu::testing::vmid_wildcard_test
