#include <fmt/format.h>

#include <memory>

#include "emulator/cli/event_comparison.h"
#include "emulator/cli/replay_checks.h"
#include "emulator/cli/session.h"
#include "emulator/cli/stream_tables.h"

namespace smmu::cli {

namespace {

using v3::STE;
using v3::SteConfig;

SteConfig wanted_config(BypassKind kind) {
  return kind == BypassKind::kBypass ? SteConfig::kBypass : SteConfig::kAbort;
}

bool configured_so(const Stream& stream, BypassKind kind) {
  if (!stream.valid()) return false;
  const SteConfig config = stream.ste[STE::Config];
  const bool aborts = static_cast<unsigned>(config) < static_cast<unsigned>(SteConfig::kBypass);
  return kind == BypassKind::kBypass ? config == SteConfig::kBypass : aborts;
}

// For its lifetime, the stream's STE is one of the kind that the line tells of.
class FormerSte {
 public:
  FormerSte(Session& session, const Stream& stream, BypassKind kind)
      : session_(session), stream_(stream) {
    write(STE().set(STE::V, true).set(STE::Config, wanted_config(kind)));
  }
  ~FormerSte() { write(stream_.ste); }
  FormerSte(const FormerSte&) = delete;
  FormerSte& operator=(const FormerSte&) = delete;

 private:
  void write(const STE& ste) {
    // The page is known, or there would be no `stream_`.
    for (std::size_t i = 0; i < ste.words().size(); ++i) {
      (void)session_.machine().memory().store64(Pa(stream_.ste_address + 8 * i), ste.word(i));
    }
    session_.driver().invalidate_all();
  }

  Session& session_;
  const Stream& stream_;
};

}  // namespace

Check check_bypass(const Capture& capture, const emulator::Caching& caching) {
  Check check("bypass and abort");
  std::uint64_t former = 0;
  Session session(capture, caching);
  // An SMMU that nobody has switched on.
  Machine off(Session::configuration_with(capture.registers, caching), {},
              (capture.folder / "registers.txt").string());
  Driver device(off);
  for (const RecordedBypass& line : capture.bypass) {
    ++check.compared;
    Answer answer;
    if (line.kind == BypassKind::kDisable) {
      answer = device.ask({.stream = StreamId(line.stream), .address = Iova(line.iova)});
    } else {
      // The stream may have been set up otherwise later.
      const auto stream = find_stream(capture.registers, capture.memory, line.stream);
      std::unique_ptr<FormerSte> ste;
      if (stream && !configured_so(*stream, line.kind)) {
        ++former;
        ste = std::make_unique<FormerSte>(session, *stream, line.kind);
      }
      answer = session.access(line.stream, line.iova, emulator::Direction::kRead);
    }

    bool agrees = answer.records.empty();
    if (line.kind == BypassKind::kAbort) {
      const auto* terminated = std::get_if<emulator::Terminated>(&answer.outcome);
      agrees &= terminated != nullptr && terminated->response == emulator::Response::kAbort;
    } else {
      const auto route =
          line.kind == BypassKind::kDisable ? emulator::Route::kDisabled : emulator::Route::kBypass;
      const auto* translation = std::get_if<emulator::Translation>(&answer.outcome);
      agrees &= translation != nullptr && translation->route == route &&
                translation->pa.value == line.iova;
    }
    if (agrees) continue;
    check.disagree(
        fmt::format("bypass.tsv:{}: stream {:#x}, {:#x}: expected {} and no event, got {}{}",
                    line.line, line.stream, line.iova,
                    line.kind == BypassKind::kAbort ? "abort" : "bypass", to_text(answer.outcome),
                    answer.records.empty() ? "" : ", event " + to_text(answer.records[0])));
  }
  if (!session.driver().complaint().empty()) check.disagree(session.driver().complaint());
  if (former != 0) {
    check.notes.push_back(fmt::format(
        "{} with an STE that memory.txt no longer has, put in its place for the access", former));
  }
  return check;
}

}  // namespace smmu::cli
