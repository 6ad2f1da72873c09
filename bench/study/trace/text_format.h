// The text format of traces (docs/iova_trace.md): one line a request, made to be read and written
// by people too.
#ifndef BENCH_STUDY_TRACE_TEXT_FORMAT_H_
#define BENCH_STUDY_TRACE_TEXT_FORMAT_H_

#include <functional>
#include <string>
#include <string_view>

#include "bench/study/trace/lines.h"
#include "bench/study/trace/trace.h"

namespace smmu::study {

// Whether a file that begins with this line is meant to be in the format.
bool is_text_format(std::string_view first_line);

// BadInput if it is not.  REQUIRES: `lines` is at the file's first line.
Trace read_text(Lines& lines);

// Hands out, piece by piece, what read_text() makes the same trace of, but for the lines' numbers.
void write_text(const Trace& trace, const std::function<void(std::string_view)>& sink);
std::string write_text(const Trace& trace);

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_TEXT_FORMAT_H_
