// A file of memory that a test fills word by word.
#ifndef TEST_CLI_RAW_MEMORY_FILE_H_
#define TEST_CLI_RAW_MEMORY_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "test/cli/run_tool.h"

namespace smmu::cli {

class RawMemoryFile {
 public:
  static constexpr std::uint64_t kBase = 0x8000'0000;

  // Little-endian, as memory is.
  void put64(std::uint64_t address, std::uint64_t value) { put(address, value, 8); }
  void put32(std::uint64_t address, std::uint32_t value) { put(address, value, 4); }

  // Writes the file.  "FILE@ADDRESS".
  std::string save() {
    saved_ = bytes_;
    return folder_.write("ram", bytes_).string() + "@0x80000000";
  }
  // Of the file; empty before save().
  std::string bytes() const { return folder_.read("ram"); }
  const std::string& bytes_saved() const { return saved_; }
  const TemporaryFolder& folder() const { return folder_; }

 private:
  void put(std::uint64_t address, std::uint64_t value, std::size_t count) {
    const std::size_t at = address - kBase;
    if (bytes_.size() < at + count) bytes_.resize(at + count);
    for (std::size_t i = 0; i != count; ++i) bytes_[at + i] = static_cast<char>(value >> 8 * i);
  }

  TemporaryFolder folder_;
  std::string bytes_ = std::string(0x20'0000, '\0');
  std::string saved_;
};

}  // namespace smmu::cli

#endif  // TEST_CLI_RAW_MEMORY_FILE_H_
