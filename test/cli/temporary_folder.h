// A folder of a test's own, for captures.
#ifndef TEST_CLI_TEMPORARY_FOLDER_H_
#define TEST_CLI_TEMPORARY_FOLDER_H_

#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/cli/input.h"
#include "test/input/temporary_folder.h"

namespace smmu::cli {

class TemporaryFolder : public input::TemporaryFolder {
 public:
  // The committed capture `name` with every file unpacked, so that a test may edit it.
  void unpack_capture(std::string_view name) const {
    for (const auto& entry : std::filesystem::directory_iterator(
             std::filesystem::path(SMMU_TEST_DATA) / "captures" / name)) {
      std::string text;
      for (Lines lines(entry.path()); lines.next();) text.append(lines.text()).append("\n");
      std::filesystem::path file = entry.path().filename();
      if (file.extension() == ".gz") file.replace_extension();
      write(file.string(), text);
    }
  }

  // Replaces line `number`, counted from 1.
  void replace_line(std::string_view name, std::size_t number, std::string_view line) const {
    std::istringstream in(read(name));
    std::string out;
    std::string old;
    for (std::size_t i = 1; std::getline(in, old); ++i) {
      out.append(i == number ? line : std::string_view(old)).append("\n");
    }
    write(name, out);
  }
};

// The sentence of the BadInput that `act` throws, with the temporary folder's name left out; empty
// if it throws none.
template <class Act>
std::string complaint_of(const TemporaryFolder& folder, Act&& act) {
  try {
    act();
  } catch (const BadInput& bad) {
    std::string sentence = bad.what();
    const std::string prefix = folder.path().string() + "/";
    if (sentence.starts_with(prefix)) sentence.erase(0, prefix.size());
    return sentence;
  }
  return "";
}

}  // namespace smmu::cli

#endif  // TEST_CLI_TEMPORARY_FOLDER_H_
