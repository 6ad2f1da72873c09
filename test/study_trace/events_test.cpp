// What Linux's trace events print of maps and unmaps.
#include "bench/study/trace/events.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "bench/study/trace/text_format.h"
#include "test/study_trace/check_trace.h"
#include "test/study_trace/temporary_folder.h"

namespace smmu::study::events_test {
namespace {

Trace infer(const TemporaryFolder& folder, std::string_view text, std::uint64_t granule = 4096) {
  Lines lines(folder.write("t", text));
  Trace trace = infer_from_events(lines, granule);
  EXPECT_EQ(wrong_with(trace), "");
  EXPECT_EQ(overlap_in(trace), "");
  EXPECT_EQ(trace.provenance, Provenance::kInferred);
  return trace;
}

// Without header and notes.
std::string story_of(const Trace& trace) {
  Trace bare;
  bare.domains = trace.domains;
  const std::string text = write_text(bare);
  const std::size_t domain = text.find("\ndomain");
  return text.substr(text.find('\n', domain + 1) + 1);
}

bool notes(const Trace& trace, std::string_view note) {
  return std::find(trace.notes.begin(), trace.notes.end(), note) != trace.notes.end();
}

constexpr char kStory[] =
    "alloc 1 0xfffff natural by 3 -> 0 at 0xffffe\n"
    "alloc 2 0xfffff natural by 1 -> 1 at 0xffffc\n"
    "free 0 by 12\n"
    "free 1\n";

TEST(TraceEvents, FtraceOfNewerKernelsIsRead) {
  const TemporaryFolder folder;
  const Trace trace = infer(
      folder,
      "# tracer: nop\n"
      "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
      "    kworker/3:1H-219     [003] ..... 12.345678: map: IOMMU: iova=0x00000000ffffe000 - "
      "0x00000000fffff000 paddr=0x0000000041234000 size=4096\n"
      "   Chrome [7] x-219     [001] d..1. 12.345680: map: IOMMU: iova=0x00000000ffffc000 - "
      "0x00000000ffffe000 paddr=0x0000000041234000 size=8192\n"
      "          <idle>-0       [012] d.h1. 12.345690: unmap: IOMMU: iova=0x00000000ffffe000 - "
      "0x00000000fffff000 size=4096 unmapped_size=4096\n"
      "          <idle>-0       [000] d.h1. 12.345699: io_page_fault: IOMMU:pci 0000:00:02.0 "
      "iova=0x00000000ffffe000 flags=0x0001\n"
      "          <idle>-0       [000] d.h1. 12.345700: unmap: IOMMU: iova=0x00000000ffffc000 - "
      "0x00000000ffffe000 size=8192 unmapped_size=8192\n");
  EXPECT_EQ(story_of(trace), kStory);
  EXPECT_TRUE(notes(trace, "2 maps"));
  EXPECT_TRUE(notes(trace, "2 unmaps"));
}

TEST(TraceEvents, PerfScriptAndOlderKernelsAreRead) {
  const TemporaryFolder folder;
  const Trace trace =
      infer(folder,
            "swapper     0 [003]    12.345678:  iommu:map: IOMMU: iova=0x00000000ffffe000 "
            "paddr=0x0000000041234000 size=4096\n"
            "fio  1234/1235  [001]    12.345680:         iommu:map: IOMMU: iova=0x00000000ffffc000 "
            "paddr=0x0000000041234000 size=0x2000\n"
            "swapper     0 [012]    12.345690:       iommu:unmap: IOMMU: iova=0x00000000ffffe000 "
            "size=4096 unmapped_size=4096\n"
            "swapper     0    12.345691: iommu:unmap: IOMMU: iova=0x00000000ffffc000 size=0x2000 "
            "unmapped_size=0x2000\n");
  EXPECT_EQ(story_of(trace), kStory);
}

std::string map_line(std::uint64_t page, std::uint64_t pages) {
  return fmt::format("t-1 [000] 1.0: map: IOMMU: iova={:#018x} - {:#018x} paddr=0x1000 size={}\n",
                     page * 4096, (page + pages) * 4096, pages * 4096);
}

std::string unmap_line(std::uint64_t page, std::uint64_t pages) {
  return fmt::format(
      "t-1 [000] 1.0: unmap: IOMMU: iova={:#018x} - {:#018x} size={} unmapped_size={}\n",
      page * 4096, (page + pages) * 4096, pages * 4096, pages * 4096);
}

TEST(TraceEvents, AnUnmapOfSeveralMapsMakesThemOne) {
  const TemporaryFolder folder;
  const Trace trace = infer(folder, map_line(16, 4) + map_line(20, 1) + unmap_line(16, 5));
  EXPECT_EQ(story_of(trace), "alloc 5 0xfffff natural -> 0 at 0x10\nfree 0\n");
  EXPECT_TRUE(notes(trace, "1 unmaps that cover several maps"));
  EXPECT_TRUE(notes(trace, "1 maps joined to the one before, because one unmap covers them"));
}

TEST(TraceEvents, AnUnmapOfAPartFreesNothingYet) {
  const TemporaryFolder folder;
  const Trace trace = infer(folder, map_line(16, 4) + unmap_line(17, 1) + map_line(32, 1) +
                                        unmap_line(16, 1) + unmap_line(18, 2));
  EXPECT_EQ(story_of(trace),
            "alloc 4 0xfffff natural -> 0 at 0x10\nalloc 1 0xfffff natural -> 1 at 0x20\nfree 0\n");
  EXPECT_TRUE(
      notes(trace, "2 unmaps of a part of a map, which is free when all of it is unmapped"));
  EXPECT_TRUE(notes(trace, "1 ranges not unmapped at the end"));
}

TEST(TraceEvents, WhatDoesNotMatchIsCounted) {
  const TemporaryFolder folder;
  std::string text = unmap_line(1, 1);        // was mapped before the recording
  text += map_line(16, 4) + map_line(18, 1);  // of another domain?
  text += "CPU:3 [LOST 17 EVENTS]\n";
  text += unmap_line(14, 6);
  text += "t-1 [000] 1.0: unmap: IOMMU: iova=0x10000 - 0x11000 size=4096 unmapped_size=0\n";
  const Trace trace = infer(folder, text);
  EXPECT_EQ(story_of(trace), "alloc 4 0xfffff natural -> 0 at 0x10\nfree 0\n");
  EXPECT_TRUE(notes(trace, "1 unmaps of what was never seen mapped, left out"));
  EXPECT_TRUE(notes(trace, "1 unmaps that reach beyond what was seen mapped"));
  EXPECT_TRUE(notes(trace, "1 maps of what is mapped already, left out: several domains?"));
  EXPECT_TRUE(notes(trace, "1 maps and unmaps of nothing, left out"));
  EXPECT_TRUE(notes(trace, "1 places where events were lost"));
}

TEST(TraceEvents, WhatWasUnmappedCountsAndNotWhatWasAskedFor) {
  const TemporaryFolder folder;
  const Trace trace =
      infer(folder, fmt::format("{}t-1 [000] 1.0: unmap: IOMMU: iova=0x10000 - 0x11000 size=4096 "
                                "unmapped_size=16384\n",
                                map_line(16, 4)));
  EXPECT_EQ(story_of(trace), "alloc 4 0xfffff natural -> 0 at 0x10\nfree 0\n");
}

TEST(TraceEvents, EveryWrongLineHasItsSentence) {
  const TemporaryFolder folder;
  const std::string form =
      "expected \"IOMMU: iova=ADDRESS [- END] [paddr=ADDRESS] size=BYTES ...\", found ";
  const std::vector<std::pair<std::string, std::string>> wrongs = {
      {"x [000] 1: map: IOMMU: iova=0x1000", fmt::format("t:2: {}\"IOMMU: iova=0x1000\".", form)},
      {"x [000] 1: map: IOMMU: iova=what size=4096",
       fmt::format("t:2: {}\"IOMMU: iova=what size=4096\".", form)},
      {"x [000] 1: map: IOMMU: iova=0x1000 - 0x3000 paddr=0x0 size=4096",
       "t:2: expected an end that is iova and size, found \"0x3000\"."},
      {"x [000] 1: unmap: IOMMU: iova=0x1000 size=4096 unmapped_size=all",
       "t:2: expected unmapped_size=BYTES, found \"unmapped_size=all\"."},
      {"x [000] 1: map: IOMMU: iova=0x1010 paddr=0x0 size=4096",
       "t:2: expected an address and a size in granules of 4096 bytes, found \"0x1010, 4096\"."},
      {"x [000] 1: map: IOMMU: iova=0x1000 paddr=0x0 size=40",
       "t:2: expected an address and a size in granules of 4096 bytes, found \"0x1000, 40\"."},
      {"x [000] 1: map: IOMMU: iova=0xfffffffffffff000 paddr=0x0 size=8192",
       "t:2: expected a range that ends below 2^64, found \"0xfffffffffffff000, 8192\"."},
      {"x [000] 1: map: IOMMU: iova=0x1000 paddr=0x0 size=18446744073709551616",
       fmt::format("t:2: {}\"IOMMU: iova=0x1000 paddr=0x0 size=18446744073709551616\".", form)},
  };
  for (const auto& [line, sentence] : wrongs) {
    EXPECT_EQ(
        complaint_of(folder, [&, &line = line] { infer(folder, fmt::format("\n{}\n", line)); }),
        sentence);
  }
  EXPECT_EQ(complaint_of(folder, [&] { infer(folder, "x [000] 1: sched_switch: prev=1\n"); }),
            "t: expected lines of iommu:map and iommu:unmap, found none.");
}

TEST(TraceEvents, TheTopOfTheSpaceIsAPlaceLikeAnyOther) {
  const TemporaryFolder folder;
  const Trace trace = infer(folder,
                            "x [000] 1: map: IOMMU: iova=0xfffffffffffff000 - 0x0 paddr=0x0 "
                            "size=4096\nx [000] 2: unmap: IOMMU: iova=0x0 - 0x0 size=0 "
                            "unmapped_size=18446744073709547520\n");
  EXPECT_EQ(story_of(trace), "alloc 1 0xfffffffffffff natural -> 0 at 0xfffffffffffff\n");
}

}  // namespace
}  // namespace smmu::study::events_test
