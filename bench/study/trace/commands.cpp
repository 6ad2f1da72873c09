#include "bench/study/trace/commands.h"

#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "bench/study/trace/generator.h"
#include "bench/study/trace/lines.h"
#include "bench/study/trace/reader.h"

namespace smmu::study {

namespace {

// Options whose values are numbers, decimal or hexadecimal after 0x.
class NumberOptions {
 public:
  void add(CLI::App& command, const std::string& name, std::uint64_t& value,
           const std::string& what) {
    const auto text = std::make_shared<std::string>();
    const CLI::Option* const option =
        command.add_option(name, *text, fmt::format("{} [{}]", what, value));
    texts_.push_back({name, option, text, &value});
  }

  // BadInput if one that was given is no number.
  void parse() const {
    for (const auto& [name, option, text, value] : texts_) {
      if (option->count() == 0) continue;
      const auto number = parse_number(*text);
      if (!number) {
        throw BadInput(fmt::format("{}: expected a number, found {}.", name, in_quotes(*text)));
      }
      *value = *number;
    }
  }
  // BadInput if this one was given.
  void expect_none(std::string_view name, std::string_view why) const {
    for (const Text& text : texts_) {
      if (text.name != name || text.option->count() == 0) continue;
      throw BadInput(fmt::format("{}: expected none, for {}.", name, why));
    }
  }

 private:
  struct Text {
    std::string name;
    const CLI::Option* option;
    std::shared_ptr<std::string> text;
    std::uint64_t* value;
  };
  std::vector<Text> texts_;
};

int report(const std::function<void()>& act) {
  try {
    act();
    return 0;
  } catch (const BadInput& bad) {
    fmt::print(stderr, "smmu-study: {}\n", bad.what());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "smmu-study: expected a trace that fits into memory.\n");
  }
  return 2;
}

void write_and_print(const Trace& trace, const std::string& file) {
  write_trace(trace, file);
  std::uint64_t requests = 0;
  std::uint64_t frees = 0;
  for (const TraceDomain& domain : trace.domains) {
    for (const Operation& operation : domain.operations) {
      ++(operation.kind == Operation::Kind::kAllocate ? requests : frees);
    }
  }
  fmt::print("{}: {}, {} domains, {} requests, {} frees\n", file, name_of(trace.provenance),
             trace.domains.size(), requests, frees);
  for (const std::string& note : trace.notes) fmt::print("  {}\n", printable(note));
}

struct TraceCommand {
  std::string from;
  std::string file;
  std::string to;
  DomainGeometry geometry;
  NumberOptions numbers;

  void run() const {
    numbers.parse();
    if (from != "events" && from != "csv") numbers.expect_none("--granule", "the file says it");
    if (from != "csv") numbers.expect_none("--start", "it is an option of csv alone");
    const auto [granule, start] = geometry;
    if (granule < 2 || !std::has_single_bit(granule)) {
      throw BadInput(
          fmt::format("--granule: expected a power of two from 2 on, found {}.", granule));
    }
    if (start > last_page(granule)) {
      throw BadInput(fmt::format("--start: expected a page up to {:#x}, found {:#x}.",
                                 last_page(granule), start));
    }
    for (const NamedFormat& known : trace_formats()) {
      if (known.name != from) continue;
      return write_and_print(read_trace(file, known.format, geometry), to);
    }
    std::string names;
    for (const NamedFormat& known : trace_formats()) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", known.name);
    }
    throw BadInput(fmt::format("--from: expected one of {}, found {}.", names, in_quotes(from)));
  }
};

void add_trace(CLI::App& app, int& exit_code) {
  const auto state = std::make_shared<TraceCommand>();
  CLI::App* command = app.add_subcommand("trace", "Make a trace of a recording");
  std::string footer = "Formats:";
  for (const NamedFormat& known : trace_formats()) {
    footer += fmt::format("\n  {:8} {}", known.name, known.what);
  }
  command->footer(footer);
  command->add_option("--from", state->from, "the format of FILE")->required();
  command->add_option("FILE", state->file, "file, plain or gzip, or folder of a capture")
      ->required();
  command->add_option("--to", state->to, "the trace to write; packed if it ends in .gz")
      ->required();
  state->numbers.add(*command, "--granule", state->geometry.granule,
                     "bytes of a page, of events and csv");
  state->numbers.add(*command, "--start", state->geometry.start,
                     "the lowest page given out, of csv");
  command->callback([state, &exit_code] { exit_code = report([&] { state->run(); }); });
}

template <class Options>
struct GenerateCommand {
  Options options;
  std::string to;
  NumberOptions numbers;

  void run() const {
    numbers.parse();
    if (const auto wrong = complaint(options)) throw BadInput(fmt::format("generate: {}.", *wrong));
    write_and_print(generate(options), to);
  }
};

// The parameters of one model: name, where its value is, what it is.
template <class Options>
using Parameters = std::vector<std::tuple<std::string, std::uint64_t Options::*, std::string>>;

template <class Options>
void add_model(CLI::App& generate_command, int& exit_code, const std::string& name,
               const std::string& what, const Parameters<Options>& parameters) {
  const auto state = std::make_shared<GenerateCommand<Options>>();
  CLI::App* command = generate_command.add_subcommand(name, what);
  for (const auto& [option, value, meaning] : parameters) {
    state->numbers.add(*command, option, state->options.*value, meaning);
  }
  GeneratorOptions& common = state->options.common;
  state->numbers.add(*command, "--operations", common.operations, "allocations and frees to make");
  state->numbers.add(*command, "--seed", common.seed, "of chance");
  state->numbers.add(*command, "--granule", common.granule, "bytes of a page");
  state->numbers.add(*command, "--start", common.start, "the lowest page given out");
  state->numbers.add(*command, "--limit", common.limit, "the highest page of every request");
  command->add_option("--to", state->to, "the trace to write; packed if it ends in .gz")
      ->required();
  command->callback([state, &exit_code] { exit_code = report([&] { state->run(); }); });
}

void add_generate(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("generate", "Make up a trace from a model of a device");
  command->require_subcommand(1);
  add_model<NicOptions>(*command, exit_code, "nic", "A network card",
                        {{"--queues", &NicOptions::queues, "queues, of two threads each"},
                         {"--ring", &NicOptions::ring, "entries of a ring"},
                         {"--buffer-pages", &NicOptions::buffer_pages, "of a receive buffer"},
                         {"--burst", &NicOptions::burst, "packets at most in one go"},
                         {"--fragments", &NicOptions::fragments, "of a sent packet, at most"},
                         {"--fragment-pages", &NicOptions::fragment_pages, "at most"}});
  add_model<NvmeOptions>(*command, exit_code, "nvme", "A disk",
                         {{"--queues", &NvmeOptions::queues, "queues, of a thread each"},
                          {"--depth", &NvmeOptions::depth, "requests in flight of a queue"},
                          {"--largest-pages", &NvmeOptions::largest_pages, "of a request"},
                          {"--burst", &NvmeOptions::burst, "requests at most in one go"}});
}

}  // namespace

void add_trace_commands(CLI::App& app, int& exit_code) {
  add_trace(app, exit_code);
  add_generate(app, exit_code);
}

}  // namespace smmu::study
