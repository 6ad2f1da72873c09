#include <fmt/format.h>

#include <map>
#include <utility>

#include "emulator/cli/replay_checks.h"
#include "emulator/cli/session.h"
#include "emulator/cli/stream_tables.h"
#include "emulator/cli/table_walk.h"

namespace smmu::cli {

namespace {

using emulator::Content;
using emulator::Direction;
using emulator::Privilege;

// The columns of mappings.tsv after sid and iova, which say which mapping it is.
struct Column {
  const char* name;
  std::uint64_t Mapping::*value;
};
constexpr Column kColumns[] = {
    {"asid", &Mapping::asid},
    {"pa", &Mapping::pa},
    {"size", &Mapping::size},
    {"level", &Mapping::level},
    {"descriptor", &Mapping::descriptor},
    {"descriptor_address", &Mapping::descriptor_address},
    {"attrindx", &Mapping::attrindx},
    {"mair_attr", &Mapping::mair_attr},
    {"sh", &Mapping::sh},
    {"ap", &Mapping::ap},
    {"af", &Mapping::af},
    {"ng", &Mapping::ng},
    {"cont", &Mapping::cont},
    {"dbm", &Mapping::dbm},
    {"pxn", &Mapping::pxn},
    {"xn", &Mapping::xn},
};

Check check_streams(const Capture& capture, const std::vector<Stream>& streams) {
  Check check("streams found in memory");
  std::map<std::uint32_t, const Stream*> found;
  for (const Stream& stream : streams) found.emplace(stream.id, &stream);
  for (const RecordedStream& line : capture.streams) {
    ++check.compared;
    const auto disagree = [&](std::string_view what) {
      check.disagree(fmt::format("streams.tsv:{}: stream {:#x}: {}", line.line, line.stream, what));
    };
    const auto node = found.extract(line.stream);
    if (node.empty()) {
      disagree("the Stream table in memory.txt has no such stream, or its STE aborts");
      continue;
    }
    const Stream& stream = *node.mapped();
    if (stream.ste_address != line.ste_address) {
      disagree(
          fmt::format("its STE is at {:#x}, not at {:#x}", stream.ste_address, line.ste_address));
    } else if (stream.ste.words() != line.ste) {
      disagree("its STE has other words");
    } else if (line.cd_address && stream.cd_address != line.cd_address) {
      disagree("its CD is at another address");
    } else if (line.cd && (!stream.cd || stream.cd->words() != *line.cd)) {
      disagree("its CD has other words");
    }
  }
  for (const auto& [id, stream] : found) {
    ++check.compared;
    check.disagree(fmt::format("stream {:#x}, with an STE at {:#x}, is not in streams.tsv", id,
                               stream->ste_address));
  }
  return check;
}

Check check_leaves(const Capture& capture, const TableWalk& walk) {
  Check check("mappings found in memory");
  std::map<std::pair<std::uint32_t, std::uint64_t>, const Mapping*> found;
  for (const Leaf& leaf : walk.leaves) {
    found.emplace(std::pair(leaf.mapping.stream, leaf.mapping.iova), &leaf.mapping);
  }
  for (const Mapping& line : capture.mappings) {
    ++check.compared;
    const auto node = found.extract({line.stream, line.iova});
    if (node.empty()) {
      check.disagree(
          fmt::format("mappings.tsv:{}: stream {:#x}, {:#x}: the tables have no such leaf",
                      line.line, line.stream, line.iova));
      continue;
    }
    for (const Column& column : kColumns) {
      const std::uint64_t expected = line.*column.value;
      const std::uint64_t actual = node.mapped()->*column.value;
      if (expected == actual) continue;
      check.disagree(fmt::format(
          "mappings.tsv:{}: stream {:#x}, {:#x}: expected {} {:#x}, the tables have {:#x}",
          line.line, line.stream, line.iova, column.name, expected, actual));
      break;
    }
  }
  for (const auto& [key, mapping] : found) {
    ++check.compared;
    check.disagree(fmt::format("stream {:#x}, {:#x}: the leaf at {:#x} is not in mappings.tsv",
                               key.first, key.second, mapping->descriptor_address));
  }
  for (const std::uint64_t table : walk.missing_tables) {
    check.disagree(
        fmt::format("the table at {:#x}, which a descriptor names, is not in memory.txt", table));
  }
  return check;
}

Check check_port(const Capture& capture, const TableWalk& walk, const emulator::Caching& caching) {
  Check check("mappings through the port");
  Session session(capture, caching);
  for (const Leaf& leaf : walk.leaves) {
    ++check.compared;
    const Mapping& mapping = leaf.mapping;
    // A privileged access may read whatever an unprivileged one may not.
    const Privilege privilege =
        leaf.unprivileged.read ? Privilege::kUnprivileged : Privilege::kPrivileged;
    for (const std::uint64_t offset : {std::uint64_t{0}, mapping.size - 1}) {
      const Answer answer = session.driver().ask({.stream = StreamId(mapping.stream),
                                                  .address = Iova(mapping.iova + offset),
                                                  .privilege = privilege});
      const auto disagree = [&](std::string_view expected, std::string_view got) {
        check.disagree(fmt::format("stream {:#x}, read of {:#x}: expected {}, got {}",
                                   mapping.stream, mapping.iova + offset, expected, got));
      };
      const auto* translation = std::get_if<emulator::Translation>(&answer.outcome);
      if (!leaf.usable) {
        if (translation == nullptr) continue;
        disagree("a fault", to_text(answer.outcome));
        break;
      }
      if (translation == nullptr || translation->pa.value != mapping.pa + offset) {
        disagree(fmt::format("ok {:#x}", mapping.pa + offset), to_text(answer.outcome));
        break;
      }
      const bool write = translation->permissions.allow(Privilege::kUnprivileged, Direction::kWrite,
                                                        Content::kData);
      if (write != leaf.unprivileged.write) {
        disagree(leaf.unprivileged.write ? "writes allowed" : "no writes allowed",
                 write ? "writes allowed" : "no writes allowed");
        break;
      }
      if (translation->attributes.type != mapping.mair_attr) {
        disagree(fmt::format("memory type {:#04x}", mapping.mair_attr),
                 fmt::format("{:#04x}", translation->attributes.type));
        break;
      }
    }
  }
  if (!session.driver().complaint().empty()) check.disagree(session.driver().complaint());
  return check;
}

}  // namespace

std::vector<Check> check_mappings(const Capture& capture, const emulator::Caching& caching) {
  Budget budget((capture.folder / "memory.txt").string());
  const std::vector<Stream> streams = find_streams(capture.registers, capture.memory, budget);
  TableWalk all;
  for (const Stream& stream : streams) {
    TableWalk walk = walk_tables(stream, capture.registers, capture.memory, budget);
    all.leaves.insert(all.leaves.end(), walk.leaves.begin(), walk.leaves.end());
    all.missing_tables.insert(all.missing_tables.end(), walk.missing_tables.begin(),
                              walk.missing_tables.end());
  }
  return {check_streams(capture, streams), check_leaves(capture, all),
          check_port(capture, all, caching)};
}

}  // namespace smmu::cli
