// Software that writes anything anywhere, and devices that ask for anything: nothing is asserted,
// read out of bounds or waited for without an end.
#include <random>

#include "test/system_v2/bank.h"

namespace smmu::testing::hostile_registers_test {
namespace {

using emulator::CachePolicy;
using emulator::RegisterPort;
using emulator::SmmuV2Config;
using emulator::Transaction;
using namespace v2;

class Hostile {
 public:
  explicit Hostile(unsigned seed) : random_(seed) {}

  void run() {
    const SmmuV2Config config = configuration();
    V2Rig rig({.config = config, .ram_size = 1 << 20});
    Resumptions resumptions;
    emulator::Port* const ports[] = {&rig.smmu().add_port(), &rig.smmu().add_port(resumptions)};
    for (unsigned i = 0; i != 4; ++i) {
      scribble(rig.memory());
      program(rig.smmu(), config, SecurityState::kNonSecure);
      program(rig.smmu().secure(), config, SecurityState::kSecure);
    }
    for (unsigned step = 0; step != 150; ++step) {
      if (up_to(15) == 0) program(rig.smmu(), config, SecurityState::kNonSecure);
      if (up_to(15) == 0) program(rig.smmu().secure(), config, SecurityState::kSecure);
      switch (up_to(7)) {
        case 0:
          scribble(rig.memory());
          break;
        case 1:
        case 2:
          static_cast<void>(ports[up_to(1)]->translate(transaction()));
          break;
        case 3: {
          std::byte bytes[24] = {};
          static_cast<void>(ports[up_to(1)]->write(transaction(), bytes));
          break;
        }
        case 4:
          rig.smmu().step(5);
          break;
        default:
          access(rig.smmu(), config);
          access(rig.smmu().secure(), config);
          break;
      }
    }
    rig.smmu().reset(emulator::Reset::kPowerOn);
    rig.smmu().step(100'000);
  }

 private:
  std::uint32_t word() { return static_cast<std::uint32_t>(random_()); }
  std::uint32_t up_to(std::uint32_t most) { return word() % (most + 1); }

  SmmuV2Config configuration() {
    constexpr CachePolicy kPolicies[] = {CachePolicy::kNone, CachePolicy::kRealistic,
                                         CachePolicy::kAdversarial};
    SmmuV2Config config = up_to(1) == 0 ? SmmuV2Config::generic() : SmmuV2Config::mmu500_zynqmp();
    config.caching.policy = kPolicies[up_to(2)];
    config.idr1.set(SMMU_IDR1::NUMCB, 6).set(SMMU_IDR1::NUMS2CB, up_to(2));
    config.idr0.set(SMMU_IDR0::NUMSMRG, 4).set(SMMU_IDR0::ATOSNS, false);
    config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 4).set(SMMU_SCR1::NSNUMSMRGO, 3);
    if (up_to(1) == 0) config.idr1.set(SMMU_IDR1::SSDTP, SecurityTable::k16Bits);
    if (up_to(3) == 0) config = config.without_secure_state();
    if (up_to(1) == 0) config.illegal_access = SmmuV2Config::IllegalAccess::kFaults;
    if (up_to(1) == 0) config.conflict = SmmuV2Config::Conflict::kTakesFirst;
    if (up_to(1) == 0) config.resume = SmmuV2Config::Resume::kOldest;
    if (up_to(3) == 0) config.pace = emulator::Pace::kStepped;
    config.busy_reads = up_to(2);
    config.most_stalled = 1 + up_to(3);
    return config;
  }

