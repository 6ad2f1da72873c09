// Traces inferred from the capture of an SMMU at work (test/data/captures/README.md): what devices
// were seen to use and drivers to invalidate.  docs/iova_trace.md tells the rule and its limits.
#ifndef BENCH_STUDY_TRACE_CAPTURE_H_
#define BENCH_STUDY_TRACE_CAPTURE_H_

#include <string>

#include "bench/study/trace/trace.h"

namespace smmu::study {

// A domain for each address space that streams.tsv names, by ASID.  BadInput if the folder's
// streams.tsv or timeline.txt (or .gz) is missing or not what it should be.
Trace infer_from_capture(const std::string& folder);

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_CAPTURE_H_
