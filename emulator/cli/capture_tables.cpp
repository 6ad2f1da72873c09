#include "emulator/cli/capture_tables.h"

#include <fmt/format.h>

#include <string_view>

#include "emulator/cli/input.h"
#include "emulator/cli/tsv.h"

namespace smmu::cli {

namespace {

using std::string_view;

constexpr std::uint64_t kMaxLevel = 3;

std::uint32_t stream_in(const Tsv& tsv, std::size_t column) {
  return static_cast<std::uint32_t>(tsv.number(column, kMax32));
}

Allows allows_in(const Tsv& tsv, std::size_t column) {
  const string_view text = tsv.text(column);
  if (text == "r") return {.read = true, .write = false};
  if (text == "rw") return {.read = true, .write = true};
  if (text == "w") return {.read = false, .write = true};
  tsv.reject(column, "r, w or rw");
}

std::uint64_t flag_in(const Tsv& tsv, std::size_t column) { return tsv.number(column, 1); }

// `N` numbers with commas between them.
template <std::size_t N>
std::array<std::uint64_t, N> words_in(const Tsv& tsv, std::size_t column) {
  std::array<std::uint64_t, N> words{};
  string_view rest = tsv.text(column);
  for (std::size_t i = 0; i < N; ++i) {
    const std::size_t comma = rest.find(',');
    const auto word = parse_number(rest.substr(0, comma));
    const bool last = comma == string_view::npos;
    if (!word || last != (i + 1 == N)) {
      tsv.reject(column, fmt::format("{} numbers with commas between them", N));
    }
    words[i] = *word;
    if (!last) rest.remove_prefix(comma + 1);
  }
  return words;
}

std::vector<WalkStep> steps_in(const Tsv& tsv, std::size_t column) {
  std::vector<WalkStep> steps;
  string_view rest = tsv.text(column);
  while (true) {
    const string_view step = rest.substr(0, rest.find(' '));
    const std::size_t first = step.find(':');
    const std::size_t second = first == string_view::npos ? first : step.find(':', first + 1);
    if (second == string_view::npos) tsv.reject(column, "steps \"LEVEL:ADDRESS:DESCRIPTOR\"");
    const auto level = parse_number(step.substr(0, first));
    const auto address = parse_number(step.substr(first + 1, second - first - 1));
    const auto descriptor = parse_number(step.substr(second + 1));
    if (!level || *level > kMaxLevel || !address || *address % 8 != 0 ||
        *address >= kPhysicalLimit || !descriptor) {
      tsv.reject(column, "steps \"LEVEL:ADDRESS:DESCRIPTOR\"");
    }
    if (!steps.empty() && static_cast<int>(*level) != steps.back().level + 1) {
      tsv.reject(column, "levels one after another");
    }
    steps.push_back({static_cast<int>(*level), *address, *descriptor});
    if (step.size() == rest.size()) return steps;
    rest.remove_prefix(step.size() + 1);
  }
}

}  // namespace

std::vector<RecordedTranslation> load_translations(const std::filesystem::path& file) {
  enum : std::size_t { kSid, kIova, kPa, kPerm, kCount };
  static constexpr string_view kColumns[] = {"sid", "iova", "pa", "perm", "count"};
  std::vector<RecordedTranslation> result;
  for (Tsv tsv(file, kColumns); tsv.next();) {
    tsv.number(kCount);
    result.push_back({tsv.line(), stream_in(tsv, kSid), tsv.number(kIova), tsv.number(kPa),
                      allows_in(tsv, kPerm)});
  }
  return result;
}

std::vector<Mapping> load_mappings(const std::filesystem::path& file) {
  enum : std::size_t {
    kSid,
    kAsid,
    kIova,
    kPa,
    kSize,
    kLevel,
    kDescriptor,
    kAddress,
    kAttrIndx,
    kMair,
    kSh,
    kAp,
    kAf,
    kNg,
    kCont,
    kDbm,
    kPxn,
    kXn
  };
  static constexpr string_view kColumns[] = {
      "sid",      "asid",      "iova", "pa", "size", "level", "descriptor", "descriptor_address",
      "attrindx", "mair_attr", "sh",   "ap", "af",   "ng",    "cont",       "dbm",
      "pxn",      "xn"};
  std::vector<Mapping> result;
  for (Tsv tsv(file, kColumns); tsv.next();) {
    result.push_back({.line = tsv.line(),
                      .stream = stream_in(tsv, kSid),
                      .asid = tsv.number(kAsid, 0xffff),
                      .iova = tsv.number(kIova),
                      .pa = tsv.number(kPa),
                      .size = tsv.number(kSize),
                      .level = tsv.number(kLevel, kMaxLevel),
                      .descriptor = tsv.number(kDescriptor),
                      .descriptor_address = tsv.number(kAddress),
                      .attrindx = tsv.number(kAttrIndx, 7),
                      .mair_attr = tsv.number(kMair, 0xff),
                      .sh = tsv.number(kSh, 3),
                      .ap = tsv.number(kAp, 3),
                      .af = flag_in(tsv, kAf),
                      .ng = flag_in(tsv, kNg),
                      .cont = flag_in(tsv, kCont),
                      .dbm = flag_in(tsv, kDbm),
                      .pxn = flag_in(tsv, kPxn),
                      .xn = flag_in(tsv, kXn)});
  }
  return result;
}

std::vector<RecordedStream> load_streams(const std::filesystem::path& file) {
  enum : std::size_t { kSid, kSteAddress, kSte, kKind, kCdAddress, kCd };
  static constexpr string_view kColumns[] = {"sid",  "ste_address", "ste_words",
                                             "kind", "cd_address",  "cd_words"};
  std::vector<RecordedStream> result;
  for (Tsv tsv(file, kColumns); tsv.next();) {
    RecordedStream stream{.line = tsv.line(),
                          .stream = stream_in(tsv, kSid),
                          .ste_address = tsv.number(kSteAddress),
                          .ste = words_in<8>(tsv, kSte),
                          .kind = std::string(tsv.text(kKind)),
                          .cd_address = std::nullopt,
                          .cd = std::nullopt};
    if (stream.kind == "s1") {
      stream.cd_address = tsv.number(kCdAddress);
      stream.cd = words_in<8>(tsv, kCd);
    }
    result.push_back(std::move(stream));
  }
  return result;
}

std::vector<RecordedFault> load_faults(const std::filesystem::path& file) {
  enum : std::size_t { kSid, kIova, kEvent, kLevel, kAccess };
  static constexpr string_view kColumns[] = {"sid", "iova", "event", "level", "access"};
  std::vector<RecordedFault> result;
  for (Tsv tsv(file, kColumns); tsv.next();) {
    const auto event = event_of_name(tsv.text(kEvent));
    if (!event) tsv.reject(kEvent, "the name of an event");
    const string_view access = tsv.text(kAccess);
    if (access != "r" && access != "w") tsv.reject(kAccess, "r or w");
    // No descriptor, no level.
    const bool level = tsv.text(kLevel) != "-" && !tsv.text(kLevel).empty();
    result.push_back({tsv.line(), stream_in(tsv, kSid), tsv.number(kIova), *event,
                      level ? static_cast<int>(tsv.number(kLevel, kMaxLevel)) : -1, access == "w"});
  }
  return result;
}

std::vector<RecordedEvent> load_events(const std::filesystem::path& file) {
  enum : std::size_t { kNumber, kType, kSid, kDword0 };
  static constexpr string_view kColumns[] = {"number", "type",   "sid",   "dword0",
                                             "dword1", "dword2", "dword3"};
  std::vector<RecordedEvent> result;
  for (Tsv tsv(file, kColumns); tsv.next();) {
    RecordedEvent event{.line = tsv.line(), .words = {}};
    for (std::size_t i = 0; i < event.words.size(); ++i) event.words[i] = tsv.number(kDword0 + i);
    if (tsv.number(kNumber) != result.size()) {
      tsv.reject(kNumber, fmt::format("the number {}", result.size()));
    }
    const v3::EventHeader header(event.words);
    const auto type = event_of_name(tsv.text(kType));
    if (!type || *type != header[v3::EventHeader::EventNumber]) {
      tsv.reject(kType, "the name of the event in dword0");
    }
    if (stream_in(tsv, kSid) != header[v3::EventHeader::StreamID]) {
      tsv.reject(kSid, "the StreamID in dword0");
    }
    result.push_back(event);
  }
  return result;
}

std::vector<RecordedBypass> load_bypass(const std::filesystem::path& file) {
  enum : std::size_t { kSid, kKind, kIova, kCount };
  static constexpr string_view kColumns[] = {"sid", "kind", "iova", "count"};
  std::vector<RecordedBypass> result;
  for (Tsv tsv(file, kColumns); tsv.next();) {
    tsv.number(kCount);
    const string_view text = tsv.text(kKind);
    BypassKind kind{};
    if (text == "disable")
      kind = BypassKind::kDisable;
    else if (text == "bypass")
      kind = BypassKind::kBypass;
    else if (text == "abort")
      kind = BypassKind::kAbort;
    else
      tsv.reject(kKind, "disable, bypass or abort");
    result.push_back({tsv.line(), stream_in(tsv, kSid), kind, tsv.number(kIova)});
  }
  return result;
}

std::vector<RecordedWalk> load_walks(const std::filesystem::path& file) {
  enum : std::size_t { kSid, kAsid, kIova, kPa, kPerm, kCount, kWalk };
  static constexpr string_view kColumns[] = {"sid", "asid", "iova", "pa", "perm", "count", "walk"};
  std::vector<RecordedWalk> result;
  for (Tsv tsv(file, kColumns); tsv.next();) {
    tsv.number(kCount);
    result.push_back({tsv.line(), stream_in(tsv, kSid), tsv.number(kAsid, 0xffff),
                      tsv.number(kIova), tsv.number(kPa), allows_in(tsv, kPerm),
                      steps_in(tsv, kWalk)});
  }
  return result;
}

std::vector<RecordedCommand> load_commands(const std::filesystem::path& file) {
  enum : std::size_t { kNumber, kAddress, kDword0, kDword1 };
  static constexpr string_view kColumns[] = {"number", "address", "dword0", "dword1"};
  std::vector<RecordedCommand> result;
  for (Tsv tsv(file, kColumns); tsv.next();) {
    if (tsv.number(kNumber) != result.size()) {
      tsv.reject(kNumber, fmt::format("the number {}", result.size()));
    }
    if (tsv.number(kAddress, kPhysicalLimit - 1) % 16 != 0)
      tsv.reject(kAddress, "a multiple of 16");
    result.push_back(
        {tsv.line(), tsv.number(kAddress), {tsv.number(kDword0), tsv.number(kDword1)}});
  }
  return result;
}

}  // namespace smmu::cli
