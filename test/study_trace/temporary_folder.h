// A folder of a test's own, for traces, and what is said of files in it.
#ifndef TEST_STUDY_TRACE_TEMPORARY_FOLDER_H_
#define TEST_STUDY_TRACE_TEMPORARY_FOLDER_H_

#include <fmt/format.h>
#include <zlib.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "bench/study/trace/lines.h"
#include "test/input/temporary_folder.h"

namespace smmu::study {

class TemporaryFolder : public input::TemporaryFolder {
 public:
  // Of a file in it; of itself, with a slash at the end.
  std::string path(std::string_view name = "") const {
    return (input::TemporaryFolder::path() / name).string();
  }
  std::string write(std::string_view name, std::string_view text) const {
    return input::TemporaryFolder::write(name, text).string();
  }
  std::string write_packed(std::string_view name, std::string_view text) const {
    const gzFile gz = gzopen(path(name).c_str(), "wb");
    gzwrite(gz, text.data(), static_cast<unsigned>(text.size()));
    gzclose(gz);
    return path(name);
  }
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
