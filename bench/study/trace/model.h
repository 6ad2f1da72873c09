// What the models of devices are written with: a trace that grows, and chance that is the same
// everywhere.
#ifndef BENCH_STUDY_TRACE_MODEL_H_
#define BENCH_STUDY_TRACE_MODEL_H_

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "bench/study/trace/generator.h"

namespace smmu::study {

// `live` ranges at once may be asked for.
std::optional<std::string> complaint(const GeneratorOptions& options, std::uint64_t live,
                                     std::uint64_t threads, std::uint64_t largest_pages);

class Model {
 public:
  explicit Model(const GeneratorOptions& options);

  bool done() const { return operations().size() >= options_.operations; }
  std::size_t size() const { return trace_.domains.back().operations.size(); }

  Slot allocate(std::uint64_t pages, std::uint64_t thread);
  void free(Slot slot, std::uint64_t thread);

  // Below `bound`, which is not 0.  The standard's distributions differ between libraries.
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  Trace take(std::string note);

 private:
  const std::vector<Operation>& operations() const { return trace_.domains.back().operations; }

  GeneratorOptions options_;
  Trace trace_;
  std::vector<Slot> free_;
  Slot next_ = 0;
  std::mt19937_64 random_;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_MODEL_H_
