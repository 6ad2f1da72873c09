#include "emulator/cli/recording_session.h"

#include "emulator/cli/stream_tables.h"
#include "smmu/arch/v3/registers.h"

namespace smmu::cli {

namespace {

using v3::CD;
using v3::SMMU_CR0;
using v3::SMMU_CR2;

RegisterValues recording(const RegisterValues& registers) {
  RegisterValues result;
  result.add(SMMU_CR0::kOffset, registers.get<SMMU_CR0>().set(SMMU_CR0::EVENTQEN, true).raw());
  result.add(SMMU_CR2::kOffset, registers.get<SMMU_CR2>().set(SMMU_CR2::RECINVSID, true).raw());
  // Those two are there already.
  for (const auto& [offset, value] : registers.by_offset()) result.add(offset, value);
  return result;
}

}  // namespace

std::unique_ptr<Session> recording_session(const Capture& capture,
                                           const emulator::Caching& caching) {
  auto session = std::make_unique<Session>(recording(capture.registers), capture.memory, caching,
                                           (capture.folder / "registers.txt").string());
  Budget budget((capture.folder / "memory.txt").string());
  for (const Stream& stream : find_streams(capture.registers, capture.memory, budget)) {
    if (!stream.cd || (*stream.cd)[CD::R]) continue;
    // The page is known, or there would be no CD.
    (void)session->machine().memory().store64(Pa(*stream.cd_address),
                                              CD(*stream.cd).set(CD::R, true).word(0));
  }
  session->driver().invalidate_all();
  return session;
}

}  // namespace smmu::cli
