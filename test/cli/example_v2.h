// The committed SMMUv2, and copies of it that a test may change.
#ifndef TEST_CLI_EXAMPLE_V2_H_
#define TEST_CLI_EXAMPLE_V2_H_

#include <fmt/format.h>

#include <string>

#include "test/cli/run_tool.h"

namespace smmu::cli {

inline std::string example_v2() { return SMMU_TEST_DATA "/smmu_v2"; }

// A copy of it, in which a line of its registers may be replaced, or one added at the end.
class EditedExample {
 public:
  EditedExample() {
    for (const char* name : {"registers.txt", "memory.txt"}) {
      std::string text;
      Lines lines(fmt::format("{}/{}", example_v2(), name));
      while (lines.next()) text.append(lines.text()) += '\n';
      folder_.write(name, text);
    }
  }
  void set(const std::string& name, const std::string& value) {
    std::string text = folder_.read("registers.txt");
    const std::size_t at = text.find(fmt::format("\n{} ", name));
    const std::string line = fmt::format("\n{} {}", name, value);
    if (at == std::string::npos) {
      text.append(line, 1).append("\n");
    } else {
      text.replace(at, text.find('\n', at + 1) - at, line);
    }
    folder_.write("registers.txt", text);
  }
  ToolRun run(const std::string& options) const {
    return run_tool(fmt::format("walk {} {}", folder_.path().string(), options));
  }
  const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

}  // namespace smmu::cli

#endif  // TEST_CLI_EXAMPLE_V2_H_
