// The command line of `smmu-study`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include "bench/study/iova_command.h"
#include "bench/study/merge_command.h"
#include "bench/study/run_cell_command.h"
#include "bench/study/trace/commands.h"

namespace {

using namespace smmu::study;

constexpr char kLost[] = "smmu-study: expected standard output to take what is printed.\n";

enum ExitStatus : int { kAgrees = 0, kBadUsage = 2 };

// What is wrong with a command line, by the word that is: CLI11 misses a subcommand before it looks
// at what stands in its place.
std::string usage_complaint(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> strays = app.remaining();
  if (dynamic_cast<const CLI::RequiredError*>(&error) == nullptr ||
      !app.get_subcommands().empty()) {
    return error.what();
  }
  return fmt::format("expected one of the subcommands iova, merge, trace and generate, found {}",
                     strays.empty() ? "none" : "another word");
}

int run(int argc, char** argv) {
  CLI::App app("Studies of the software half of libsmmu.", "smmu-study");
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 if everything agrees, 1 if something does not, 2 on bad usage or input.");
  const IovaCommand iova(app);
  const MergeCommand merge_command(app);
  const RunCellCommand run_cell(app);
  int status = kAgrees;
  add_trace_commands(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 prints help through the same door.
    if (error.get_exit_code() == 0) return app.exit(error);
    fmt::print(stderr, "smmu-study: {} (try --help)\n", usage_complaint(app, error));
    return kBadUsage;
  }
  if (merge_command.parsed()) {
    merge_command.run();
  } else if (run_cell.parsed()) {
    run_cell.run();
  } else if (iova.parsed()) {
    return iova.run();
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int status = run(argc, argv);
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
    std::fputs(kLost, stderr);
  } catch (const std::system_error& error) {
    // Of printing, or of the system: what is wrong with an input is said by who reads it.
    if (std::ferror(stdout) != 0) {
      std::fputs(kLost, stderr);
    } else {
      std::fprintf(stderr, "smmu-study: %s\n", error.what());
    }
  } catch (const std::bad_alloc&) {
    std::fputs("smmu-study: expected a selection and an input that fit into memory.\n", stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "smmu-study: %s\n", error.what());
  }
  return kBadUsage;
}
