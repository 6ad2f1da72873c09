// What the tool does only for a person who looks at a terminal.
#ifndef EMULATOR_CLI_TERMINAL_H_
#define EMULATOR_CLI_TERMINAL_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace smmu::cli {

// Text in colour if standard output is a terminal and NO_COLOR is not set, else as it is.
class Paint {
 public:
  static Paint for_stdout();
  static Paint none() { return Paint(false); }

  std::string bold(std::string_view text) const { return paint("1", text); }
  std::string dim(std::string_view text) const { return paint("2", text); }
  std::string good(std::string_view text) const { return paint("32", text); }
  std::string bad(std::string_view text) const { return paint("1;31", text); }
  std::string name(std::string_view text) const { return paint("36", text); }

 private:
  explicit Paint(bool enabled) : enabled_(enabled) {}
  std::string paint(std::string_view code, std::string_view text) const;

  bool enabled_;
};

// A bar on standard error, if that is a terminal, from the first step that comes late enough for
// somebody to wonder.  It is gone when the object is.
class Progress {
 public:
  Progress(std::string label, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void step();

 private:
  std::string label_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  std::uint64_t begin_ms_;
  std::uint64_t drawn_ms_ = 0;
  bool terminal_;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_TERMINAL_H_
