#include "bench/study/trace/reader.h"

#include <fmt/format.h>
#include <zlib.h>

#include "bench/study/trace/capture.h"
#include "bench/study/trace/csv.h"
#include "bench/study/trace/events.h"
#include "bench/study/trace/lines.h"
#include "bench/study/trace/linux_format.h"
#include "bench/study/trace/text_format.h"

namespace smmu::study {

namespace {

[[noreturn]] void reject_empty(const std::string& file) {
  throw BadInput(fmt::format("{}: expected a trace, found nothing.", file));
}

}  // namespace

const std::vector<NamedFormat>& trace_formats() {
  static const std::vector<NamedFormat> formats = {
      {"text", TraceFormat::kText, "the text format of traces"},
      {"linux", TraceFormat::kLinux, "requests to Linux's allocator and its answers"},
      {"capture", TraceFormat::kCapture, "the folder of a capture of an SMMU at work"},
      {"events", TraceFormat::kEvents, "iommu:map and iommu:unmap as ftrace or perf print them"},
      {"csv", TraceFormat::kCsv, "requests as comma-separated values"},
  };
  return formats;
}

Trace read_trace(const std::string& file, TraceFormat format, const DomainGeometry& geometry) {
  if (format == TraceFormat::kCapture) return infer_from_capture(file);
  Lines lines(file);
  if (format == TraceFormat::kEvents) return infer_from_events(lines, geometry.granule);
  if (format == TraceFormat::kCsv) return read_csv(lines, geometry.granule, geometry.start);
  if (!lines.next_said()) reject_empty(file);
  return format == TraceFormat::kText ? read_text(lines) : read_linux(lines);
}

Trace read_trace(const std::string& file) {
  Lines lines(file);
  if (!lines.next_said()) reject_empty(file);
  if (is_text_format(lines.text())) return read_text(lines);
  if (is_linux_format(lines.text())) return read_linux(lines);
  lines.reject("a trace, which begins with iova-trace or domain");
}

void write_trace(const Trace& trace, const std::string& file) {
  // T is zlib's way not to pack.
  const gzFile gz = gzopen(file.c_str(), file.ends_with(".gz") ? "wb" : "wbT");
  bool written = gz != nullptr;
  if (written) {
    write_text(trace, [&](std::string_view piece) {
      const auto size = static_cast<unsigned>(piece.size());
      written = written && (size == 0 || gzwrite(gz, piece.data(), size) == static_cast<int>(size));
    });
    written = gzclose(gz) == Z_OK && written;
  }
  if (!written) throw BadInput(fmt::format("{}: expected a file that can be written.", file));
}

}  // namespace smmu::study
