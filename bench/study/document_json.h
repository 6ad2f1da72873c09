// A document as JSON text.
#ifndef BENCH_STUDY_DOCUMENT_JSON_H_
#define BENCH_STUDY_DOCUMENT_JSON_H_

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include "bench/study/document.h"

namespace smmu::study {

// A sentence about what is wrong with a text, and in which line, if that is known: the line of a
// value is not, but the sentence says which value.
class BadDocument : public std::runtime_error {
 public:
  explicit BadDocument(const std::string& sentence, std::size_t line = 0)
      : std::runtime_error(sentence), line_(line) {}
  std::size_t line() const { return line_; }

 private:
  std::size_t line_;
};

std::string json_of(const Document& document);
// BadDocument if it is not the text of one: all of it is looked at, results and all.
Document document_of(std::string_view text);

// Of --shard and of a document: from 1/1 to 10000/10000.
inline constexpr std::uint64_t kMostShards = 10'000;
// Numbers of live ranges in a selection.
inline constexpr std::size_t kMostSizes = 64;

}  // namespace smmu::study

#endif  // BENCH_STUDY_DOCUMENT_JSON_H_
