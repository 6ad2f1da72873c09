// Hardware that says anything, answers never, or has no memory left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "test/driver_v2/scripted_rig.h"
#include "test/heap/heap.h"

namespace smmu::testing::hostile_test {
namespace {

using ::testing::HasSubstr;
using namespace iommu;

constexpr const char* kControl = "write SMMU_sCR0 0x1c36";

struct CountingHandler final : FaultHandler {
  FaultAction on_fault(Domain&, Device*, const Fault&) override {
    ++faults;
    return FaultAction::kTerminate;
  }
  unsigned faults = 0;
};

TEST(DriverV2Hostile, AnSmmuThatCannotBeDrivenIsRefusedWithASentence) {
  using namespace v2;
  const auto refusal = [](const auto& change) {
    ScriptedRig rig;
    change(rig);
    return rig.start();
  };
  const auto change_idr0 = [&](auto field, auto value) {
    return refusal([&](ScriptedRig& rig) {
      rig.registers.set(rig.registers.get<SMMU_IDR0>().set(field, value));
    });
  };
  EXPECT_THAT(
      refusal([](ScriptedRig& rig) {
        rig.registers.set(
            rig.registers.get<SMMU_IDR0>().set(SMMU_IDR0::S1TS, false).set(SMMU_IDR0::S2TS, false));
      }),
      HasSubstr("translates nothing"));
  EXPECT_THAT(change_idr0(SMMU_IDR0::NUMSMRG, 0U), HasSubstr("NUMSMRG is 0"));
  EXPECT_THAT(refusal([](ScriptedRig& rig) {
                rig.registers.set(rig.registers.get<SMMU_IDR1>().set(SMMU_IDR1::NUMS2CB, 5));
              }),
              HasSubstr("NUMS2CB is 5"));
  EXPECT_THAT(refusal([](ScriptedRig& rig) {
                rig.registers.set(rig.registers.get<SMMU_IDR1>().set(SMMU_IDR1::NUMCB, 5));
              }),
              HasSubstr("NUMCB is 5"));
  EXPECT_THAT(refusal([](ScriptedRig& rig) { rig.config.context_interrupts = 3; }),
              HasSubstr("4 context banks have 3 interrupts"));
  EXPECT_THAT(refusal([](ScriptedRig& rig) {
                rig.registers.set(
                    rig.registers.get<SMMU_IDR0>().set(SMMU_IDR0::PTFS, AArch32Formats::kNone));
                rig.registers.set(rig.registers.get<SMMU_IDR2>().set(SMMU_IDR2::PTFSv8_4kB, false));
              }),
              HasSubstr("no format"));
  EXPECT_THAT(refusal([](ScriptedRig& rig) { rig.config.clock = nullptr; }), HasSubstr("clock"));
}

TEST(DriverV2Hostile, IdentificationRegistersMaySayAnything) {
  std::mt19937_64 random(1);
  unsigned begun = 0;
  for (int round = 0; round != 2000; ++round) {
    ScriptedRig rig;
    rig.config.context_interrupts = 255;
    rig.registers.set(v2::SMMU_IDR0(static_cast<std::uint32_t>(random())));
    rig.registers.set(v2::SMMU_IDR1(static_cast<std::uint32_t>(random())));
    rig.registers.set(v2::SMMU_IDR2(static_cast<std::uint32_t>(random())));
    rig.registers.kept_of_smr = static_cast<std::uint32_t>(random());
    if (!rig.start().empty()) continue;
    ++begun;
    const auto device = rig.iommu->add_device(
        {.name = "d", .streams = {{StreamId(static_cast<std::uint32_t>(random() & 0x1ff))}}});
    if (!device) continue;
    const auto domain = rig.domain();
    EXPECT_NE(domain->page_sizes(), 0U);
    if (!(*device)->group().attach(*domain)) continue;
    if (!domain->map(Iova(0x10'0000), Pa(0x10'0000), 0x1'0000, kReadWrite)) continue;
    EXPECT_EQ(domain->unmap(Iova(0x10'0000), 0x1'0000), 0x1'0000U);
  }
  EXPECT_GT(begun, 20U);
}

TEST(DriverV2Hostile, StatusBitsThatStayAreNotWaitedFor) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  rig.registers.sticky_status = true;
  rig.registers.set(1, v2::SMMU_CBn_FSR(~0U));
  rig.registers.set(1, v2::SMMU_CBn_FSYNR0(~0U));
  rig.registers.set(1, v2::SMMU_CBn_FAR(~0ULL));
  rig.registers.set_nth(1, 1, v2::SMMU_CBFRSYNRAn(~0U));
  rig.registers.set(v2::SMMU_sGFSR(~0U));
  rig.driver->context_fault_line(1).set(true);
  rig.driver->context_fault_line(3).set(true);  // which nobody has
  rig.driver->global_fault_line().set(true);
  EXPECT_LE(rig.log.sentences().size(), 200U);
  // It goes on when it is told again.
  rig.registers.sticky_status = false;
  rig.driver->handle_interrupts();
  EXPECT_EQ(rig.registers.get<v2::SMMU_sGFSR>().raw(), 0U);
}

// The line goes up again while it is being handled, so nobody else comes for these.
TEST(DriverV2Hostile, OfABurstOfFaultsNoneIsLeft) {
  using v2::SMMU_CBn_FSR;
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  Device* const device = rig.add(StreamId(7));
  constexpr unsigned kFaults = 300;
  CountingHandler handler;
  const auto domain = rig.domain();
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  ASSERT_TRUE(device->group().attach(*domain));
  const auto first = SMMU_CBn_FSR().set(SMMU_CBn_FSR::TF, true);
  const auto second = SMMU_CBn_FSR().set(SMMU_CBn_FSR::PF, true);
  unsigned made = 1;
  rig.registers.on_write = [&](const std::string& name) {
    if (name != "SMMU_CB1_FSR" || made == kFaults) return;
    ++made;
    // The write takes the one away, and leaves the other.
    rig.driver->context_fault_line(1).set(false);
    rig.registers.set(1, SMMU_CBn_FSR(first.raw() | second.raw()));
    rig.driver->context_fault_line(1).set(true);
  };
  rig.registers.set(1, first);
  rig.driver->context_fault_line(1).set(true);
  EXPECT_EQ(handler.faults, kFaults);
  EXPECT_EQ(made, kFaults);
}

// Another device that never stops does not keep the thread that raised the line, and what is left
// then is not lost.
TEST(DriverV2Hostile, FaultsWithoutEndAreLeftToTheNextInterrupt) {
  using v2::SMMU_CBn_FSR;
  for (const bool by_another_line : {true, false}) {
    ScriptedRig rig;
    ASSERT_EQ(rig.start(), "");
    Device* const device = rig.add(StreamId(7));
    CountingHandler handler;
    const auto domain = rig.domain();
    ASSERT_TRUE(domain->set_fault_handler(&handler));
    ASSERT_TRUE(device->group().attach(*domain));
    const auto first = SMMU_CBn_FSR().set(SMMU_CBn_FSR::TF, true);
    const auto second = SMMU_CBn_FSR().set(SMMU_CBn_FSR::PF, true);
    unsigned made = 1;
    bool goes_on = true;
    rig.registers.on_write = [&](const std::string& name) {
      if (name != "SMMU_CB1_FSR") return;
      // The write takes the one away, and leaves the other.
      rig.driver->context_fault_line(1).set(false);
      if (!goes_on || made == 100'000) {
        rig.registers.set(1, SMMU_CBn_FSR());
        return;
      }
      ++made;
      rig.registers.set(1, SMMU_CBn_FSR(first.raw() | second.raw()));
      rig.driver->context_fault_line(1).set(true);
    };
    rig.registers.set(1, first);
    rig.driver->context_fault_line(1).set(true);
    EXPECT_GE(handler.faults, 1000U);
    EXPECT_LE(handler.faults, 10'000U);
    EXPECT_EQ(made, handler.faults + 1) << "the last one waits";
    goes_on = false;
    if (by_another_line) {
      rig.driver->context_fault_line(3).set(true);
    } else {
      rig.driver->handle_interrupts();
    }
    EXPECT_EQ(handler.faults, made);
    EXPECT_EQ(rig.registers.get<SMMU_CBn_FSR>(1).raw(), 0U);
  }
}

TEST(DriverV2Hostile, AFaultOfABankThatNobodyHasIsSaidAndEnded) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  rig.registers.take();
  rig.registers.set(2, v2::SMMU_CBn_FSR(0x4000'0402));
  rig.driver->context_fault_line(2).set(true);
  EXPECT_THAT(rig.registers.take_writes(),
              ::testing::ElementsAre("write SMMU_CB2_FSR 0x40000402", "write SMMU_CB2_RESUME 0x1"));
  EXPECT_THAT(rig.log.sentences(),
              ::testing::ElementsAre(HasSubstr("a context bank that nobody has")));
}

// IHI 0062, SMMU_CBn_RESUME: it may be about one of several that wait.
TEST(DriverV2Hostile, ADomainThatGoesEndsAllThatWaits) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  auto domain = rig.attached();
  rig.registers.set(1, v2::SMMU_CBn_FSR(0x4000'0402));
  rig.registers.others_wait = 299;
  rig.registers.take();
  domain.reset();
  EXPECT_EQ(std::ranges::count(rig.registers.take_writes(), "write SMMU_CB1_RESUME 0x1"), 300);
  EXPECT_THAT(rig.log.sentences(), ::testing::IsEmpty());

  // An SMMU that ends none is given up, and the bank can be had all the same.
  domain = rig.domain();
  ASSERT_TRUE(rig.device->group().attach(*domain));
  rig.registers.set(1, v2::SMMU_CBn_FSR(0x4000'0402));
  rig.registers.others_wait = UINT64_MAX;
  domain.reset();
  EXPECT_THAT(rig.log.sentences(), ::testing::ElementsAre(HasSubstr("SMMU_CB1_FSR.SS stays 1")));
  rig.registers.others_wait = 0;
  domain = rig.domain();
  EXPECT_TRUE(rig.device->group().attach(*domain));
}

// Another thread finds the fault of a bank after its domain is gone, and before the fault is: the
// bank is nobody else's until it has ended it.
TEST(DriverV2Hostile, ABankIsKeptWhileAFaultInItIsHandled) {
  ScriptedRig rig;
  std::atomic<bool> handled{false};
  std::atomic<bool> off{false};
  std::atomic<bool> gone{false};
  class Log final : public DriverLog {
   public:
    explicit Log(std::function<void()> heard) : heard_(std::move(heard)) {}
    void say(std::string_view) override { heard_(); }

   private:
    const std::function<void()> heard_;
  } log([&] {
    handled = true;
    while (!off) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(gone);
  });
  rig.config.log = &log;
  ASSERT_EQ(rig.start(), "");
  auto domain = rig.attached();
  rig.registers.set(1, v2::SMMU_CBn_FSR(0x4000'0402));
  std::thread handler;
  rig.registers.on_write = [&](const std::string& name) {
    if (name == "SMMU_CB1_FSR" && !handler.joinable()) {
      handler = std::thread([&] { rig.driver->context_fault_line(1).set(true); });
      while (!handled) std::this_thread::yield();
    } else if (name == "SMMU_CB1_SCTLR" && handled) {
      off = true;
    } else if (name.find("TLBI") != std::string::npos) {
      gone = true;
    }
  };
  domain.reset();
  ASSERT_TRUE(handler.joinable());
  handler.join();
  EXPECT_TRUE(gone);
}

// Of several that are stalled, one was answered and the others left no record.
TEST(DriverV2Hostile, AStallWithoutAFaultIsTranslatedAgain) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  rig.registers.take();
  rig.registers.set(1, v2::SMMU_CBn_FSR(0x4000'0000));
  rig.driver->context_fault_line(1).set(true);
  EXPECT_THAT(rig.registers.take_writes(),
              ::testing::ElementsAre("write SMMU_CB1_FSR 0x40000000", "write SMMU_CB1_RESUME 0x0"));
  EXPECT_THAT(rig.log.sentences(), ::testing::IsEmpty());
}

TEST(DriverV2Hostile, AnSmmuThatNeverFinishesIsGivenUp) {
  {
    ScriptedRig rig;
    rig.registers.busy_reads = UINT64_MAX;
    EXPECT_THAT(rig.start(), HasSubstr("SMMU_sTLBGSTATUS.GSACTIVE"));
    EXPECT_THAT(rig.registers.take_writes(), ::testing::Not(::testing::Contains(kControl)))
        << "it is not switched on";
  }
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  rig.registers.busy_reads = UINT64_MAX;
  rig.log.sentences();
  rig.registers.take();
  domain->flush_all();
  EXPECT_THAT(rig.log.sentences(), ::testing::ElementsAre(HasSubstr("SMMU_CB1_TLBSTATUS.SACTIVE")));
  EXPECT_LE(rig.registers.take().size(), 300U);
  EXPECT_GE(rig.clock.now(), std::chrono::seconds(1));
  ASSERT_TRUE(domain->map(rig.kIova, rig.kPa, 4096, kReadWrite));
  rig.log.sentences();
  EXPECT_EQ(domain->iova_to_phys(rig.kIova), rig.kPa) << "else the tables are looked at";
  EXPECT_EQ(domain->unmap(rig.kIova, 4096), 4096U);
  EXPECT_THAT(rig.log.sentences(),
              ::testing::ElementsAre(HasSubstr("SMMU_CB1_ATSR"), HasSubstr("SMMU_CB1_TLBSTATUS")));

  // The device stays in the domain that it is in.
  const auto other = rig.domain();
  rig.registers.take();
  const auto attached =
      rig.driver->attach(*rig.device, {AttachKind::kDomain, &other->driver_domain()});
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error(), std::errc::timed_out);
  const auto writes = rig.registers.take_writes();
  EXPECT_EQ(writes[writes.size() - 3], "write SMMU_S2CR0 0x2") << "to context bank 2";
  EXPECT_EQ(writes.back(), "write SMMU_S2CR0 0x1") << "and back";
  EXPECT_TRUE(rig.driver->attach(*rig.device, {AttachKind::kBlocked}));
  EXPECT_EQ(rig.registers.take_writes().front(), "write SMMU_S2CR0 0x20000");

  ASSERT_TRUE(rig.iommu->suspend());
  const auto resumed = rig.iommu->resume();
  ASSERT_FALSE(resumed);
  EXPECT_EQ(resumed.error(), std::errc::timed_out);
  EXPECT_EQ(rig.registers.take_writes().back(), kControl) << "or all would bypass";
  rig.registers.busy_reads = 0;
  EXPECT_TRUE(rig.iommu->resume());
}

// Inputs of stage 2 are no wider than outputs, whatever SMMU_IDR2.IAS says, and what a domain says
// of itself before it is attached stays true.
TEST(DriverV2Hostile, Stage2HasNoMoreAddressesThanTheSmmuPutsOut) {
  using v2::SMMU_IDR2;
  constexpr OutputSize kSizes[] = {OutputSize::k32Bits, OutputSize::k36Bits, OutputSize::k40Bits,
                                   OutputSize::k42Bits, OutputSize::k44Bits, OutputSize::k48Bits};
  for (const OutputSize inputs : kSizes) {
    for (const OutputSize outputs : kSizes) {
      for (unsigned format = 0; format != 4; ++format) {
        SCOPED_TRACE(fmt::format("{} {} {}", address_bits(inputs), address_bits(outputs), format));
        ScriptedRig rig;
        rig.registers.set(SMMU_IDR2()
                              .set(SMMU_IDR2::IAS, inputs)
                              .set(SMMU_IDR2::OAS, outputs)
                              .set(SMMU_IDR2::UBS, v2::UpstreamSize::k49Bits)
                              .set(SMMU_IDR2::PTFSv8_4kB, format == 0)
                              .set(SMMU_IDR2::PTFSv8_16kB, format == 1)
                              .set(SMMU_IDR2::PTFSv8_64kB, format == 2));
        ASSERT_EQ(rig.start(), "");
        Device* const device = rig.add(StreamId(7));
        const auto domain = rig.domain();
        ASSERT_TRUE(domain->set_nesting(true));
        unsigned bits = std::min(address_bits(inputs), address_bits(outputs));
        if (format == 3) bits = std::min(bits, 40U);
        const std::uint64_t last = (std::uint64_t{1} << bits) - 1;
        EXPECT_EQ(domain->geometry(), (Geometry{Iova(0), Iova(last)}));
        const std::uint64_t sizes = domain->page_sizes();
        ASSERT_TRUE(device->group().attach(*domain));
        EXPECT_EQ(domain->geometry(), (Geometry{Iova(0), Iova(last)}));
        EXPECT_EQ(domain->page_sizes(), sizes);
        EXPECT_TRUE(device->group().detach());
      }
    }
  }
}

TEST(DriverV2Hostile, QuirksThatDoNotFitAreRefusedAtOnce) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.domain();
  const std::errc kInvalid = std::errc::invalid_argument;
  // Walks are coherent here.
  const PgtableQuirks kNone[] = {{.non_secure = true},
                                 {.outer_write_back = true},
                                 {.dirty = true},
                                 {.s2fwb = true},
                                 {.xnx = true}};
  for (const PgtableQuirks& quirks : kNone) {
    const auto set = domain->set_quirks(quirks);
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error(), kInvalid);
  }
  const Geometry lower = domain->geometry();
  // Stage 2 has no upper half.
  ASSERT_TRUE(domain->set_quirks({.ttbr1 = true}));
  const auto nesting = domain->set_nesting(true);
  ASSERT_FALSE(nesting);
  EXPECT_EQ(nesting.error(), kInvalid);
  EXPECT_FALSE(domain->nesting());
  ASSERT_TRUE(domain->set_quirks({}));
  ASSERT_TRUE(domain->set_nesting(true));
  const auto upper = domain->set_quirks({.ttbr1 = true});
  ASSERT_FALSE(upper);
  EXPECT_EQ(upper.error(), kInvalid);
  EXPECT_EQ(domain->geometry(), lower);
  ASSERT_TRUE(domain->set_quirks({.contiguous = true, .split_blocks = true}));
  Device* const device = rig.add(StreamId(7));
  ASSERT_TRUE(device->group().attach(*domain));
  EXPECT_TRUE(domain->driver_domain().tables()->config().quirks.contiguous);
  EXPECT_TRUE(device->group().detach());
}

TEST(DriverV2Hostile, AMaskThatGroupsDoNotKeepIsRefused) {
  ScriptedRig rig;
  rig.registers.kept_of_smr = 0x80ff'03ff;
  ASSERT_EQ(rig.start(), "");
  EXPECT_TRUE(rig.iommu->add_device({.name = "a", .streams = {{StreamId(0x300), 0xff}}}));
  for (const StreamMatch stream : {StreamMatch{StreamId(0x400)}, StreamMatch{StreamId(0), 0x100}}) {
    const auto refused = rig.iommu->add_device({.name = "b", .streams = {stream}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), std::errc::invalid_argument);
  }
}

TEST(DriverV2Hostile, AnAttachThatGetsNoMemoryChangesNothing) {
  for (const bool pages : {true, false}) {
    ScriptedRig rig;
    ASSERT_EQ(rig.start(), "");
    Device* const device = rig.add(StreamId(7));
    bool done = false;
    unsigned failures = 0;
    for (std::uint64_t most = 0; !done; ++most) {
      ASSERT_LT(most, 100U);
      const auto domain = rig.domain();
      rig.registers.take();
      std::optional<HeapRefusal> heap;
      if (pages) {
        rig.pool->grant(most);
      } else {
        heap.emplace(most);
      }
      const auto attached =
          rig.driver->attach(*device, {AttachKind::kDomain, &domain->driver_domain()});
      heap.reset();
      rig.pool->grant(PagePool::kUnlimited);
      done = attached.has_value();
      if (done) {
        EXPECT_TRUE(rig.driver->attach(*device, {AttachKind::kIdentity}));
        continue;
      }
      ++failures;
      EXPECT_EQ(attached.error(), std::errc::not_enough_memory);
      EXPECT_FALSE(rig.registers.touched());
      EXPECT_EQ(domain->driver_domain().tables(), nullptr);
      EXPECT_EQ(rig.pool->live(), 0U);
      // What could be chosen can be again.
      EXPECT_TRUE(domain->set_nesting(true));
    }
    EXPECT_GT(failures, 0U) << (pages ? "pages" : "operator new");
    // No bank was lost on the way: there are three for stage 1.
    std::vector<std::unique_ptr<Domain>> domains;
    for (int n = 0; n != 3; ++n) {
      domains.push_back(rig.domain());
      EXPECT_TRUE(
          rig.driver->attach(*device, {AttachKind::kDomain, &domains.back()->driver_domain()}));
    }
    EXPECT_TRUE(rig.driver->attach(*device, {AttachKind::kIdentity}));
  }
}

TEST(DriverV2Hostile, ADeviceThatGetsNoMemoryTakesNoStreamMappingGroup) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  rig.add(StreamId(7));
  const DeviceConfig config{.name = "b", .streams = {{StreamId(8)}, {StreamId(9)}, {StreamId(10)}}};
  rig.registers.take();
  Device* added = nullptr;
  unsigned failures = 0;
  for (std::uint64_t most = 0; added == nullptr; ++most) {
    ASSERT_LT(most, 100U);
    DeviceConfig copy = config;
    std::optional<HeapRefusal> heap(most);
    const auto made = rig.iommu->add_device(std::move(copy));
    heap.reset();
    if (made) {
      added = *made;
      continue;
    }
    ++failures;
    EXPECT_EQ(made.error(), std::errc::not_enough_memory);
    // The other device's group is as it was.
    EXPECT_THAT(rig.registers.take_writes(),
                ::testing::Not(::testing::Contains(HasSubstr("SMR0"))));
  }
  EXPECT_GE(failures, 2U);
  const auto domain = rig.domain();
  ASSERT_TRUE(added->group().attach(*domain));
  EXPECT_TRUE(added->group().detach());
  // It can go and come back.
  rig.iommu->remove_device(*added);
  EXPECT_TRUE(rig.iommu->add_device(config));
}

// No domain, and no bank that is lost, where there is no memory for one.
TEST(DriverV2Hostile, ADomainThatGetsNoMemoryLeavesNothing) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  Device* const device = rig.add(StreamId(7));
  unsigned failures = 0;
  for (std::uint64_t most = 0;; ++most) {
    ASSERT_LT(most, 100U);
    std::optional<HeapRefusal> heap(most);
    auto made = rig.iommu->create_domain(DomainType::kUnmanaged);
    heap.reset();
    if (!made) {
      ++failures;
      EXPECT_EQ(made.error(), std::errc::not_enough_memory);
      continue;
    }
    ASSERT_TRUE(device->group().attach(**made));
    EXPECT_TRUE(device->group().detach());
    break;
  }
  EXPECT_GE(failures, 2U);
}

TEST(DriverV2Hostile, AnSmmuThatGetsNoMemoryIsNotSwitchedOn) {
  ScriptedRig rig;
  unsigned failures = 0;
  for (std::uint64_t most = 0;; ++most) {
    ASSERT_LT(most, 100U);
    rig.registers.take();
    std::optional<HeapRefusal> heap(most);
    auto made = SmmuV2Driver::create(rig.config);
    heap.reset();
    if (made) break;
    ++failures;
    EXPECT_THAT(made.error(), HasSubstr("no memory"));
    EXPECT_FALSE(rig.registers.get<v2::SMMU_sCR0>().raw() == 0);
  }
  EXPECT_GE(failures, 3U);
}

TEST(DriverV2Hostile, WithoutAccessesOf64BitsTablesAreOfAArch32) {
  ScriptedRig rig;
  rig.config.register_access = SmmuV2DriverConfig::RegisterAccess::k32Bits;
  ASSERT_EQ(rig.start(), "");
  Device* const device = rig.add(StreamId(7));
  const auto domain = rig.domain();
  EXPECT_EQ(domain->geometry(), (Geometry{Iova(0), Iova(0xffff'ffff)}));
  rig.registers.take();
  ASSERT_TRUE(device->group().attach(*domain));
  const std::uint64_t root = domain->driver_domain().tables()->registers().root.value;
  const auto writes = rig.registers.take_writes();
  ASSERT_GE(writes.size(), 11U);
  EXPECT_EQ(writes[0], "write SMMU_CBA2R1 0x0");
  EXPECT_EQ(writes[2], "write SMMU_CB1_TCR2 0x38002");    // SEP upstream, 40 bits
  EXPECT_EQ(writes[3], "write SMMU_CB1_TCR 0x80803500");  // EAE, EPD1
  EXPECT_EQ(writes[4], "write SMMU_CB1_TTBR0[63:32] 0x10000");
  EXPECT_EQ(writes[5], fmt::format("write SMMU_CB1_TTBR0 {:#x}", root));
  ASSERT_TRUE(domain->map(Iova(0x1234'5000), rig.kPa, 4096, kReadWrite));
  EXPECT_EQ(domain->unmap(Iova(0x1234'5000), 4096), 4096U);
  EXPECT_THAT(
      rig.registers.take_writes(),
      ::testing::ElementsAre("write SMMU_CB1_TLBIVAL 0x12345001", "write SMMU_CB1_TLBSYNC 0x0"));
  EXPECT_THAT(rig.registers.take_wide_writes(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace smmu::testing::hostile_test
