// One stage or two (DDI 0487, D8.2.1; IHI 0070, 3.4 and 13.5).
#include "test/model/naive_walker.h"

#include <algorithm>

#include "test/model/naive_stages.h"

namespace smmu::model {
namespace {

Result<Stage2Leaf, Fault> walk_stage2(const Regime& regime, const Stage2Access& access,
                                      const Memory& memory) {
  const Stage2& stage2 = *regime.stage2;
  if (stage2.format == Stage2Format::kVmsa8_64) {
    return walk_stage2_v8_64(regime.implementation, stage2, access, memory);
  }
  return walk_stage2_v8_32_long(regime.implementation, stage2, access, memory);
}

Result<Stage1Leaf, Fault> walk_stage1(const Regime& regime, const Access& access,
                                      const FetchStage1& fetch) {
  const Stage1& stage1 = *regime.stage1;
  if (stage1.format == Stage1Format::kVmsa8_64) {
    return walk_stage1_v8_64(regime.implementation, stage1, access, fetch);
  }
  if (stage1.format == Stage1Format::kVmsa8_32Long) {
    return walk_stage1_v8_32_long(stage1, access, fetch);
  }
  return walk_stage1_v8_32_short(regime.stage2 ? 40 : regime.implementation.oas, stage1, access,
                                 fetch);
}

// IHI 0070, 3.4: an IPA that stage 2 does not translate is truncated to the
// OAS.  So are the 40-bit table addresses of VMSAv8-32 (7.3.12).
std::uint64_t truncated(std::uint64_t address, unsigned oas) {
  return address & ((std::uint64_t{1} << oas) - 1);
}

// Where a stage 1 descriptor is.
Result<std::uint64_t, Fault> descriptor_pa(const Regime& regime, std::uint64_t address, bool write,
                                           const Memory& memory) {
  if (!regime.stage2) return truncated(address, regime.implementation.oas);

  // IHI 0070, 7.3.16: the access is data, whatever the transaction is.
  const Result<Stage2Leaf, Fault> leaf = walk_stage2(regime,
                                                     {.ipa = address,
                                                      .write = write,
                                                      .instruction = false,
                                                      .privileged = true,
                                                      .in = FaultClass::kTable},
                                                     memory);
  if (!leaf) return leaf.error();
  return leaf->address;
}

Fault external_abort(int level, std::uint64_t pa) {
  // IHI 0070, 7.3.12: CLASS is TT although the stage is 1.
  return Fault{.type = FaultType::kExternalAbort,
               .stage = 1,
               .level = level,
               .in = FaultClass::kTable,
               .fetch = pa};
}

}  // namespace

Result<Translation, Fault> translate(const Regime& regime, const Access& given,
                                     const Memory& memory) {
  Access access = given;
  // IHI 0070, 13.1.2: the SMMU considers all incoming writes to be data.
  if (access.write) access.instruction = false;

  const unsigned oas = regime.implementation.oas;

  if (!regime.stage1) {
    // IHI 0070, 3.4: stage 1 bypass is checked against the IAS.
    if ((access.address >> regime.implementation.ias()) != 0) {
      return Fault{.type = FaultType::kAddressSize, .stage = 1, .level = 0};
    }
    const Result<Stage2Leaf, Fault> leaf = walk_stage2(regime,
                                                       {.ipa = access.address,
                                                        .write = access.write,
                                                        .instruction = access.instruction,
                                                        .privileged = access.privileged,
                                                        .in = FaultClass::kInput},
                                                       memory);
    if (!leaf) return leaf.error();

    Attributes input{mair_type(access.type, 0), access.shareability};
    if (input.type < 0x10 || input.type == 0x44) input.shareability = 0b10;
    const Attributes output =
        combine(input, leaf->mem_attr, leaf->shareability, regime.stage2->fwb);
    return Translation{.pa = leaf->address,
                       .size = leaf->size,
                       .permissions = leaf->permissions,
                       .type = output.type,
                       .shareability = output.shareability,
                       .level = leaf->level,
                       .stage2_level = leaf->level};
  }

  const FetchStage1 fetch = [&](std::uint64_t address, int level) -> Result<std::uint64_t, Fault> {
    const Result<std::uint64_t, Fault> pa = descriptor_pa(regime, address, false, memory);
    if (!pa) return pa.error();
    if (memory.before_fetch) {
      memory.before_fetch({.stage = 1, .level = level, .pa = *pa, .in = FaultClass::kInput});
    }
    const std::optional<std::uint64_t> word = memory.read(*pa & ~std::uint64_t{7});
    if (!word) return external_abort(level, *pa);
    return *word;
  };

  const Result<Stage1Leaf, Fault> leaf1 = walk_stage1(regime, access, fetch);
  if (!leaf1) return leaf1.error();

  // DDI 0487, D8.5.2.1 (RBDJJL), IHI 0070, 3.13.5: the update is a write, which
  // stage 2 must allow.
  const auto update_stage1 = [&]() -> Result<bool, Fault> {
    if (!leaf1->update) return true;
    const Update& update = *leaf1->update;
    const Result<std::uint64_t, Fault> pa = descriptor_pa(regime, update.address, true, memory);
    if (!pa) return pa.error();
    const std::optional<std::uint64_t> found =
        memory.compare_exchange(*pa, update.expected, update.desired);
    if (!found) return external_abort(update.level, *pa);
    return *found == update.expected;
  };

  if (kUpdateStage1BeforeStage2) {
    const Result<bool, Fault> done = update_stage1();
    if (!done) return done.error();
    // DDI 0487, D8.5.2.1 (RSGJBL, IYZSVV): the descriptor in memory counts.
    if (!*done) return translate(regime, given, memory);
  }

  Translation result{.pa = truncated(leaf1->address, oas),
                     .size = leaf1->size,
                     .permissions = leaf1->permissions,
                     .type = leaf1->type,
                     .shareability = leaf1->shareability,
                     .global = leaf1->global,
                     .level = leaf1->level};

  if (regime.stage2) {
    const Result<Stage2Leaf, Fault> leaf2 = walk_stage2(regime,
                                                        {.ipa = leaf1->address,
                                                         .write = access.write,
                                                         .instruction = access.instruction,
                                                         .privileged = access.privileged,
                                                         .in = FaultClass::kInput},
                                                        memory);
    if (!leaf2) return leaf2.error();

    const std::uint8_t shareability = kStage1DeviceEntersStage2OuterShareable
                                          ? leaf1->shareability
                                          : leaf1->descriptor_shareability;
    const Attributes output = combine({leaf1->type, shareability}, leaf2->mem_attr,
                                      leaf2->shareability, regime.stage2->fwb);
    result.pa = leaf2->address;
    result.size = std::min(leaf1->size, leaf2->size);
    result.permissions = leaf1->permissions & leaf2->permissions;
    result.type = output.type;
    result.shareability = output.shareability;
    result.stage2_level = leaf2->level;
  }

  if (!kUpdateStage1BeforeStage2) {
    const Result<bool, Fault> done = update_stage1();
    if (!done) return done.error();
    if (!*done) return translate(regime, given, memory);
  }
  return result;
}

}  // namespace smmu::model
