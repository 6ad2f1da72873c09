#include "emulator/cli/memory_image.h"

#include <fmt/format.h>

#include "emulator/cli/input.h"

namespace smmu::cli {

void MemoryImage::set(std::uint64_t address, std::uint64_t value) {
  (*pages_.find(address & ~(kPageBytes - 1))->second)[address % kPageBytes / 8] = value;
}

std::optional<std::uint64_t> MemoryImage::word(std::uint64_t address) const {
  const auto page = pages_.find(address & ~(kPageBytes - 1));
  if (page == pages_.end()) return std::nullopt;
  return (*page->second)[address % kPageBytes / 8];
}

MemoryImage MemoryImage::load(const std::filesystem::path& folder) {
  MemoryImage image;
  Page* page = nullptr;
  Lines lines(find_input(folder, "memory.txt"));
  while (lines.next()) {
    const std::string_view text = lines.text();
    if (text.empty() || text.front() == '#') continue;
    constexpr std::string_view kPage = "page ";
    if (text.starts_with(kPage)) {
      const std::string_view rest = text.substr(kPage.size());
      const std::string_view field = rest.substr(0, rest.find(' '));
      const auto address = parse_number(field);
      if (!address || *address % kPageBytes != 0 || *address >= kPhysicalLimit) {
        lines.reject("the address of a 4 KiB page, below 2^56", field);
      }
      if (image.pages_.size() == kMaxPages)
        lines.reject(fmt::format("at most {} pages", kMaxPages));
      if (!image.add_page(*address)) lines.reject("each page once");
      page = image.pages_[*address].get();
      continue;
    }
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) lines.reject("\"page ADDRESS ROLES\" or \"OFFSET VALUE\"");
    const auto offset = parse_hexadecimal(text.substr(0, space));
    const auto value = parse_hexadecimal(text.substr(space + 1));
    if (page == nullptr) lines.reject("a page before the first word");
    if (!offset || *offset >= kPageBytes || *offset % 8 != 0) {
      lines.reject("the offset of a 64-bit word in its page", text.substr(0, space));
    }
    if (!value) lines.reject("a 64-bit word in hexadecimal", text.substr(space + 1));
    (*page)[*offset / 8] = *value;
  }
  return image;
}

}  // namespace smmu::cli
