// What a field's value means, in a few words, where the number alone does not say it.
#ifndef EMULATOR_CLI_MEANINGS_H_
#define EMULATOR_CLI_MEANINGS_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace smmu::cli {

// Empty if there is nothing to add.
std::string meaning_of(std::string_view layout, std::string_view field, std::uint64_t value);

// A memory type in MAIR's encoding: "Normal, write-back".
std::string memory_type(std::uint64_t mair);

// "4 KiB", "2 MiB", "1 GiB".
std::string byte_size(std::uint64_t bytes);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_MEANINGS_H_
