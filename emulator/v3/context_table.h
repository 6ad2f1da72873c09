// From an STE and a SubstreamID to a context: what a CD says (IHI 0070, 3.3.2,
// 5.3 and 5.4).
#ifndef SMMU_EMULATOR_V3_CONTEXT_TABLE_H_
#define SMMU_EMULATOR_V3_CONTEXT_TABLE_H_

#include <optional>
#include <variant>

#include "emulator/tcu/configuration_source.h"
#include "emulator/v3/features.h"
#include "emulator/v3/structure_cache.h"
#include "emulator/walk/walker.h"
#include "smmu/arch/v3/context_table.h"
#include "smmu/arch/v3/stream_table.h"

namespace smmu::emulator {

// Whether software may not use this CD: 5.4.2, in the manual's order.
bool cd_illegal(const Features& features, const v3::STE& ste, StreamWorld world, const v3::CD& cd);

// What a legal CD says of stage 1, in the context's world.
void set_stage1(const Features& features, const v3::CD& cd, Context& context);

class ContextTable {
 public:
  ContextTable(const Features& features, const PhysicalSpaces& spaces, const Caching& caching,
               const Tcu& tcu, Observer* observer);

  // What becomes of a transaction of the stream whose legal STE this is.
  // `secure_fetches_only`: SMMU_S_CR0.SIF.  `reading`: of the STE.  `updates`: of
  // the stage 2 that leads to a CD.
  ConfigurationSource::Resolution resolve(const v3::STE& ste, StreamWorld world,
                                          bool secure_fetches_only, StreamId stream,
                                          std::optional<SubstreamId> substream, Reading reading,
                                          Updates updates = Updates::kMade);

  // What becomes of what it has translated, and of its page requests.
  ConfigurationSource::Resolution resolve_stream(const v3::STE& ste, StreamWorld world,
                                                 Reading reading) const;

  void invalidate(const ConfigurationInvalidation& what, Stamp before);
  void clear();

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    descriptors_.archive(snapshot, [](std::uint32_t) { return true; });
  }

 private:
  ConfigurationSource::Resolution find(const v3::STE& ste, StreamWorld world,
                                       bool secure_fetches_only, StreamId stream,
                                       std::optional<SubstreamId> substream, Reading reading,
                                       Updates updates);
  // Has the context translate by the STE's stage 2, and leaves stage 1 away.
  void set_stage2(const v3::STE& ste, Context& context) const;
  void invalidate_descriptors(const ConfigurationInvalidation& what, Stamp before);

  // Completes a context that has what the STE says.
  ConfigurationSource::Resolution from_cd(const v3::STE& ste, StreamId stream, std::uint32_t index,
                                          Context context, Reading reading, Updates updates);

  struct Located {
    Pa address;
    SecurityState space;
    MemoryAttributes attributes;  // of a fetch from there
  };
  // Where a structure is whose address the STE or an L1CD gives: an IPA, if
  // stage 2 translates.
  std::variant<Located, WalkFault> physical(const v3::STE& ste, const Context& context,
                                            std::uint64_t address, Updates updates) const;

  const Features& features_;
  const PhysicalSpaces spaces_;
  Observer* const observer_;
  const Walker walker_;
  StructureCache<v3::L1CD> descriptors_;  // by file_number()
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_CONTEXT_TABLE_H_
