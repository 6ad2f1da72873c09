// Bit-field vocabulary for everything Arm lays out in bits.
//
// One declaration per field, written the way the manual prints it, high bit
// first:
//
//   struct STE : Structure<STE, 64> {
//     static constexpr Bit<0>                V{"V"};
//     static constexpr Bits<3, 1, SteConfig> Config{"Config"};
//     static constexpr Address<55, 6>        S1ContextPtr{"S1ContextPtr"};
//   };
//
//   if (!ste[STE::V]) ...                          // read
//   ste.set(STE::Config, SteConfig::kS1Translate); // write
//
// A field knows its owner, so cd[STE::V] does not compile.  A field never
// crosses a 64-bit word, because Arm's never do and because an access to one
// must be a single load.  Both facts are checked here, at compile time.
#ifndef SMMU_ARCH_BITS_H_
#define SMMU_ARCH_BITS_H_

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace smmu {

// Largest word in which fields are declared.
inline constexpr unsigned kWordBits = 64;

// Ones in bits [hi:lo].
constexpr std::uint64_t mask(unsigned hi, unsigned lo) {
  return (~std::uint64_t{0} >> (kWordBits - 1 - hi)) & (~std::uint64_t{0} << lo);
}

// A field as data: what a dump, a trace or a layout check needs to know.
struct FieldInfo {
  const char* name;  // as the manual spells it; null for reserved bits
  unsigned hi;
  unsigned lo;
};

// Reserved bits.  Listed, not skipped, so that a layout can be proved to
// account for every bit exactly once.
constexpr FieldInfo reserved(unsigned hi, unsigned lo) { return {nullptr, hi, lo}; }
constexpr FieldInfo reserved(unsigned bit) { return reserved(bit, bit); }

namespace detail {

template <unsigned Width>
using DefaultValue =
    std::conditional_t<Width == 1, bool,
                       std::conditional_t<(Width <= 32), std::uint32_t, std::uint64_t>>;

// What all kinds of field have in common: where they are.
template <class Owner_, unsigned Hi, unsigned Lo>
struct Place {
  static_assert(Hi >= Lo, "write the high bit first, as the manual does");
  static_assert(Hi / kWordBits == Lo / kWordBits, "field crosses a 64-bit word");

  using Owner = Owner_;
  static constexpr unsigned kHi = Hi;
  static constexpr unsigned kLo = Lo;
  static constexpr unsigned kWord = Lo / kWordBits;
  static constexpr unsigned kShift = Lo % kWordBits;
  static constexpr std::uint64_t kMask = mask(Hi % kWordBits, Lo % kWordBits);
};

}  // namespace detail

// A field holding a number or an enumeration, stored shifted.
template <class Owner, unsigned Hi, unsigned Lo, class T = detail::DefaultValue<Hi - Lo + 1>>
struct BitsOf : detail::Place<Owner, Hi, Lo> {
  using Value = T;
  const char* name;

  constexpr explicit BitsOf(const char* field_name) : name(field_name) {}
  constexpr operator FieldInfo() const { return {name, Hi, Lo}; }

  static constexpr T decode(std::uint64_t word) {
    return static_cast<T>((word & BitsOf::kMask) >> BitsOf::kShift);
  }
  static constexpr std::uint64_t encode(T value) {
    const std::uint64_t bits = static_cast<std::uint64_t>(value) << BitsOf::kShift;
    // Read back, not compared with the mask: what a shift moves beyond bit 63 is gone.
    assert(decode(bits) == value && "value does not fit its field");
    return bits;
  }
};

// A field holding address bits in place: bit n of the word is bit n of the
// address, so neither reading nor writing shifts.
template <class Owner, unsigned Hi, unsigned Lo>
struct AddressOf : detail::Place<Owner, Hi, Lo> {
  using Value = std::uint64_t;
  const char* name;

  constexpr explicit AddressOf(const char* field_name) : name(field_name) {}
  constexpr operator FieldInfo() const { return {name, Hi, Lo}; }

  static constexpr std::uint64_t decode(std::uint64_t word) { return word & AddressOf::kMask; }
  static constexpr std::uint64_t encode(std::uint64_t address) {
    assert((address & ~AddressOf::kMask) == 0 && "address misaligned or too wide");
    return address;
  }
};

// Storage and access shared by registers and in-memory structures.  Word is
// the unit of storage: uint32_t for a 32-bit register, else uint64_t.
template <class Self, class Word, std::size_t NumWords>
class Fields {
 public:
  template <unsigned Hi, unsigned Lo, class T = detail::DefaultValue<Hi - Lo + 1>>
  using Bits = BitsOf<Self, Hi, Lo, T>;
  template <unsigned N>
  using Bit = BitsOf<Self, N, N, bool>;
  template <unsigned Hi, unsigned Lo>
  using Address = AddressOf<Self, Hi, Lo>;

  static constexpr unsigned kBits = sizeof(Word) * 8 * NumWords;

  constexpr Fields() = default;
  constexpr explicit Fields(std::array<Word, NumWords> words) : words_(words) {}

  // Reads field `F`.
  template <class F>
  constexpr typename F::Value operator[](F) const {
    check<F>();
    return F::decode(words_[F::kWord]);
  }

  // Replaces field `F`, leaving every other bit alone.
  template <class F>
  constexpr Self& set(F, typename F::Value value) {
    check<F>();
    Word& word = words_[F::kWord];
    word = static_cast<Word>((word & ~F::kMask) | F::encode(value));
    return static_cast<Self&>(*this);
  }

  constexpr Word word(std::size_t i) const { return words_[i]; }
  constexpr const std::array<Word, NumWords>& words() const { return words_; }

  friend constexpr bool operator==(const Fields& a, const Fields& b) {
    return a.words_ == b.words_;
  }

 private:
  template <class F>
  static constexpr void check() {
    static_assert(std::is_same_v<typename F::Owner, Self>, "field belongs to another layout");
    static_assert(F::kHi < kBits, "field lies outside its layout");
  }

  std::array<Word, NumWords> words_{};
};

// A structure that lives in memory, Bytes long, as little-endian 64-bit words
// or as a single one of 32 bits.
template <class Self, std::size_t Bytes>
struct Structure : Fields<Self, std::uint64_t, Bytes / 8> {
  static_assert(Bytes % 8 == 0);
  using Fields<Self, std::uint64_t, Bytes / 8>::Fields;
  static constexpr std::size_t kSize = Bytes;
};
template <class Self>
struct Structure<Self, 4> : Fields<Self, std::uint32_t, 1> {
  using Fields<Self, std::uint32_t, 1>::Fields;
  static constexpr std::size_t kSize = 4;
};

// A memory-mapped register at byte offset `Offset` of its page.
template <class Self, class Word, std::uint32_t Offset>
struct Register : Fields<Self, Word, 1> {
  static constexpr std::uint32_t kOffset = Offset;
  using Value = Word;

  constexpr Register() = default;
  constexpr explicit Register(Word raw) : Fields<Self, Word, 1>({raw}) {}
  constexpr Word raw() const { return this->word(0); }
};

// A register Arm numbers with n: SMMU_CBn_SCTLR, SMMU_SMRn, ...
template <class Self, class Word, std::uint32_t Base, std::uint32_t Stride>
struct RegisterArray : Register<Self, Word, Base> {
  using Register<Self, Word, Base>::Register;
  static constexpr std::uint32_t offset(std::uint32_t n) { return Base + n * Stride; }
};

// True when L::kFields accounts for every bit of layout `L` exactly once.
// Every layout asserts this about itself, next to its declaration.
template <class L>
consteval bool covers_exactly() {
  std::array<std::uint64_t, (L::kBits + kWordBits - 1) / kWordBits> seen{};
  for (const FieldInfo& f : L::kFields) {
    const std::uint64_t bits = mask(f.hi % kWordBits, f.lo % kWordBits);
    if (f.hi / kWordBits != f.lo / kWordBits || (seen[f.lo / kWordBits] & bits) != 0) return false;
    seen[f.lo / kWordBits] |= bits;
  }
  for (const std::uint64_t bits : seen) {
    if (bits != mask((L::kBits - 1) % kWordBits, 0)) return false;
  }
  return true;
}

// The bits of word `i` that some named field of `L` occupies.
template <class L>
constexpr std::uint64_t named_bits(std::size_t i = 0) {
  std::uint64_t bits = 0;
  for (const FieldInfo& f : L::kFields) {
    if (f.name != nullptr && f.lo / kWordBits == i) bits |= mask(f.hi % kWordBits, f.lo % kWordBits);
  }
  return bits;
}

// Calls visit(name, bits) for each named field of `layout`, low bits first.
template <class L, class Visit>
constexpr void for_each_field(const L& layout, Visit&& visit) {
  for (const FieldInfo& f : L::kFields) {
    if (f.name == nullptr) continue;
    const std::uint64_t word = layout.word(f.lo / kWordBits);
    visit(f.name, (word & mask(f.hi % kWordBits, f.lo % kWordBits)) >> (f.lo % kWordBits));
  }
}

// A layout as data, for programs that choose one at run time.
struct LayoutInfo {
  const char* name;  // as the manual spells it
  unsigned bits;     // its size
  std::span<const FieldInfo> fields;
};

template <class L>
constexpr LayoutInfo layout_info(const char* name) {
  return {name, L::kBits, L::kFields};
}

// A register as data.
struct RegisterInfo {
  LayoutInfo layout;
  std::uint32_t offset;  // from the start of page 0
};

template <class R>
constexpr RegisterInfo register_info(const char* name) {
  return {layout_info<R>(name), R::kOffset};
}

}  // namespace smmu

#endif  // SMMU_ARCH_BITS_H_
