// Physical memory that lies in files: read where a walk reads it, and never written.  What an
// update would have written is kept beside, and is what is read from then on.
#ifndef EMULATOR_CLI_RAW_MEMORY_H_
#define EMULATOR_CLI_RAW_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "emulator/cli/memory_image.h"
#include "smmu/platform/memory.h"

namespace smmu::cli {

// Used by one thread.
class RawMemory final : public PhysicalMemory {
 public:
  struct Update {
    std::uint64_t loads;  // made before it
    std::uint64_t address;
    std::uint64_t before;
    std::uint64_t after;
  };

  RawMemory() = default;
  ~RawMemory() override;

  // "FILE@ADDRESS": the bytes of FILE, as they are, from ADDRESS on.  What is missing of the last
  // word is zeros.  BadInput if that is not what it says, or if there is memory already.
  void add(const std::string& file_at_address);
  // A capture's.  BadInput if there is memory already.
  void add(MemoryImage image);

  const std::vector<Update>& updates() const { return updates_; }
  // Why a file could not be read, if one could not: what was read there counts as an abort.
  const std::string& failure() const { return failure_; }

  BusResponse read(Pa pa, std::span<std::byte> bytes) override;
  BusResponse write(Pa pa, std::span<const std::byte> bytes) override;
  const DirectRegion* direct_region(Pa) override { return nullptr; }

 private:
  struct File {
    std::string name;
    int descriptor;
    std::uint64_t base;
    std::uint64_t bytes;
  };

  Result<std::uint64_t, ExternalAbort> load64_indirect(Pa pa) override;
  BusResponse store64_indirect(Pa pa, std::uint64_t value) override;
  Result<std::uint64_t, ExternalAbort> compare_exchange64_indirect(Pa pa, std::uint64_t expected,
                                                                   std::uint64_t desired) override;

  std::optional<std::uint64_t> find(std::uint64_t address);
  void refuse_overlap(const std::string& source, std::uint64_t base, std::uint64_t bytes) const;

  std::vector<File> files_;
  MemoryImage image_;
  std::map<std::uint64_t, std::uint64_t> written_;  // words, by address
  std::vector<Update> updates_;
  std::uint64_t loads_ = 0;
  std::string failure_;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_RAW_MEMORY_H_
