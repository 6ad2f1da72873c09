// The lines of an input file, plain or gzip, and what to say when one is not what it should be.
//
// Whatever is wrong with an input is thrown as BadInput where it is found; the commands catch it.
#ifndef BENCH_STUDY_TRACE_LINES_H_
#define BENCH_STUDY_TRACE_LINES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace smmu::study {

// One sentence for the user: file, line, and what was expected there.
class BadInput : public std::exception {
 public:
  explicit BadInput(std::string sentence) : sentence_(std::move(sentence)) {}
  const char* what() const noexcept override { return sentence_.c_str(); }

 private:
  std::string sentence_;
};

// A small gzip file may unpack to anything: these bound what is read.
inline constexpr std::size_t kMaxLineBytes = 4096;
inline constexpr std::uint64_t kMaxUnpackedBytes = std::uint64_t{1} << 30;

class Lines {
 public:
  // BadInput if the file cannot be opened.
  explicit Lines(const std::string& file);
  ~Lines();
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  // Steps to the next line; false at the end.  BadInput if the file cannot be read on, a line is
  // longer than kMaxLineBytes or the file than kMaxUnpackedBytes.
  bool next();
  // The same, but lines that hold nothing, or nothing but a remark after #, are stepped over.
  bool next_said();

  // The line, without its end.
  std::string_view text() const { return text_; }
  std::uint32_t number() const { return number_; }
  const std::string& file() const { return file_; }

  // Throws BadInput: "FILE:LINE: expected ..., found "...".".
  [[noreturn]] void reject(std::string_view expected, std::string_view found) const;
  [[noreturn]] void reject(std::string_view expected) const;

 private:
  struct Stream;

  bool refill();

  std::string file_;
  std::unique_ptr<Stream> stream_;
  std::string buffer_;
  std::size_t position_ = 0;
  std::uint64_t unpacked_ = 0;
  bool ended_ = false;
  std::string_view text_;
  std::uint32_t number_ = 0;  // of at most kMaxUnpackedBytes lines
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

// The whole of `text` as a number: hexadecimal after 0x, else decimal.  No sign, no spaces.
std::optional<std::uint64_t> parse_number(std::string_view text);
std::optional<std::uint64_t> parse_decimal(std::string_view text);
// Hexadecimal without a prefix.
std::optional<std::uint64_t> parse_hexadecimal(std::string_view text);

// `text` without what a terminal would obey.
std::string printable(std::string_view text);
// The same in quotes, and shortened.
std::string in_quotes(std::string_view text);

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_LINES_H_
