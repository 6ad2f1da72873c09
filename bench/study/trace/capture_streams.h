// Which address space a stream of a capture uses: the columns of streams.tsv that say so.
#ifndef BENCH_STUDY_TRACE_CAPTURE_STREAMS_H_
#define BENCH_STUDY_TRACE_CAPTURE_STREAMS_H_

#include <cstdint>
#include <map>
#include <string>

namespace smmu::study {

struct AddressSpace {
  std::uint64_t asid = 0;
  std::uint64_t ttb0 = 0;  // where its first table is
  std::uint64_t granule = 0;
};

// By StreamID, those that stage 1 translates.  BadInput if the file is not what it should be or
// names two tables for one ASID.
std::map<std::uint64_t, AddressSpace> read_streams(const std::string& file);

// `name` or `name`.gz in `folder`.  BadInput if neither is there.
std::string find_in_capture(const std::string& folder, const std::string& name);

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_CAPTURE_STREAMS_H_
