// Runs the built program, as a user does.
#ifndef TEST_CLI_RUN_TOOL_H_
#define TEST_CLI_RUN_TOOL_H_

#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "test/cli/temporary_folder.h"

namespace smmu::cli {

struct ToolRun {
  int status;  // of its exit; 128 and the signal if there was none
  std::string out;
  std::string err;
};

// `arguments` as typed into a shell, with standard output to the file `out`; if that is empty, it
// becomes the result's.
inline ToolRun run_tool_into(std::string out, const std::string& arguments) {
  const TemporaryFolder folder;
  const std::string path = folder.path().string();
  if (out.empty()) out = path + "/out";
  const int status = std::system(
      (SMMU_TEST_TOOL " " + arguments + " >" + out + " 2>" + path + "/err </dev/null").c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), folder.read("out"),
          folder.read("err")};
}

inline ToolRun run_tool(const std::string& arguments) { return run_tool_into("", arguments); }

inline std::string committed_capture(const std::string& name) {
  return std::string(SMMU_TEST_DATA) + "/captures/" + name;
}

}  // namespace smmu::cli

#endif  // TEST_CLI_RUN_TOOL_H_
