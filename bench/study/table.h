// The results as a person reads them.
#ifndef BENCH_STUDY_TABLE_H_
#define BENCH_STUDY_TABLE_H_

#include <string>
#include <vector>

#include "bench/study/matrix.h"

namespace smmu::study {

// A table for each workload, ended by what its columns are.
std::string table_of(const std::vector<Result>& results, bool counted);

}  // namespace smmu::study

#endif  // BENCH_STUDY_TABLE_H_
