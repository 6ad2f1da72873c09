#include <fmt/format.h>

#include <map>
#include <string>

#include "emulator/cli/input.h"
#include "emulator/cli/queues.h"
#include "emulator/cli/register_comparison.h"
#include "emulator/cli/replay_checks.h"
#include "emulator/cli/session.h"
#include "smmu/arch/v3/commands.h"
#include "smmu/arch/v3/registers.h"

namespace smmu::cli {

namespace {

using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CR0;
using v3::SMMU_CR2;
using v3::SMMU_GERROR;

// Plays one log.  Commands appear in memory just before the write that publishes them, as a driver
// stores them.
class Story {
 public:
  Story(const Capture& capture, const emulator::Caching& caching)
      : capture_(capture),
        idr1_(capture.registers.get<v3::SMMU_IDR1>()),
        machine_(Session::configuration_with(capture.registers, caching), map(capture, idr1_),
                 (capture.folder / "registers.txt").string()) {
    machine_.load(capture.memory);
    machine_.recorder().forget();
  }

  // Ends early if the log publishes commands that commands.tsv does not have: what the SMMU would
  // find in their place is not part of the story.
  void play() {
    for (const RegisterAccessLine& line : capture_.accesses) {
      if (unknown_commands_ != 0) return;
      ++accesses_.compared;
      if (line.write) {
        write(line);
      } else {
        read(line);
      }
    }
  }

  std::vector<Check> results() {
    judge_commands();
    judge_registers();
    for (const auto& [offset, reads] : excepted_) {
      accesses_.notes.push_back(fmt::format("{} reads of {} excepted: {}", reads,
                                            find_register(offset)->layout.name,
                                            why_excepted(offset)));
    }
    return {std::move(accesses_), std::move(commands_), std::move(registers_)};
  }

 private:
  static MemoryMap map(const Capture& capture, v3::SMMU_IDR1 idr1) {
    MemoryMap result = memory_map(capture.registers, capture.memory);
    const auto add = [&result](const Extent& extent) { result.add(extent.base, extent.bytes); };
    for (const RegisterAccessLine& line : capture.accesses) {
      if (!line.write || line.bytes != 8) continue;
      if (line.offset == v3::SMMU_CMDQ_BASE::kOffset) {
        add(Ring(v3::SMMU_CMDQ_BASE(line.value), idr1).extent());
      } else if (line.offset == v3::SMMU_EVENTQ_BASE::kOffset) {
        add(Ring(v3::SMMU_EVENTQ_BASE(line.value), idr1).extent());
      }
    }
    for (const RecordedCommand& command : capture.commands) {
      result.add(command.address, sizeof command.words);
    }
    return result;
  }

  static const char* why_excepted(std::uint32_t offset) {
    if (offset == v3::SMMU_GBPA::kOffset) return "QEMU 7.2 has no such register";
    return "no device makes accesses here, so there are no events";
  }

  Mmio& registers() { return machine_.smmu(); }

  // Stores the commands between two positions of the queue.
  void publish(std::uint32_t from, std::uint32_t to) {
    const Ring ring(registers().read<v3::SMMU_CMDQ_BASE>(), idr1_);
    for (std::uint32_t left = ring.distance(from, to); left != 0; --left) {
      if (published_ == capture_.commands.size()) {
        unknown_commands_ += left;
        return;
      }
      const RecordedCommand& command = capture_.commands[published_++];
      for (std::size_t word = 0; word < command.words.size(); ++word) {
        (void)machine_.memory().store64(Pa(command.address + 8 * word), command.words[word]);
      }
    }
  }

  void write(const RegisterAccessLine& line) {
    using v3::SMMU_CMDQ_PROD;
    const auto value = static_cast<std::uint32_t>(line.value);
    const bool enabled = registers().read<SMMU_CR0>()[SMMU_CR0::CMDQEN];
    const std::uint32_t prod = registers().read<SMMU_CMDQ_PROD>()[SMMU_CMDQ_PROD::WR];
    if (line.offset == SMMU_CMDQ_PROD::kOffset && enabled) {
      publish(prod, SMMU_CMDQ_PROD(value)[SMMU_CMDQ_PROD::WR]);
      if (unknown_commands_ != 0) return;
    }
    // A queue that is switched on may have commands in it already.
    if (line.offset == SMMU_CR0::kOffset && !enabled && SMMU_CR0(value)[SMMU_CR0::CMDQEN]) {
      publish(registers().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD], prod);
    }
    if (line.bytes == 8) {
      registers().write64(line.offset, line.value);
    } else {
      registers().write32(line.offset, value);
    }
  }

  // How a register's value compares with what was recorded.
  enum class Match : std::uint8_t { kEqual, kMasked, kExcepted, kDiffers };

