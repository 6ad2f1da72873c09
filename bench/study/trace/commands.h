// The subcommands of `smmu-study` that make traces.
#ifndef BENCH_STUDY_TRACE_COMMANDS_H_
#define BENCH_STUDY_TRACE_COMMANDS_H_

#include <CLI/CLI.hpp>

namespace smmu::study {

// Adds `trace` and `generate`.  One that is asked for is done while `app` parses; it prints what it
// made, or a sentence on standard error, and sets `exit_code` to 0 or 2.
// `app` may not outlive `exit_code`.
void add_trace_commands(CLI::App& app, int& exit_code);

}  // namespace smmu::study

#endif  // BENCH_STUDY_TRACE_COMMANDS_H_
