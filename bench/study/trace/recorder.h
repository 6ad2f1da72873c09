// A trace of what a DMA space is asked for, made while it is (docs/iova_trace.md).
#ifndef BENCH_STUDY_TRACE_RECORDER_H_
#define BENCH_STUDY_TRACE_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "bench/study/trace/trace.h"
#include "smmu/iommu/iova_recorder.h"

namespace smmu::study {

// For one space.  Any number of threads may be recorded at once; what one of them asks comes before
// what another does if the space answered it before, where that could be seen.
class Recorder final : public iommu::IovaRecorder {
 public:
  // The space's page size, and the first page it gives out.
  Recorder(std::uint64_t granule, Pfn start, std::string name = {});

  void on_allocate(std::uint64_t pages, Pfn limit, std::optional<Pfn> first) override;
  void on_free(Pfn first) override;

  // What has been recorded; it begins anew.  Of more than a trace may hold, requests are left out,
  // with their frees, and so are frees of what was live before: a note tells how many.
  Trace take();

 private:
  std::uint16_t number_of_thread();
  void append(Operation operation);

  std::mutex mutex_;
  TraceDomain domain_;
  LiveIds ids_;  // by the first page
  std::map<std::thread::id, std::uint16_t>
      threads_;           // numbered as they come; the last is all others
  std::size_t live_ = 0;  // ranges
  std::uint64_t left_out_ = 0;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_RECORDER_H_
