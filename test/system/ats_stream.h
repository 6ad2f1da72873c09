// A board with a stream whose device translates for itself.
#ifndef TEST_SYSTEM_ATS_STREAM_H_
#define TEST_SYSTEM_ATS_STREAM_H_

#include <cstdint>
#include <optional>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing {

// Stage 1 maps kAddress to kPage, stage 2 maps kPage to `page`.
struct AtsStream {
  static constexpr StreamId kStream{5};
  static constexpr Vmid kVmid{7};
  static constexpr Iova kAddress{0x8000'0000};
  static constexpr Iova kUnmapped{0x9000'0000};
  static constexpr Iova kPage{0x1'2345'6000};

  explicit AtsStream(Board::Options options = {}) : board(options) {
    board.bring_up();
    page = board.allocate(4096);
    guest.map(kAddress, Pa(kPage.value), 4096);
    stage1.map(kAddress, page, 4096);
    host.map(kPage, page, 4096);
    // The guest's tables and CDs are where it believes them to be.
    host.map(Iova(options.ram_base.value), options.ram_base, options.ram_size);
    cd = board.allocate(64, 64);
  }

  // STEs, each with the grant that EATS gives.
  v3::STE of_stage1(v3::AtsMode eats = v3::AtsMode::kFull) {
    store(board.memory(), cd, context(stage1));
    return translate(cd).set(v3::STE::EATS, eats);
  }
  v3::STE of_stage2(v3::AtsMode eats = v3::AtsMode::kFull) {
    return translate_stage2(host, kVmid).set(v3::STE::EATS, eats);
  }
  v3::STE nested(v3::AtsMode eats = v3::AtsMode::kFull) {
    store(board.memory(), cd, context(guest));
    return above_stage2(translate(cd), host, kVmid).set(v3::STE::EATS, eats);
  }
  void attach(const v3::STE& ste) { board.attach(kStream, ste); }
  void use(const v3::CD& context) {
    using v3::CMD_CFGI_CD;
    store(board.memory(), cd, context);
    board.submit_and_sync(command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, kStream.value),
                          command<v3::CMD_TLBI_NSNH_ALL>());
  }

  template <class F>
  void control(F field, typename F::Value value) {
    board.smmu().write(board.smmu().read<v3::SMMU_CR0>().set(field, value));
  }
  void check(bool checked) { control(v3::SMMU_CR0::ATSCHK, checked); }
  // CR2 can be written with the SMMU off alone.
  void record(bool configuration, bool streams = false) {
    control(v3::SMMU_CR0::SMMUEN, false);
    board.smmu().write(v3::SMMU_CR2()
                           .set(v3::SMMU_CR2::REC_CFG_ATS, configuration)
                           .set(v3::SMMU_CR2::RECINVSID, streams));
    control(v3::SMMU_CR0::SMMUEN, true);
  }
  void invalidate_tlbs() { board.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>()); }

  Board board;
  PageTable stage1 = board.page_table();
  PageTable guest = board.page_table();
  PageTable host = board.page_table({.t0sz = 24, .stage = 2});
  Pa page;
  Pa cd;
  AtsDevice device = board.ats_device(kStream);
};

// A completion of one range: its rights, where it leads to, and of what size.
struct Grant {
  bool read;
  bool write;
  bool execute = false;

  friend bool operator==(const Grant&, const Grant&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Grant& grant) {
    return out << (grant.read ? 'R' : '-') << (grant.write ? 'W' : '-')
               << (grant.execute ? 'X' : '-');
  }
};

MATCHER_P(Grants, grant, "") {
  const emulator::TranslationCompletion& completion = arg;
  *result_listener << "status " << static_cast<int>(completion.status) << ", "
                   << completion.ranges().size() << " ranges";
  if (completion.status != emulator::CompletionStatus::kSuccess) return false;
  if (completion.ranges().size() != 1) return false;
  const emulator::TranslatedRange& range = completion.ranges()[0];
  const Grant is{range.read, range.write, range.execute};
  *result_listener << ", " << is;
  return is == grant && !range.global && !range.no_snoop && !range.untranslated_only;
}

MATCHER_P(HasStatus, status, "") {
  const emulator::TranslationCompletion& completion = arg;
  *result_listener << "status " << static_cast<int>(completion.status);
  return completion.status == status &&
         completion.ranges().empty() == (status != emulator::CompletionStatus::kSuccess);
}

inline constexpr Grant kNoAccess{false, false};
inline constexpr Grant kReadOnly{true, false};
inline constexpr Grant kReadWrite{true, true};

}  // namespace smmu::testing

#endif  // TEST_SYSTEM_ATS_STREAM_H_
