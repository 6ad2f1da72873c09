// The registers by which software asks for address translation operations
// (IHI 0070, 6.3.37 to 6.3.44, 6.3.83 to 6.3.90 and 6.3.99 to 6.3.106): a group
// for whoever drives the SMMU, and one in a page of its own for a virtual
// machine.
#ifndef SMMU_EMULATOR_V3_OPERATION_REGISTERS_H_
#define SMMU_EMULATOR_V3_OPERATION_REGISTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

#include "emulator/v3/features.h"
#include "emulator/v3/register_file.h"
#include "emulator/walk/walker.h"
#include "smmu/arch/v3/secure_operation_registers.h"
#include "smmu/emulator/config.h"
#include "smmu/types.h"

namespace smmu::emulator {

// Of one programming interface.  Reads take no lock.  Writes by software, and
// what ends operations, are serialised.
class OperationRegisters {
 public:
  enum class Group : std::uint8_t { kGlobal, kVirtual };

  // An operation that has been asked for.
  struct Request {
    Group group;
    std::uint32_t number;     // it is the group's so many-th
    SecurityState asker;      // of the interface
    SecurityState of_stream;  // which the Secure interface chooses
    StreamId stream;
    std::optional<SubstreamId> substream;
    v3::TranslationType type;
    Iova address;
    Access access;
    std::optional<Vmid> vmid;  // of the virtual machine that asks
  };

  OperationRegisters(const SmmuV3Config& config, const Features& features,
                     const RegisterFile& registers);

  void reset();

  // Software's accesses.  An offset of another register reads 0 and takes no
  // write.
  std::uint32_t read32(std::uint32_t offset) const;
  std::uint64_t read64(std::uint32_t offset) const;
  // True: an operation is to be performed.
  bool write32(std::uint32_t offset, std::uint32_t value);

  // Whether that is in the page of a virtual machine.
  bool has_page(std::uint32_t offset) const {
    return virtual_ && offset >> 16 == virtual_page_ >> 16;
  }

  // None: the group asks for nothing.
  std::optional<Request> request(Group group) const;
  // Whether SMMUEN lets operations be.
  bool enabled() const;
  // Shows the result, and after it that the operation has ended; unless it has
  // already.
  void finish(const Request& request, std::uint64_t par);
  // Ends whatever still runs, with that result.
  void finish_all(std::uint64_t par);

  // Whether an operation runs that is about streams of that state.
  bool busy(SecurityState of_stream) const {
    for (const Group group : {Group::kGlobal, Group::kVirtual}) {
      const auto request = this->request(group);
      if (request && request->of_stream == of_stream) return true;
    }
    return false;
  }
  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    for (std::size_t word = 0; word != kWords; ++word) {
      if (!(group_of(word) == Group::kGlobal ? global_ : virtual_)) continue;
      snapshot(words_[word]);
      snapshot.require(
          (words_[word].load(std::memory_order_relaxed) & ~variable_bits(word)) == fixed_bits(word),
          "a bit that no register has");
    }
  }

 private:
  // The words of a group, from SMMU_*_CTRL on; both have the same layout.
  static constexpr std::size_t kCtrl = 0;
  static constexpr std::size_t kSid = 2;
  static constexpr std::size_t kAddress = 4;
  static constexpr std::size_t kPar = 6;
  static constexpr std::size_t kGroupWords = 8;
  static constexpr std::size_t kSelect = 2 * kGroupWords;
  static constexpr std::size_t kWords = kSelect + 1;
  static constexpr std::size_t kNoWord = kWords;

  static constexpr std::size_t first_of(Group group) {
    return group == Group::kGlobal ? 0 : kGroupWords;
  }
  static constexpr Group group_of(std::size_t word) {
    return word < kGroupWords ? Group::kGlobal : Group::kVirtual;
  }
  std::size_t word_of(std::uint32_t offset) const;
  void finish_locked(Group group, std::uint64_t par);
  // By software or by the SMMU.
  std::uint32_t variable_bits(std::size_t word) const {
    if (word == kSelect) return writable_[word];
    if (word % kGroupWords >= kPar) return ~std::uint32_t{0};
    return word % kGroupWords == kCtrl ? 1 : writable_[word];
  }
  // 6.3.104: a Secure virtual machine's StreamID is a Secure one, RES1.
  std::uint32_t fixed_bits(std::size_t word) const {
    const bool is_secure_sid =
        security_ == SecurityState::kSecure && word == first_of(Group::kVirtual) + kSid + 1;
    return is_secure_sid ? static_cast<std::uint32_t>(v3::SMMU_S_GATOS_SID::SSEC.kMask >> 32) : 0;
  }
  std::uint64_t doubleword(std::size_t word) const;
  bool running(Group group) const;

  const RegisterFile& registers_;
  const SecurityState security_;
  const bool global_;
  const bool virtual_;
  const std::uint32_t virtual_page_;
  std::array<std::uint32_t, kWords> writable_{};
  std::array<std::atomic<std::uint32_t>, kWords> words_{};
  mutable std::mutex mutex_;                // one write at a time; guards what follows
  std::array<std::uint32_t, 2> numbers_{};  // of operations, by group
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_OPERATION_REGISTERS_H_
