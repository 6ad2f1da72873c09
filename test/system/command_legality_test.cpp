// Which commands an SMMU takes, by the stages of translation it has (IHI 0070, 4.1.3, 4.3, 4.4).
#include <iterator>
#include <ostream>
#include <set>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::command_legality_test {
namespace {

using v3::CommandError;
using v3::CommandHeader;
using v3::Opcode;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_GERROR;
using v3::SMMU_GERRORN;

struct Stages {
  bool first;
  bool second;
};
void PrintTo(const Stages& stages, std::ostream* out) {
  *out << (stages.first ? "stage 1 " : "") << (stages.second ? "stage 2" : "");
}

class Commands : public ::testing::TestWithParam<Stages> {
 protected:
  static emulator::SmmuV3Config config() {
    const auto config = emulator::SmmuV3Config::everything();
    if (!GetParam().first) return config.without_stage1();
    return GetParam().second ? config : config.without_stage2();
  }
  void SetUp() override { board_.bring_up(); }

  // Makes of a command that stopped the queue a CMD_SYNC, and goes on.
  bool illegal(const CommandHeader& words) {
    auto& smmu = board_.smmu();
    const auto at = smmu.read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD];
    board_.submit(words);
    if (board_.idle()) return false;
    EXPECT_EQ(smmu.read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR], CommandError::CERROR_ILL);
    const std::uint64_t slot = 16 * (std::uint64_t{at} % 256);
    store(board_.memory(), Pa(board_.command_queue().value + slot), command<v3::CMD_SYNC>());
    smmu.write(SMMU_GERRORN(smmu.read<SMMU_GERROR>().raw()));
    EXPECT_TRUE(board_.idle());
    return true;
  }

  Board board_{{.config = config()}};
};

TEST_P(Commands, OfStagesThatAreAbsentAreIllegal) {  // 4.3.3, 4.3.4, 4.4.2, 4.4.3
  std::set<Opcode> legal = {Opcode::CMD_PREFETCH_CONFIG, Opcode::CMD_PREFETCH_ADDR,
                            Opcode::CMD_CFGI_STE,        Opcode::CMD_CFGI_STE_RANGE,
                            Opcode::CMD_TLBI_NSNH_ALL,   Opcode::CMD_SYNC,
                            Opcode::CMD_RESUME,          Opcode::CMD_STALL_TERM,
                            Opcode::CMD_ATC_INV,         Opcode::CMD_PRI_RESP};
  // Of features that are absent, and of the Secure Command queue.
  std::set<Opcode> absent = {
      Opcode::CMD_CFGI_VMS_PIDM,   Opcode::CMD_DPTI_ALL,         Opcode::CMD_DPTI_PA,
      Opcode::CMD_TLBI_EL3_ALL,    Opcode::CMD_TLBI_EL3_VA,      Opcode::CMD_TLBI_S_EL2_ALL,
      Opcode::CMD_TLBI_S_EL2_ASID, Opcode::CMD_TLBI_S_EL2_VA,    Opcode::CMD_TLBI_S_EL2_VAA,
      Opcode::CMD_TLBI_S_S2_IPA,   Opcode::CMD_TLBI_S_S12_VMALL, Opcode::CMD_TLBI_SNH_ALL};
  (GetParam().first ? legal : absent)
      .insert({Opcode::CMD_CFGI_CD, Opcode::CMD_CFGI_CD_ALL, Opcode::CMD_TLBI_NH_ALL,
               Opcode::CMD_TLBI_NH_ASID, Opcode::CMD_TLBI_NH_VA, Opcode::CMD_TLBI_NH_VAA});
  (GetParam().second ? legal : absent)
      .insert({Opcode::CMD_TLBI_S12_VMALL, Opcode::CMD_TLBI_S2_IPA});
  (GetParam().first && GetParam().second ? legal : absent)  // 6.3.1, Hyp
      .insert({Opcode::CMD_TLBI_EL2_ALL, Opcode::CMD_TLBI_EL2_ASID, Opcode::CMD_TLBI_EL2_VA,
               Opcode::CMD_TLBI_EL2_VAA});
  EXPECT_EQ(legal.size() + absent.size(), std::size(v3::kCommands));
  for (unsigned code = 0; code != 0x100; ++code) {
    const auto opcode = static_cast<Opcode>(code);
    EXPECT_EQ(illegal(CommandHeader().set(CommandHeader::Opcode, opcode)), !legal.contains(opcode))
        << "opcode 0x" << std::hex << code;
  }
}

TEST_P(Commands, OfSecureStreamsAreIllegal) {  // 4.1.6, SSec
  constexpr std::uint64_t kSSec = 1 << 10;
  for (const Opcode opcode :
       {Opcode::CMD_PREFETCH_CONFIG, Opcode::CMD_PREFETCH_ADDR, Opcode::CMD_CFGI_STE,
        Opcode::CMD_CFGI_STE_RANGE, Opcode::CMD_CFGI_CD, Opcode::CMD_CFGI_CD_ALL,
        Opcode::CMD_RESUME, Opcode::CMD_STALL_TERM}) {
    EXPECT_TRUE(illegal(CommandHeader({static_cast<std::uint64_t>(opcode) | kSSec, 0})))
        << "opcode " << static_cast<unsigned>(opcode);
  }
}

INSTANTIATE_TEST_SUITE_P(Stages, Commands,
                         ::testing::Values(Stages{true, false}, Stages{false, true},
                                           Stages{true, true}));

}  // namespace
}  // namespace smmu::testing::command_legality_test
