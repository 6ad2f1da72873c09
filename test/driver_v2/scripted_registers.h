// Registers of an SMMUv2 that do no more than a driver looks for, and every access to them, by
// name.
#ifndef SMMU_TEST_DRIVER_V2_SCRIPTED_REGISTERS_H_
#define SMMU_TEST_DRIVER_V2_SCRIPTED_REGISTERS_H_

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "smmu/arch/v2/registers.h"
#include "smmu/platform/mmio.h"

namespace smmu::testing {

// By default four pages of 4 KiB, four context banks of which the first is for stage 2 alone, four
// stream mapping groups, both stages, coherent walks, granules of 4 KiB, addresses of 48 bits.
class ScriptedRegisters final : public Mmio {
 public:
  static constexpr std::uint32_t kPage = 4096;
  static constexpr std::uint32_t kPages = 4;

  ScriptedRegisters() {
    using namespace v2;
    set(SMMU_IDR0()
            .set(SMMU_IDR0::S1TS, true)
            .set(SMMU_IDR0::S2TS, true)
            .set(SMMU_IDR0::NTS, true)
            .set(SMMU_IDR0::SMS, true)
            .set(SMMU_IDR0::CTTW, true)
            .set(SMMU_IDR0::NUMSIDB, 15)
            .set(SMMU_IDR0::NUMSMRG, 4));
    set(SMMU_IDR1()
            .set(SMMU_IDR1::NUMPAGENDXB, 1)
            .set(SMMU_IDR1::NUMCB, 4)
            .set(SMMU_IDR1::NUMS2CB, 1));
    set(SMMU_IDR2()
            .set(SMMU_IDR2::IAS, OutputSize::k48Bits)
            .set(SMMU_IDR2::OAS, OutputSize::k48Bits)
            .set(SMMU_IDR2::UBS, UpstreamSize::k49Bits)
            .set(SMMU_IDR2::PTFSv8_4kB, true));
    set(SMMU_IDR7().set(SMMU_IDR7::MAJOR, 2));
    set(SMMU_sCR0().set(SMMU_sCR0::CLIENTPD, true));
  }

  // What a register of page 0, or of a context bank, holds, behind the driver's back.
  template <class R>
  void set(R value) {
    words_[R::kOffset] = value.raw();
  }
  template <class R>
  R get() {
    return R(static_cast<typename R::Value>(words_[R::kOffset]));
  }
  template <class R>
  void set(std::uint32_t bank, R value) {
    words_[bank_start(bank) + R::kOffset] = value.raw();
  }
  template <class R>
  R get(std::uint32_t bank) {
    return R(static_cast<typename R::Value>(words_[bank_start(bank) + R::kOffset]));
  }
  // The nth of an array of page 0 or 1.
  template <class R>
  void set_nth(std::uint32_t page, std::uint32_t n, R value) {
    words_[page * kPage + R::offset(n)] = value.raw();
  }

  // Bits that SMMU_SMRn keeps.
  std::uint32_t kept_of_smr = ~0U;
  // So many reads say that a synchronization, or a translation operation, has not finished.
  std::uint64_t busy_reads = 0;
  // Status bits that are not cleared by being written.
  bool sticky_status = false;
  // Accesses that one SMMU_CBn_RESUME leaves waiting, one less with each.
  std::uint64_t others_wait = 0;
  // Before a write takes effect.
  std::function<void(const std::string& name)> on_write;

  // The accesses since this was last asked: "read SMMU_IDR0", "write SMMU_CB1_SCTLR 0x67".
  std::vector<std::string> take() { return std::exchange(accesses_, {}); }
  // The same of writes alone.
  std::vector<std::string> take_writes() {
    std::vector<std::string> all = take();
    std::erase_if(all, [](const std::string& access) { return access.starts_with("read"); });
    return all;
  }
  bool touched() const { return !accesses_.empty(); }

  std::uint32_t read32(std::uint32_t offset) override {
    return static_cast<std::uint32_t>(read(offset, "read32"));
  }
  std::uint64_t read64(std::uint32_t offset) override { return read(offset, "read64"); }
  void write32(std::uint32_t offset, std::uint32_t value) override { write(offset, value); }
  void write64(std::uint32_t offset, std::uint64_t value) override {
    {
      const std::lock_guard lock(mutex_);
      wide_writes_.push_back(name_of(offset));
    }
    write(offset, value);
  }
  // Registers that were written by one access of 64 bits.
  std::vector<std::string> take_wide_writes() { return std::exchange(wide_writes_, {}); }

