#include "emulator/cli/maps.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "emulator/cli/capture.h"
#include "emulator/cli/input.h"
#include "emulator/cli/machine.h"
#include "emulator/cli/meanings.h"
#include "emulator/cli/table_walk.h"
#include "emulator/cli/terminal.h"

namespace smmu::cli {

namespace {

using Json = nlohmann::ordered_json;

// Leaves that follow each other at both ends of the translation and are alike.
struct Run {
  const Leaf* first;
  std::uint64_t bytes;
  std::map<std::uint64_t, std::uint64_t> leaves;  // how many of which size
};

bool continues(const Run& run, const Leaf& leaf) {
  const Mapping& a = run.first->mapping;
  const Mapping& b = leaf.mapping;
  return b.iova == a.iova + run.bytes && b.pa == a.pa + run.bytes &&
         leaf.unprivileged == run.first->unprivileged && leaf.usable == run.first->usable &&
         b.mair_attr == a.mair_attr && b.sh == a.sh && b.ap == a.ap && b.ng == a.ng &&
         b.pxn == a.pxn && b.xn == a.xn;
}

std::vector<Run> runs_of(const std::vector<Leaf>& leaves) {
  std::vector<Run> runs;
  for (const Leaf& leaf : leaves) {
    if (runs.empty() || !continues(runs.back(), leaf)) runs.push_back({&leaf, 0, {}});
    runs.back().bytes += leaf.mapping.size;
    ++runs.back().leaves[leaf.mapping.size];
  }
  return runs;
}

std::string leaves_text(const Run& run) {
  std::string text;
  for (const auto& [size, count] : run.leaves) {
    text += fmt::format("{}{} x {}", text.empty() ? "" : " + ", count, byte_size(size));
  }
  return text;
}

void print_stream(const Stream& stream, const std::vector<Half>& halves, const TableWalk& walk,
                  const Paint& paint) {
  const v3::CD& cd = *stream.cd;
  fmt::print("{}  ASID {}", paint.bold(fmt::format("stream {:#x}", stream.id)), cd[v3::CD::ASID]);
  for (const Half& half : halves) {
    fmt::print(", {} {:#x}: {} pages, {}-bit input", half.upper ? "TTB1" : "TTB0", half.table,
               half.granule.name(), half.input_bits);
  }
  const std::vector<Run> runs = runs_of(walk.leaves);
  fmt::print("; {} leaves in {} runs\n", walk.leaves.size(), runs.size());
  if (!runs.empty()) {
    fmt::print("{}\n", paint.dim(fmt::format("  {:<37}  {:<18}  {:>9}  {:<6}  {:<28}  {}", "iova",
                                             "pa", "size", "access", "memory", "leaves")));
  }
  for (const Run& run : runs) {
    const Mapping& first = run.first->mapping;
    const std::string access =
        fmt::format("{}{}{}", run.first->unprivileged.read ? 'r' : '-',
                    run.first->unprivileged.write ? 'w' : '-', run.first->usable ? "" : " !");
    fmt::print("  {:<37}  {:<18}  {:>9}  {:<6}  {:<28}  {}\n",
               fmt::format("{:#x} - {:#x}", first.iova, first.iova + (run.bytes - 1)),
               fmt::format("{:#x}", first.pa), byte_size(run.bytes), access,
               fmt::format("{} {}", memory_type(first.mair_attr), meaning_of("", "SH", first.sh)),
               leaves_text(run));
  }
  for (const std::uint64_t table : walk.missing_tables) {
    fmt::print("  {}\n", paint.bad(fmt::format("the table at {:#x} is not in memory.txt", table)));
  }
  fmt::print("\n");
}

Json to_json(const Leaf& leaf) {
  const Mapping& m = leaf.mapping;
  return {{"sid", fmt::format("{:#x}", m.stream)},
          {"asid", m.asid},
          {"iova", fmt::format("{:#x}", m.iova)},
          {"pa", fmt::format("{:#x}", m.pa)},
          {"size", fmt::format("{:#x}", m.size)},
          {"level", m.level},
          {"descriptor", fmt::format("{:#x}", m.descriptor)},
          {"descriptor_address", fmt::format("{:#x}", m.descriptor_address)},
          {"attrindx", m.attrindx},
          {"mair_attr", fmt::format("{:#04x}", m.mair_attr)},
          {"sh", m.sh},
          {"ap", m.ap},
          {"af", m.af},
          {"ng", m.ng},
          {"cont", m.cont},
          {"dbm", m.dbm},
          {"pxn", m.pxn},
          {"xn", m.xn},
          {"unprivileged", fmt::format("{}{}", leaf.unprivileged.read ? 'r' : '-',
                                       leaf.unprivileged.write ? 'w' : '-')}};
}

}  // namespace

bool print_maps(const MapsOptions& options) {
  const RegisterValues registers = load_registers(options.folder);
  const MemoryImage memory = MemoryImage::load(options.folder);
  // What the tables mean is only known of an SMMU that can be modelled.
  const Machine model(configuration(registers), {}, (options.folder / "registers.txt").string());
  Budget budget((options.folder / "memory.txt").string());
  std::vector<Stream> streams = find_streams(registers, memory, budget);
  std::erase_if(streams, [&](const Stream& stream) {
    return !stream.translates_stage1() || !stream.cd ||
           (options.stream && stream.id != *options.stream);
  });
  if (options.stream && streams.empty()) {
    throw BadInput(fmt::format(
        "--sid: expected a stream of {} that stage 1 translates, found none of number {:#x}.",
        options.folder.string(), *options.stream));
  }

  // Everything is walked before the first line is printed.
  std::vector<TableWalk> walks;
  for (const Stream& stream : streams)
    walks.push_back(walk_tables(stream, registers, memory, budget));
  const bool complete =
      std::ranges::all_of(walks, [](const TableWalk& walk) { return walk.missing_tables.empty(); });
  if (options.output.json) {
    Json leaves = Json::array();
    Json missing = Json::array();
    for (const TableWalk& walk : walks) {
      for (const Leaf& leaf : walk.leaves) leaves.push_back(to_json(leaf));
      for (const std::uint64_t table : walk.missing_tables)
        missing.push_back(fmt::format("{:#x}", table));
    }
    fmt::print("{}\n", Json{{"leaves", leaves}, {"missing_tables", missing}}.dump(2));
    return complete;
  }
  const Paint paint = Paint::for_stdout();
  for (std::size_t i = 0; i < streams.size(); ++i) {
    print_stream(streams[i], halves(*streams[i].cd, registers), walks[i], paint);
  }
  if (streams.empty()) fmt::print("No stream is translated by stage 1.\n");
  return complete;
}

}  // namespace smmu::cli
