// Traces made up: the same parameters, the same trace, and the model's rules kept.
#include "bench/study/trace/generator.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "bench/study/trace/replay.h"
#include "bench/study/trace/text_format.h"
#include "test/study_trace/check_trace.h"
#include "test/study_trace/domain_allocator.h"

namespace smmu::study::generator_test {
namespace {

// 64-bit FNV-1a.
std::uint64_t sum_of(std::string_view text) {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return sum;
}

TEST(Generator, TheSameParametersMakeTheSameTrace) {
  EXPECT_EQ(write_text(generate(NicOptions())), write_text(generate(NicOptions())));
  EXPECT_EQ(write_text(generate(NvmeOptions())), write_text(generate(NvmeOptions())));
  NicOptions nic;
  nic.common.seed = 2;
  EXPECT_NE(write_text(generate(nic)), write_text(generate(NicOptions())));
}

// On every machine and with every library: pictures made of them can be made again.
TEST(Generator, TheTracesAreThoseOfEveryOtherMachine) {
  EXPECT_EQ(sum_of(write_text(generate(NicOptions()))), 229390100603552725u);
  EXPECT_EQ(sum_of(write_text(generate(NvmeOptions()))), 15703366159432189988u);
}

TEST(Generator, TracesAreValidAndAsLongAsAsked) {
  for (const std::uint64_t operations : {1U, 2U, 777U, 20'000U}) {
    NicOptions nic;
    nic.common.operations = operations;
    NvmeOptions nvme;
    nvme.common.operations = operations;
    for (const Trace& trace : {generate(nic), generate(nvme)}) {
      EXPECT_EQ(wrong_with(trace), "");
      EXPECT_EQ(trace.provenance, Provenance::kGenerated);
      EXPECT_EQ(trace.domains[0].operations.size(), operations);
    }
  }
}

struct Shape {
  std::uint64_t peak_live = 0;
  std::uint64_t out_of_order = 0;  // frees of what is not the oldest of its thread
  std::uint64_t by_another = 0;    // frees by another thread than the one that allocated
  std::map<std::uint64_t, std::uint64_t> requests;  // by pages
  std::uint64_t threads = 0;
};

Shape shape_of(const Trace& trace) {
  Shape shape;
  std::map<Slot, std::pair<std::size_t, std::uint16_t>> live;  // when and by whom
  std::map<std::uint16_t, std::map<std::size_t, Slot>> ages;
  const auto& operations = trace.domains[0].operations;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const Operation& operation = operations[i];
    shape.threads = std::max<std::uint64_t>(shape.threads, operation.thread + 1U);
    if (operation.kind == Operation::Kind::kAllocate) {
      ++shape.requests[operation.pages];
      live[operation.slot] = {i, operation.thread};
      ages[operation.thread][i] = operation.slot;
      shape.peak_live = std::max<std::uint64_t>(shape.peak_live, live.size());
    } else {
      const auto [when, thread] = live[operation.slot];
      shape.out_of_order += ages[thread].begin()->first != when;
      shape.by_another += thread != operation.thread;
      ages[thread].erase(when);
      live.erase(operation.slot);
    }
  }
  return shape;
}

TEST(Generator, ANetworkCardFreesInOrderAndSendsFromOtherThreads) {
  NicOptions options;
  options.queues = 3;
  options.ring = 64;
  options.buffer_pages = 2;
  const Shape shape = shape_of(generate(options));
  EXPECT_EQ(shape.threads, 6u);
  EXPECT_EQ(shape.out_of_order, 0u);
  EXPECT_GT(shape.by_another, 10'000u);
  // Rings of one buffer an entry, and of four fragments an entry at most.
  EXPECT_GT(shape.peak_live, 3u * 64);
  EXPECT_LE(shape.peak_live, 3u * 64 * 5);
  EXPECT_GT(shape.requests.at(2), 10'000u);
}

TEST(Generator, ADiskCompletesInAnyOrderUpToItsDepth) {
  NvmeOptions options;
  options.queues = 2;
  options.depth = 32;
  const Shape shape = shape_of(generate(options));
  EXPECT_EQ(shape.threads, 2u);
  EXPECT_EQ(shape.by_another, 0u);
  EXPECT_GT(shape.out_of_order, 40'000u);
  EXPECT_EQ(shape.peak_live, 2u * 32);
  std::uint64_t all = 0;
  for (const auto& [pages, count] : shape.requests) all += count;
  EXPECT_EQ(shape.requests.size(), 6u);  // 1, 2, 4, 8, 16, 32
  EXPECT_NEAR(static_cast<double>(shape.requests.at(1)) / static_cast<double>(all), 0.5, 0.02);
  EXPECT_NEAR(static_cast<double>(shape.requests.at(32)) / static_cast<double>(all), 0.1, 0.02);
}

TEST(Generator, TracesFitIntoTheSpace) {
  for (const Trace& trace : {generate(NicOptions()), generate(NvmeOptions())}) {
    const ReplayOutcome outcome = replay(trace, test_allocators()[0]);
    EXPECT_EQ(outcome.refused, 0u);
    EXPECT_EQ(outcome.frees_left_out, 0u);
  }
}

TEST(Generator, EveryWrongParameterHasItsSentence) {
  const auto nic = [](auto change) {
    NicOptions options;
    change(options);
    return complaint(options).value_or("");
  };
  const auto nvme = [](auto change) {
    NvmeOptions options;
    change(options);
    return complaint(options).value_or("");
  };
  EXPECT_EQ(nic([](auto&) {}), "");
  EXPECT_EQ(nvme([](auto&) {}), "");
  EXPECT_EQ(nic([](auto& o) { o.queues = 0; }), "expected from 1 to 1024 queues");
  EXPECT_EQ(nic([](auto& o) { o.queues = 1025; }), "expected from 1 to 1024 queues");
  EXPECT_EQ(nic([](auto& o) { o.ring = 0; }), "expected rings of 1 to 65536 entries");
  EXPECT_EQ(nic([](auto& o) { o.burst = 0; }), "expected bursts of 1 to 65536 packets");
  EXPECT_EQ(nic([](auto& o) { o.fragments = 65; }), "expected packets of 1 to 64 fragments");
  EXPECT_EQ(nic([](auto& o) { o.buffer_pages = 0; }),
            "expected buffers and fragments of 1 page at least");
  EXPECT_EQ(nic([](auto& o) { o.fragment_pages = ~std::uint64_t{0}; }),
            "expected at most 4503599627370495 pages");
  EXPECT_EQ(nic([](auto& o) { o.queues = 1024, o.ring = 65536, o.fragments = 64; }),
            "expected at most 4194304 live ranges, found 4362076160");
  EXPECT_EQ(nic([](auto& o) { o.common.operations = 0; }), "expected from 1 to 8388608 operations");
  EXPECT_EQ(nic([](auto& o) { o.common.granule = 0; }),
            "expected a granule that is a power of two");
  EXPECT_EQ(nic([](auto& o) { o.common.start = ~std::uint64_t{0}; }),
            "expected a start up to 0xfffffffffffff");
  EXPECT_EQ(nvme([](auto& o) { o.queues = 0; }), "expected from 1 to 1024 queues");
  EXPECT_EQ(nvme([](auto& o) { o.depth = 65537; }), "expected a depth of 1 to 65536 requests");
  EXPECT_EQ(nvme([](auto& o) { o.burst = 0; }), "expected bursts of 1 to 65536 requests");
  EXPECT_EQ(nvme([](auto& o) { o.largest_pages = 3; }),
            "expected a largest request of a power of two of pages");
  EXPECT_EQ(nvme([](auto& o) { o.common.operations = kMaxOperations + 1; }),
            "expected from 1 to 8388608 operations");
}

}  // namespace
}  // namespace smmu::study::generator_test
