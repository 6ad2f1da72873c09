// From a StreamID to a valid STE (IHI 0070, 3.3.1 and 5.2).
#ifndef SMMU_EMULATOR_V3_STREAM_TABLE_H_
#define SMMU_EMULATOR_V3_STREAM_TABLE_H_

#include <memory>
#include <variant>

#include "emulator/tcu/configuration_source.h"
#include "emulator/v3/contiguous_entries.h"
#include "emulator/v3/features.h"
#include "emulator/v3/register_file.h"
#include "emulator/v3/structure_cache.h"
#include "smmu/arch/v3/stream_table.h"

namespace smmu::emulator {

// Whether software may not use this STE: 5.2.2, in the manual's order.
bool ste_illegal(const Features& features, const v3::STE& ste);

// Whose translations a legal STE's stage 1 makes: 5.2, STRW.  `e2h`: CR2.E2H.
StreamWorld world_of(const Features& features, const v3::STE& ste, bool e2h);

class StreamTable {
 public:
  StreamTable(const Features& features, const RegisterFile& registers, PhysicalMemory& memory,
              const Caching& caching, const Tcu& tcu, Observer* observer);

  struct Found {
    std::variant<v3::STE, ConfigurationFault> ste;
    bool cacheable;
  };
  // The STE of a stream, checked; or C_BAD_STREAMID, F_STE_FETCH, C_BAD_STE,
  // F_CFG_CONFLICT.
  // `reading` becomes as old as the copies that were used.
  Found find(StreamId stream, Reading& reading);

  void invalidate(const ConfigurationInvalidation& what, Stamp before);
  void clear();

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    descriptors_.archive(snapshot, [](std::uint32_t split) { return split <= 10; });
    entries_.archive(snapshot, [](std::uint32_t index) { return index == 0; });
    if (contiguous_ != nullptr) snapshot(*contiguous_);
  }

 private:
  void invalidate_entries(const ConfigurationInvalidation& what, Stamp before);
  void invalidate_descriptors(const ConfigurationInvalidation& what, Stamp before);
  ConfigurationFault fetch_fault(Pa address) const;
  struct Place {
    Pa address;
    unsigned table_bits;  // of the StreamID, that index the table it is in
    bool second_level;
  };
  static unsigned span_of(const v3::STE& ste, const Place& place);
  std::variant<Place, Found> locate(StreamId stream, Reading& reading);

  const Features& features_;
  const RegisterFile& registers_;
  PhysicalMemory& memory_;
  Observer* const observer_;
  StructureCache<v3::L1STD> descriptors_;  // by the first StreamID, and SPLIT
  StructureCache<v3::STE> entries_;
  // Null: every STE speaks for its own stream only.
  const std::unique_ptr<ContiguousEntries> contiguous_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_STREAM_TABLE_H_
