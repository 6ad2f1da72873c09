// For every field of an identification register that says something: what an SMMU does with one
// value of it and with another. test/docs demands a test for every field of docs/features.md that
// can be chosen and changes anything; its name is the field's. Here: SMMU_IDR6, and SMMU_S_IDR0 to
// SMMU_S_IDR6.
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/secure_registers.h"
#include "test/system/id_field.h"

namespace smmu::testing::id_field_secure_test {
namespace {

using namespace id_field;
using v3::SMMU_IDR0;
using v3::SMMU_IDR6;
using v3::SMMU_S_IDR0;
using v3::SMMU_S_IDR1;
using v3::SMMU_S_IDR6;

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
}  // namespace smmu::testing::id_field_secure_test
