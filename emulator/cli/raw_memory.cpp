#include "emulator/cli/raw_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "emulator/cli/input.h"

namespace smmu::cli {

namespace {

constexpr std::uint64_t kWordBytes = 8;

}  // namespace

RawMemory::~RawMemory() {
  for (const File& file : files_) ::close(file.descriptor);
}

void RawMemory::refuse_overlap(const std::string& source, std::uint64_t base,
                               std::uint64_t bytes) const {
  const auto refuse = [&](std::uint64_t address, const std::string& owner) {
    throw BadInput(fmt::format("{}: expected memory where there is none yet, but {} has {:#x}.",
                               source, owner, address));
  };
  for (const File& file : files_) {
    if (base < file.base + file.bytes && file.base < base + bytes) {
      refuse(std::max(base, file.base), file.name);
    }
  }
  const auto page = image_.pages().lower_bound(base & ~(kPageBytes - 1));
  if (page != image_.pages().end() && page->first < base + bytes) {
    refuse(std::max(base, page->first), "memory.txt");
  }
}

void RawMemory::add(const std::string& file_at_address) {
  const std::string source = "--memory";
  const std::size_t at = file_at_address.rfind('@');
  const auto base =
      at == std::string::npos ? std::nullopt : parse_number(file_at_address.substr(at + 1));
  if (!base || *base % kWordBytes != 0 || *base >= kPhysicalLimit) {
    throw BadInput(
        fmt::format("{}: expected FILE@ADDRESS, the address a multiple of 8 below 2^56, found {}.",
                    source, in_quotes(file_at_address)));
  }
  const std::string name = file_at_address.substr(0, at);
  // Without waiting for the other end of what is a pipe.
  const int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status {};
  if (descriptor < 0 || ::fstat(descriptor, &status) != 0) {
    if (descriptor >= 0) ::close(descriptor);
    throw BadInput(fmt::format("{}: expected a file that can be read.", name));
  }
  files_.push_back({name, descriptor, *base, 0});
  if (!S_ISREG(status.st_mode)) throw BadInput(fmt::format("{}: expected a plain file.", name));
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  if (bytes == 0) throw BadInput(fmt::format("{}: expected a file that is not empty.", name));
  if (bytes > kPhysicalLimit - *base) {
    throw BadInput(fmt::format("{}: expected memory that ends below 2^56.", name));
  }
  refuse_overlap(name, *base, bytes);
  files_.back().bytes = bytes;
}

void RawMemory::add(MemoryImage image) {
  for (const auto& [address, page] : image.pages())
    refuse_overlap("memory.txt", address, kPageBytes);
  image_ = std::move(image);
}

std::optional<std::uint64_t> RawMemory::find(std::uint64_t address) {
  if (const auto written = written_.find(address); written != written_.end()) {
    return written->second;
  }
  if (const auto word = image_.word(address)) return word;
  for (const File& file : files_) {
    if (address < file.base || address - file.base >= file.bytes) continue;
    const std::uint64_t offset = address - file.base;
    const std::uint64_t wanted = std::min(kWordBytes, file.bytes - offset);
    std::uint64_t word = 0;
    const ssize_t got = ::pread(file.descriptor, &word, wanted, static_cast<off_t>(offset));
    if (got == static_cast<ssize_t>(wanted)) return little_endian(word);
    failure_ = fmt::format("{}: expected {} bytes at offset {:#x}, which cannot be read.",
                           file.name, wanted, offset);
    return std::nullopt;
  }
  return std::nullopt;
}

Result<std::uint64_t, ExternalAbort> RawMemory::load64_indirect(Pa pa) {
  ++loads_;
  const auto word = find(pa.value);
  if (!word) return ExternalAbort{};
  return *word;
}

BusResponse RawMemory::store64_indirect(Pa pa, std::uint64_t value) {
  const auto before = find(pa.value);
  if (!before) return BusResponse::kAbort;
  written_[pa.value] = value;
  updates_.push_back({loads_, pa.value, *before, value});
  return BusResponse::kOkay;
}

Result<std::uint64_t, ExternalAbort> RawMemory::compare_exchange64_indirect(Pa pa,
                                                                            std::uint64_t expected,
                                                                            std::uint64_t desired) {
  const auto found = find(pa.value);
  if (!found) return ExternalAbort{};
  if (*found == expected) (void)store64_indirect(pa, desired);
  return *found;
}

BusResponse RawMemory::read(Pa pa, std::span<std::byte> bytes) {
  for (std::size_t i = 0; i != bytes.size(); ++i) {
    const std::uint64_t address = pa.value + i;
    const auto word = find(address & ~(kWordBytes - 1));
    if (!word) return BusResponse::kAbort;
    bytes[i] = static_cast<std::byte>(*word >> address % kWordBytes * 8);
  }
  return BusResponse::kOkay;
}

BusResponse RawMemory::write(Pa pa, std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i != bytes.size(); ++i) {
    const std::uint64_t address = pa.value + i;
    const std::uint64_t place = address & ~(kWordBytes - 1);
    const auto word = find(place);
    if (!word) return BusResponse::kAbort;
    const std::uint64_t shift = address % kWordBytes * 8;
    const std::uint64_t byte = std::uint64_t{0xff} << shift;
    if (store64_indirect(Pa(place), (*word & ~byte) | static_cast<std::uint64_t>(bytes[i])
                                                          << shift) == BusResponse::kAbort) {
      return BusResponse::kAbort;
    }
  }
  return BusResponse::kOkay;
}

}  // namespace smmu::cli
