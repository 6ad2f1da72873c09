// The lines of an input file, plain or gzip, and what to say when one is not what it should be.
//
// Whatever is wrong with an input is thrown as BadInput where it is found; a program's main catches
// it.
#ifndef INPUT_LINES_H_
#define INPUT_LINES_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "input/bad_input.h"

namespace smmu::input {

// A small gzip file may unpack to anything: these bound what is read.
struct LineLimits {
  std::size_t line_bytes;
  std::uint64_t unpacked_bytes;
};

class Lines {
 public:
  // BadInput if the file cannot be opened.
  Lines(const std::filesystem::path& file, const LineLimits& limits);
  ~Lines();
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  // Steps to the next line; false at the end.  BadInput if the file cannot be read on, or is beyond
  // a limit.
  bool next();

  // The line, without its end, until the next step.
  std::string_view text() const { return text_; }
  std::uint64_t number() const { return number_; }
  const std::string& file() const { return file_; }

  // Throws BadInput: "FILE:LINE: expected ..., found "...".".
  [[noreturn]] void reject(std::string_view expected, std::string_view found) const;
  [[noreturn]] void reject(std::string_view expected) const;

 private:
  struct Stream;

  bool refill();

  const std::string file_;
  const LineLimits limits_;
  std::unique_ptr<Stream> stream_;
  std::string buffer_;
  std::size_t position_ = 0;
  std::uint64_t unpacked_ = 0;
  bool ended_ = false;
  std::string_view text_;
  std::uint64_t number_ = 0;
};

}  // namespace smmu::input

#endif  // INPUT_LINES_H_
