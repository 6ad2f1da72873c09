// `smmu-study merge`: makes one file of all shards of a run.
#ifndef BENCH_STUDY_MERGE_COMMAND_H_
#define BENCH_STUDY_MERGE_COMMAND_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace smmu::study {

class MergeCommand {
 public:
  // Adds itself to `app`, which keeps references to it.
  explicit MergeCommand(CLI::App& app);
  MergeCommand(const MergeCommand&) = delete;
  MergeCommand& operator=(const MergeCommand&) = delete;

  bool parsed() const { return command_->parsed(); }
  // Throws a sentence about what is wrong with a file.
  void run() const;

 private:
  CLI::App* command_;
  std::vector<std::string> files_;
  std::string json_;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_MERGE_COMMAND_H_
