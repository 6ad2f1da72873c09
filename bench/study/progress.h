// Which cell is being measured, for somebody who waits.
#ifndef BENCH_STUDY_PROGRESS_H_
#define BENCH_STUDY_PROGRESS_H_

#include <cstddef>

#include "bench/study/measurement.h"

namespace smmu::study {

// A line on standard error, if that is a terminal.  It is gone when the object is.
class Progress {
 public:
  explicit Progress(std::size_t cells);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void begin(const Cell& cell);

 private:
  const std::size_t cells_;
  const bool terminal_;
  std::size_t begun_ = 0;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_PROGRESS_H_
