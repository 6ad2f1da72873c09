// A folder of a test's own, gone when the test is, and what is said of files in it.
#ifndef TEST_STUDY_TRACE_TEMPORARY_FOLDER_H_
#define TEST_STUDY_TRACE_TEMPORARY_FOLDER_H_

#include <fmt/format.h>
#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include "bench/study/trace/lines.h"

namespace smmu::study {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "smmu-trace-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  // Of a file in it; of itself, with a slash at the end.
  std::string path(std::string_view name = "") const { return (path_ / name).string(); }

  std::string write(std::string_view name, std::string_view text) const {
    remove(name);
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path(name);
  }

  // A file that is written over is one that ext4 waits for.
  void remove(std::string_view name) const {
    std::error_code ignored;
    std::filesystem::remove(path_ / name, ignored);
  }

  std::string write_packed(std::string_view name, std::string_view text) const {
    const gzFile gz = gzopen(path(name).c_str(), "wb");
    gzwrite(gz, text.data(), static_cast<unsigned>(text.size()));
    gzclose(gz);
    return path(name);
  }

  std::string read(std::string_view name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

 private:
  std::filesystem::path path_;
};

// The sentence of the BadInput that `act` throws, without the folder's name; empty if it throws
// none.
template <class Act>
std::string complaint_of(const TemporaryFolder& folder, Act&& act) {
  try {
    act();
  } catch (const BadInput& bad) {
    std::string sentence = bad.what();
    const std::string prefix = folder.path();
    if (sentence.starts_with(prefix)) sentence.erase(0, prefix.size());
    return sentence;
  }
  return "";
}

// All lines of a file, plain or packed.
inline std::string text_of(const std::string& file) {
  std::string text;
  for (Lines lines(file); lines.next();) text.append(lines.text()).append("\n");
  return text;
}

inline std::string committed_capture(const std::string& name) {
  return fmt::format("{}/captures/{}", SMMU_TEST_DATA, name);
}

}  // namespace smmu::study

#endif  // TEST_STUDY_TRACE_TEMPORARY_FOLDER_H_
