// Numbers in the words of a command line.
#ifndef BENCH_STUDY_WHOLE_NUMBER_H_
#define BENCH_STUDY_WHOLE_NUMBER_H_

#include <cstdint>
#include <string_view>

namespace smmu::study {

// The whole of `text` as a decimal number.  Throws a sentence that names the option if it is none
// from `least` to `most`.
std::uint64_t whole_number(std::string_view option, std::string_view text, std::uint64_t least,
                           std::uint64_t most);

}  // namespace smmu::study

#endif  // BENCH_STUDY_WHOLE_NUMBER_H_
