#include "emulator/cli/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace smmu::cli {

namespace {

constexpr std::uint64_t kPatienceMs = 500;
constexpr std::uint64_t kRedrawMs = 100;
constexpr std::size_t kWidth = 30;

std::uint64_t now_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace

Paint Paint::for_stdout() {
  return Paint(isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr);
}

std::string Paint::paint(std::string_view code, std::string_view text) const {
  if (!enabled_) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

Progress::Progress(std::string label, std::uint64_t total)
    : label_(std::move(label)),
      total_(std::max<std::uint64_t>(total, 1)),
      begin_ms_(now_ms()),
      terminal_(isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() {
  if (drawn_ms_ != 0) fmt::print(stderr, "\r\x1b[K");
}

void Progress::step() {
  ++done_;
  if (!terminal_) return;
  const std::uint64_t now = now_ms();
  if (now - begin_ms_ < kPatienceMs || now - drawn_ms_ < kRedrawMs) return;
  drawn_ms_ = now;
  const std::size_t filled = std::min<std::size_t>(kWidth, kWidth * done_ / total_);
  fmt::print(stderr, "\r\x1b[K{} [{:#<{}}{:.<{}}] {}/{}", label_, "", filled, "", kWidth - filled,
             done_, total_);
  std::fflush(stderr);
}

}  // namespace smmu::cli
