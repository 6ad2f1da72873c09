// Files as they may come to the program, though nobody wrote them so.
#ifndef TEST_CLI_DAMAGED_H_
#define TEST_CLI_DAMAGED_H_

#include <random>
#include <string>

namespace smmu::cli {

// One of the things that happen to files, and some that people do to them.
inline std::string damaged(std::string text, std::mt19937& random) {
  const auto below = [&random](std::size_t limit) {
    return limit == 0 ? 0 : std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  switch (below(6)) {
    case 0:  // cut short
      text.resize(below(text.size() + 1));
      break;
    case 1:  // a byte changed
      if (!text.empty()) text[below(text.size())] = static_cast<char>(below(256));
      break;
    case 2:  // digits changed: still well-formed, and wrong
      for (int i = 0; i < 20 && !text.empty(); ++i) {
        char& c = text[below(text.size())];
        if (c >= '0' && c <= '9') c = static_cast<char>('0' + below(10));
      }
      break;
    case 3: {  // a part left out
      const std::size_t at = below(text.size() + 1);
      text.erase(at, below(200));
      break;
    }
    case 4: {  // a part twice
      const std::size_t at = below(text.size() + 1);
      text.insert(at, text.substr(at, below(2000)));
      break;
    }
    default: {  // a number replaced by the largest
      const std::size_t at = text.find("0x", below(text.size() + 1));
      if (at != std::string::npos)
        text.replace(at, text.find_first_not_of("0123456789abcdefx", at) - at,
                     "0xffffffffffffffff");
      break;
    }
  }
  return text;
}

}  // namespace smmu::cli

#endif  // TEST_CLI_DAMAGED_H_
