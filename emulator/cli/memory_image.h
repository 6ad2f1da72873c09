// Physical memory as a capture recorded it: some pages are known, the rest was never needed.
#ifndef EMULATOR_CLI_MEMORY_IMAGE_H_
#define EMULATOR_CLI_MEMORY_IMAGE_H_

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "smmu/types.h"

namespace smmu::cli {

inline constexpr std::uint64_t kPageBytes = 4096;
// Physical addresses have at most 56 bits (IHI 0070, 6.3.6, OAS).
inline constexpr std::uint64_t kPhysicalLimit = std::uint64_t{1} << 56;
// More pages than this are refused: a file of a few bytes a page would fill the host's memory.
inline constexpr std::size_t kMaxPages = 32768;

class MemoryImage {
 public:
  using Page = std::array<std::uint64_t, kPageBytes / 8>;

  // A capture's memory.txt.
  static MemoryImage load(const std::filesystem::path& folder);

  // A page of zeros at `address`, a multiple of the page's size.  False if it is known already.
  bool add_page(std::uint64_t address) {
    return pages_.emplace(address, std::make_unique<Page>()).second;
  }
  // REQUIRES: the page is known, `address` is a multiple of 8.
  void set(std::uint64_t address, std::uint64_t value);

  // The word at `address`, a multiple of 8; none if its page is not known.
  std::optional<std::uint64_t> word(std::uint64_t address) const;

  // `Words` words from `address`; none if not all are known.
  template <std::size_t Words>
  std::optional<std::array<std::uint64_t, Words>> words(std::uint64_t address) const {
    std::array<std::uint64_t, Words> result;
    for (std::size_t i = 0; i < Words; ++i) {
      const auto value = word(address + 8 * i);
      if (!value) return std::nullopt;
      result[i] = *value;
    }
    return result;
  }

  // The known pages by address.
  const std::map<std::uint64_t, std::unique_ptr<Page>>& pages() const { return pages_; }

 private:
  std::map<std::uint64_t, std::unique_ptr<Page>> pages_;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_MEMORY_IMAGE_H_
