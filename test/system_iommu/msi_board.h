// A board of either generation under its driver, and whatever takes messages on its bus.
#ifndef TEST_SYSTEM_IOMMU_MSI_BOARD_H_
#define TEST_SYSTEM_IOMMU_MSI_BOARD_H_

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "smmu/emulator/fixed_msi_window.h"
#include "smmu/emulator/gicv2m_frame.h"
#include "smmu/emulator/its_doorbell.h"
#include "smmu/iommu/fixed_window_controller.h"
#include "smmu/iommu/gicv2m_controller.h"
#include "smmu/iommu/iommu.h"
#include "smmu/iommu/its_controller.h"
#include "smmu/iommu/msi_message.h"
#include "smmu/testing/bus_mmio.h"
#include "smmu/testing/driven_board.h"
#include "smmu/testing/driven_board_v2.h"
#include "smmu/testing/event_commands.h"
#include "smmu/testing/recording_controller.h"
#include "smmu/testing/recording_log.h"

namespace smmu::testing {

enum class Generation : std::uint8_t { kV2, kV3 };
enum class Messages : std::uint8_t { kGicV2m, kIts, kFixedWindow };

// A machine that a guest may be on.
struct Way {
  Generation generation;
  Messages messages;
};
// Those with an ITS, then those with a GICv2m, then the one that translates no messages.
inline constexpr Way kWays[] = {{Generation::kV2, Messages::kIts},
                                {Generation::kV3, Messages::kIts},
                                {Generation::kV2, Messages::kGicV2m},
                                {Generation::kV3, Messages::kGicV2m},
                                {Generation::kV3, Messages::kFixedWindow}};

inline std::string name_of(const ::testing::TestParamInfo<Way>& test) {
  constexpr const char* kMessages[] = {"GicV2m", "Its", "FixedWindow"};
  return fmt::format("{}{}", test.param.generation == Generation::kV2 ? "V2" : "V3",
                     kMessages[static_cast<unsigned>(test.param.messages)]);
}

// What both boards have.
class AnyBoard {
 public:
  virtual ~AnyBoard() = default;
  virtual iommu::Iommu& iommu() = 0;
  virtual emulator::Ram& bus() = 0;
  // Whatever is read of the SMMU's registers, word by word.
  virtual std::vector<std::uint32_t> registers() = 0;
  // Of the driver.
  virtual iommu::PagePool& pool() = 0;
  virtual Pa allocate(std::uint64_t bytes) = 0;
  virtual DmaDevice device(StreamId stream) = 0;
  // After whose accesses nobody sees to interrupts.
  virtual emulator::Port& add_port() = 0;
  // What the driver says.
  virtual RecordingLog& log() = 0;

  static std::unique_ptr<AnyBoard> create(Generation generation);
};

template <class Board>
class BoardOf final : public AnyBoard {
 public:
  iommu::Iommu& iommu() override { return board_.iommu(); }
  emulator::Ram& bus() override { return board_.memory(); }
  std::vector<std::uint32_t> registers() override {
    constexpr std::uint32_t kBytes = 0x2'0000;  // both pages of an SMMUv3, and banks of an SMMUv2
    std::vector<std::uint32_t> words;
    for (std::uint32_t offset = 0; offset != kBytes; offset += 4) {
      words.push_back(board_.smmu().read32(offset));
    }
    return words;
  }
  iommu::PagePool& pool() override { return board_.pool(); }
  Pa allocate(std::uint64_t bytes) override { return board_.allocate(bytes); }
  DmaDevice device(StreamId stream) override { return board_.device(stream); }
  emulator::Port& add_port() override { return board_.smmu().add_port(); }
  RecordingLog& log() override { return board_.log; }

