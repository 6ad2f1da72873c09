#include "emulator/walk/aarch32_short.h"

#include "emulator/walk/attributes.h"
#include "emulator/walk/permissions.h"
#include "smmu/arch/vmsa/aarch32_short.h"

namespace smmu::emulator {
namespace {

using vmsa::LargePage_Short;
using vmsa::Level1_Short;
using vmsa::Level1Type;
using vmsa::Level2_Short;
using vmsa::Level2Type;
using vmsa::Section_Short;
using vmsa::SmallPage_Short;
using vmsa::Supersection_Short;
using vmsa::Table_Short;

// The offsets of descriptors in a level 2 table of 1 KiB.
constexpr std::uint64_t kLevel2IndexBits = mask(9, 2);

constexpr unsigned kSmallPageBits = 12;
constexpr unsigned kLargePageBits = 16;
constexpr unsigned kSectionBits = 20;
constexpr unsigned kSupersectionBits = 24;

// G5.6.4: the fields of DACR.  0b10 is reserved and taken for kNoAccess.
enum class DomainAccess : std::uint8_t { kNoAccess = 0b00, kClient = 0b01, kManager = 0b11 };

DomainAccess access_to(std::uint32_t domains, unsigned domain) {
  return static_cast<DomainAccess>(domains >> 2 * domain & 0b11);
}

// What a leaf maps, and what not every shape of it says in the same way.
struct Mapping {
  std::uint64_t output;
  unsigned size_bits;
  int level;
  unsigned domain;
  bool pxn;
  bool non_secure;  // NS
};

Mapping mapping_of(Section_Short section) {
  using D = Section_Short;
  return {.output = section[D::Base],
          .size_bits = kSectionBits,
          .level = 1,
          .domain = section[D::Domain],
          .pxn = section[D::PXN],
          .non_secure = section[D::NS]};
}

Mapping mapping_of(Supersection_Short supersection) {
  using D = Supersection_Short;
  const std::uint64_t upper = supersection[D::Base_39_36] << 4 | supersection[D::Base_35_32];
  return {.output = upper << 32 | supersection[D::Base_31_24],
          .size_bits = kSupersectionBits,
          .level = 1,
          .domain = 0,
          .pxn = supersection[D::PXN],
          .non_secure = supersection[D::NS]};
}

// G5.4.2: a page is in the domain of its table, and PXN and NS are the table's too.
Mapping mapping_of(std::uint64_t base, unsigned size_bits, Table_Short table) {
  return {.output = base,
          .size_bits = size_bits,
          .level = 2,
          .domain = table[Table_Short::Domain],
          .pxn = table[Table_Short::PXN],
          .non_secure = table[Table_Short::NS]};
}

class ShortWalk {
 public:
  ShortWalk(Stage1Memory& memory, const Regime& regime, CanonicalAddress address,
            const Access& access, Leaf& leaf)
      : memory_(memory),
        regime_(regime),
        stage1_(regime.stage1),
        tables_(regime.stage1.half[address.half].tables),
        address_(address.value),
        access_(access),
        leaf_(leaf) {}

  std::optional<WalkFault> level1() {
    std::uint32_t word;
    const std::uint64_t index = address_ >> (kSectionBits - 2) & tables_.first_index_bits;
    if (!memory_.load(tables_.root + index, 1, word)) return memory_.not_loaded(1);
    const Level1_Short descriptor({word});
    switch (descriptor[Level1_Short::Type]) {
      case Level1Type::kInvalid:
        break;
      case Level1Type::kTable:
        return level2(Table_Short({word}));
      case Level1Type::kSection:
      case Level1Type::kSectionPXN: {
        const Supersection_Short supersection({word});
        const Section_Short section({word});
        if (descriptor[Level1_Short::Supersection]) {
          return leaf(supersection, mapping_of(supersection));
        }
        return leaf(section, mapping_of(section));
      }
    }
    return memory_.fault(FaultType::kTranslation, 1);
  }

