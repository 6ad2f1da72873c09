#include "bench/study/trace/lines.h"

#include <fmt/format.h>
#include <zlib.h>

#include <charconv>
#include <filesystem>
#include <system_error>

namespace smmu::study {

namespace {

constexpr unsigned kChunkBytes = 1U << 16;
constexpr std::string_view kBlanks = " \t";

std::optional<std::uint64_t> parse(std::string_view text, int base) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

// zlib passes a file that is not gzip through as it is.
struct Lines::Stream {
  explicit Stream(const std::string& file) : gz(gzopen(file.c_str(), "rb")) {}
  ~Stream() {
    if (gz != nullptr) gzclose(gz);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  gzFile gz;
};

Lines::Lines(const std::string& file) : file_(file) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) {
    throw BadInput(fmt::format("{}: expected a file, found a folder.", file_));
  }
  stream_ = std::make_unique<Stream>(file);
  if (stream_->gz == nullptr) {
    throw BadInput(fmt::format("{}: expected a file that can be read.", file_));
  }
}

Lines::~Lines() = default;

bool Lines::refill() {
  if (ended_) return false;
  buffer_.erase(0, position_);
  position_ = 0;
  const std::size_t kept = buffer_.size();
  buffer_.resize(kept + kChunkBytes);
  const int count = gzread(stream_->gz, buffer_.data() + kept, kChunkBytes);
  buffer_.resize(kept + (count > 0 ? static_cast<std::size_t>(count) : 0));
  int code = Z_OK;
  gzerror(stream_->gz, &code);
  // At its end a file cut short leaves Z_BUF_ERROR, and no error from gzread.
  if (count < 0 || code != Z_OK) {
    throw BadInput(fmt::format(
        "{}:{}: expected more of the file, which cannot be read on: {}.", file_, number_ + 1,
        code == Z_ERRNO ? "the system refuses" : "its gzip data are damaged or cut short"));
  }
  ended_ = count == 0;
  unpacked_ += static_cast<std::uint64_t>(count);
  if (unpacked_ > kMaxUnpackedBytes) {
    throw BadInput(fmt::format("{}:{}: expected a file of at most {} bytes, unpacked.", file_,
                               number_ + 1, kMaxUnpackedBytes));
  }
  return !ended_;
}

bool Lines::next() {
  std::size_t searched = position_;
  std::size_t end;
  while ((end = buffer_.find('\n', searched)) == std::string::npos) {
    searched = buffer_.size() - position_;  // position_ is 0 after a refill
    if (searched > kMaxLineBytes) break;
    if (!refill()) {
      if (position_ == buffer_.size()) return false;
      end = buffer_.size();
      break;
    }
  }
  ++number_;
  if (end == std::string::npos || end - position_ > kMaxLineBytes) {
    throw BadInput(
        fmt::format("{}:{}: expected a line of at most {} bytes.", file_, number_, kMaxLineBytes));
  }
  text_ = std::string_view(buffer_).substr(position_, end - position_);
  if (text_.ends_with('\r')) text_.remove_suffix(1);
  position_ = std::min(end + 1, buffer_.size());
  return true;
}

bool Lines::next_said() {
  while (next()) {
    const std::size_t said = text_.find_first_not_of(kBlanks);
    if (said != std::string_view::npos && text_[said] != '#') return true;
  }
  return false;
}

void Lines::reject(std::string_view expected, std::string_view found) const {
  throw BadInput(
      fmt::format("{}:{}: expected {}, found {}.", file_, number_, expected, in_quotes(found)));
}

void Lines::reject(std::string_view expected) const { reject(expected, text_); }

Words::Words(std::string_view line) {
  std::size_t begin = 0;
  while (count_ < kMax && (begin = line.find_first_not_of(kBlanks, begin)) < line.size()) {
    const std::size_t end = std::min(line.find_first_of(kBlanks, begin), line.size());
    words_[count_++] = line.substr(begin, end - begin);
    begin = end;
  }
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) return parse(text.substr(2), 16);
  return parse(text, 10);
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) { return parse(text, 10); }

std::optional<std::uint64_t> parse_hexadecimal(std::string_view text) { return parse(text, 16); }

std::string printable(std::string_view text) {
  std::string shown(text);
  for (char& c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) c = c == '\t' ? ' ' : '?';
  }
  return shown;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShown = 60;
  return fmt::format("\"{}{}\"", printable(text.substr(0, kShown)),
                     text.size() > kShown ? "..." : "");
}

}  // namespace smmu::study
