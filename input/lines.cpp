#include "input/lines.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <system_error>

#include "input/words.h"

namespace smmu::input {
namespace {

constexpr unsigned kChunkBytes = 1U << 16;

}  // namespace

// zlib passes a file that is not gzip through as it is.
struct Lines::Stream {
  explicit Stream(const std::filesystem::path& file) : gz(gzopen(file.c_str(), "rb")) {}
  ~Stream() {
    if (gz != nullptr) gzclose(gz);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  gzFile gz;
};

Lines::Lines(const std::filesystem::path& file, const LineLimits& limits)
    : file_(file.string()), limits_(limits) {
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
  if (unpacked_ > limits_.unpacked_bytes) {
    throw BadInput(fmt::format("{}:{}: expected a file of at most {} bytes, unpacked.", file_,
                               number_ + 1, limits_.unpacked_bytes));
  }
  return !ended_;
}

bool Lines::next() {
  std::size_t searched = position_;
  std::size_t end;
  while ((end = buffer_.find('\n', searched)) == std::string::npos) {
    searched = buffer_.size() - position_;  // position_ is 0 after a refill
    if (searched > limits_.line_bytes) break;
    if (!refill()) {
      if (position_ == buffer_.size()) return false;
      end = buffer_.size();
      break;
    }
  }
  ++number_;
  if (end == std::string::npos || end - position_ > limits_.line_bytes) {
    throw BadInput(fmt::format("{}:{}: expected a line of at most {} bytes.", file_, number_,
                               limits_.line_bytes));
  }
  text_ = std::string_view(buffer_).substr(position_, end - position_);
  if (text_.ends_with('\r')) text_.remove_suffix(1);
  position_ = std::min(end + 1, buffer_.size());
  return true;
}

void Lines::reject(std::string_view expected, std::string_view found) const {
  throw BadInput(
      fmt::format("{}:{}: expected {}, found {}.", file_, number_, expected, in_quotes(found)));
}

void Lines::reject(std::string_view expected) const { reject(expected, text_); }

}  // namespace smmu::input
