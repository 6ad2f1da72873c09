// The command line of `smmu`.  What each subcommand does is elsewhere; here is how it is asked for.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "emulator/cli/caching.h"
#include "emulator/cli/decode.h"
#include "emulator/cli/input.h"
#include "emulator/cli/maps.h"
#include "emulator/cli/replay.h"
#include "emulator/cli/scenario_help.h"
#include "emulator/cli/scenario_run.h"
#include "emulator/cli/walk_command.h"

namespace {

using namespace smmu;
using namespace smmu::cli;

constexpr char kLost[] = "smmu: expected standard output to take what is printed.\n";

enum ExitStatus : int { kAgrees = 0, kDiffers = 1, kBadUsage = 2 };

std::vector<emulator::CachePolicy> policies_of(const std::vector<std::string>& names) {
  std::vector<emulator::CachePolicy> policies;
  for (const std::string& name : names) policies.push_back(policies_by_name().at(name));
  return policies;
}

void add_caching(CLI::App& command, std::vector<std::string>& names,
                 const std::string& by_default) {
  command
      .add_option("--caching", names,
                  "which copies the SMMU keeps; may be given again [" + by_default + "]")
      ->check(CLI::IsMember({"none", "realistic", "adversarial"}))
      ->allow_extra_args(false)
      ->take_all();
}

// What is wrong with a command line, by the word that is: CLI11 misses a subcommand before it looks
// at what stands in its place.
std::string usage_complaint(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> strays = app.remaining();
  if (strays.empty() || dynamic_cast<const CLI::RequiredError*>(&error) == nullptr ||
      !app.get_subcommands().empty()) {
    return error.what();
  }
  std::string names;
  for (const CLI::App* command : app.get_subcommands({})) {
    names += (names.empty() ? "" : ", ") + command->get_name();
  }
  return fmt::format("expected one of the subcommands {}, found {}", names,
                     in_quotes(strays.front()));
}

// False if something that was printed is lost.
bool delivered() {
  std::cout.flush();
  return std::cout.good() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

int run(int argc, char** argv) {
  CLI::App app("A register-level model of Arm's SMMUs, asked about real and scripted DMA.", "smmu");
  app.set_version_flag("--version", "smmu " SMMU_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 if everything agrees, 1 if something does not, 2 on bad usage or input.");

  Output output;
  const auto add_json = [&output](CLI::App& command) {
    command.add_flag("--json", output.json, "print JSON");
  };

  std::vector<std::string> paths;
  std::vector<std::string> caching;
  CLI::App* replay_command =
      app.add_subcommand("replay", "Replay captures of real kernels and compare");
  replay_command->add_option("DIR", paths, "folders of captures")->required();
  add_caching(*replay_command, caching, "all three");
  replay_command->add_flag("--all", output.all,
                           "print every disagreement, not only the first ones");
  add_json(*replay_command);

  std::string disputed;
  std::string prefetch = "off";
  CLI::App* scenario_command =
      app.add_subcommand("scenario", "Play scripted scenarios and judge every op");
  scenario_command->add_option("FILE", paths, "scenario files (JSON lines, plain or gzip)")
      ->required();
  scenario_command->add_option("--disputed", disputed,
                               "lines that take the place of those of deviations.tsv");
  add_caching(*scenario_command, caching, "adversarial");
  scenario_command
      ->add_option("--prefetch", prefetch,
                   "whether the SMMU caches what nobody asked for yet [off]")
      ->check(CLI::IsMember({"on", "off"}));
  scenario_command->add_flag("--all", output.all,
                             "print every disagreement, not only the first ones");
  scenario_command->footer(scenario_help());
  add_json(*scenario_command);

  WalkCommand walk_command(app);
  add_json(walk_command.app());

  std::string folder;
  std::string sid;
  CLI::App* maps_command = app.add_subcommand("maps", "List everything that is mapped");
  maps_command->add_option("DIR", folder, "folder of a capture")->required();
  maps_command->add_option("--sid", sid, "of this stream only");
  add_json(*maps_command);

  DecodeOptions decode_options;
  CLI::App* decode_command = app.add_subcommand("decode", "Take words apart, field by field");
  decode_command
      ->add_option(
          "KIND", decode_options.kind,
          "ste, cd, l1std, l1cd, command, event, pt-table, pt-leaf, or the name of a register")
      ->required();
  decode_command
      ->add_option("WORDS", decode_options.words, "its words in hexadecimal, the first one first")
      ->required();
  decode_command->add_flag("--all", output.all, "print fields that are 0 too");
  decode_command->footer(
      "Registers have Arm's names, with or without SMMU_: CR0, STRTAB_BASE of an SMMUv3; sCR0,\n"
      "CBn_FSR, CB3.FSR, SMRn, SMR0 of an SMMUv2.  A name that both have is SMMUv3's; v2:IDR0 is\n"
      "SMMUv2's.  Where another field chooses the layout, its condition follows: S2CRn_Bypass,\n"
      "CBn_TCR_Long.  S2CRn and CBARn without one go by their TYPE, PAR by its F.");
  add_json(*decode_command);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 prints help through the same door.
    if (error.get_exit_code() == 0) return app.exit(error);
    fmt::print(stderr, "smmu: {} (try --help)\n", usage_complaint(app, error));
    return kBadUsage;
  }

  const std::vector<std::filesystem::path> files(paths.begin(), paths.end());
  if (replay_command->parsed()) {
    if (caching.empty()) caching = {"none", "realistic", "adversarial"};
    return replay({files, policies_of(caching), output}) ? kAgrees : kDiffers;
  }
  if (scenario_command->parsed()) {
    if (caching.empty()) caching = {"adversarial"};
    const ScenarioOptions options{
        .files = files,
        .disputed =
            disputed.empty() ? std::nullopt : std::optional<std::filesystem::path>(disputed),
        .policies = policies_of(caching),
        .prefetch = prefetch == "on" ? emulator::SpeculativePrefetch::kOn
                                     : emulator::SpeculativePrefetch::kOff,
        .output = output};
    return run_scenarios(options) ? kAgrees : kDiffers;
  }
  if (walk_command.parsed()) return walk_command.run(output) ? kAgrees : kDiffers;
  if (maps_command->parsed()) {
    MapsOptions options{.folder = folder, .stream = std::nullopt, .output = output};
    if (!sid.empty())
      options.stream = static_cast<std::uint32_t>(parse_option("--sid", sid, kMax32));
    return print_maps(options) ? kAgrees : kDiffers;
  }
  decode_options.output = output;
  decode(decode_options);
  return kAgrees;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int status = run(argc, argv);
    if (delivered()) return status;
    std::fputs(kLost, stderr);
  } catch (const std::system_error&) {
    // Of printing: whatever is wrong with an input is a BadInput.
    std::fputs(kLost, stderr);
  } catch (const std::bad_alloc&) {
    std::fputs("smmu: expected an input that fits into memory.\n", stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "smmu: %s\n", error.what());
  }
  return kBadUsage;
}
