// The Virtual Machine Structure against the text of the manual (IHI 0070 G.b, 5.6).
#include "smmu/arch/v3/virtual_machine_structure.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 5.6
    structure<VMS>(4096, {
        {VMS::PARTID_MAP0,  0, 0x0000'0000'0000'ffff},
        {VMS::PARTID_MAP1,  0, 0x0000'0000'ffff'0000},
        {VMS::PARTID_MAP2,  0, 0x0000'ffff'0000'0000},
        {VMS::PARTID_MAP3,  0, 0xffff'0000'0000'0000},
        {VMS::PARTID_MAP4,  1, 0x0000'0000'0000'ffff},
        {VMS::PARTID_MAP5,  1, 0x0000'0000'ffff'0000},
        {VMS::PARTID_MAP6,  1, 0x0000'ffff'0000'0000},
        {VMS::PARTID_MAP7,  1, 0xffff'0000'0000'0000},
        {VMS::PARTID_MAP8,  2, 0x0000'0000'0000'ffff},
        {VMS::PARTID_MAP9,  2, 0x0000'0000'ffff'0000},
        {VMS::PARTID_MAP10, 2, 0x0000'ffff'0000'0000},
        {VMS::PARTID_MAP11, 2, 0xffff'0000'0000'0000},
        {VMS::PARTID_MAP12, 3, 0x0000'0000'0000'ffff},
        {VMS::PARTID_MAP13, 3, 0x0000'0000'ffff'0000},
        {VMS::PARTID_MAP14, 3, 0x0000'ffff'0000'0000},
        {VMS::PARTID_MAP15, 3, 0xffff'0000'0000'0000},
        {VMS::PARTID_MAP16, 4, 0x0000'0000'0000'ffff},
        {VMS::PARTID_MAP17, 4, 0x0000'0000'ffff'0000},
        {VMS::PARTID_MAP18, 4, 0x0000'ffff'0000'0000},
        {VMS::PARTID_MAP19, 4, 0xffff'0000'0000'0000},
        {VMS::PARTID_MAP20, 5, 0x0000'0000'0000'ffff},
        {VMS::PARTID_MAP21, 5, 0x0000'0000'ffff'0000},
        {VMS::PARTID_MAP22, 5, 0x0000'ffff'0000'0000},
        {VMS::PARTID_MAP23, 5, 0xffff'0000'0000'0000},
        {VMS::PARTID_MAP24, 6, 0x0000'0000'0000'ffff},
        {VMS::PARTID_MAP25, 6, 0x0000'0000'ffff'0000},
        {VMS::PARTID_MAP26, 6, 0x0000'ffff'0000'0000},
        {VMS::PARTID_MAP27, 6, 0xffff'0000'0000'0000},
        {VMS::PARTID_MAP28, 7, 0x0000'0000'0000'ffff},
        {VMS::PARTID_MAP29, 7, 0x0000'0000'ffff'0000},
        {VMS::PARTID_MAP30, 7, 0x0000'ffff'0000'0000},
        {VMS::PARTID_MAP31, 7, 0xffff'0000'0000'0000},
    }),
};

TEST(VirtualMachineStructureGolden, GivesEveryStructureItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(VirtualMachineStructureGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(VirtualMachineStructureGolden, HasOneLineForEveryField) {
  expect_every_field_has_one_line(kGoldens);
}

}  // namespace
}  // namespace smmu::v3
