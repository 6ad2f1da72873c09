#include "bench/study/merge_command.h"

#include <fmt/format.h>

#include "bench/study/document.h"
#include "bench/study/table.h"

namespace smmu::study {

MergeCommand::MergeCommand(CLI::App& app)
    : command_(app.add_subcommand("merge", "Put the shards of a run together")) {
  command_->add_option("FILE", files_, "what `smmu-study iova --shard i/n --json FILE` wrote")
      ->required();
  command_->add_option("--json", json_, "write the whole to this file")->required();
}

void MergeCommand::run() const {
  const Document whole = merge(files_);
  write_document(whole, json_);
  fmt::print("{}", table_of(whole.results, whole.selection.count));
}

}  // namespace smmu::study
