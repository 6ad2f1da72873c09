// Another program, run to its end.
#ifndef BENCH_STUDY_CHILD_PROCESS_H_
#define BENCH_STUDY_CHILD_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace smmu::study {

// Starts when it is made.  Its input is empty, what it prints is dropped, and its environment is
// PATH alone: a longer one would move the stack, and with it what shares a line of a cache.
class ChildProcess {
 public:
  // The first word is the program, looked for in PATH.  std::system_error if there is none.
  explicit ChildProcess(const std::vector<std::string>& words);
  // Waits.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Waits; whether it ended with status 0.
  bool succeeds();

 private:
  pid_t process_ = -1;  // -1: waited for
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_CHILD_PROCESS_H_
