// The rows by the clock.  Compare them within one run only.
#include <benchmark/benchmark.h>

#include "bench/rows.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  for (const auto& row : smmu::bench::rows()) {
    benchmark::RegisterBenchmark(row.name.c_str(), [row](benchmark::State& state) {
      constexpr benchmark::IterationCount kBatch = 1024;
      const auto run = row.prepare();
      while (state.KeepRunningBatch(kBatch)) run(static_cast<std::uint64_t>(kBatch));
    });
  }
  benchmark::RunSpecifiedBenchmarks();
}
