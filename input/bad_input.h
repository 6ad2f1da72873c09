// What is wrong with an input.
#ifndef INPUT_BAD_INPUT_H_
#define INPUT_BAD_INPUT_H_

#include <exception>
#include <string>
#include <utility>

namespace smmu::input {

// One sentence for the user: file, line, and what was expected there.
class BadInput : public std::exception {
 public:
  explicit BadInput(std::string sentence) : sentence_(std::move(sentence)) {}
  const char* what() const noexcept override { return sentence_.c_str(); }

 private:
  std::string sentence_;
};

}  // namespace smmu::input

#endif  // INPUT_BAD_INPUT_H_
