// Input files: their lines, plain or gzip, and what to say when one is not what it should be.
//
// Whatever is wrong with an input is thrown as BadInput where it is found and caught in main alone.
#ifndef EMULATOR_CLI_INPUT_H_
#define EMULATOR_CLI_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace smmu::cli {

// One sentence for the user: file, line, and what was expected there.
class BadInput : public std::exception {
 public:
  explicit BadInput(std::string sentence) : sentence_(std::move(sentence)) {}
  const char* what() const noexcept override { return sentence_.c_str(); }

 private:
  std::string sentence_;
};

// A small gzip file may unpack to anything: these bound what is read.
inline constexpr std::uint64_t kMaxUnpackedBytes = std::uint64_t{256} << 20;
inline constexpr std::size_t kMaxLineBytes = std::size_t{8} << 20;

// The lines of a file, which is unpacked on the way if it is gzip.
class Lines {
 public:
  // BadInput if the file cannot be opened.
  explicit Lines(const std::filesystem::path& file);
  ~Lines();
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  // Steps to the next line; false at the end.  BadInput if the file cannot be read on.
  bool next();

  // The line, without its end.
  std::string_view text() const { return text_; }
  std::uint64_t number() const { return number_; }
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
  std::string text_;
  std::uint64_t number_ = 0;
};

// `name` or `name`.gz in `folder`, the plain one if both are there.  BadInput if neither is.
std::filesystem::path find_input(const std::filesystem::path& folder, std::string_view name);
// The same, where the file may be missing.
std::optional<std::filesystem::path> find_optional_input(const std::filesystem::path& folder,
                                                         std::string_view name);

// The whole of `text` as a number: hexadecimal after 0x, else decimal.  No sign, no spaces.
std::optional<std::uint64_t> parse_number(std::string_view text);
// The same, hexadecimal without a prefix.
std::optional<std::uint64_t> parse_hexadecimal(std::string_view text);

// The value of a command line's `option`.  BadInput if it is no number up to `limit`.
std::uint64_t parse_option(std::string_view option, std::string_view text, std::uint64_t limit);

// `text` without what a terminal would obey.
std::string printable(std::string_view text);
// The same in quotes, and shortened.
std::string in_quotes(std::string_view text);

inline constexpr std::uint64_t kMax32 = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint64_t kMax64 = std::numeric_limits<std::uint64_t>::max();

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_INPUT_H_
