// The board on which the driver and the model meet.
#include "smmu/testing/driven_board.h"

#include <gtest/gtest.h>

#include "smmu/testing/matchers.h"

namespace smmu::testing::driven_board_test {
namespace {

using iommu::Domain;
using iommu::kReadWrite;
using iommu::Prot;

constexpr StreamId kNic = StreamId(0x123);

TEST(DrivenBoard, ADeviceReachesWhatIsMappedForItAndNothingElse) {
  DrivenBoard board;
  const DmaDevice nic = board.device(kNic);
  EXPECT_THAT(nic.translate(Iova(0x1000)), Aborts()) << "nobody has added it";
  iommu::Device& device = board.add(kNic);
  const auto domain = board.domain();
  const Pa page = board.allocate(4096);
  ASSERT_TRUE(domain->map(Iova(0x1000), page, 4096, kReadWrite | Prot::kCache));
  ASSERT_TRUE(device.group().attach(*domain));
  EXPECT_THAT(nic.translate(Iova(0x1234)), TranslatesTo(Pa(page.value + 0x234)));
  EXPECT_THAT(nic.translate(Iova(0x2000)), Aborts());
  EXPECT_EQ(domain->unmap(Iova(0x1000), 4096), 4096U);
  EXPECT_THAT(nic.translate(Iova(0x1234)), Aborts());
  EXPECT_TRUE(device.group().detach());
  EXPECT_THAT(nic.translate(Iova(0x2000)), TranslatesTo(Pa(0x2000))) << "identity is the default";
}

TEST(DrivenBoard, ABoardThatIsGoneHasLeftNothingInItsPool) {
  DrivenBoard board;
  const std::uint64_t before = board.pool().live();
  {
    const auto domain = board.domain();
    iommu::Device& device = board.add(kNic);
    ASSERT_TRUE(domain->map(Iova(0x1000), board.allocate(4096), 4096, kReadWrite));
    ASSERT_TRUE(device.group().attach(*domain));
    EXPECT_TRUE(device.group().detach());
    board.iommu().remove_device(device);
  }
  EXPECT_EQ(board.pool().live(), before);
}

}  // namespace
}  // namespace smmu::testing::driven_board_test
