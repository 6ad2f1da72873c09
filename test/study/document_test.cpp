// The files that a run writes: read again, put together, and refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/study/contention.h"
#include "bench/study/document.h"
#include "bench/study/document_json.h"
#include "bench/study/table.h"

namespace smmu::study::document_test {
namespace {

using ::testing::HasSubstr;

// A cell's measurement, made up, and different for each.
Measurement made_up(const Cell& cell, std::uint64_t which) {
  Measurement measured;
  if (which % 5 == 4) {
    measured.not_measured = "too many visits to set up";
    return measured;
  }
  const auto some = static_cast<std::uint32_t>(which);
  measured.operations = 1000 + which;
  measured.live = which;
  measured.refusals = which % 3;
  measured.bytes_per_range = 64.25;
  measured.visits = 1.0 / 3;
  measured.worst_visits = 2 * which;
  measured.operation = 12.5;
  measured.allocate = {1000, 1, 2, 3 + some, 4 + some};
  measured.free = {1000, 5, 6, 7 + some, 8 + some};
  measured.longest = 8 + some;
  if (cell.n == 0) measured.live_before_refusal = 196'000 + which;
  if (cell.workload == kContended) {
    measured.held = Percentiles{1, 2, 3, 4, 5};
    measured.waited = Percentiles{6, 7, 8, 9, 10 + some};
    measured.operations_per_second = 1e6 / 3;
  }
  return measured;
}

Document document(const Shard& shard = {}) {
  Document made{{"a processor", "a compiler"},
                {.workloads = {"lifo", "near_full", "contended"},
                 .allocators = {"highest_gap", "two_trees", "bump"},
                 .n = {10, 4'000'000},
                 .seed = ~std::uint64_t{0},
                 .operations = 5},
                shard,
                {}};
  std::uint64_t which = shard.index;
  for (const Cell& cell : cells_of(made.selection, shard)) {
    made.results.push_back({cell, made_up(cell, which)});
    which += shard.of;
  }
  return made;
}

Document counted() {
  Document made = document();
  made.selection.count = true;
  made.results.clear();
  for (const Cell& cell : cells_of(made.selection)) {
    Measurement measured;
    measured.operations = 3;
    measured.counts = Counts{100.5, 1.25, 0, 0.1};
    made.results.push_back({cell, measured});
  }
  return made;
}

// Removed with what is in it.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "study-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  std::string file(const std::string& name, const Document& document) const {
    return file(name, json_of(document));
  }

 private:
  std::filesystem::path path_;
};

std::string refusal_of(const std::string& text) {
  try {
    (void)document_of(text);
    return "none";
  } catch (const BadDocument& bad) {
    return (bad.line() == 0 ? "" : std::to_string(bad.line()) + ": ") + bad.what();
  }
}

// The text of document(), with the first of one thing replaced by another.
std::string damaged(const std::string& from, const std::string& to) {
  std::string text = json_of(document());
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("no " + from);
  return text.replace(at, from.size(), to);
}

TEST(Document, IsReadAsItWasWritten) {
  for (const Document& written : {document(), counted(), document({2, 3})}) {
    const std::string text = json_of(written);
    EXPECT_EQ(json_of(document_of(text)), text);
  }
}

TEST(Document, IsTheSumOfItsShards) {
  const Folder folder;
  std::vector<std::string> files;
  for (const std::uint64_t index : {3U, 1U, 4U, 2U}) {
    files.push_back(folder.file(std::to_string(index), document({index, 4})));
  }
  EXPECT_EQ(json_of(merge(files)), json_of(document()));
}

