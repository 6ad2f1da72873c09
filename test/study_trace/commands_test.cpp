// The subcommands, as a user types them.
#include "bench/study/trace/commands.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bench/study/trace/reader.h"
#include "test/study_trace/temporary_folder.h"

namespace smmu::study::commands_test {
namespace {

struct Output {
  int status;
  std::string out;
  std::string err;
};

Output run(const std::string& arguments) {
  CLI::App app("", "smmu-study");
  app.require_subcommand(1);
  int status = 99;
  add_trace_commands(app, status);
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    status = app.exit(error);
  }
  std::fflush(stdout);
  std::string out = ::testing::internal::GetCapturedStdout();
  return {status, std::move(out), ::testing::internal::GetCapturedStderr()};
}

TEST(TraceCommands, ATraceIsMadeOfEveryFormat) {
  const TemporaryFolder folder;
  folder.write("events", "x [001] 1: map: IOMMU: iova=0x10000 paddr=0x0 size=65536\n");
  folder.write("csv", "op,id,pages\nalloc,1,3\n");
  folder.write("text", "iova-trace 1 generated\ndomain granule=4096 start=1\n");
  const std::string to = folder.path("to.gz");
  const std::vector<std::pair<std::string, std::string>> sources = {
      {fmt::format("linux {}", committed_capture("iova-linux-6.12/trace.txt.gz")),
       "recorded, 20 domains, 50000 requests, 40436 frees"},
      {fmt::format("capture {}", committed_capture("linux-6.1-strict")),
       "inferred, 4 domains, 10509 requests, 9859 frees"},
      {fmt::format("events {} --granule 65536", folder.path("events")),
       "inferred, 1 domains, 1 requests, 0 frees"},
      {fmt::format("csv {} --start 0x8", folder.path("csv")),
       "recorded, 1 domains, 1 requests, 0 frees"},
      {fmt::format("text {}", folder.path("text")), "generated, 1 domains, 0 requests, 0 frees"},
  };
  for (const auto& [from, says] : sources) {
    const Output made = run(fmt::format("trace --from {} --to {}", from, to));
    EXPECT_EQ(made.status, 0) << made.err;
    EXPECT_TRUE(made.out.starts_with(fmt::format("{}: {}\n", to, says))) << made.out;
    EXPECT_FALSE(read_trace(to).domains.empty());
  }
  EXPECT_EQ(
      run(fmt::format("trace --from csv {} --start 8 --to {}", folder.path("csv"), to)).status, 0);
  EXPECT_EQ(read_trace(to).domains[0].start, 8u);
}

TEST(TraceCommands, AModelTakesItsParameters) {
  const TemporaryFolder folder;
  const std::string to = folder.path("to");
  const Output nic =
      run(fmt::format("generate nic --queues 2 --ring 16 --operations 500 --seed 7 --to {}", to));
  EXPECT_EQ(nic.status, 0) << nic.err;
  Trace trace = read_trace(to);
  EXPECT_EQ(trace.provenance, Provenance::kGenerated);
  EXPECT_EQ(trace.domains[0].operations.size(), 500u);
  ASSERT_EQ(trace.notes.size(), 1u);
  EXPECT_TRUE(trace.notes[0].starts_with("generated: nic --queues 2 --ring 16 ")) << trace.notes[0];
  const Output nvme =
      run(fmt::format("generate nvme --depth 4 --largest-pages 0x40 --limit 0xfff --granule 16384 "
                      "--start 3 --to {}",
                      to));
  EXPECT_EQ(nvme.status, 0) << nvme.err;
  trace = read_trace(to);
  EXPECT_EQ(trace.domains[0].granule, 16384u);
  EXPECT_EQ(trace.domains[0].start, 3u);
  EXPECT_EQ(trace.domains[0].operations[0].limit, 0xfffu);
}

TEST(TraceCommands, BadUsageIsASentenceAndTwo) {
  const TemporaryFolder folder;
  const std::string csv = folder.write("csv", "op,id,pages\nalloc,1,3\n");
  const std::string to = folder.path("to");
  const std::vector<std::pair<std::string, std::string>> wrongs = {
      {fmt::format("trace --from pcap {} --to {}", csv, to),
       "--from: expected one of text, linux, capture, events, csv, found \"pcap\"."},
      {fmt::format("trace --from csv {} --granule 4K --to {}", csv, to),
       "--granule: expected a number, found \"4K\"."},
      {fmt::format("trace --from linux {} --granule 4096 --to {}", csv, to),
       "--granule: expected none, for the file says it."},
      {fmt::format("trace --from events {} --start 8 --to {}", csv, to),
       "--start: expected none, for it is an option of csv alone."},
      {fmt::format("trace --from csv {} --granule 3 --to {}", csv, to),
       "--granule: expected a power of two from 2 on, found 3."},
      {fmt::format("trace --from events {} --granule 1 --to {}", csv, to),
       "--granule: expected a power of two from 2 on, found 1."},
      {fmt::format("trace --from csv {} --start 0xffffffffffffffff --to {}", csv, to),
       "--start: expected a page up to 0xfffffffffffff, found 0xffffffffffffffff."},
      {fmt::format("trace --from csv {}none --to {}", folder.path(), to),
       fmt::format("{}none: expected a file that can be read.", folder.path())},
      {fmt::format("trace --from csv {} --to {}none/to", csv, folder.path()),
       fmt::format("{}none/to: expected a file that can be written.", folder.path())},
      {fmt::format("generate nic --queues -1 --to {}", to),
       "--queues: expected a number, found \"-1\"."},
      {fmt::format("generate nic --queues 0 --to {}", to),
       "generate: expected from 1 to 1024 queues."},
      {fmt::format("generate nvme --seed 18446744073709551616 --to {}", to),
       "--seed: expected a number, found \"18446744073709551616\"."},
  };
  for (const auto& [arguments, sentence] : wrongs) {
    const Output wrong = run(arguments);
    EXPECT_EQ(wrong.status, 2) << arguments;
    EXPECT_EQ(wrong.err, fmt::format("smmu-study: {}\n", sentence));
  }
}

TEST(TraceCommands, ATraceThatCannotBeWrittenWholeIsSaid) {
  const Output full = run("generate nvme --to /dev/full");
  EXPECT_EQ(full.status, 2);
  EXPECT_EQ(full.err, "smmu-study: /dev/full: expected a file that can be written.\n");
}

}  // namespace
}  // namespace smmu::study::commands_test
