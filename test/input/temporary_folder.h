// A folder of a test's own, gone when the test is.
#ifndef TEST_INPUT_TEMPORARY_FOLDER_H_
#define TEST_INPUT_TEMPORARY_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

namespace smmu::input {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "smmu-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  std::filesystem::path write(std::string_view name, std::string_view text) const {
    const std::filesystem::path file = path_ / name;
    remove(name);
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }
  // A file that is written over is one that ext4 waits for.
  void remove(std::string_view name) const {
    std::error_code ignored;
    std::filesystem::remove(path_ / name, ignored);
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

}  // namespace smmu::input

#endif  // TEST_INPUT_TEMPORARY_FOLDER_H_