 private:
  std::optional<WalkFault> level2(Table_Short table) {
    std::uint32_t word;
    const std::uint64_t index = address_ >> (kSmallPageBits - 2) & kLevel2IndexBits;
    if (!memory_.load(table[Table_Short::Base] + index, 2, word)) return memory_.not_loaded(2);
    const LargePage_Short large({word});
    const SmallPage_Short small({word});
    switch (Level2_Short({word})[Level2_Short::Type]) {
      case Level2Type::kInvalid:
        break;
      case Level2Type::kLargePage:
        return leaf(large, mapping_of(large[LargePage_Short::Base], kLargePageBits, table));
      case Level2Type::kSmallPage:
      case Level2Type::kSmallPageXN:
        return leaf(small, mapping_of(small[SmallPage_Short::Base], kSmallPageBits, table));
    }
    return memory_.fault(FaultType::kTranslation, 2);
  }

  // Faults come in the order of G5.11.6.
  template <class D>
  std::optional<WalkFault> leaf(D descriptor, const Mapping& mapping) {
    const ShortDescriptors& format = stage1_.short_descriptors;
    // Only a Supersection has more than 32 bits of address.
    if ((mapping.output & tables_.out_of_range) != 0) {
      return memory_.fault(FaultType::kAddressSize, mapping.level);
    }
    const unsigned ap = descriptor[D::AP_1_0] | (descriptor[D::AP_2] ? 0b100U : 0);
    const bool accessed = !format.access_flag || (ap & 0b001) != 0;
    if (!accessed && !stage1_.access_flag_ignored) {
      return memory_.fault(FaultType::kAccessFlag, mapping.level);
    }
    Permissions permissions = stage1_.permissions[short_rights(ap, descriptor[D::XN], mapping.pxn)];
    switch (access_to(format.domains, mapping.domain)) {
      case DomainAccess::kClient:
        break;
      case DomainAccess::kManager:
        permissions = Permissions::all();
        break;
      default:
        return memory_.fault(FaultType::kDomain, mapping.level);
    }
    const bool secure = memory_.space() == SecurityState::kSecure && !mapping.non_secure;
    if (regime_.secure_fetches_only && !secure) {
      constexpr Rights kNoFetch{.read = true, .write = true, .execute = false};
      permissions = permissions & Permissions(kNoFetch, kNoFetch);
    }
    // See Walker::walk().
    if (regime_.has_stage2 && !access_.speculative && !access_.allowed_by(permissions)) {
      return memory_.fault(FaultType::kPermission, mapping.level);
    }
    leaf_.output = Pa(mapping.output);
    leaf_.size_bits = static_cast<std::uint8_t>(mapping.size_bits);
    leaf_.stage1_bits = leaf_.size_bits;
    leaf_.no_translation = false;
    leaf_.level = static_cast<std::int8_t>(mapping.level);
    leaf_.granule = tables_.granule;
    // What a Secure walk reads of Non-secure memory is not global (IHI 0070, 3.17.1).
    const bool from_outside =
        regime_.security == SecurityState::kSecure && memory_.space() == SecurityState::kNonSecure;
    leaf_.global = !descriptor[D::nG] && !from_outside;
    leaf_.space = secure ? SecurityState::kSecure : SecurityState::kNonSecure;
    leaf_.permissions = permissions;
    leaf_.attributes = format.attributes[short_attributes_index(
        descriptor[D::TEX], descriptor[D::C], descriptor[D::B], descriptor[D::S])];
    return std::nullopt;
  }

  Stage1Memory& memory_;
  const Regime& regime_;
  const Stage1& stage1_;
  const Tables& tables_;
  const std::uint64_t address_;
  const Access& access_;
  Leaf& leaf_;
};

}  // namespace

std::optional<WalkFault> walk_aarch32_short(Stage1Memory& memory, const Regime& regime,
                                            CanonicalAddress address, const Access& access,
                                            Leaf& leaf) {
  return ShortWalk(memory, regime, address, access, leaf).level1();
}

}  // namespace smmu::emulator
