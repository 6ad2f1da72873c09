// For every field of an identification register that says something: what an SMMU does with one
// value of it and with another. test/docs demands a test for every field of docs/features.md that
// can be chosen and changes anything; its name is the field's. Here: SMMU_IDR3 and SMMU_IDR5:
// tables, attributes, TLBs.
#include "smmu/arch/v3/control_registers.h"
#include "test/system/id_field.h"

namespace smmu::testing::id_field_tables_test {
namespace {

using namespace id_field;
using v3::SMMU_IDR0;
using v3::SMMU_IDR3;
using v3::SMMU_IDR5;

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

}  // namespace
}  // namespace smmu::testing::id_field_tables_test
