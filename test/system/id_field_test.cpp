// For every field of an identification register that says something: what an SMMU does with one
// value of it and with another. test/docs demands a test for every field of docs/features.md that
// can be chosen and changes anything; its name is the field's. Here: SMMU_IDR0 to SMMU_IDR2.
#include "test/system/id_field.h"
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/arch/v3/secure_registers.h"
#include "smmu/arch/v3/translation_operation_registers.h"

namespace smmu::testing::id_field_test {
namespace {

using namespace id_field;
using v3::SMMU_IDR0;
using v3::SMMU_IDR1;
using v3::SMMU_IDR3;
using v3::SMMU_IDR5;
using v3::SMMU_S_IDR0;
using v3::SMMU_S_IDR1;

TEST(IdField, SMMU_IDR0_S2P) {
  expect_difference(
      [](const SmmuV3Config& config) {
        Machine machine(config, {.stage = 2});
        machine.table.map(kAddress, kPage, 4096);
        return machine.access(translate_stage2(machine.table));
      },
      everything(), kTranslated, everything().without_stage2(), kBadSte);
}
TEST(IdField, SMMU_IDR0_S1P) {
  expect_difference(by_cd([](CD&) {}), everything(), kTranslated, everything().without_stage1(),
                    kBadSte);
}
TEST(IdField, SMMU_IDR0_TTF) {
  const auto one_format =
      but([](auto& c) { c.idr0.set(SMMU_IDR0::TTF, SMMU_IDR0::TableFormats::kAArch64); });
  expect_difference(by_cd([](CD& cd) { cd.set(CD::AA64, false); }, kUnmapped), everything(),
                    kTranslationFault, one_format, kBadCd);
}
TEST(IdField, SMMU_IDR0_HTTU) {
  const auto none =
      but([](auto& c) { c.idr0.set(SMMU_IDR0::HTTU, SMMU_IDR0::FlagUpdates::kNone); });
  expect_difference(by_cd([](CD& cd) { cd.set(CD::HA, true); }), everything(), kTranslated, none,
                    kBadCd);
}
TEST(IdField, SMMU_IDR0_Hyp) {
  const auto none =
      but([](auto& c) { c.idr0.set(SMMU_IDR0::Hyp, false); }, everything().of_version(1));
  expect_difference(written(v3::SMMU_CR2::kOffset), everything().of_version(1), 0x3U, none, 0x2U);
}

SmmuV3Config without_pri() {
  return but([](auto& c) {
    c.idr0.set(SMMU_IDR0::PRI, false);
    c.idr3.set(SMMU_IDR3::PPS, false);
  });
}
TEST(IdField, SMMU_IDR0_ATS) {
  const auto none =
      but([](auto& c) { c.idr0.set(SMMU_IDR0::ATS, false).set(SMMU_IDR0::ATSRECERR, false); },
          without_pri());
  const auto atschk = [](const SmmuV3Config& config) {
    return written(v3::SMMU_CR0::kOffset)(config) & 0x10;
  };
  expect_difference(atschk, everything(), 0x10U, none, 0U);
}
TEST(IdField, SMMU_IDR0_NS1ATS) {
  const auto split = [](const SmmuV3Config& config) {
    Machine machine(config, {.t0sz = 24, .stage = 2});
    machine.table.map(Iova(0x4000'0000), Pa(0x4000'0000), std::uint64_t{1} << 30);
    machine.table.map(kAddress, kPage, 4096);
    PageTable stage1 = machine.board.page_table();
    stage1.map(kAddress, Pa(kAddress.value), 4096);
    return machine.access(above_stage2(translate(machine.place(context(stage1))), machine.table)
                              .set(STE::EATS, v3::AtsMode::kSplitStage));
  };
  expect_difference(split, everything(), kTranslated,
                    but([](auto& c) { c.idr0.set(SMMU_IDR0::NS1ATS, true); }), kBadSte);
}
TEST(IdField, SMMU_IDR0_ASID16) {
  expect_difference(by_cd([](CD& cd) { cd.set(CD::ASID, 0x100); }), everything(), kTranslated,
                    but([](auto& c) { c.idr0.set(SMMU_IDR0::ASID16, false); }), kBadCd);
}
TEST(IdField, SMMU_IDR0_MSI) {
  const auto none = but([](auto& c) {
    c.idr0.set(SMMU_IDR0::MSI, false);
    c.idr1.set(SMMU_IDR1::ECMDQ, false);
    c.idr6 = {};
  });
  expect_difference(written(v3::SMMU_GERROR_IRQ_CFG0::kOffset), everything(), 0xffff'fffcU, none,
                    0U);
}
TEST(IdField, SMMU_IDR0_SEV) {
  const auto pulses = [](const SmmuV3Config& config) {
    Board board({.config = config});
    board.bring_up();
    board.submit(command<v3::CMD_SYNC>().set(v3::CMD_SYNC::CS, SyncSignal::kSev));
    return board.wake_up_line.count();
  };
  expect_difference(pulses, everything(), 1U,
                    but([](auto& c) { c.idr0.set(SMMU_IDR0::SEV, false); }), 0U);
}

SmmuV3Config without_vatos() {
  return but([](auto& c) {
    c.idr0.set(SMMU_IDR0::VATOS, false);
    c.s_idr2 = {};
  });
}
TEST(IdField, SMMU_IDR0_ATOS) {
  expect_difference(written(v3::SMMU_GATOS_ADDR::kOffset), everything(), 0xffff'ffc0U,
                    but([](auto& c) { c.idr0.set(SMMU_IDR0::ATOS, false); }, without_vatos()), 0U);
}
TEST(IdField, SMMU_IDR0_VATOS) {
  expect_difference(written(v3::SMMU_VATOS_SEL::kOffset), everything(), 0xffffU, without_vatos(),
                    0U);
}
TEST(IdField, SMMU_IDR0_PRI) {
  expect_difference(written(v3::SMMU_PRIQ_BASE::kOffset), everything(), 0xffff'ffffU, without_pri(),
                    0U);
}
TEST(IdField, SMMU_IDR0_VMW) {
  const auto vmw = [](const SmmuV3Config& config) {
    return written(v3::SMMU_CR0::kOffset)(config) & 0x1c0;
  };
  expect_difference(vmw, everything(), 0x1c0U,
                    but([](auto& c) { c.idr0.set(SMMU_IDR0::VMW, false); }), 0U);
}
TEST(IdField, SMMU_IDR0_VMID16) {
  const auto see = [](const SmmuV3Config& config) {
    Machine machine(config, {.stage = 2});
    machine.table.map(kAddress, kPage, 4096);
    return machine.access(translate_stage2(machine.table, Vmid(0x100)));
  };
  expect_difference(see, everything(), kTranslated,
                    but([](auto& c) { c.idr0.set(SMMU_IDR0::VMID16, false); }), kBadSte);
}
TEST(IdField, SMMU_IDR0_CD2L) {
  const auto see = [](const SmmuV3Config& config) {
    Machine machine(config);
    return machine.access(translate(machine.board.allocate(4096))
                              .set(STE::S1CDMax, 8)
                              .set(STE::S1Fmt, v3::CdTableFormat::kTwoLevel4KLeaf),
                          {.stream = {}, .address = {}, .substream = SubstreamId(1)});
  };
  expect_difference(see, everything(), code_of(EventType::C_BAD_SUBSTREAMID),
                    but([](auto& c) { c.idr0.set(SMMU_IDR0::CD2L, false); }), kBadSte);
}
TEST(IdField, SMMU_IDR0_TTENDIAN) {
  const auto little =
      but([](auto& c) { c.idr0.set(SMMU_IDR0::TTENDIAN, SMMU_IDR0::Endianness::kLittle); });
  expect_difference(by_cd([](CD& cd) { cd.set(CD::ENDI, true); }, kUnmapped), everything(),
                    kTranslationFault, little, kBadCd);
}
TEST(IdField, SMMU_IDR0_ATSRECERR) {
  expect_difference(written(v3::SMMU_CR2::kOffset), everything(), 0xbU,
                    but([](auto& c) { c.idr0.set(SMMU_IDR0::ATSRECERR, false); }), 0x3U);
}
TEST(IdField, SMMU_IDR0_STALL_MODEL) {
  const auto none = but([](auto& c) {
    c.idr0.set(SMMU_IDR0::STALL_MODEL, StallModel::kTerminate);
    c.s_idr0.set(SMMU_S_IDR0::STALL_MODEL, StallModel::kTerminate);
    c.idr5.set(SMMU_IDR5::STALL_MAX, 0);
  });
  expect_difference(by_cd([](CD& cd) { cd.set(CD::S, true); }, kUnmapped), everything(),
                    kTranslationFault, none, kBadCd);
}
TEST(IdField, SMMU_IDR0_TERM_MODEL) {
  expect_difference(by_cd([](CD& cd) { cd.set(CD::A, false); }, kUnmapped), everything(),
                    kTranslationFault,
                    but([](auto& c) { c.idr0.set(SMMU_IDR0::TERM_MODEL, true); }), kBadCd);
}
TEST(IdField, SMMU_IDR0_ST_LEVEL) {
  const auto few = but([](auto& c) {
    c.idr0.set(SMMU_IDR0::ST_LEVEL, 0);
    c.idr1.set(SMMU_IDR1::SIDSIZE, 6);
    c.s_idr1.set(SMMU_S_IDR1::S_SIDSIZE, 6);
  });
  expect_difference(written(v3::SMMU_STRTAB_BASE_CFG::kOffset), everything(), 0x3'07ffU, few,
                    0x3fU);
}

TEST(IdField, SMMU_IDR1_SIDSIZE) {
  const auto see = [](const SmmuV3Config& config) {
    Machine machine(config);
    return machine.access(bypass(), {}, StreamId(100));
  };
  expect_difference(see, everything(), kTranslated,
                    but([](auto& c) { c.idr1.set(SMMU_IDR1::SIDSIZE, 6); }), kSilent);
}
TEST(IdField, SMMU_IDR1_SSIDSIZE) {
  const auto none = but([](auto& c) {
    c.idr1.set(SMMU_IDR1::SSIDSIZE, 0);
    c.idr3.set(SMMU_IDR3::PPS, false);
  });
  expect_difference(written(v3::SMMU_GATOS_SID::kOffset + 4), everything(), 0x001f'ffffU, none, 0U);
}

// The index bits of a queue whose BASE asks for as many entries as there can be.
auto index_bits(std::uint32_t base, std::uint32_t index) {
  return [=](const SmmuV3Config& config) {
    Board board({.config = config});
    board.smmu().write32(base, 19);
    board.smmu().write32(index, 0xf'ffff);
    return board.smmu().read32(index) & 0xf'ffff;
  };
}
TEST(IdField, SMMU_IDR1_PRIQS) {
  expect_difference(index_bits(v3::SMMU_PRIQ_BASE::kOffset, v3::SMMU_PRIQ_PROD::kOffset),
                    everything(), 0xf'ffffU, but([](auto& c) { c.idr1.set(SMMU_IDR1::PRIQS, 3); }),
                    0xfU);
}
TEST(IdField, SMMU_IDR1_EVENTQS) {
  expect_difference(index_bits(v3::SMMU_EVENTQ_BASE::kOffset, v3::SMMU_EVENTQ_PROD::kOffset),
                    everything(), 0xf'ffffU,
                    but([](auto& c) { c.idr1.set(SMMU_IDR1::EVENTQS, 3); }), 0xfU);
}
TEST(IdField, SMMU_IDR1_CMDQS) {
  expect_difference(index_bits(v3::SMMU_CMDQ_BASE::kOffset, v3::SMMU_CMDQ_CONS::kOffset),
                    everything(), 0xf'ffffU, but([](auto& c) { c.idr1.set(SMMU_IDR1::CMDQS, 3); }),
                    0xfU);
}
TEST(IdField, SMMU_IDR1_ATTR_PERMS_OVR) {
  const auto see = [](const SmmuV3Config& config) {
    Machine machine(config);
    machine.table.map(kAddress, kPage, 4096, {.unprivileged = false});
    return machine.access(translate(machine.place(context(machine.table)))
                              .set(STE::PRIVCFG, PrivilegeOverride::kPrivileged));
  };
  expect_difference(see, everything(), kTranslated,
                    but([](auto& c) { c.idr1.set(SMMU_IDR1::ATTR_PERMS_OVR, false); }),
                    kPermissionFault);
}

TEST(IdField, SMMU_IDR1_ATTR_TYPES_OVR) {
  const auto see = [](const SmmuV3Config& config) {
    Machine machine(config);
    machine.board.attach(kStream, bypass().set(STE::MTCFG, true).set(STE::MemAttr, 0b0101));
    return type_of(machine.board.device(kStream).translate(kAddress));
  };
  expect_difference(see, everything(), 0x44,
                    but([](auto& c) { c.idr1.set(SMMU_IDR1::ATTR_TYPES_OVR, false); }), 0xff);
}
TEST(IdField, SMMU_IDR1_ECMDQ) {
  const auto none = but([](auto& c) {
    c.idr1.set(SMMU_IDR1::ECMDQ, false);
    c.idr6 = {};
  });
  expect_difference(read(0x4000), everything(), 0x10'0003U, none, 0U);
}

TEST(IdField, SMMU_IDR2_BA_VATOS) {
  const auto elsewhere = but([](auto& c) { c.idr2.set(v3::SMMU_IDR2::BA_VATOS, 2); });
  expect_difference(written(0x2'0a10), everything(), 0xffff'ffc0U, elsewhere, 0U);
  expect_difference(written(0x4'0a10), elsewhere, 0xffff'ffc0U, everything(), 0U);
}

}  // namespace
}  // namespace smmu::testing::id_field_test
