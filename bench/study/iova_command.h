// `smmu-study iova`: runs the matrix, prints it and writes it down.
#ifndef BENCH_STUDY_IOVA_COMMAND_H_
#define BENCH_STUDY_IOVA_COMMAND_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "bench/study/matrix.h"

namespace smmu::study {

// Adds itself to `app`, which keeps references to it.
class IovaCommand {
 public:
  explicit IovaCommand(CLI::App& app);
  IovaCommand(const IovaCommand&) = delete;
  IovaCommand& operator=(const IovaCommand&) = delete;

  bool parsed() const { return command_->parsed(); }
  // Throws a sentence about what is wrong with an option or a file.
  // The exit status: 1 if a replay was compared and differs.
  int run() const;

 private:
  int replay() const;
  Selection selection() const;
  Shard shard() const;

  CLI::App* command_;
  std::vector<std::string> workloads_;
  std::vector<std::string> allocators_;
  std::vector<std::uint64_t> n_;
  std::string seed_ = "1";
  std::uint64_t operations_ = 0;
  unsigned repetitions_ = 3;
  unsigned threads_ = 2;
  bool count_ = false;
  std::string shard_;
  std::string json_;
  std::string replay_;
  bool compare_ = false;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_IOVA_COMMAND_H_
