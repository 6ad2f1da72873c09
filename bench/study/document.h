// What a run has measured, as a file, and parts of a run put together again.
#ifndef BENCH_STUDY_DOCUMENT_H_
#define BENCH_STUDY_DOCUMENT_H_

#include <string>
#include <vector>

#include "bench/study/matrix.h"

namespace smmu::study {

// Where times were measured: those of different ones are not to be compared.
struct Machine {
  std::string processor;
  std::string compiler;

  static Machine here();
  friend bool operator==(const Machine&, const Machine&) = default;
};

struct Document {
  Machine machine;
  Selection selection;
  Shard shard;
  std::vector<Result> results;  // of cells_of(selection, shard), in this order
};

// The functions below throw a sentence that names the file.

// Whether a file can be written, before hours go into what shall be in it.
void expect_writable(const std::string& file);
void write_document(const Document& document, const std::string& file);

// JSON as write_document() writes it.
Document read_document(const std::string& file);

// The whole, from all its shards in any order: of one selection, and, if times were measured, of
// one kind of machine.
Document merge(const std::vector<std::string>& files);

}  // namespace smmu::study

#endif  // BENCH_STUDY_DOCUMENT_H_
