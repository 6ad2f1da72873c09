// Traces inferred from what Linux's trace events iommu:map and iommu:unmap print, by ftrace,
// trace-cmd or perf script (include/trace/events/iommu.h of Linux).  docs/iova_trace.md tells how.
#ifndef BENCH_STUDY_TRACE_EVENTS_H_
#define BENCH_STUDY_TRACE_EVENTS_H_

#include <cstdint>

#include "bench/study/trace/lines.h"
#include "bench/study/trace/trace.h"

namespace smmu::study {

// One domain: the events do not say whose they are.  Other lines are passed over.
// BadInput if a line of these events is not as Linux prints it, or there is none.
// REQUIRES: `granule` is a power of two above 1; `lines` is before the first line.
Trace infer_from_events(Lines& lines, std::uint64_t granule);

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_EVENTS_H_
