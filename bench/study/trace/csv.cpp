#include "bench/study/trace/csv.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <string_view>

#include "bench/study/trace/builder.h"

namespace smmu::study {

namespace {

enum Column : std::size_t { kOp, kId, kPages, kLimit, kAlign, kThread, kFirst, kColumns };

constexpr std::array<std::string_view, kColumns> kNames = {"op",    "id",     "pages", "limit",
                                                           "align", "thread", "first"};

// The cells of a line, without the blanks around them; nothing if there are too many.
struct Cells {
  std::array<std::string_view, kColumns> cells;
  std::size_t count = 0;
};

Cells split(const Lines& lines) {
  Cells result;
  std::string_view rest = lines.text();
  if (rest.find('"') != rest.npos) lines.reject("values without quotes");
  while (true) {
    if (result.count == kColumns) lines.reject(fmt::format("at most {} columns", +kColumns));
    const std::size_t end = rest.find(',');
    const Words word(rest.substr(0, end));
    if (word.size() > 1) lines.reject("one value between commas", rest.substr(0, end));
    result.cells[result.count++] = word[0];
    if (end == rest.npos) return result;
    rest.remove_prefix(end + 1);
  }
}

class Table {
 public:
  explicit Table(const Lines& lines) : lines_(lines) {
    const Cells heading = split(lines);
    width_ = heading.count;
    for (std::size_t cell = 0; cell < width_; ++cell) {
      std::size_t column = 0;
      while (column < kColumns && kNames[column] != heading.cells[cell]) ++column;
      if (column == kColumns) {
        lines.reject("a column op, id, pages, limit, align, thread or first", heading.cells[cell]);
      }
      if (places_[column]) lines.reject("each column once", heading.cells[cell]);
      places_[column] = cell;
    }
    for (const Column needed : {kOp, kId, kPages}) {
      if (!places_[needed]) {
        lines.reject(fmt::format("a heading with the column {}", kNames[needed]));
      }
    }
  }

  void next() {
    row_ = split(lines_);
    if (row_.count != width_) lines_.reject(fmt::format("{} columns, as in the heading", width_));
  }

  // Empty where the table has no such column.
  std::string_view operator[](Column column) const {
    return places_[column] ? row_.cells[*places_[column]] : std::string_view();
  }

 private:
  const Lines& lines_;
  std::array<std::optional<std::size_t>, kColumns> places_;
  std::size_t width_ = 0;
  Cells row_;
};

void read_alloc(const Lines& lines, const Table& row, TraceBuilder& builder,
                std::uint64_t granule) {
  Operation operation;
  operation.pages = builder.pages(row[kPages], parse_number(row[kPages]));
  operation.limit = last_page(granule);
  if (!row[kLimit].empty()) {
    const auto limit = parse_number(row[kLimit]);
    if (!limit) lines.reject("the number of a page", row[kLimit]);
    operation.limit = *limit;
  }
  const std::string_view align = row[kAlign];
  if (!align.empty() && align != "natural" && align != "any") {
    lines.reject("natural or any", align);
  }
  operation.alignment = align == "any" ? Alignment::kNone : Alignment::kNatural;
  if (!row[kThread].empty()) operation.thread = builder.thread(row[kThread]);

  if (row[kFirst] == "refused") {
    if (!row[kId].empty()) lines.reject("no id of a request that was refused", row[kId]);
    return builder.allocate_refused(operation);
  }
  if (!row[kFirst].empty()) {
    const auto first = parse_number(row[kFirst]);
    if (!first) lines.reject("the number of a page or refused", row[kFirst]);
    operation.answer = Answer::kFirst;
    operation.first = *first;
  }
  const auto id = parse_number(row[kId]);
  if (!id) lines.reject("an id", row[kId]);
  builder.allocate(operation, *id);
}

}  // namespace

Trace read_csv(Lines& lines, std::uint64_t granule, Pfn start) {
  if (!lines.next_said()) {
    throw BadInput(fmt::format("{}: expected a heading, found nothing.", lines.file()));
  }
  Table row(lines);
  TraceBuilder builder(lines);
  builder.begin_domain(granule, start, "");
  while (lines.next_said()) {
    row.next();
    if (row[kOp] == "alloc") {
      read_alloc(lines, row, builder, granule);
    } else if (row[kOp] == "free") {
      const auto id = parse_number(row[kId]);
      if (!id) lines.reject("an id", row[kId]);
      builder.free(*id, row[kThread].empty() ? std::uint16_t{0} : builder.thread(row[kThread]));
    } else {
      lines.reject("alloc or free", row[kOp]);
    }
  }
  return builder.take(Provenance::kRecorded);
}

}  // namespace smmu::study
