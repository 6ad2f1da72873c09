// An SMMUv2 on a board: RAM, interrupt lines that remember, devices, and its registers page by page
// as a driver maps them.
#ifndef SMMU_TEST_SYSTEM_V2_RIG_H_
#define SMMU_TEST_SYSTEM_V2_RIG_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <initializer_list>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "smmu/arch/v2/registers.h"
#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v2.h"
#include "smmu/testing/dma_device.h"
#include "smmu/testing/matchers.h"
#include "smmu/testing/tables.h"

namespace smmu::testing {

// A level interrupt that knows how often it has gone up.
class LevelRecorder final : public LevelLine {
 public:
  void set(bool up) override {
    EXPECT_NE(up, up_) << "the line is told what it knows";
    up_ = up;
    if (up) ++rises_;
  }

  bool up() const { return up_; }
  unsigned rises() const { return rises_; }

 private:
  bool up_ = false;
  unsigned rises_ = 0;
};

// A page of registers: offsets count from its start.
class RegisterPage {
 public:
  RegisterPage(Mmio& smmu, std::uint32_t start) : smmu_(&smmu), start_(start) {}

  template <class R>
  R read() const {
    return read_at<R>(R::kOffset);
  }
  template <class R>
  void write(R value) const {
    write_at(R::kOffset, value);
  }
  // The nth of an array of registers.
  template <class R>
  R read(std::uint32_t n) const {
    return read_at<R>(R::offset(n));
  }
  template <class R>
  void write(std::uint32_t n, R value) const {
    write_at(R::offset(n), value);
  }

  // Registers of 64 bits as two accesses of 32.
  template <class R>
  R read_low_then_high() const {
    const std::uint64_t low = smmu_->read32(start_ + R::kOffset);
    return R(low | std::uint64_t{smmu_->read32(start_ + R::kOffset + 4)} << 32);
  }
  template <class R>
  R read_high_then_low() const {
    const std::uint64_t high = smmu_->read32(start_ + R::kOffset + 4);
    return R(high << 32 | smmu_->read32(start_ + R::kOffset));
  }
  template <class R>
  void write_low_then_high(R value) const {
    write_low(value);
    smmu_->write32(start_ + R::kOffset + 4, static_cast<std::uint32_t>(value.raw() >> 32));
  }
  template <class R>
  void write_high_then_low(R value) const {
    smmu_->write32(start_ + R::kOffset + 4, static_cast<std::uint32_t>(value.raw() >> 32));
    write_low(value);
  }
  // The low word alone.
  template <class R>
  void write_low(R value) const {
    smmu_->write32(start_ + R::kOffset, static_cast<std::uint32_t>(value.raw()));
  }

 private:
  template <class R>
  R read_at(std::uint32_t offset) const {
    if constexpr (sizeof(typename R::Value) == 8) {
      return R(smmu_->read64(start_ + offset));
    } else {
      return R(smmu_->read32(start_ + offset));
    }
  }
  template <class R>
  void write_at(std::uint32_t offset, R value) const {
    if constexpr (sizeof(typename R::Value) == 8) {
      smmu_->write64(start_ + offset, value.raw());
    } else {
      smmu_->write32(start_ + offset, value.raw());
    }
  }

  Mmio* smmu_;
  std::uint32_t start_;
};

// The pages that SMMU_IDR1 promises.
class RegisterPages {
 public:
  explicit RegisterPages(Mmio& smmu) : smmu_(&smmu) {
    using v2::SMMU_IDR1;
    const auto idr1 = smmu.read<SMMU_IDR1>();
    page_bytes_ = idr1[SMMU_IDR1::PAGESIZE] ? 1U << 16 : 1U << 12;
    banks_ = page_bytes_ << (idr1[SMMU_IDR1::NUMPAGENDXB] + 1);
  }

  RegisterPage global0() const { return {*smmu_, 0}; }
  RegisterPage global1() const { return {*smmu_, page_bytes_}; }
  // Where Secure software finds the Non-secure copies of what global0() has twice.
  RegisterPage non_secure_aliases() const { return {*smmu_, v2::kNonSecureAliases}; }
  RegisterPage bank(std::uint32_t n) const { return {*smmu_, banks_ + n * page_bytes_}; }

 private:
  Mmio* smmu_;
  std::uint32_t page_bytes_;
  std::uint32_t banks_;  // where those of the context banks begin
};

class V2Rig {
 public:
  struct Options {
    emulator::SmmuV2Config config = emulator::SmmuV2Config::generic();
    Pa ram_base = Pa(0x4000'0000);
    std::uint64_t ram_size = std::uint64_t{64} << 20;
    PhysicalMemory* secure_memory = nullptr;  // null: the same RAM
    emulator::Observer* observer = nullptr;
  };