  // Of all registers, and mostly of those that are there.
  std::uint32_t offset(const SmmuV2Config& config) {
    const std::uint32_t banks = 0x2000U << config.idr1[SMMU_IDR1::NUMPAGENDXB];
    switch (up_to(7)) {
      case 0:
        return word();
      case 1:
        return up_to(0x1fff) & ~3U;
      case 2:
        return 0x800 + 4 * up_to(4);
      case 3:
        return 0xc00 + 4 * up_to(4);
      case 4:
        return 0x1000 + 0x400 * up_to(2) + 4 * up_to(6);
      case 5:
        return 0x2000 + (up_to(0x3fff) & ~3U);
      case 6:
        return banks + 0x1000 * up_to(6) + 8 * up_to(0x1ff);
      default:
        return banks + 0x1000 * up_to(5) + 4 * up_to(0x1f);
    }
  }
  // Values that mean something more often than random ones do.
  std::uint64_t value() {
    switch (up_to(4)) {
      case 0:
        return 0;
      case 1:
        return ~std::uint64_t{0};
      case 2:
        return 0x4000'0000 + 0x1000 * up_to(0x20) + up_to(0xff);
      case 3:
        return std::uint64_t{1} << up_to(63);
      default:
        return random_();
    }
  }
  void access(RegisterPort& port, const SmmuV2Config& config) {
    const std::uint32_t where = offset(config);
    constexpr std::uint32_t kBytes[] = {4, 8, 2};
    const std::uint32_t bytes = kBytes[up_to(9) == 0 ? 2 : up_to(1)];
    std::uint64_t read = 0;
    if (up_to(3) == 0) {
      static_cast<void>(port.read(where, bytes, read));
    } else {
      static_cast<void>(port.write(where, bytes, value()));
    }
  }
  // A stream and a bank that a transaction may get through, as random values seldom make it.
  void program(RegisterPort& port, const SmmuV2Config& config, SecurityState owner) {
    const bool secure = owner == SecurityState::kSecure;
    const std::uint32_t banks = 0x2000U << config.idr1[SMMU_IDR1::NUMPAGENDXB];
    const std::uint32_t n = secure ? 4 + up_to(1) : up_to(3);
    const std::uint32_t bank = banks + 0x1000 * n;
    const std::uint32_t group = secure ? 3 : up_to(2);
    port.write32(SMMU_SMRn::offset(group), 1U << 31 | group);
    port.write32(SMMU_S2CRn::offset(group), (word() & 0x3f0c'ff00) | n);
    port.write32(0x1000 + SMMU_CBARn::offset(n),
                 (word() & 0x00ff'00ff) | up_to(5) << 8 | (up_to(1) == 0 ? 1U << 16 : 0));
    port.write32(0x1000 + SMMU_CBA2Rn::offset(n), word() & 3);
    port.write64(bank + 0x020, page());
    port.write64(bank + 0x028, page());
    // T0SZ, SL0 and TG0, or what they are in the other formats.
    constexpr std::uint32_t kControls[] = {0x0005'0058, 0x0005'8058, 0x0005'4055, 0x0099'0010,
                                           0x8000'0000, 0x8001'0002, 0x0000'0000, 0x0000'0001};
    port.write32(bank + 0x030, kControls[up_to(7)] ^ (up_to(3) == 0 ? word() : 0));
    port.write32(bank + 0x010, (word() & 0x4003'cf70) | 5);
    port.write32(bank + 0x038, word());
    port.write32(bank + 0x058, 0xffff'ffff);
    port.write32(bank + 0x000, word() | 1 | (up_to(3) != 0 ? 0x100 : 0));
    port.write32(SMMU_sCR0::kOffset, word() & ~9U);
  }
  std::uint64_t page() { return 0x4000'0000 + 0x4000 * up_to(7); }

  // Tables of anything, that lead to each other.
  void scribble(PhysicalMemory& memory) {
    for (unsigned i = 0; i != 64; ++i) {
      const Pa where(page() + (up_to(1) == 0 ? 8 * up_to(7) : 0));
      const std::uint64_t descriptor =
          up_to(3) == 0 ? value() & ~std::uint64_t{3} : page() | 0x440 | (word() & 0xffc);
      store(memory, where, descriptor | (up_to(3) == 0 ? up_to(3) : 3));
    }
  }
  Transaction transaction() {
    return {.stream = StreamId(up_to(7) == 0 ? word() : up_to(3)),
            .address = Iova(up_to(3) == 0 ? value() >> up_to(63) : up_to(0x7fff)),
            .direction = up_to(1) == 0 ? emulator::Direction::kRead : emulator::Direction::kWrite,
            .privilege = up_to(1) == 0 ? emulator::Privilege::kPrivileged
                                       : emulator::Privilege::kUnprivileged,
            .content = up_to(1) == 0 ? emulator::Content::kData : emulator::Content::kInstruction,
            .security = up_to(1) == 0 ? SecurityState::kSecure : SecurityState::kNonSecure,
            .address_type = up_to(15) == 0 ? emulator::AddressType::kTranslated
                                           : emulator::AddressType::kUntranslated,
            .attributes = {.type = static_cast<std::uint8_t>(up_to(1) == 0 ? 0xff : 0x04),
                           .shareability = Shareability::kInner},
            .space = up_to(1) == 0 ? SecurityState::kSecure : SecurityState::kNonSecure,
            .ssd_index = static_cast<std::uint16_t>(word())};
  }

  std::mt19937_64 random_;
};

TEST(HostileRegisters, DoNoHarm) {
  for (unsigned seed = 0; seed != 2000; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Hostile(seed).run();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace smmu::testing::hostile_registers_test
