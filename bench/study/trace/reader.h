// Any file that holds a trace, by the name of its format or by what it begins with.
#ifndef BENCH_STUDY_TRACE_READER_H_
#define BENCH_STUDY_TRACE_READER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/study/trace/trace.h"

namespace smmu::study {

enum class TraceFormat { kText, kLinux, kCapture, kEvents, kCsv };

struct NamedFormat {
  std::string_view name;
  TraceFormat format;
  std::string_view what;  // it holds, in a few words
};

const std::vector<NamedFormat>& trace_formats();

// What some formats leave unsaid of the domain.
struct DomainGeometry {
  std::uint64_t granule = 4096;
  Pfn start = 1;
};

// BadInput if the file is not in that format.
// REQUIRES: the granule is a power of two above 1, and has the start.
Trace read_trace(const std::string& file, TraceFormat format, const DomainGeometry& geometry = {});

// Of a file in the text format or as Linux's answers are recorded, whichever its first line says.
Trace read_trace(const std::string& file);

// Packed if the file's name ends in .gz.  BadInput if it cannot be written.
void write_trace(const Trace& trace, const std::string& file);

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_READER_H_
