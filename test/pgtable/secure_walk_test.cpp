// A Secure stream of an SMMUv3 leaves its address space where tables say so (DDI 0487, D8.4.6): by
// NSTable of what leads to tables, and NS of what is mapped by a Secure one.
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"
#include "test/pgtable/rig.h"

namespace smmu::iommu::secure_walk_test {
namespace {

using emulator::Outcome;
using testing::Aborts;
using testing::Board;
using v3::CD;
using Format = PgtableFormat;

constexpr StreamId kStream(5);
constexpr std::uint64_t kPoolBytes = 1 << 20;
constexpr SecurityState kSecure = SecurityState::kSecure;
constexpr SecurityState kNonSecure = SecurityState::kNonSecure;

class SecureWalk : public ::testing::Test {
 protected:
  SecureWalk() : board_({.secure_memory = &secure_ram_}), driver_(Board::secure(board_)) {
    // At the same addresses as the other.
    EXPECT_TRUE(secure_ram_.add(Board::Options().ram_base, Board::Options().ram_size));
    board_.bring_up();
    driver_.bring_up();
    pool_ = *PagePool::create(board_.memory(), board_.allocate(kPoolBytes, kPoolBytes), kPoolBytes);
  }

  std::unique_ptr<IoPgtable> create(const PgtableQuirks& quirks) {
    // Three levels: blocks of 1 GiB are in the first table.
    return *IoPgtable::create(config_of(Format::kAArch64Stage1, kSizes4K, 39, 48, quirks), *pool_,
                              invalidation_);
  }
  // The first table is in Secure memory, and it alone: a copy of it.
  void put_first_table_inside(const IoPgtable& tables) {
    const Pa root = tables.registers().root;
    for (std::uint64_t i = 0; i != 512; ++i) {
      const Pa entry(root.value + i * 8);
      testing::store(secure_ram_, entry, testing::load(board_.memory(), entry));
    }
  }
  // Where the Secure stream begins.
  void use(const IoPgtable& tables, SecurityState space) {
    const PgtableRegisters registers = tables.registers();
    const Pa at = driver_.allocate(CD::kSize, CD::kSize);
    testing::store(secure_ram_, at,
                   CD().set(CD::V, true)
                       .set(CD::AA64, true)
                       .set(CD::R, true)
                       .set(CD::A, true)
                       .set(CD::ASET, true)
                       .set(CD::ASID, ++asid_)
                       .set(CD::IPS, registers.output_size)
                       .set(CD::MAIR0, static_cast<std::uint32_t>(registers.memory_attributes))
                       .set(CD::EPD1, true)
                       .set(CD::T0SZ, registers.tsz)
                       .set(CD::TG0, registers.granule)
                       .set(CD::TTB0, registers.root.value)
                       .set(CD::NSCFG0, space == kNonSecure));
    driver_.attach(kStream, testing::translate(at));
  }
  Outcome translate(std::uint64_t iova) { return driver_.device(kStream).translate(Iova(iova)); }

  emulator::Ram secure_ram_;
  Board board_;
  Board driver_;
  std::unique_ptr<PagePool> pool_;
  RecordingInvalidation invalidation_;
  std::uint32_t asid_ = 0;
};

void expect_in(SecurityState space, Pa pa, const Outcome& outcome) {
  const auto* translation = std::get_if<emulator::Translation>(&outcome);
  ASSERT_NE(translation, nullptr);
  EXPECT_EQ(translation->pa, pa);
  EXPECT_EQ(translation->space, space);
}

TEST_F(SecureWalk, ReadsNonSecureTablesFromTheFirstOneOn) {
  const auto tables = create({.non_secure = true});
  ASSERT_EQ(tables->map(Iova(0x5000), Pa(0x4100'0000), k4K, 1, kReadWrite), mapped(k4K));
  use(*tables, kNonSecure);
  expect_in(kNonSecure, Pa(0x4100'0000), translate(0x5000));
}

TEST_F(SecureWalk, LeavesByATablesNsTable) {
  for (const bool non_secure : {true, false}) {
    SCOPED_TRACE(non_secure);
    const auto tables = create({.non_secure = non_secure});
    ASSERT_EQ(tables->map(Iova(0x5000), Pa(0x4100'0000), k4K, 1, kReadWrite), mapped(k4K));
    put_first_table_inside(*tables);
    use(*tables, kSecure);
    if (non_secure) {
      expect_in(kNonSecure, Pa(0x4100'0000), translate(0x5000));
    } else {
      // There are no such tables inside.
      EXPECT_THAT(translate(0x5000), Aborts());
    }
  }
}

TEST_F(SecureWalk, LeavesByTheNsOfWhatIsMapped) {
  for (const bool non_secure : {true, false}) {
    SCOPED_TRACE(non_secure);
    const auto tables = create({.non_secure = non_secure});
    ASSERT_EQ(tables->map(Iova(k1G), Pa(2 * k1G), k1G, 1, kReadWrite), mapped(k1G));
    put_first_table_inside(*tables);
    use(*tables, kSecure);
    expect_in(non_secure ? kNonSecure : kSecure, Pa(2 * k1G + 0x1000), translate(k1G + 0x1000));
  }
}

}  // namespace
}  // namespace smmu::iommu::secure_walk_test
