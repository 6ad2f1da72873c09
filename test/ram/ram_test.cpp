// Physical memory made of RAM and device regions.
#include "smmu/emulator/ram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

namespace smmu::emulator::ram_test {
namespace {

class Device final : public DeviceRegion {
 public:
  BusResponse read(std::uint64_t offset, std::span<std::byte> bytes) override {
    accesses.push_back({offset, bytes.size()});
    for (std::size_t i = 0; i != bytes.size(); ++i) bytes[i] = static_cast<std::byte>(offset + i);
    return response;
  }
  BusResponse write(std::uint64_t offset, std::span<const std::byte> bytes) override {
    accesses.push_back({offset, bytes.size()});
    written.assign(bytes.begin(), bytes.end());
    return response;
  }

  struct Access {
    std::uint64_t offset;
    std::size_t bytes;
    friend bool operator==(const Access&, const Access&) = default;
  };
  std::vector<Access> accesses;
  std::vector<std::byte> written;
  BusResponse response = BusResponse::kOkay;
};

std::vector<std::byte> pattern(std::size_t bytes) {
  std::vector<std::byte> result(bytes);
  for (std::size_t i = 0; i != bytes; ++i) result[i] = static_cast<std::byte>(i * 7 + 1);
  return result;
}

TEST(Ram, AnEmptyMemoryAborts) {
  Ram ram;
  std::array<std::byte, 1> byte{};
  EXPECT_EQ(ram.read(Pa(0), byte), BusResponse::kAbort);
  EXPECT_EQ(ram.write(Pa(0), byte), BusResponse::kAbort);
  EXPECT_FALSE(ram.load64(Pa(0)));
  EXPECT_EQ(ram.store64(Pa(0), 0), BusResponse::kAbort);
  EXPECT_FALSE(ram.compare_exchange64(Pa(0), 0, 1));
  EXPECT_EQ(ram.direct_region(Pa(0)), nullptr);
}

TEST(Ram, StartsZeroedAndKeepsWords) {
  Ram ram;
  ASSERT_TRUE(ram.add(Pa(0x10000), 0x2000));
  for (const std::uint64_t at : {0x10000U, 0x10ff8U, 0x11000U, 0x11ff8U}) {
    ASSERT_TRUE(ram.load64(Pa(at)));
    EXPECT_EQ(*ram.load64(Pa(at)), 0U);
    EXPECT_EQ(ram.store64(Pa(at), at * 3), BusResponse::kOkay);
    EXPECT_EQ(*ram.load64(Pa(at)), at * 3);
  }
  EXPECT_FALSE(ram.load64(Pa(0xfff8)));
  EXPECT_FALSE(ram.load64(Pa(0x12000)));
}

TEST(Ram, WordsAreLittleEndian) {
  Ram ram;
  ASSERT_TRUE(ram.add(Pa(0), 4096));
  ASSERT_EQ(ram.store64(Pa(8), 0x0807'0605'0403'0201), BusResponse::kOkay);
  std::array<std::byte, 8> bytes{};
  ASSERT_EQ(ram.read(Pa(8), bytes), BusResponse::kOkay);
  for (unsigned i = 0; i != 8; ++i) EXPECT_EQ(bytes[i], static_cast<std::byte>(i + 1));
}

TEST(Ram, AnExchangeReturnsWhatItFound) {
  Ram ram;
  ASSERT_TRUE(ram.add(Pa(0), 4096));
  EXPECT_EQ(*ram.compare_exchange64(Pa(16), 0, 5), 0U);
  EXPECT_EQ(*ram.compare_exchange64(Pa(16), 0, 6), 5U);
  EXPECT_EQ(*ram.load64(Pa(16)), 5U);
}

TEST(Ram, RefusesBoundsThatAreNotWholePages) {
  Ram ram;
  Device device;
  const struct {
    std::uint64_t base, size;
  } kBad[] = {{0, 0},
              {1, 4096},
              {0x800, 4096},
              {0, 4095},
              {0, 1},
              {0xffff'ffff'ffff'f000, 0x2000},
              {0x2000, 0xffff'ffff'ffff'f000}};
  for (const auto& [base, size] : kBad) {
    const auto as_ram = ram.add(Pa(base), size);
    ASSERT_FALSE(as_ram) << std::hex << base << ' ' << size;
    EXPECT_EQ(as_ram.error(), std::errc::invalid_argument);
    const auto as_device = ram.add_device(Pa(base), size, device);
    ASSERT_FALSE(as_device) << std::hex << base << ' ' << size;
    EXPECT_EQ(as_device.error(), std::errc::invalid_argument);
  }
}

TEST(Ram, ADeviceMayEndWhereAddressesEnd) {
  Ram ram;
  Device device;
  ASSERT_TRUE(ram.add_device(Pa(0xffff'ffff'ffff'f000), 4096, device));
  std::array<std::byte, 4> bytes{};
  EXPECT_EQ(ram.read(Pa(0xffff'ffff'ffff'fffc), bytes), BusResponse::kOkay);
  EXPECT_EQ(device.accesses, (std::vector<Device::Access>{{0xffc, 4}}));
  std::array<std::byte, 8> beyond{};
  EXPECT_EQ(ram.read(Pa(0xffff'ffff'ffff'fffc), beyond), BusResponse::kAbort);
}

TEST(Ram, RefusesWhatOverlaps) {
  Ram ram;
  Device device;
  ASSERT_TRUE(ram.add(Pa(0x10000), 0x4000));
  const struct {
    std::uint64_t base, size;
  } kOverlaps[] = {
      {0x10000, 0x4000}, {0xf000, 0x2000}, {0x13000, 0x2000}, {0x11000, 0x1000}, {0xf000, 0x8000}};
  for (const auto& [base, size] : kOverlaps) {
    const auto as_ram = ram.add(Pa(base), size);
    ASSERT_FALSE(as_ram) << std::hex << base;
    EXPECT_EQ(as_ram.error(), std::errc::address_in_use);
    const auto as_device = ram.add_device(Pa(base), size, device);
    ASSERT_FALSE(as_device) << std::hex << base;
    EXPECT_EQ(as_device.error(), std::errc::address_in_use);
  }
  EXPECT_TRUE(ram.add(Pa(0xf000), 0x1000));
  EXPECT_TRUE(ram.add_device(Pa(0x14000), 0x1000, device));
}

TEST(Ram, CopiesAtAnyAlignmentAndSize) {
  Ram ram;
  ASSERT_TRUE(ram.add(Pa(0), 0x4000));
  for (std::size_t begin = 0; begin != 17; ++begin) {
    for (const std::size_t size : {1U, 2U, 3U, 7U, 8U, 9U, 15U, 31U, 64U, 4097U}) {
      const auto bytes = pattern(size);
      const Pa at(0xff0 + begin);
      ASSERT_EQ(ram.write(at, bytes), BusResponse::kOkay);
      std::vector<std::byte> back(size);
      ASSERT_EQ(ram.read(at, back), BusResponse::kOkay);
      ASSERT_EQ(back, bytes) << begin << ' ' << size;
    }
  }
}

TEST(Ram, ACopyTouchesNothingAroundIt) {
  Ram ram;
  ASSERT_TRUE(ram.add(Pa(0), 4096));
  ASSERT_EQ(ram.store64(Pa(0), ~std::uint64_t{0}), BusResponse::kOkay);
  ASSERT_EQ(ram.store64(Pa(8), ~std::uint64_t{0}), BusResponse::kOkay);
  const std::array<std::byte, 6> zeros{};
  ASSERT_EQ(ram.write(Pa(5), zeros), BusResponse::kOkay);
  EXPECT_EQ(*ram.load64(Pa(0)), 0x0000'00ff'ffff'ffffU);
  EXPECT_EQ(*ram.load64(Pa(8)), 0xffff'ffff'ff00'0000U);
}

TEST(Ram, ACopyBeyondTheEndAborts) {
  Ram ram;
  ASSERT_TRUE(ram.add(Pa(0x1000), 0x1000));
  std::array<std::byte, 16> bytes{};
  EXPECT_EQ(ram.read(Pa(0x1ff8), bytes), BusResponse::kAbort);
  EXPECT_EQ(ram.write(Pa(0x1ff8), bytes), BusResponse::kAbort);
  EXPECT_EQ(ram.read(Pa(0xff8), bytes), BusResponse::kAbort);
  EXPECT_EQ(ram.read(Pa(0x1ff0), bytes), BusResponse::kOkay);
}

TEST(Ram, ADeviceSeesOffsets) {
  Ram ram;
  Device device;
  ASSERT_TRUE(ram.add_device(Pa(0x5000), 0x1000, device));
  const std::array<std::byte, 4> bytes{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  EXPECT_EQ(ram.write(Pa(0x5040), bytes), BusResponse::kOkay);
  EXPECT_EQ(device.accesses, (std::vector<Device::Access>{{0x40, 4}}));
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), device.written.begin(), device.written.end()));
  const auto word = ram.load64(Pa(0x5008));
  ASSERT_TRUE(word);
  EXPECT_EQ(*word, 0x0f0e'0d0c'0b0a'0908U);
  EXPECT_EQ(ram.store64(Pa(0x5010), 7), BusResponse::kOkay);
  EXPECT_EQ(device.written.size(), 8U);
  EXPECT_EQ(device.written[0], std::byte{7});
}

// One that wants to know who asks.
class Doorbell final : public DeviceRegion {
 public:
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

  struct Access {
    Requester requester;
    std::uint64_t offset;
    std::size_t bytes;
    friend bool operator==(const Access&, const Access&) = default;
  };
  std::vector<Access> accesses;
};

constexpr Requester kSomebody{.stream = StreamId(7),
                              .substream = SubstreamId(3),
                              .security = SecurityState::kSecure,
                              .space = SecurityState::kSecure,
                              .attributes = {.type = 0x04, .shareability = Shareability::kOuter}};

TEST(Ram, ADeviceHearsWhoAsks) {
  Ram ram;
  Doorbell doorbell;
  ASSERT_TRUE(ram.add(Pa(0x4000), 0x1000));
  ASSERT_TRUE(ram.add_device(Pa(0x5000), 0x1000, doorbell));
  std::array<std::byte, 8> bytes{};
  EXPECT_EQ(ram.write_for(kSomebody, Pa(0x5040), std::span(bytes).first(4)), BusResponse::kOkay);
  // Half of it is RAM's, to which it is the same.
  EXPECT_EQ(ram.read_for(kSomebody, Pa(0x4ffc), bytes), BusResponse::kOkay);
  EXPECT_EQ(doorbell.accesses, (std::vector<Doorbell::Access>{{kSomebody, 0x40, 4},  //
                                                              {kSomebody, 0, 4}}));
}

TEST(Ram, AnAccessOfNobodyIsToldAsSuch) {
  Ram ram;
  Doorbell doorbell;
  ASSERT_TRUE(ram.add_device(Pa(0x5000), 0x1000, doorbell));
  std::array<std::byte, 4> bytes{};
  EXPECT_EQ(ram.write(Pa(0x5040), bytes), BusResponse::kAbort);
  EXPECT_EQ(ram.read(Pa(0x5040), bytes), BusResponse::kAbort);
  EXPECT_EQ(ram.store64(Pa(0x5040), 1), BusResponse::kAbort);
  EXPECT_TRUE(doorbell.accesses.empty());
}

TEST(Ram, ADeviceThatDoesNotAskWhoSeesTheAccessAllTheSame) {
  Ram ram;
  Device device;
  ASSERT_TRUE(ram.add_device(Pa(0x5000), 0x1000, device));
  const std::array<std::byte, 2> written{std::byte{1}, std::byte{2}};
  std::array<std::byte, 2> read{};
  EXPECT_EQ(ram.write_for(kSomebody, Pa(0x5040), written), BusResponse::kOkay);
  EXPECT_EQ(ram.read_for(kSomebody, Pa(0x5042), read), BusResponse::kOkay);
  EXPECT_EQ(device.accesses, (std::vector<Device::Access>{{0x40, 2}, {0x42, 2}}));
  EXPECT_TRUE(std::equal(written.begin(), written.end(), device.written.begin()));
  EXPECT_EQ(read[0], std::byte{0x42});
}

TEST(Ram, BytesAreTheSameWhoeverAsks) {
  Ram ram;
  ASSERT_TRUE(ram.add(Pa(0), 0x4000));
  const auto bytes = pattern(4097);
  ASSERT_EQ(ram.write_for(kSomebody, Pa(0xff3), bytes), BusResponse::kOkay);
  std::vector<std::byte> back(bytes.size());
  ASSERT_EQ(ram.read(Pa(0xff3), back), BusResponse::kOkay);
  EXPECT_EQ(back, bytes);
  std::ranges::fill(back, std::byte{0});
  ASSERT_EQ(ram.read_for(kSomebody, Pa(0xff3), back), BusResponse::kOkay);
  EXPECT_EQ(back, bytes);
  EXPECT_EQ(ram.write_for(kSomebody, Pa(0x3ff0), bytes), BusResponse::kAbort);
}

TEST(Ram, ADevicesAbortIsPassedOn) {
  Ram ram;
  Device device;
  device.response = BusResponse::kAbort;
  ASSERT_TRUE(ram.add_device(Pa(0x5000), 0x1000, device));
  std::array<std::byte, 4> bytes{};
  EXPECT_EQ(ram.read(Pa(0x5000), bytes), BusResponse::kAbort);
  EXPECT_EQ(ram.write(Pa(0x5000), bytes), BusResponse::kAbort);
  EXPECT_FALSE(ram.load64(Pa(0x5000)));
  EXPECT_EQ(ram.store64(Pa(0x5000), 0), BusResponse::kAbort);
}

TEST(Ram, ADeviceHasNoExchangeAndNoDirectRegion) {
  Ram ram;
  Device device;
  ASSERT_TRUE(ram.add_device(Pa(0x5000), 0x1000, device));
  EXPECT_FALSE(ram.compare_exchange64(Pa(0x5000), 0, 1));
  EXPECT_EQ(ram.direct_region(Pa(0x5000)), nullptr);
}

TEST(Ram, EachRegionIsFoundAmongMany) {
  Ram ram;
  for (const std::uint64_t base : {0x70000U, 0x10000U, 0x50000U, 0x30000U}) {
    ASSERT_TRUE(ram.add(Pa(base), 0x1000));
  }
  for (const std::uint64_t base : {0x10000U, 0x30000U, 0x50000U, 0x70000U}) {
    EXPECT_EQ(ram.store64(Pa(base), base), BusResponse::kOkay);
    EXPECT_FALSE(ram.load64(Pa(base + 0x1000)));
    EXPECT_FALSE(ram.load64(Pa(base - 8)));
  }
  for (const std::uint64_t base : {0x70000U, 0x30000U, 0x50000U, 0x10000U}) {
    EXPECT_EQ(*ram.load64(Pa(base)), base);
    const DirectRegion* region = ram.direct_region(Pa(base + 8));
    ASSERT_NE(region, nullptr);
    EXPECT_EQ(region->base, Pa(base));
    EXPECT_EQ(region->size, 0x1000U);
  }
}

}  // namespace
}  // namespace smmu::emulator::ram_test
