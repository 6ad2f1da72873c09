#include "bench/study/trace/text_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "bench/study/trace/builder.h"

namespace smmu::study {

namespace {

constexpr std::string_view kMagic = "iova-trace";
constexpr std::string_view kVersion = "1";
constexpr std::string_view kNote = "note";

// The value of "key=value".
std::optional<std::string_view> value_of(std::string_view word, std::string_view key) {
  if (!word.starts_with(key) || word.substr(key.size(), 1) != "=") return std::nullopt;
  return word.substr(key.size() + 1);
}

void read_domain(const Lines& lines, const Words& words, TraceBuilder& builder) {
  constexpr std::string_view kForm = "\"domain granule=BYTES start=PAGE [name=WORD]\"";
  const auto granule = value_of(words[1], "granule");
  const auto start = value_of(words[2], "start");
  const auto name = words.size() == 4 ? value_of(words[3], "name") : std::string_view();
  if (words.size() < 3 || words.size() > 4 || !granule || !start || !name) lines.reject(kForm);
  const auto bytes = parse_number(*granule);
  const auto page = parse_number(*start);
  if (!bytes) lines.reject("a granule that is a power of two", *granule);
  if (!page) lines.reject("the number of a page", *start);
  builder.begin_domain(*bytes, *page, *name);
}

void read_alloc(const Lines& lines, const Words& words, TraceBuilder& builder) {
  constexpr std::string_view kForm =
      "\"alloc PAGES LIMIT natural|any [by THREAD] -> ID [at PAGE]\" or \"... -> refused\"";
  // After what is always there.
  std::size_t next = 4;
  Operation operation;
  if (words[next] == "by") {
    operation.thread = builder.thread(words[next + 1]);
    next += 2;
  }
  if (words[next] != "->" || words.size() < next + 2) lines.reject(kForm);
  const std::string_view id_word = words[next + 1];
  next += 2;
  operation.pages = builder.pages(words[1], parse_number(words[1]));
  const auto limit = parse_number(words[2]);
  if (!limit) lines.reject("the number of a page", words[2]);
  operation.limit = *limit;
  if (words[3] != "natural" && words[3] != "any") lines.reject("natural or any", words[3]);
  operation.alignment = words[3] == "natural" ? Alignment::kNatural : Alignment::kNone;

  if (id_word == "refused") {
    if (words.size() != next) lines.reject("nothing after refused", words[next]);
    builder.allocate_refused(operation);
    return;
  }
  const auto id = parse_number(id_word);
  if (!id) lines.reject("an id or refused", id_word);
  if (words[next] == "at") {
    const auto first = parse_number(words[next + 1]);
    if (!first) lines.reject("the number of a page", words[next + 1]);
    operation.answer = Answer::kFirst;
    operation.first = *first;
    next += 2;
  }
  if (words.size() != next) lines.reject(kForm);
  builder.allocate(operation, *id);
}

void read_free(const Lines& lines, const Words& words, TraceBuilder& builder) {
  const bool has_thread = words.size() == 4 && words[2] == "by";
  if (words.size() != 2 && !has_thread) lines.reject("\"free ID [by THREAD]\"");
  const auto id = parse_number(words[1]);
  if (!id) lines.reject("an id", words[1]);
  builder.free(*id, has_thread ? builder.thread(words[3]) : std::uint16_t{0});
}

void write_operation(const Operation& operation, std::back_insert_iterator<std::string> out) {
  const auto thread = [&] {
    if (operation.thread != 0) fmt::format_to(out, " by {}", operation.thread);
  };
  if (operation.kind == Operation::Kind::kFree) {
    fmt::format_to(out, "free {}", operation.slot);
    thread();
  } else {
    fmt::format_to(out, "alloc {} {:#x} {}", operation.pages, operation.limit,
                   operation.alignment == Alignment::kNatural ? "natural" : "any");
    thread();
    if (operation.answer == Answer::kRefused) {
      fmt::format_to(out, " -> refused");
    } else {
      fmt::format_to(out, " -> {}", operation.slot);
    }
    if (operation.answer == Answer::kFirst) fmt::format_to(out, " at {:#x}", operation.first);
  }
  *out = '\n';
}

}  // namespace

bool is_text_format(std::string_view first_line) { return Words(first_line)[0] == kMagic; }

Trace read_text(Lines& lines) {
  const Words header(lines.text());
  if (header[0] != kMagic || header.size() != 3) {
    lines.reject("\"iova-trace 1 recorded|inferred|generated\"");
  }
  if (header[1] != kVersion) lines.reject("version 1, which is all there is", header[1]);
  const auto provenance = provenance_of(header[2]);
  if (!provenance) lines.reject("recorded, inferred or generated", header[2]);

  TraceBuilder builder(lines);
  while (lines.next_said()) {
    const Words words(lines.text());
    const std::string_view verb = words[0];
    if (verb == kNote) {
      std::string_view text = lines.text();
      text.remove_prefix(text.find(kNote) + kNote.size());
      builder.note(text.substr(text.empty() ? 0 : 1));
    } else if (verb == "domain") {
      read_domain(lines, words, builder);
    } else if (verb != "alloc" && verb != "free") {
      lines.reject("a line that begins with note, domain, alloc or free");
    } else if (!builder.in_domain()) {
      lines.reject("a domain before the first request");
    } else if (verb == "alloc") {
      read_alloc(lines, words, builder);
    } else {
      read_free(lines, words, builder);
    }
  }
  return builder.take(*provenance);
}

void write_text(const Trace& trace, const std::function<void(std::string_view)>& sink) {
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "{} {} {}\n", kMagic, kVersion, name_of(trace.provenance));
  for (const std::string& note : trace.notes) fmt::format_to(out, "{} {}\n", kNote, note);
  for (const TraceDomain& domain : trace.domains) {
    fmt::format_to(out, "domain granule={} start={:#x}", domain.granule, domain.start);
    if (!domain.name.empty()) fmt::format_to(out, " name={}", domain.name);
    text += '\n';
    for (const Operation& operation : domain.operations) {
      write_operation(operation, out);
      if (text.size() < kPiece) continue;
      sink(text);
      text.clear();
    }
  }
  sink(text);
}

std::string write_text(const Trace& trace) {
  std::string text;
  write_text(trace, [&text](std::string_view piece) { text += piece; });
  return text;
}

}  // namespace smmu::study
