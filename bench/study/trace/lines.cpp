#include "bench/study/trace/lines.h"

#include <algorithm>

namespace smmu::study {
namespace {

constexpr std::string_view kBlanks = " \t";

}  // namespace

bool Lines::next_said() {
  while (next()) {
    const std::size_t said = text().find_first_not_of(kBlanks);
    if (said != std::string_view::npos && text()[said] != '#') return true;
  }
  return false;
}

Words::Words(std::string_view line) {
  std::size_t begin = 0;
  while (count_ < kMax && (begin = line.find_first_not_of(kBlanks, begin)) < line.size()) {
    const std::size_t end = std::min(line.find_first_of(kBlanks, begin), line.size());
    words_[count_++] = line.substr(begin, end - begin);
    begin = end;
  }
}

}  // namespace smmu::study
