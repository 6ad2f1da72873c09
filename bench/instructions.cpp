// `instructions --list` prints the rows, each with its baseline; `instructions ROW N` does one N
// times, for callgrind to count (scripts/instructions.sh).
#include <charconv>
#include <cstdio>
#include <string_view>

#include "bench/rows.h"

int main(int argc, char** argv) {
  const auto rows = smmu::bench::rows();
  const std::string_view name = argc > 1 ? argv[1] : "";
  if (argc == 2 && name == "--list") {
    for (const auto& row : rows) std::printf("%s\t%s\n", row.name.c_str(), row.baseline.c_str());
    return 0;
  }
  if (argc == 3) {
    const std::string_view number = argv[2];
    const char* end = number.data() + number.size();
    std::uint64_t n = 0;
    const auto read = std::from_chars(number.data(), end, n);
    if (read.ec == std::errc() && read.ptr == end) {
      for (const auto& row : rows) {
        if (row.name != name) continue;
        row.prepare()(n);
        return 0;
      }
    }
  }
  std::fputs("usage: instructions --list | instructions ROW N\n", stderr);
  return 2;
}
