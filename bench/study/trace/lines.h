// The lines of a trace, and their words.
#ifndef BENCH_STUDY_TRACE_LINES_H_
#define BENCH_STUDY_TRACE_LINES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "input/bad_input.h"
#include "input/lines.h"
#include "input/words.h"

namespace smmu::study {

using input::BadInput;
using input::in_quotes;
using input::parse_decimal;
using input::parse_hexadecimal;
using input::parse_number;
using input::printable;

inline constexpr std::size_t kMaxLineBytes = 4096;
inline constexpr std::uint64_t kMaxUnpackedBytes = std::uint64_t{1} << 30;

// As input::Lines, within these limits.
class Lines : public input::Lines {
 public:
  explicit Lines(const std::string& file)
      : input::Lines(file, {kMaxLineBytes, kMaxUnpackedBytes}) {}

  // As next(), but lines that hold nothing, or nothing but a remark after #, are stepped over.
  bool next_said();

  // There are at most as many lines as bytes.
  std::uint32_t number() const { return static_cast<std::uint32_t>(input::Lines::number()); }
};

// The words of a line, between blanks.  Of a line of more than kMax, the first kMax.
class Words {
 public:
  static constexpr std::size_t kMax = 16;

  explicit Words(std::string_view line);

  std::size_t size() const { return count_; }
  // Empty if there are not so many.
  std::string_view operator[](std::size_t index) const {
    return index < count_ ? words_[index] : std::string_view();
  }

 private:
  std::array<std::string_view, kMax> words_;
  std::size_t count_ = 0;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_LINES_H_
