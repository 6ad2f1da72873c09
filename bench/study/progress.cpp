#include "bench/study/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace smmu::study {

Progress::Progress(std::size_t cells) : cells_(cells), terminal_(isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() {
  if (terminal_ && begun_ != 0) fmt::print(stderr, "\r\x1b[K");
}

void Progress::begin(const Cell& cell) {
  ++begun_;
  if (!terminal_) return;
  fmt::print(stderr, "\r\x1b[K{}/{}  {}  {}", begun_, cells_, cell.workload, cell.allocator);
  if (cell.n != 0) fmt::print(stderr, "  n {}", cell.n);
  std::fflush(stderr);
}

}  // namespace smmu::study
