// For every field of an identification register that says something: what an SMMU does with one
// value of it and with another (IHI 0070, 6.3.1 to 6.3.7, 6.3.45 and 6.3.52 to 6.3.55, 6.3.91).
// test/docs demands a test for every field of docs/features.md that can be chosen and changes
// anything; its name is the field's.
#include <functional>
#include <utility>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/arch/v3/secure_registers.h"
#include "smmu/arch/v3/translation_operation_registers.h"
#include "smmu/arch/vmsa/aarch64.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing {
namespace {

using emulator::SmmuV3Config;
using emulator::Transaction;
using v3::CD;
using v3::EventType;
using v3::SMMU_IDR0;
using v3::SMMU_IDR1;
using v3::SMMU_IDR3;
using v3::SMMU_IDR5;
using v3::SMMU_IDR6;
using v3::SMMU_S_IDR0;
using v3::SMMU_S_IDR1;
using v3::SMMU_S_IDR6;
using v3::STE;

constexpr StreamId kStream(1);
constexpr Iova kAddress(0x80'0000);
constexpr Iova kUnmapped(0xa0'0000);
constexpr Pa kPage(0x4123'0000);

// What becomes of an access: the number of the event that is recorded, or one of these.
constexpr int kTranslated = 0;
constexpr int kSilent = -1;
constexpr int code_of(EventType type) { return static_cast<int>(type); }
constexpr int kBadSte = code_of(EventType::C_BAD_STE);
constexpr int kBadCd = code_of(EventType::C_BAD_CD);
constexpr int kTranslationFault = code_of(EventType::F_TRANSLATION);
constexpr int kPermissionFault = code_of(EventType::F_PERMISSION);

SmmuV3Config everything() { return SmmuV3Config::everything(); }
template <class Change>
SmmuV3Config but(Change&& change, SmmuV3Config config = everything()) {
  change(config);
  return config;
}

// The same, in the configuration `base` and in the other.
template <class See, class Value>
void expect_difference(See&& see, const SmmuV3Config& one, Value of_one, const SmmuV3Config& other,
                       Value of_other) {
  EXPECT_EQ(see(one), of_one);
  EXPECT_EQ(see(other), of_other);
}

// A board whose stream has a page.
struct Machine {
  explicit Machine(const SmmuV3Config& config, PageTable::Options options = {})
      : board({.config = config}), table(board.page_table(options)) {
    board.bring_up();
  }
  int end_of(const emulator::Outcome& outcome) {
    if (std::holds_alternative<emulator::Translation>(outcome)) return kTranslated;
    const auto events = board.events();
    return events.empty() ? kSilent : code_of(events.front().type());
  }
  int access(const STE& ste, Transaction transaction = {}, StreamId stream = kStream) {
    board.attach(stream, ste);
    transaction.stream = stream;
    if (transaction.address == Iova()) transaction.address = kAddress;
    return end_of(board.smmu().add_port().translate(transaction));
  }
  int access(const CD& cd, Transaction transaction = {}) {
    return access(translate(place(cd)), transaction);
  }
  Pa place(const CD& cd) {
    const Pa where = board.allocate(CD::kSize, CD::kSize);
    store(board.memory(), where, cd);
    return where;
  }
  std::uint64_t at(Pa pa) { return load(board.memory(), pa); }

  Board board;
  PageTable table;
};

// An access by a CD that is changed so.
auto by_cd(std::function<void(CD&)> change, Iova address = kAddress) {
  return [=](const SmmuV3Config& config) {
    Machine machine(config);
    machine.table.map(kAddress, kPage, 4096);
    CD cd = context(machine.table);
    change(cd);
    return machine.access(cd, {.stream = {}, .address = address});
  };
}

// What a register is after a write of ones, with everything off.
auto written(std::uint32_t offset, bool secure = false) {
  return [=](const SmmuV3Config& config) {
    Board board({.config = config});
    Mmio& registers = secure ? board.smmu().secure() : board.smmu();
    registers.write32(offset, ~0U);
    return registers.read32(offset);
  };
}
// What it is without.
auto read(std::uint32_t offset, bool secure = false) {
  return [=](const SmmuV3Config& config) {
    Board board({.config = config});
    return secure ? board.smmu().secure().read32(offset) : board.smmu().read32(offset);
  };
}

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

// The memory type of what comes in as Write-Back.
int type_of(const emulator::Outcome& outcome) {
  const auto* translation = std::get_if<emulator::Translation>(&outcome);
  return translation != nullptr ? translation->attributes.type : kSilent;
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

TEST(IdField, SMMU_IDR3_HAD) {
  const auto see = [](const SmmuV3Config& config) {
    Machine machine(config);
    machine.table.map(kAddress, kPage, 4096);
    // APTable: nothing for unprivileged accesses.
    const Pa root = machine.table.root();
    store(machine.board.memory(), root, machine.at(root) | std::uint64_t{1} << 61);
    return machine.access(context(machine.table).set(CD::HAD0, true));
  };
  const auto none =
      but([](auto& c) { c.idr3.set(SMMU_IDR3::HAD, false); }, everything().of_version(0));
  expect_difference(see, everything(), kTranslated, none, kPermissionFault);
}
TEST(IdField, SMMU_IDR3_XNX) {
  const auto see = [](const SmmuV3Config& config) {
    Machine machine(config, {.stage = 2});
    machine.table.map(kAddress, kPage, 4096);
    const Pa leaf = machine.table.descriptor(kAddress);
    store(machine.board.memory(), leaf, machine.at(leaf) | std::uint64_t{0b01} << 53);
    return machine.access(translate_stage2(machine.table),
                          {.stream = {},
                           .address = kAddress,
                           .privilege = emulator::Privilege::kPrivileged,
                           .content = emulator::Content::kInstruction});
  };
  expect_difference(see, everything(), kPermissionFault, everything().of_version(0), kTranslated);
}
TEST(IdField, SMMU_IDR3_PPS) {
  const auto names_pasid = [](const SmmuV3Config& config) {
    Machine machine(config);
    Board& board = machine.board;
    board.bring_up_page_requests(1);
    board.attach(kStream, translate(machine.place(context(machine.table)))
                              .set(STE::S1CDMax, 4)
                              .set(STE::EATS, v3::AtsMode::kFull));
    emulator::Port& port = board.smmu().add_port();
    for (unsigned i = 0; i != 3; ++i) {
      port.request_page({.stream = kStream,
                         .address = kAddress,
                         .read = true,
                         .last = true,
                         .pasid = emulator::Pasid{.substream = SubstreamId(3)}});
    }
    const auto responses = board.fabric.responses();
    EXPECT_EQ(responses.size(), 1U);
    return !responses.empty() && responses.front().substream.has_value();
  };
  expect_difference(names_pasid, everything(), true,
                    but([](auto& c) { c.idr3.set(SMMU_IDR3::PPS, false); }), false);
}
int stage2_type(const SmmuV3Config& config, std::uint64_t memattr, bool fwb) {
  Machine machine(config, {.stage = 2});
  machine.table.map(kAddress, kPage, 4096);
  const Pa leaf = machine.table.descriptor(kAddress);
  store(machine.board.memory(), leaf, (machine.at(leaf) & ~std::uint64_t{0x3c}) | memattr << 2);
  machine.board.attach(kStream, translate_stage2(machine.table).set(STE::S2FWB, fwb));
  return type_of(machine.board.device(kStream).translate(kAddress));
}
TEST(IdField, SMMU_IDR3_FWB) {
  const auto see = [](const SmmuV3Config& config) { return stage2_type(config, 0b0110, true); };
  EXPECT_EQ(see(everything()), 0xff);
  EXPECT_NE(see(everything().of_version(1)), 0xff);
}
TEST(IdField, SMMU_IDR3_MTEPERM) {
  const auto see = [](const SmmuV3Config& config) { return stage2_type(config, 0b0100, false); };
  EXPECT_EQ(see(everything()), 0xff);
  EXPECT_NE(see(everything().of_version(3)), 0xff);
}
TEST(IdField, SMMU_IDR3_STT) {
  const auto see = [](const SmmuV3Config& config) {
    Machine machine(config, {.t0sz = 40});
    machine.table.map(kAddress, kPage, 4096);
    return machine.access(context(machine.table));
  };
  EXPECT_EQ(see(everything()), kTranslated);
  EXPECT_NE(see(but([](auto& c) { c.idr3.set(SMMU_IDR3::STT, false); })), kTranslated);
}
TEST(IdField, SMMU_IDR3_RIL) {
  // Whether a command about two pages reaches the second.
  const auto see = [](const SmmuV3Config& config) {
    Machine machine(config);
    machine.table.map(kAddress, kPage, 8192);
    machine.board.attach(kStream, machine.table);
    const Iova second(kAddress.value + 4096);
    const DmaDevice device = machine.board.device(kStream);
    EXPECT_THAT(device.translate(second), TranslatesTo(Pa(kPage.value + 4096)));
    machine.table.unmap(second);
    using v3::CMD_TLBI_NH_VA;
    machine.board.submit_and_sync(command<CMD_TLBI_NH_VA>()
                                      .set(CMD_TLBI_NH_VA::ASID, 1)
                                      .set(CMD_TLBI_NH_VA::TG, CommandTG::k4K)
                                      .set(CMD_TLBI_NH_VA::NUM, 1)
                                      .set(CMD_TLBI_NH_VA::Address, kAddress.value));
    return machine.end_of(device.translate(second));
  };
  expect_difference(see, everything(), kTranslationFault, everything().of_version(1), kTranslated);
}
TEST(IdField, SMMU_IDR3_BBML) {
  // Pages that become a block without a break: one is still held when the block is.
  const auto see = [](const SmmuV3Config& config) {
    Machine machine(config);
    constexpr Pa kBlock(0x4020'0000);
    constexpr unsigned kLevel3Entries = 512;
    for (unsigned page = 0; page != kLevel3Entries; ++page) {
      machine.table.map(Iova(kAddress.value + 4096 * page), Pa(kBlock.value + 4096 * page), 4096);
    }
    machine.board.attach(kStream, machine.table);
    const DmaDevice device = machine.board.device(kStream);
    device.translate(kAddress);
    PageTable block = machine.board.page_table();
    block.map(kAddress, kBlock, std::uint64_t{1} << 21);
    const std::uint64_t descriptor = machine.at(block.descriptor(kAddress));
    // Where the level 3 table is spoken of: in the same place of the table above it.
    const Pa level0(machine.at(machine.table.root()) & ~std::uint64_t{0xfff});
    const Pa level1(machine.at(level0) & ~std::uint64_t{0xfff});
    const std::uint64_t index = kAddress.value >> 21 & 511;
    store(machine.board.memory(), Pa(level1.value + 8 * index), descriptor);
    // Of what is held, the table goes.
    using v3::CMD_TLBI_NH_VA;
    const Iova other(kAddress.value + 4096);
    machine.board.submit_and_sync(command<CMD_TLBI_NH_VA>()
                                      .set(CMD_TLBI_NH_VA::ASID, 1)
                                      .set(CMD_TLBI_NH_VA::Address, other.value));
    device.translate(other);
    return machine.end_of(device.translate(kAddress));
  };
  const auto with_level = [](unsigned level) {
    return but(
        [level](auto& c) {
          c.caching.policy = emulator::CachePolicy::kAdversarial;
          c.idr3.set(SMMU_IDR3::BBML, level);
        },
        everything().of_version(1));
  };
  expect_difference(see, with_level(2), kTranslated, with_level(0),
                    code_of(EventType::F_TLB_CONFLICT));
}
TEST(IdField, SMMU_IDR3_E0PD) {
  expect_difference(by_cd([](CD& cd) { cd.set(CD::E0PD0, true); }), everything(), kTranslationFault,
                    everything().of_version(2), kTranslated);
}
TEST(IdField, SMMU_IDR3_EPAN) {
  const auto see = [](const SmmuV3Config& config) {
    Machine machine(config);
    // Unprivileged accesses may execute it, and nothing else.
    machine.table.map(kAddress, kPage, 4096,
                      {.unprivileged = false, .unprivileged_execute_never = false});
    return machine.access(
        context(machine.table).set(CD::PAN, true).set(CD::EPAN, true),
        {.stream = {}, .address = kAddress, .privilege = emulator::Privilege::kPrivileged});
  };
  expect_difference(see, everything(), kPermissionFault, everything().of_version(3), kTranslated);
}

TEST(IdField, SMMU_IDR5_OAS) {
  const auto see = [](const SmmuV3Config& config) {
    Machine machine(config);
    machine.table.map(kAddress, Pa(std::uint64_t{1} << 44), 4096);
    return machine.access(context(machine.table));
  };
  expect_difference(see, everything(), kTranslated,
                    but([](auto& c) { c.idr5.set(SMMU_IDR5::OAS, OutputSize::k40Bits); }),
                    code_of(EventType::F_ADDR_SIZE));
}
// An access by tables of that granule.
auto by_granule(unsigned bits, unsigned t0sz = 16, Iova address = kAddress) {
  return [=](const SmmuV3Config& config) {
    Machine machine(config, {.granule_bits = bits, .t0sz = t0sz});
    machine.table.map(address, Pa(0x4200'0000), std::uint64_t{1} << bits);
    return machine.access(context(machine.table), {.stream = {}, .address = address});
  };
}
template <class Field>
SmmuV3Config without_granule(Field field) {
  return but([field](auto& c) {
    c.idr0.set(SMMU_IDR0::TTF, SMMU_IDR0::TableFormats::kAArch64);
    c.idr5.set(field, false);
  });
}
TEST(IdField, SMMU_IDR5_GRAN4K) {
  expect_difference(by_granule(12), everything(), kTranslated, without_granule(SMMU_IDR5::GRAN4K),
                    kBadCd);
}
TEST(IdField, SMMU_IDR5_GRAN16K) {
  expect_difference(by_granule(14), everything(), kTranslated, without_granule(SMMU_IDR5::GRAN16K),
                    kBadCd);
}
TEST(IdField, SMMU_IDR5_GRAN64K) {
  expect_difference(by_granule(16), everything(), kTranslated, without_granule(SMMU_IDR5::GRAN64K),
                    kBadCd);
}
TEST(IdField, SMMU_IDR5_DS) {
  const auto see = [](const SmmuV3Config& config) {
    Machine machine(config, {.output_bits = 52});
    machine.table.map(kAddress, Pa(std::uint64_t{1} << 50), 4096);
    machine.board.attach(kStream, translate(machine.place(context(machine.table))));
    const auto outcome = machine.board.device(kStream).translate(kAddress);
    const auto* translation = std::get_if<emulator::Translation>(&outcome);
    return translation != nullptr && translation->pa == Pa(std::uint64_t{1} << 50);
  };
  expect_difference(see, everything(), true, but([](auto& c) { c.idr5.set(SMMU_IDR5::DS, false); }),
                    false);
}
TEST(IdField, SMMU_IDR5_VAX) {
  const auto see = by_granule(16, 12, Iova(std::uint64_t{1} << 50));
  const auto narrow = but([](auto& c) {
    c.idr5.set(SMMU_IDR5::VAX, SMMU_IDR5::VirtualSize::k48Bits).set(SMMU_IDR5::DS, false);
  });
  EXPECT_EQ(see(everything()), kTranslated);
  EXPECT_NE(see(narrow), kTranslated);
}
TEST(IdField, SMMU_IDR5_STALL_MAX) {
  const auto records = [](const SmmuV3Config& config) {
    Machine machine(config);
    Resumptions resumptions;
    machine.board.attach(kStream,
                         translate(machine.place(context(machine.table).set(CD::S, true))));
    const DmaDevice device = machine.board.device(kStream, resumptions);
    device.translate(kUnmapped);
    device.translate(kUnmapped);
    return machine.board.events().size();
  };
  expect_difference(records, everything(), std::size_t{2},
                    but([](auto& c) { c.idr5.set(SMMU_IDR5::STALL_MAX, 1); }), std::size_t{1});
}

TEST(IdField, SMMU_IDR6_CMDQ_CONTROL_PAGE_LOG2NUMQ) {
  // The PROD of the second queue of 16; of 8 it lies further on.
  const auto half = but([](auto& c) { c.idr6.set(SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMQ, 3); });
  const auto is_there = [](const SmmuV3Config& config) { return written(0x10'1008)(config) != 0; };
  expect_difference(is_there, everything(), true, half, false);
}
TEST(IdField, SMMU_IDR6_CMDQ_CONTROL_PAGE_LOG2NUMP) {
  expect_difference(read(0x4020), everything(), 0x11'0003U,
                    but([](auto& c) { c.idr6.set(SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMP, 0); }), 0U);
}

constexpr bool kSecureRegisters = true;

TEST(IdField, SMMU_S_IDR0_MSI) {
  const auto none = but([](auto& c) {
    c.s_idr0.set(SMMU_S_IDR0::MSI, false).set(SMMU_S_IDR0::ECMDQ, false);
    c.s_idr6 = {};
  });
  expect_difference(written(0x8068, kSecureRegisters), everything(), 0xffff'fffcU, none, 0U);
}
TEST(IdField, SMMU_S_IDR0_STALL_MODEL) {
  const auto forced = but([](auto& c) {
    c.idr0.set(SMMU_IDR0::STALL_MODEL, StallModel::kStallForced);
    c.s_idr0.set(SMMU_S_IDR0::STALL_MODEL, StallModel::kStallForced);
  });
  const auto nsstalld = [](const SmmuV3Config& config) {
    return written(v3::SMMU_S_CR0::kOffset, kSecureRegisters)(config) & 0x200;
  };
  expect_difference(nsstalld, everything(), 0x200U, forced, 0U);
}
SmmuV3Config without_secure_queues() {
  return but([](auto& c) {
    c.s_idr0.set(SMMU_S_IDR0::ECMDQ, false);
    c.s_idr6 = {};
  });
}
TEST(IdField, SMMU_S_IDR0_ECMDQ) {
  expect_difference(read(0xc000, kSecureRegisters), everything(), 0x110'0003U,
                    without_secure_queues(), 0U);
}
TEST(IdField, SMMU_S_IDR1_S_SIDSIZE) {
  const auto see = [](const SmmuV3Config& config) {
    Board board({.config = config});
    Board secure = Board::secure(board);
    secure.bring_up();
    secure.attach(StreamId(100), bypass());
    const auto outcome = secure.device(StreamId(100)).translate(kAddress);
    return std::holds_alternative<emulator::Translation>(outcome);
  };
  expect_difference(see, everything(), true,
                    but([](auto& c) { c.s_idr1.set(SMMU_S_IDR1::S_SIDSIZE, 6); }), false);
}
TEST(IdField, SMMU_S_IDR1_SEL2) {
  expect_difference(written(v3::SMMU_S_CR2::kOffset, kSecureRegisters), everything(), 0x3U,
                    but([](auto& c) { c.s_idr1.set(SMMU_S_IDR1::SEL2, false); }), 0x2U);
}
TEST(IdField, SMMU_S_IDR1_SECURE_IMPL) {
  expect_difference(written(0x8028, kSecureRegisters), everything(), 0xfffU,
                    everything().without_secure_state(), 0U);
}
TEST(IdField, SMMU_S_IDR2_BA_S_VATOS) {
  const auto elsewhere = but([](auto& c) { c.s_idr2.set(v3::SMMU_S_IDR2::BA_S_VATOS, 2); });
  expect_difference(written(0x3'0a10, kSecureRegisters), everything(), 0xffff'ffc0U, elsewhere, 0U);
  expect_difference(written(0x4'0a10, kSecureRegisters), elsewhere, 0xffff'ffc0U, everything(), 0U);
}
TEST(IdField, SMMU_S_IDR3_SAMS) {
  const auto is_legal = [](const SmmuV3Config& config) {
    Board board({.config = config});
    Board secure = Board::secure(board);
    secure.bring_up();
    secure.submit_and_sync(command<v3::CMD_ATC_INV>());
    return secure.idle();
  };
  expect_difference(is_legal, everything(), true,
                    but([](auto& c) { c.s_idr3.set(v3::SMMU_S_IDR3::SAMS, true); }), false);
}
TEST(IdField, SMMU_S_IDR6_CMDQ_CONTROL_PAGE_LOG2NUMQ) {
  const auto half = but([](auto& c) { c.s_idr6.set(SMMU_S_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMQ, 1); });
  const auto is_there = [](const SmmuV3Config& config) {
    return written(0x110'4008, kSecureRegisters)(config) != 0;
  };
  expect_difference(is_there, everything(), true, half, false);
}
TEST(IdField, SMMU_S_IDR6_CMDQ_CONTROL_PAGE_LOG2NUMP) {
  const auto two = but([](auto& c) { c.s_idr6.set(SMMU_S_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMP, 1); });
  expect_difference(read(0xc020, kSecureRegisters), two, 0x111'0003U, everything(), 0U);
}

}  // namespace
}  // namespace smmu::testing