 private:
  static std::uint32_t bank_start(std::uint32_t n) { return (kPages + n) * kPage; }

  static std::string name_in(std::span<const RegisterInfo> registers, std::uint32_t offset) {
    for (const RegisterInfo& one : registers) {
      if (one.offset == offset) return one.layout.name;
      if (one.layout.bits == 64 && one.offset + 4 == offset) {
        return std::string(one.layout.name) + "[63:32]";
      }
    }
    return fmt::format("{:#x}", offset);
  }
  static std::string name_of(std::uint32_t offset) {
    const auto numbered = [](const char* start, std::uint32_t at, std::uint32_t first) {
      return fmt::format("{}{}", start, (at - first) / 4);
    };
    const std::uint32_t at = offset % kPage;
    if (offset < kPage) {
      if (at >= 0x800 && at < 0xa00) return numbered("SMMU_SMR", at, 0x800);
      if (at >= 0xc00 && at < 0xe00) return numbered("SMMU_S2CR", at, 0xc00);
      return name_in(v2::kGlobalSpace0, at);
    }
    if (offset < 2 * kPage) {
      if (at < 0x200) return numbered("SMMU_CBAR", at, 0);
      if (at < 0x600) return numbered("SMMU_CBFRSYNRA", at, 0x400);
      return numbered("SMMU_CBA2R", at, 0x800);
    }
    if (offset < kPages * kPage) return fmt::format("{:#x}", offset);
    std::string name = name_in(v2::kContextBank, at);
    if (name.starts_with("SMMU_CBn_")) {
      name.replace(0, 9, fmt::format("SMMU_CB{}_", offset / kPage - kPages));
    }
    return name;
  }

  std::uint64_t read(std::uint32_t offset, const char* /*size*/) {
    const std::string name = name_of(offset);
    const std::lock_guard lock(mutex_);
    accesses_.push_back("read " + name);
    if (name.ends_with("TLBGSTATUS") || name.ends_with("_TLBSTATUS") || name.ends_with("_ATSR")) {
      if (busy_left_ == 0) return 0;
      if (busy_left_ != UINT64_MAX) --busy_left_;
      return 1;
    }
    return words_[offset];
  }
  void write(std::uint32_t offset, std::uint64_t value) {
    const std::string name = name_of(offset);
    {
      const std::lock_guard lock(mutex_);
      accesses_.push_back(fmt::format("write {} {:#x}", name, value));
    }
    if (on_write) on_write(name);
    const std::lock_guard lock(mutex_);
    if (name.ends_with("_FSR") || name.ends_with("_sGFSR")) {
      // FORMAT goes with the last fault.  SS is what SMMU_CBn_RESUME ends.
      if (sticky_status) return;
      const std::uint64_t stalled =
          offset < kPage ? 0 : v2::SMMU_CBn_FSR().set(v2::SMMU_CBn_FSR::SS, true).raw();
      words_[offset] &= ~value | stalled;
      return;
    }
    if (name.ends_with("_RESUME")) {
      if (others_wait != 0) {
        --others_wait;
        return;
      }
      words_[offset - v2::SMMU_CBn_RESUME::kOffset + v2::SMMU_CBn_FSR::kOffset] &=
          ~std::uint64_t{v2::SMMU_CBn_FSR().set(v2::SMMU_CBn_FSR::SS, true).raw()};
      return;
    }
    if (name.ends_with("SYNC") || name.ends_with("_ATS1PR")) busy_left_ = busy_reads;
    if (name.starts_with("SMMU_SMR")) value &= kept_of_smr;
    words_[offset] = value;
  }

  std::mutex mutex_;  // of accesses, which several threads may make
  std::map<std::uint32_t, std::uint64_t> words_;
  std::uint64_t busy_left_ = 0;
  std::vector<std::string> accesses_;
  std::vector<std::string> wide_writes_;
};

}  // namespace smmu::testing

#endif  // SMMU_TEST_DRIVER_V2_SCRIPTED_REGISTERS_H_