TEST(Document, IsNotPutTogetherFromWhatDoesNotBelongTogether) {
  const Folder folder;
  const std::string first = folder.file("first", document({1, 2}));
  const auto refusal = [&](const Document& other, const std::string& name) {
    try {
      (void)merge({first, folder.file(name, other)});
      return std::string("none");
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
  };
  EXPECT_THAT(refusal(document({1, 2}), "again"), HasSubstr("found 1/2 as in"));
  EXPECT_THAT(refusal(document({2, 3}), "thirds"), HasSubstr("expected a shard of 2"));
  Document other = document({2, 2});
  other.selection.seed = 1;
  EXPECT_THAT(refusal(other, "seed"), HasSubstr("seed: expected the selection of"));
  other = document({2, 2});
  other.machine.processor = "another";
  EXPECT_THAT(refusal(other, "machine"), HasSubstr("found those of another"));
  EXPECT_EQ(refusal(document({2, 2}), "second"), "none");
  EXPECT_THROW((void)merge({first}), std::runtime_error);
}

TEST(Document, OfWhatIsNoneIsRefusedWithASentence) {
  EXPECT_THAT(refusal_of(""), HasSubstr("1: expected JSON"));
  EXPECT_THAT(refusal_of(damaged("\"cells\": [", "\"cells\": [[")), HasSubstr(": expected JSON"));
  EXPECT_THAT(refusal_of(std::string(1'000'000, '[')), HasSubstr("expected JSON"));
  EXPECT_THAT(refusal_of("[]"), HasSubstr("expected an object at /"));
  EXPECT_THAT(refusal_of("{}"), HasSubstr("expected a member \"format\""));
  EXPECT_THAT(refusal_of(damaged("iova 1", "iova 2")),
              HasSubstr("\"smmu-study iova 1\" at /format"));
  EXPECT_THAT(refusal_of(damaged("\"lifo\"", "\"lifi\"")), HasSubstr("/selection/workloads/0"));
  EXPECT_THAT(refusal_of(damaged("\"bump\"", "\"two_trees\"")),
              HasSubstr("/selection/allocators/2"));
  EXPECT_THAT(refusal_of(damaged("4000000", "4000001")), HasSubstr("/selection/n/1"));
  EXPECT_THAT(refusal_of(damaged("4000000", "10")), HasSubstr("/selection/n/1"));
  EXPECT_THAT(refusal_of(damaged("\"of\": 1", "\"of\": 18446744073709551615")),
              HasSubstr("/shard/of"));
  EXPECT_THAT(refusal_of(damaged("\"index\": 1", "\"index\": 2")), HasSubstr("/shard/index"));
  EXPECT_THAT(refusal_of(damaged("\"of\": 1", "\"of\": 2")),
              HasSubstr("expected an array of at most"));
  EXPECT_THAT(refusal_of(damaged("\"n\": 10,", "\"n\": 11,")), HasSubstr("at /cells/0"));
  EXPECT_THAT(refusal_of(damaged("\"worst visits\": 2", "\"worst visits\": -2")),
              HasSubstr("/cells/0/worst visits"));
  EXPECT_THAT(refusal_of(damaged("\"p99.9\": 4", "\"p99.9\": 4294967296")),
              HasSubstr("/cells/0/allocate ns/p99.9"));
  EXPECT_THAT(refusal_of(damaged("\"visits\": 0.3", "\"visits\": \"0.3\", \"v\": 0.3")),
              HasSubstr("expected a number at /cells/0/visits"));
}

TEST(Document, ThatCannotBeReadOrWrittenIsNamed) {
  const Folder folder;
  try {
    (void)read_document(folder.file("bad.json", "{\n\n,"));
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("bad.json:3: expected JSON"));
  }
  EXPECT_THROW((void)read_document("/dev/zero"), std::runtime_error);
  EXPECT_THROW((void)read_document("/nonexistent"), std::runtime_error);
  EXPECT_THROW(expect_writable("/nonexistent/file"), std::runtime_error);
  const std::string name = ::testing::TempDir() + "study_expect_writable";
  std::filesystem::remove(name);
  expect_writable(name);
  EXPECT_FALSE(std::filesystem::exists(name));
  EXPECT_THROW(write_document(document(), "/dev/full"), std::runtime_error);
}

TEST(Table, ShowsEveryCell) {
  const std::string text = table_of(document().results, false);
  for (const char* const word :
       {"lifo", "near_full", "contended", "4000000", "196", "not measured: too many visits"}) {
    EXPECT_THAT(text, HasSubstr(word));
  }
  EXPECT_THAT(table_of(counted().results, true), HasSubstr("100.50"));
}

}  // namespace
}  // namespace smmu::study::document_test
