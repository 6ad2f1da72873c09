// Traces made up from models of devices at work.  The same parameters make the same trace, on any
// machine.  docs/iova_trace.md tells the models.
#ifndef BENCH_STUDY_TRACE_GENERATOR_H_
#define BENCH_STUDY_TRACE_GENERATOR_H_

#include <cstdint>
#include <optional>
#include <string>

#include "bench/study/trace/trace.h"

namespace smmu::study {

// What all models take.
struct GeneratorOptions {
  std::uint64_t operations = 100'000;  // to make, allocations and frees
  std::uint64_t seed = 1;
  std::uint64_t granule = 4096;
  Pfn start = 1;
  Pfn limit = 0xf'ffff;  // of every request
};

// A network card: per queue a receive ring that is always full of buffers of one size, and a
// transmit ring of packets of a few fragments, completed in order.
struct NicOptions {
  GeneratorOptions common;
  std::uint64_t queues = 4;
  std::uint64_t ring = 512;          // entries of each ring
  std::uint64_t buffer_pages = 1;    // of a receive buffer
  std::uint64_t burst = 64;          // packets at most that one interrupt finds
  std::uint64_t fragments = 4;       // of a transmitted packet, at most
  std::uint64_t fragment_pages = 4;  // of a fragment, at most
};

// A disk: per queue requests in flight up to its depth, of a power of two of pages, completed in
// any order.
struct NvmeOptions {
  GeneratorOptions common;
  std::uint64_t queues = 4;
  std::uint64_t depth = 128;
  std::uint64_t largest_pages = 32;
  std::uint64_t burst = 16;  // requests at most that are submitted, or completed, in one go
};

// What is wrong with the parameters, in a sentence; nothing if they make a trace.
std::optional<std::string> complaint(const NicOptions& options);
std::optional<std::string> complaint(const NvmeOptions& options);

// REQUIRES: no complaint.
Trace generate(const NicOptions& options);
Trace generate(const NvmeOptions& options);

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_GENERATOR_H_