  Match match(std::uint32_t offset, std::uint64_t recorded, std::uint64_t got) {
    if (offset == v3::SMMU_EVENTQ_PROD::kOffset) return Match::kExcepted;
    if (got == recorded) return Match::kEqual;
    const std::uint64_t difference = got ^ recorded;
    const std::uint64_t compared = compared_bits(offset, command_error_active(registers()));
    if ((difference & compared) == 0) return Match::kMasked;
    // Set by a full Event queue.
    constexpr std::uint64_t kQueueError = decltype(SMMU_GERROR::EVENTQ_ABT_ERR)::kMask;
    if (offset == SMMU_GERROR::kOffset && difference == kQueueError && got < recorded) {
      return Match::kExcepted;
    }
    // QEMU 7.2 has none, so it reads 0 whatever was written.
    if (offset == v3::SMMU_GBPA::kOffset && recorded == 0) return Match::kExcepted;
    return Match::kDiffers;
  }

  void read(const RegisterAccessLine& line) {
    const std::uint64_t got =
        line.bytes == 8 ? registers().read64(line.offset) : registers().read32(line.offset);
    switch (match(line.offset, line.value, got)) {
      case Match::kEqual:
        break;
      case Match::kMasked:
        ++accesses_.masked;
        break;
      case Match::kExcepted:
        ++excepted_[line.offset];
        break;
      case Match::kDiffers: {
        const RegisterInfo* info = find_register(line.offset);
        accesses_.disagree(fmt::format(
            "mmio.log:{}: read of {}: expected {:#x}, got {:#x}", line.line,
            info != nullptr ? std::string(info->layout.name) : fmt::format("{:#x}", line.offset),
            line.value, got));
      }
    }
  }

  void judge_commands() {
    const auto& consumed = machine_.recorder().commands();
    commands_.compared = capture_.commands.size();
    std::uint64_t syncs = 0;
    for (std::size_t i = 0; i < capture_.commands.size(); ++i) {
      const RecordedCommand& command = capture_.commands[i];
      if (i >= consumed.size()) {
        commands_.disagree(fmt::format("commands.tsv:{}: never consumed", command.line));
        continue;
      }
      if (consumed[i].words != command.words || consumed[i].error != 0) {
        commands_.disagree(
            fmt::format("commands.tsv:{}: expected {:#x},{:#x}, consumed {:#x},{:#x} with error {}",
                        command.line, command.words[0], command.words[1], consumed[i].words[0],
                        consumed[i].words[1], consumed[i].error));
      }
      const v3::CommandHeader header(command.words);
      if (header[v3::CommandHeader::Opcode] == v3::Opcode::CMD_SYNC) ++syncs;
    }
    if (consumed.size() > capture_.commands.size()) {
      commands_.disagree(fmt::format("expected {} commands, the SMMU consumed {}",
                                     capture_.commands.size(), consumed.size()));
    }
    if (unknown_commands_ != 0) {
      commands_.disagree(fmt::format(
          "mmio.log publishes {} commands that commands.tsv does not have", unknown_commands_));
    }
    commands_.notes.push_back(
        fmt::format("{} commands consumed without an error, {} of them CMD_SYNC",
                    consumed.size() - machine_.recorder().counts().command_errors, syncs));
  }

  void judge_registers() {
    for (const auto& [offset, recorded] : capture_.registers.by_offset()) {
      const RegisterInfo& info = *find_register(offset);
      std::uint64_t expected = recorded;
      if (offset == SMMU_CR2::kOffset) {
        // captures/README, for registers.txt: E2H and PTM are RES0 without Hyp and BTM (6.3.12).
        const auto idr0 = capture_.registers.get<v3::SMMU_IDR0>();
        SMMU_CR2 cr2(static_cast<std::uint32_t>(expected));
        if (!idr0[v3::SMMU_IDR0::Hyp]) cr2.set(SMMU_CR2::E2H, false);
        if (!idr0[v3::SMMU_IDR0::BTM]) cr2.set(SMMU_CR2::PTM, false);
        expected = cr2.raw();
      }
      const std::uint64_t got =
          info.layout.bits == 64 ? registers().read64(offset) : registers().read32(offset);
      const Match result = match(offset, expected, got);
      if (result == Match::kExcepted) {
        registers_.notes.push_back(
            fmt::format("{} excepted: {}", info.layout.name, why_excepted(offset)));
        continue;
      }
      ++registers_.compared;
      if (result == Match::kDiffers) {
        registers_.disagree(fmt::format("registers.txt: {}: expected {:#x}, got {:#x}",
                                        info.layout.name, recorded, got));
      } else if (got != recorded) {
        ++registers_.masked;
      }
    }
  }

  const Capture& capture_;
  v3::SMMU_IDR1 idr1_;
  Machine machine_;
  std::size_t published_ = 0;
  std::uint64_t unknown_commands_ = 0;
  std::map<std::uint32_t, std::uint64_t> excepted_;  // reads, by offset
  Check accesses_{"bring-up: register accesses"};
  Check commands_{"bring-up: commands"};
  Check registers_{"bring-up: registers at the stop"};
};

}  // namespace

std::vector<Check> check_bring_up(const Capture& capture, const emulator::Caching& caching) {
  Story story(capture, caching);
  story.play();
  return story.results();
}

}  // namespace smmu::cli