  V2Rig() : V2Rig(Options{}) {}
  explicit V2Rig(const emulator::SmmuV2Config& config) : V2Rig(Options{.config = config}) {}
  explicit V2Rig(const Options& options)
      : config_(options.config),
        context_faults_(options.config.idr1[v2::SMMU_IDR1::NUMCB]),
        next_free_(options.ram_base.value),
        end_of_ram_(options.ram_base.value + options.ram_size) {
    if (!ram_.add(options.ram_base, options.ram_size)) std::abort();
    std::vector<LevelLine*> context_faults;
    for (LevelRecorder& line : context_faults_) context_faults.push_back(&line);
    wires_ = {.memory = &ram_,
              .secure_memory = options.secure_memory,
              .global_fault = &global_fault,
              .configuration_fault = &configuration_fault,
              .secure_global_fault = &secure_global_fault,
              .secure_configuration_fault = &secure_configuration_fault,
              .context_faults = context_faults,
              .combined = &combined,
              .observer = options.observer};
    replace_smmu();
  }
  V2Rig(const V2Rig&) = delete;
  V2Rig& operator=(const V2Rig&) = delete;

  // A new SMMU of the same configuration takes its place, at lines that are as they
  // are; the ports go with the old one.
  void replace_smmu() {
    auto made = emulator::SmmuV2::create(config_, wires_);
    if (!made) {
      std::cerr << made.error() << '\n';
      std::abort();
    }
    smmu_ = *std::move(made);
  }

  emulator::SmmuV2& smmu() { return *smmu_; }
  emulator::Ram& memory() { return ram_; }
  // As Non-secure and as Secure software finds them.
  RegisterPages registers() { return RegisterPages(*smmu_); }
  RegisterPages secure_registers() { return RegisterPages(smmu_->secure()); }

  // A device with a port of its own; one that can wait for software.
  DmaDevice device(StreamId stream) { return {smmu_->add_port(), stream}; }
  DmaDevice device(StreamId stream, emulator::StallClient& client) {
    return {smmu_->add_port(client), stream};
  }

  // Memory that nobody else has, zeroed.
  Pa allocate(std::uint64_t bytes, std::uint64_t alignment = 4096) {
    const std::uint64_t begin = (next_free_ + alignment - 1) / alignment * alignment;
    next_free_ = begin + bytes;
    EXPECT_LE(next_free_, end_of_ram_) << "the rig's RAM is full";
    return Pa(begin);
  }
  PageTable page_table(PageTable::Options options) {
    return {
        ram_,
        [this](std::uint64_t bytes, std::uint64_t alignment) { return allocate(bytes, alignment); },
        options};
  }

  // That of context bank n, as many as Secure software sees.
  const LevelRecorder& context_fault(std::uint32_t n) const { return context_faults_.at(n); }
  std::uint32_t context_fault_lines() const {
    return static_cast<std::uint32_t>(context_faults_.size());
  }
  bool quiet() const { return !combined.up(); }

  LevelRecorder global_fault;
  LevelRecorder configuration_fault;
  LevelRecorder secure_global_fault;
  LevelRecorder secure_configuration_fault;
  LevelRecorder combined;

