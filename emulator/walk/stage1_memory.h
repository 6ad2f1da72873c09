// Where the descriptors of stage 1 are: at physical addresses, or behind the
// stage 2 that translates them too.
#ifndef SMMU_EMULATOR_WALK_STAGE1_MEMORY_H_
#define SMMU_EMULATOR_WALK_STAGE1_MEMORY_H_

#include <cstdint>
#include <optional>

#include "emulator/walk/descriptor_memory.h"
#include "emulator/walk/fault.h"
#include "emulator/walk/walker.h"
#include "smmu/arch/bits.h"

namespace smmu::emulator {

[[gnu::noinline]] inline WalkFault stage1_fault(FaultType type, std::uint64_t where, int level) {
  return {.type = type,
          .stage = Stage::k1,
          .level = static_cast<std::int8_t>(level),
          .purpose = Purpose::kInput,
          .table_write = false,
          .ipa = {},
          .descriptor = Pa(where)};
}

// Of one walk.
class Stage1Memory {
 public:
  Stage1Memory(const Walker& walker, const PhysicalSpaces& spaces, Observer* observer,
               const Regime& regime, const Tables& tables, const Access& access, WalkCopies* copies)
      : walker_(walker),
        memory_(spaces, tables.space, observer, Stage::k1, tables.big_endian),
        regime_(regime),
        access_(access),
        copies_(copies),
        space_(tables.space) {}

  // The address space of tables, physical or intermediate: a walk leaves the
  // Secure one for good where a table descriptor says so.
  SecurityState space() const { return space_; }
  void enter(SecurityState space) {
    space_ = space;
    if (!regime_.has_stage2) memory_.enter(space);
  }

  // Reads a descriptor of 64 or 32 bits.  False: not_loaded() says why not.
  template <class Word>
  bool load(std::uint64_t where, int level, Word& descriptor) {
    return find(where, Direction::kRead) && memory_.load(where_, level, descriptor);
  }
  WalkFault not_loaded(int level) const {
    if (stage2_fault_) return *stage2_fault_;
    return fault(FaultType::kExternalAbort, level);
  }

  // Finds a descriptor, to be read or exchanged.  False: the fault of stage 2
  // says why not.
  bool find(std::uint64_t where, Direction direction) {
    where_ = Pa(where);
    if (!regime_.has_stage2) return true;
    Stage2Leaf leaf;
    const Access access{.privilege = Privilege::kPrivileged,
                        .direction = direction,
                        .content = Content::kData,
                        .speculative = access_.speculative,
                        .updates = access_.updates};
    stage2_fault_ = walker_.walk_stage2(regime_.stage2_of(space_), Ipa(where), Purpose::kTable,
                                        access, leaf, copies_);
    if (stage2_fault_) return false;
    memory_.enter(leaf.space);
    where_ = Pa(leaf.output.value | (where & mask(leaf.size_bits - 1U, 0)));
    return true;
  }
  const std::optional<WalkFault>& stage2_fault() const { return stage2_fault_; }

  // REQUIRES: the descriptor has been found.
  DescriptorMemory::Exchanged exchange(std::uint64_t expected, std::uint64_t desired) {
    return memory_.exchange(where_, expected, desired);
  }

  // What is wrong with the last descriptor.
  WalkFault fault(FaultType type, int level) const {
    return stage1_fault(type, where_.value, level);
  }

 private:
  const Walker& walker_;
  DescriptorMemory memory_;
  const Regime& regime_;
  const Access& access_;
  WalkCopies* const copies_;
  SecurityState space_;
  Pa where_;  // of the last descriptor
  std::optional<WalkFault> stage2_fault_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_STAGE1_MEMORY_H_