 private:
  Board board_;
};

inline std::unique_ptr<AnyBoard> AnyBoard::create(Generation generation) {
  if (generation == Generation::kV2) return std::make_unique<BoardOf<DrivenBoardV2>>();
  return std::make_unique<BoardOf<DrivenBoard>>();
}

// Devices' numbers are their streams and kFirstDeviceId.
class MsiBoard {
 public:
  static constexpr Pa kFrame{0x802'0000};
  static constexpr Pa kIts{0x809'0000};
  static constexpr Pa kOtherIts{0x80b'0000};
  static constexpr std::uint32_t kFirstDeviceId = 0x100;
  static constexpr Iova kWindow{0x800'0000};
  static constexpr std::uint64_t kWindowSize = 0x10'0000;

  MsiBoard(Generation generation, Messages messages) : messages_(messages) {
    const emulator::ItsDoorbellConfig its{.device_ids = {.first = kFirstDeviceId}};
    frame_ = *emulator::GicV2mFrame::create({.first_spi = 64, .spis = 64}, processors);
    its_ = *emulator::ItsDoorbell::create(its, processors);
    other_its_ = *emulator::ItsDoorbell::create(its, processors);
    window_ = *emulator::FixedMsiWindow::create({.device_ids = its.device_ids}, processors);
    board_ = AnyBoard::create(generation);
    EXPECT_TRUE(bus().add_device(kFrame, kV2mFrameSize, *frame_));
    EXPECT_TRUE(bus().add_device(kIts, kItsTranslationFrameSize, *its_));
    EXPECT_TRUE(bus().add_device(kOtherIts, kItsTranslationFrameSize, *other_its_));
    BusMmio registers(bus(), kFrame);
    gicv2m_ = *iommu::GicV2mController::create(registers, kFrame);
    its_controller_ = *iommu::ItsController::create(
        {.translation_frame = kIts, .events = &commands_.emplace_back(its_->table())});
    other_its_controller_ =
        *iommu::ItsController::create({.translation_frame = kOtherIts,
                                       .events = &commands_.emplace_back(other_its_->table()),
                                       .first_lpi = 0x8000});
    fixed_ = *iommu::FixedWindowController::create(
        {.handles = &commands_.emplace_back(window_->table())});
  }

  iommu::Iommu& iommu() { return board_->iommu(); }
  emulator::Ram& bus() { return board_->bus(); }
  iommu::PagePool& pool() { return board_->pool(); }
  std::vector<std::uint32_t> registers() { return board_->registers(); }
  RecordingLog& log() { return board_->log(); }
  Pa allocate(std::uint64_t bytes) { return board_->allocate(bytes); }
  iommu::MsiController& controller() {
    if (messages_ == Messages::kGicV2m) return *gicv2m_;
    if (messages_ == Messages::kIts) return *its_controller_;
    return *fixed_;
  }
  iommu::MsiController& other_its() { return *other_its_controller_; }
  bool translated() const { return messages_ != Messages::kFixedWindow; }
  static DeviceId id(StreamId stream) { return DeviceId(kFirstDeviceId + stream.value); }

  // What software knows of a device, and what it is.
  iommu::Device& add(StreamId stream) {
    iommu::DeviceConfig config{.name = fmt::format("device {}", stream.value),
                               .streams = {{stream}},
                               .msi_controller = &controller(),
                               .msi_device = id(stream)};
    if (!translated()) config.reserved = {fixed_->region()};
    return **iommu().add_device(std::move(config));
  }
  DmaDevice hardware(StreamId stream) {
    if (translated()) return board_->device(stream);
    return DmaDevice(window_->add_port(board_->add_port()), stream);
  }

  // An unmanaged domain, with a window if messages need one.
  std::unique_ptr<iommu::Domain> domain(Iova window = kWindow) {
    auto domain = *iommu().create_domain(iommu::DomainType::kUnmanaged);
    if (translated()) {
      EXPECT_TRUE(domain->alloc_reserved_iova_domain(window, kWindowSize, 12));
    }
    return domain;
  }

  // Whether the device saw success.
  static bool send(const DmaDevice& device, const iommu::MsiMessage& message) {
    std::array<std::byte, 4> bytes;
    for (unsigned i = 0; i != 4; ++i) bytes[i] = static_cast<std::byte>(message.data >> 8 * i);
    return device.write(message.address, bytes).bytes == 4;
  }

  RecordingController processors;

 private:
  const Messages messages_;
  std::unique_ptr<emulator::GicV2mFrame> frame_;
  std::unique_ptr<emulator::ItsDoorbell> its_;
  std::unique_ptr<emulator::ItsDoorbell> other_its_;
  std::unique_ptr<emulator::FixedMsiWindow> window_;
  std::deque<EventCommands> commands_;
  std::unique_ptr<iommu::GicV2mController> gicv2m_;
  std::unique_ptr<iommu::ItsController> its_controller_;
  std::unique_ptr<iommu::ItsController> other_its_controller_;
  std::unique_ptr<iommu::FixedWindowController> fixed_;
  std::unique_ptr<AnyBoard> board_;
};

}  // namespace smmu::testing

#endif  // TEST_SYSTEM_IOMMU_MSI_BOARD_H_