 private:
  const emulator::SmmuV2Config config_;
  emulator::SmmuV2Wires wires_;
  emulator::Ram ram_;
  std::deque<LevelRecorder> context_faults_;
  std::uint64_t next_free_;
  std::uint64_t end_of_ram_;
  std::unique_ptr<emulator::SmmuV2> smmu_;
};

// What the device writes at `address` is in `page`, and what is there is what it reads.
inline void expect_reaches(V2Rig& rig, const DmaDevice& device, Iova address, Pa page) {
  EXPECT_EQ(device.write64(address, 0x0123'4567'89ab'cdef).bytes, 8U);
  EXPECT_EQ(load(rig.memory(), page), 0x0123'4567'89ab'cdefU);
  store(rig.memory(), page, std::uint64_t{0xfedc'ba98});
  EXPECT_EQ(device.read64(address), 0xfedc'ba98U);
}

// The tables now lead elsewhere: the device goes on to `page` until `invalidate` is done.
template <class Invalidate>
void expect_stale_until(V2Rig& rig, const DmaDevice& device, PageTable& table, Iova address,
                        Pa page, const Invalidate& invalidate) {
  EXPECT_THAT(device.translate(address), TranslatesTo(page));
  const Pa other = rig.allocate(4096);
  table.map(address, other, 4096);
  EXPECT_THAT(device.translate(address), TranslatesTo(page));
  invalidate();
  EXPECT_THAT(device.translate(address), TranslatesTo(other));
}

// Every bit of SMMU_CBn_FSR that tells of a fault.
inline v2::SMMU_CBn_FSR all_faults() {
  using v2::SMMU_CBn_FSR;
  return SMMU_CBn_FSR()
      .set(SMMU_CBn_FSR::TF, true)
      .set(SMMU_CBn_FSR::AFF, true)
      .set(SMMU_CBn_FSR::PF, true)
      .set(SMMU_CBn_FSR::EF, true)
      .set(SMMU_CBn_FSR::TLBMCF, true)
      .set(SMMU_CBn_FSR::TLBLKF, true)
      .set(SMMU_CBn_FSR::ASF, true)
      .set(SMMU_CBn_FSR::UUT, true)
      .set(SMMU_CBn_FSR::SS, true)
      .set(SMMU_CBn_FSR::MULTI, true);
}

// A configuration that differs in one thing.
struct V2Variant {
  const char* name;
  void (*change)(emulator::SmmuV2Config& config);
};

// What several drivers insist on, missing.  Groups and banks are never missing altogether: Secure
// software may keep them for itself.
inline constexpr V2Variant kNo4KGranule = {
    "no granule of 4 KiB",
    [](emulator::SmmuV2Config& config) { config.idr2.set(v2::SMMU_IDR2::PTFSv8_4kB, false); }};
inline constexpr V2Variant kNoStage1 = {
    "no stage 1", [](emulator::SmmuV2Config& config) {
      config.idr0.set(v2::SMMU_IDR0::S1TS, false).set(v2::SMMU_IDR0::NTS, false);
      config.idr1.set(v2::SMMU_IDR1::NUMS2CB, config.idr1[v2::SMMU_IDR1::NUMCB]);
      config.idr2.set(v2::SMMU_IDR2::E2HS, false)
          .set(v2::SMMU_IDR2::HADS, false)
          .set(v2::SMMU_IDR2::DIPANS, false);
    }};
inline constexpr V2Variant kNoStage2 = {
    "no stage 2", [](emulator::SmmuV2Config& config) {
      config.idr0.set(v2::SMMU_IDR0::S2TS, false).set(v2::SMMU_IDR0::NTS, false);
      config.idr2.set(v2::SMMU_IDR2::VMID16S, false);
    }};
inline constexpr V2Variant kNoMatching = {"streams that index", [](emulator::SmmuV2Config& config) {
                                            config.idr0.set(v2::SMMU_IDR0::SMS, false)
                                                .set(v2::SMMU_IDR0::EXIDS, false)
                                                .set(v2::SMMU_IDR0::NUMSIDB, 7);
                                          }};
inline constexpr V2Variant kNoGroup = {
    "no group to match with",
    [](emulator::SmmuV2Config& config) { config.scr1_reset.set(v2::SMMU_SCR1::NSNUMSMRGO, 0); }};
inline constexpr V2Variant kTooManyStage2Banks = {
    "more banks for stage 2 alone than banks", [](emulator::SmmuV2Config& config) {
      config.idr1.set(v2::SMMU_IDR1::NUMS2CB, 8);
      config.scr1_reset.set(v2::SMMU_SCR1::NSNUMCBO, 7);
    }};
inline constexpr V2Variant kRevision1 = {
    "another revision of the product",
    [](emulator::SmmuV2Config& config) { config.idr7.set(v2::SMMU_IDR7::MAJOR, 1); }};

// None of them is an SMMU that `Driver` probes, which has probe() and is made of a rig; the
// configuration itself is.
template <class Driver>
void expect_refused(const emulator::SmmuV2Config& config,
                    std::initializer_list<V2Variant> variants) {
  {
    V2Rig rig(config);
    EXPECT_TRUE(Driver(rig).probe());
  }
  for (const V2Variant& variant : variants) {
    SCOPED_TRACE(variant.name);
    emulator::SmmuV2Config changed = config;
    variant.change(changed);
    V2Rig rig(changed);
    EXPECT_FALSE(Driver(rig).probe());
  }
}

}  // namespace smmu::testing

#endif  // SMMU_TEST_SYSTEM_V2_RIG_H_
