#include "bench/study/trace/linux_format.h"

#include <optional>

#include "bench/study/trace/builder.h"

namespace smmu::study {

namespace {

constexpr std::string_view kGranule = "granule=";
constexpr std::string_view kStart = "start_pfn=";

void read_domain(const Lines& lines, const Words& words, TraceBuilder& builder) {
  if (words.size() != 3 || !words[1].starts_with(kGranule) || !words[2].starts_with(kStart)) {
    lines.reject("\"domain granule=BYTES start_pfn=PAGE\"");
  }
  const std::string_view granule = words[1].substr(kGranule.size());
  const std::string_view start = words[2].substr(kStart.size());
  const auto bytes = parse_decimal(granule);
  const auto page = parse_decimal(start);
  if (!bytes) lines.reject("a granule that is a power of two", granule);
  if (!page) lines.reject("the number of a page, decimal", start);
  builder.begin_domain(*bytes, *page, "");
}

void read_request(const Lines& lines, const Words& words, TraceBuilder& builder) {
  constexpr std::string_view kForm =
      "\"a SIZE LIMIT ALIGNED PAGE ID\" or \"a SIZE LIMIT ALIGNED fail\"";
  const bool refused = words[4] == "fail";
  if (words.size() != (refused ? 5U : 6U)) lines.reject(kForm);
  Operation operation;
  operation.pages = builder.pages(words[1], parse_decimal(words[1]));
  const auto limit = parse_hexadecimal(words[2]);
  if (!limit) lines.reject("the number of a page, hexadecimal without 0x", words[2]);
  operation.limit = *limit;
  if (words[3] != "0" && words[3] != "1") lines.reject("0 or 1 for the alignment", words[3]);
  operation.alignment = words[3] == "1" ? Alignment::kNatural : Alignment::kNone;
  if (refused) return builder.allocate_refused(operation);

  const auto first = parse_hexadecimal(words[4]);
  if (!first) lines.reject("fail or the number of a page, hexadecimal without 0x", words[4]);
  const auto id = parse_decimal(words[5]);
  if (!id) lines.reject("an id, decimal", words[5]);
  operation.answer = Answer::kFirst;
  operation.first = *first;
  builder.allocate(operation, *id);
}

}  // namespace

bool is_linux_format(std::string_view first_line) { return Words(first_line)[0] == "domain"; }

Trace read_linux(Lines& lines) {
  TraceBuilder builder(lines);
  do {
    const Words words(lines.text());
    if (words[0] == "domain") {
      read_domain(lines, words, builder);
    } else if (words[0] != "a" && words[0] != "f") {
      lines.reject("a line that begins with domain, a or f");
    } else if (!builder.in_domain()) {
      lines.reject("a domain before the first request");
    } else if (words[0] == "a") {
      read_request(lines, words, builder);
    } else {
      const auto id = parse_decimal(words[1]);
      if (words.size() != 2 || !id) lines.reject("\"f ID\"");
      builder.free(*id, 0);
    }
  } while (lines.next_said());
  return builder.take(Provenance::kRecorded);
}

}  // namespace smmu::study
