// Requests inferred from what an SMMU was seen to translate and told to invalidate.
#include "bench/study/trace/capture.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>

#include "bench/study/trace/text_format.h"
#include "smmu/arch/v3/commands_tlb.h"
#include "test/study_trace/check_trace.h"
#include "test/study_trace/temporary_folder.h"

namespace smmu::study::capture_test {
namespace {

constexpr char kStreams[] =
    "sid\tkind\tasid\tgranule\tttb0\n"
    "0x10\ts1\t1\t4K\t0x40000000\n"
    "0x18\ts1\t2\t4K\t0x50000000\n"
    "0x20\ts1\t2\t4K\t0x50000000\n"
    "0x28\tbypass\t\t\t\n";

// A walk of the tables at `root` that ends at `level`, and the translation it gives.
std::string translation(std::uint64_t sid, std::uint64_t iova, std::uint64_t root = 0x4000'0000,
                        unsigned level = 3) {
  std::string text = fmt::format("P {:#x} 0x1 L0\n", root + 8);
  for (unsigned at = 1; at <= level; ++at) text += fmt::format("P 0x60000000 0x1 L{}\n", at);
  return text + fmt::format("T {:#x} {:#x} 0x70000000 3\n", sid, iova);
}

template <class Command>
std::string command(Command command) {
  command.set(Command::Opcode, Command::kOpcode);
  return fmt::format("C 1 {:#x} {:#x}\n", command.word(0), command.word(1));
}

std::string invalidation(std::uint32_t asid, std::uint64_t address, std::uint32_t pages = 1) {
  using VA = v3::CMD_TLBI_NH_VA;
  return command(VA().set(VA::ASID, asid)
                     .set(VA::Address, address)
                     .set(VA::NUM, pages - 1)
                     .set(VA::TG, CommandTG::k4K)
                     .set(VA::TTL, 3));
}

constexpr char kSync[] = "C 2 0xfc02046 0x0\n";

Trace infer(const TemporaryFolder& folder, std::string_view timeline,
            std::string_view streams = kStreams) {
  folder.write("streams.tsv", streams);
  folder.write("timeline.txt", timeline);
  Trace trace = infer_from_capture(folder.path());
  EXPECT_EQ(wrong_with(trace), "");
  EXPECT_EQ(overlap_in(trace), "");
  return trace;
}

std::string story_of(const Trace& trace) {
  Trace bare;
  bare.domains = trace.domains;
  const std::string text = write_text(bare);
  return text.substr(text.find("\ndomain") + 1);
}

const std::string kFirst = "domain granule=4096 start=0x1 name=asid-1\n";
const std::string kSecond = "domain granule=4096 start=0x1 name=asid-2\n";

TEST(CaptureTrace, TheFirstTranslationAllocatesAndTheCoveringInvalidationFrees) {
  const TemporaryFolder folder;
  const Trace trace = infer(
      folder, fmt::format("{}{}{}{}{}{}", translation(0x10, 0xffff'b002),
                          translation(0x10, 0xffff'bff0), invalidation(2, 0xffff'b000),
                          invalidation(1, 0xffff'b000), kSync, translation(0x10, 0xffff'b000)));
  EXPECT_EQ(trace.provenance, Provenance::kInferred);
  EXPECT_EQ(story_of(trace), fmt::format("{}alloc 1 0xfffff natural -> 0 at 0xffffb\nfree 0\n"
                                         "alloc 1 0xfffff natural -> 0 at 0xffffb\n{}",
                                         kFirst, kSecond));
}

TEST(CaptureTrace, StreamsOfOneAsidAreOneDomain) {
  const TemporaryFolder folder;
  const Trace trace = infer(folder, fmt::format("{}{}{}", translation(0x18, 0x1000, 0x5000'0000),
                                                translation(0x20, 0x1000, 0x5000'0000),
                                                translation(0x20, 0x2000, 0x5000'0000)));
  EXPECT_EQ(story_of(trace), fmt::format("{}{}alloc 1 0xfffff natural -> 0 at 0x1\n"
                                         "alloc 1 0xfffff natural -> 1 at 0x2\n",
                                         kFirst, kSecond));
}

TEST(CaptureTrace, PagesInvalidatedInOneGoWereOneRange) {
  const TemporaryFolder folder;
  // Two commands of a batch, side by side: four pages, of which one was never used.
  const std::string used = fmt::format("{}{}{}", translation(0x10, 0x8000),
                                       translation(0x10, 0x9000), translation(0x10, 0xb000));
  EXPECT_EQ(story_of(infer(folder, fmt::format("{}{}{}{}", used, invalidation(1, 0x8000, 2),
                                               invalidation(1, 0xa000, 2), kSync))),
            fmt::format("{}alloc 4 0xfffff natural -> 0 at 0x8\nfree 0\n{}", kFirst, kSecond));
  // With a CMD_SYNC between, or in another order, they are two.
  const std::string two =
      "alloc 2 0xfffff natural -> 0 at 0x8\nalloc 2 0xfffff natural -> 1 at 0xa\n";
  EXPECT_EQ(story_of(infer(folder, fmt::format("{}{}{}{}", used, invalidation(1, 0x8000, 2), kSync,
                                               invalidation(1, 0xa000, 2)))),
            fmt::format("{}{}free 0\nfree 1\n{}", kFirst, two, kSecond));
  EXPECT_EQ(story_of(infer(folder, fmt::format("{}{}{}", used, invalidation(1, 0xa000, 2),
                                               invalidation(1, 0x8000, 2)))),
            fmt::format("{}{}free 1\nfree 0\n{}", kFirst, two, kSecond));
}

TEST(CaptureTrace, ABlockIsAsManyPagesAsItsLevelSays) {
  const TemporaryFolder folder;
  const std::string block = translation(0x10, 0x4012'3456, 0x4000'0000, 2);
  const std::string allocated =
      fmt::format("{}alloc 512 0xfffff natural -> 0 at 0x40000\n", kFirst);
  EXPECT_EQ(story_of(infer(folder, block)), fmt::format("{}{}", allocated, kSecond));
  // It is gone with any of its pages.
  EXPECT_EQ(story_of(infer(folder, fmt::format("{}{}", block, invalidation(1, 0x4010'0000)))),
            fmt::format("{}free 0\n{}", allocated, kSecond));
  EXPECT_EQ(story_of(infer(folder, translation(0x10, 0x4012'3456, 0x4000'0000, 1))),
            fmt::format("{}alloc 262144 0xfffff natural -> 0 at 0x40000\n{}", kFirst, kSecond));
}

TEST(CaptureTrace, CommandsForAllOfASpaceFreeEachRangeByItself) {
  const TemporaryFolder folder;
  const std::string used =
      fmt::format("{}{}{}", translation(0x10, 0x8000), translation(0x10, 0x9000),
                  translation(0x18, 0x8000, 0x5000'0000));
  const std::string first = fmt::format(
      "{}alloc 1 0xfffff natural -> 0 at 0x8\nalloc 1 0xfffff natural -> 1 at 0x9\n", kFirst);
  const std::string second = fmt::format("{}alloc 1 0xfffff natural -> 0 at 0x8\n", kSecond);
  using ASID = v3::CMD_TLBI_NH_ASID;
  EXPECT_EQ(story_of(infer(folder, used + command(ASID().set(ASID::ASID, 1)))),
            fmt::format("{}free 0\nfree 1\n{}", first, second));
  for (const std::string& all :
       {command(v3::CMD_TLBI_NH_ALL()), command(v3::CMD_TLBI_NSNH_ALL())}) {
    EXPECT_EQ(story_of(infer(folder, used + all)),
              fmt::format("{}free 0\nfree 1\n{}free 0\n", first, second));
  }
  using VAA = v3::CMD_TLBI_NH_VAA;
  EXPECT_EQ(story_of(infer(folder, used + command(VAA().set(VAA::Address, 0x8000)))),
            fmt::format("{}free 0\n{}free 0\n", first, second));
}

TEST(CaptureTrace, RangesReachAsFarAsTheirFieldsSay) {
  const TemporaryFolder folder;
  using VA = v3::CMD_TLBI_NH_VA;
  const auto range = [](std::uint32_t num, std::uint32_t scale, CommandTG tg) {
    return command(VA().set(VA::ASID, 1)
                       .set(VA::Address, 0x4000)
                       .set(VA::NUM, num)
                       .set(VA::SCALE, scale)
                       .set(VA::TG, tg));
  };
  const std::string used = translation(0x10, 0x4000);
  const auto pages_of = [&](const std::string& invalidating) {
    return infer(folder, used + invalidating).domains[0].operations[0].pages;
  };
  EXPECT_EQ(pages_of(range(0, 0, CommandTG::k4K)), 1u);
  EXPECT_EQ(pages_of(range(2, 7, CommandTG::k4K)), 3u * 128);
  EXPECT_EQ(pages_of(range(0, 0, CommandTG::k16K)), 4u);
  EXPECT_EQ(pages_of(range(1, 0, CommandTG::k64K)), 32u);
  // Without TG there is no range.
  EXPECT_EQ(pages_of(range(2, 7, CommandTG::kAny)), 1u);
  // To the end of the space, and no further.
  EXPECT_EQ(pages_of(range(31, 63, CommandTG::k64K)), (std::uint64_t{1} << 52) - 4);
}

TEST(CaptureTrace, TranslationsByOtherTablesAreLeftOut) {
  const TemporaryFolder folder;
  const Trace trace =
      infer(folder, fmt::format("{}{}{}", translation(0x10, 0x8000, 0x4100'0000),
                                translation(0x99, 0x8000), "T 0x10 0x8000 0x8000 3\n"));
  EXPECT_EQ(story_of(trace), fmt::format("{}{}", kFirst, kSecond));
  EXPECT_EQ(trace.notes[2],
            "3 translations, of which 3 are of address spaces that streams.tsv does not name and 0 "
            "overlap what is live");
}

TEST(CaptureTrace, ACommittedCaptureMakesAPlausibleTrace) {
  const Trace trace = infer_from_capture(committed_capture("linux-6.1-strict"));
  EXPECT_EQ(wrong_with(trace), "");
  EXPECT_EQ(overlap_in(trace), "");
  ASSERT_EQ(trace.domains.size(), 4u);
  std::size_t requests = 0;
  std::size_t larger = 0;
  for (const TraceDomain& domain : trace.domains) {
    for (const Operation& operation : domain.operations) {
      if (operation.kind == Operation::Kind::kFree) continue;
      ++requests;
      larger += operation.pages > 1;
      // Linux aligned every request, so a range that was joined wrongly would show here.
      EXPECT_EQ(operation.alignment, Alignment::kNatural) << operation.line;
      EXPECT_EQ(operation.limit, 0xf'ffffu) << operation.line;
      EXPECT_LE(operation.pages, 256u) << operation.line;
    }
  }
  EXPECT_GT(requests, 10'000u);
  EXPECT_GT(larger, 1'000u);
}

TEST(CaptureTrace, EveryWrongFileHasItsSentence) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> timelines = {
      {"X 1",
       "timeline.txt:1: expected a line that begins with one of W R C S D P T B F E, found "
       "\"X 1\"."},
      {"", ""},
      {"P x 0x1 L0", "timeline.txt:1: expected a number, found \"x\"."},
      {"P 0x1 0x1 L4", "timeline.txt:1: expected the level of a table, L0 to L3, found \"L4\"."},
      {"T 0x10", "timeline.txt:1: expected a number, found \"\"."},
      {"C 0 0x12", "timeline.txt:1: expected a number, found \"\"."},
      {"C 0 0x12 0x10000000000000000",
       "timeline.txt:1: expected a number, found \"0x10000000000000000\"."},
  };
  for (const auto& [text, sentence] : timelines) {
    EXPECT_EQ(complaint_of(folder, [&, &text = text] { infer(folder, text); }), sentence) << text;
  }
  const std::string heading = "sid\tkind\tasid\tgranule\tttb0\n";
  const std::vector<std::pair<std::string, std::string>> streams = {
      {"", "streams.tsv: expected a heading, found nothing."},
      {"sid\tkind\n",
       "streams.tsv:1: expected a heading with the column asid, found \"sid kind\"."},
      {heading + "1\n", "streams.tsv:2: expected 5 columns, found \"1\"."},
      {heading + "x\ts1\t1\t4K\t0\n",
       "streams.tsv:2: expected the number of a stream, found \"x\"."},
      {heading + "1\ts1\tx\t4K\t0\n", "streams.tsv:2: expected an ASID, found \"x\"."},
      {heading + "1\ts1\t1\t8K\t0\n",
       "streams.tsv:2: expected a granule of 4K, 16K or 64K, found \"8K\"."},
      {heading + "1\ts1\t1\t4K\t-\n",
       "streams.tsv:2: expected the address of a table, found \"-\"."},
      {heading + "1\ts1\t1\t4K\t0\n1\ts1\t1\t4K\t0\n",
       "streams.tsv:3: expected each stream once, found \"1\"."},
      {heading + "1\ts1\t1\t4K\t0\n2\ts1\t1\t4K\t8\n",
       "streams.tsv:3: expected the table that ASID 1 had before, found \"8\"."},
  };
  for (const auto& [text, sentence] : streams) {
    EXPECT_EQ(complaint_of(folder, [&, &text = text] { infer(folder, "", text); }), sentence)
        << text;
  }
  const std::string none = complaint_of(folder, [&] { infer(folder, "", heading); });
  EXPECT_NE(none.find("expected a stream that stage 1 translates, found none."), std::string::npos);
  const TemporaryFolder empty;
  const std::string missing = complaint_of(empty, [&] { infer_from_capture(empty.path()); });
  EXPECT_NE(missing.find("expected a file streams.tsv or streams.tsv.gz, found neither."),
            std::string::npos)
      << missing;
  EXPECT_EQ(complaint_of(folder, [&] { infer_from_capture(folder.path("none")); }),
            "none: expected the folder of a capture.");
}

}  // namespace
}  // namespace smmu::study::capture_test
