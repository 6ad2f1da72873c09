// A board on whose bus there are doorbells, and who hears of what they raise.
#ifndef TEST_SYSTEM_DOORBELLS_H_
#define TEST_SYSTEM_DOORBELLS_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "smmu/arch/vmsa/aarch64.h"
#include "smmu/emulator/gicv2m_frame.h"
#include "smmu/emulator/its_doorbell.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"
#include "smmu/testing/recording_controller.h"

namespace smmu::testing {

struct Doorbells {
  static constexpr Pa kFrame{0x0802'0000};
  static constexpr Pa kIts{0x0809'0000};  // its translation frame
  // Where tables have the page of each, and its register.
  static constexpr Iova kFramePage{0x1'0000'0000};
  static constexpr Iova kItsPage{0x1'0001'0000};
  static constexpr Iova kSetSpi{kFramePage.value + 0x40};
  static constexpr Iova kTranslater{kItsPage.value + 0x40};

  explicit Doorbells(Board::Options options = {}, const emulator::ItsDoorbellConfig& config = {})
      : board(options) {
    frame = *emulator::GicV2mFrame::create({.first_spi = 64, .spis = 32}, controller);
    its = *emulator::ItsDoorbell::create(config, controller);
    EXPECT_TRUE(board.memory().add_device(kFrame, kV2mFrameSize, *frame));
    EXPECT_TRUE(board.memory().add_device(kIts, kItsTranslationFrameSize, *its));
  }

  // Stage 1 tables of a stream, which have both pages as Device-nGnRE.
  PageTable attach(StreamId stream, Asid asid = Asid(1)) {
    PageTable table = board.page_table();
    map(table, kFramePage, kFrame);
    map(table, kItsPage, kIts);
    const Pa cd = board.allocate(v3::CD::kSize, v3::CD::kSize);
    store(board.memory(), cd, context(table, asid).set(v3::CD::MAIR0, 0x04ff));
    board.attach(stream, translate(cd));
    return table;
  }
  // A page of Attr1, which CDs of attach() have as Device-nGnRE.
  void map(PageTable& table, Iova iova, Pa pa) {
    using vmsa::Leaf_Stage1;
    table.map(iova, pa, 4096);
    const Pa leaf = table.descriptor(iova);
    store(board.memory(), leaf,
          Leaf_Stage1({load(board.memory(), leaf)}).set(Leaf_Stage1::AttrIndx, 1U));
  }

  // MAPD and MAPTI, of a device with 32 events.
  void map_event(std::uint32_t device, std::uint32_t event, std::uint32_t lpi) {
    EXPECT_TRUE(its->table().map_device(DeviceId(device), 5));
    EXPECT_TRUE(its->table().map(DeviceId(device), EventId(event), lpi));
  }

  static std::array<std::byte, 4> word(std::uint32_t data) {
    std::array<std::byte, 4> bytes{};
    for (unsigned i = 0; i != 4; ++i) bytes[i] = static_cast<std::byte>(data >> 8 * i);
    return bytes;
  }
  // A message; whether the device saw success.
  static bool ring(const DmaDevice& device, Iova doorbell, std::uint32_t data) {
    return device.write(doorbell, word(data)).bytes == 4;
  }

  RecordingController controller;
  std::unique_ptr<emulator::GicV2mFrame> frame;
  std::unique_ptr<emulator::ItsDoorbell> its;
  Board board;
};

// What a device on the bus is told of accesses, one after the other.
class Listener final : public emulator::DeviceRegion {
 public:
  struct Access {
    Requester requester;
    std::uint64_t offset;
    std::size_t bytes;
    friend bool operator==(const Access&, const Access&) = default;
  };

  BusResponse read(std::uint64_t, std::span<std::byte>) override { return BusResponse::kAbort; }
  BusResponse write(std::uint64_t, std::span<const std::byte>) override {
    return BusResponse::kAbort;
  }
  BusResponse read_for(const Requester& requester, std::uint64_t offset,
                       std::span<std::byte> bytes) override {
    accesses.push_back({requester, offset, bytes.size()});
    return BusResponse::kOkay;
  }
  BusResponse write_for(const Requester& requester, std::uint64_t offset,
                        std::span<const std::byte> bytes) override {
    accesses.push_back({requester, offset, bytes.size()});
    return BusResponse::kOkay;
  }

  std::vector<Access> accesses;
};

}  // namespace smmu::testing

#endif  // TEST_SYSTEM_DOORBELLS_H_
