// RAM, an SMMU, and the tables and queues by which a device reaches memory.
#ifndef BENCH_MACHINE_H_
#define BENCH_MACHINE_H_

#include <array>
#include <cstdint>
#include <memory>

#include "bench/rows.h"
#include "smmu/emulator/port.h"
#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v3.h"
#include "smmu/emulator/transaction.h"
#include "smmu/types.h"

namespace smmu::bench {

// A row that measures something else than its name says is worse than none:
// ends the program if the outcome is another.
void expect(const emulator::Outcome& outcome, bool translated);

enum class Translating : std::uint8_t { kNo, kYes };

class Machine {
 public:
  static constexpr StreamId kTranslated{1};  // has 4K tables of four levels
  static constexpr StreamId kBypassed{2};
  static constexpr StreamId kNested{3};  // the same tables, and stage 2; after nest()
  static constexpr std::uint32_t kCommands = 256;
  static constexpr std::uint32_t kEvents = 256;

  explicit Machine(const emulator::Caching& caching = {},
                   Translating translating = Translating::kYes);

  emulator::SmmuV3& smmu() { return *smmu_; }
  emulator::Port& port() { return *port_; }

  // Maps `pages` pages of 4K from `first` on, each to another page.
  void map(Iova first, std::uint64_t pages);

  // Gives kNested stage 2 tables of 4K granules, from level 0 on, that map the
  // tables and the first 64 MiB of map() onto themselves.
  enum class Leaves : std::uint8_t { kPages, kBlocks };
  void nest(Leaves leaves);

  // Puts a command into its queue; ring() has it executed.  REQUIRES: at most
  // kCommands between two ring().
  void enqueue(const std::array<std::uint64_t, 2>& words);
  void ring();
  // The driver has read that many records more.
  void consume_events(std::uint32_t count);

  std::uint32_t produced() const { return produced_; }

 private:
  Pa allocate(std::uint64_t bytes);
  void store(Pa pa, std::uint64_t word);
  std::uint64_t load(Pa pa);
  template <class S>
  void store(Pa pa, const S& structure);
  // Enters a leaf of 2^shift bytes into the tables of four levels at `root`.
  void enter(Pa root, std::uint64_t address, unsigned shift, std::uint64_t leaf);
  void build_streams();
  void bring_up(Translating translating);

  emulator::Ram ram_;
  std::unique_ptr<emulator::SmmuV3> smmu_;
  emulator::Port* port_ = nullptr;
  std::uint64_t free_;
  Pa streams_;
  Pa commands_;
  std::uint64_t* queue_ = nullptr;  // the same, in the host
  Pa events_;
  Pa cd_;
  Pa root_;
  std::uint64_t mapped_ = 0;  // pages
  std::uint32_t produced_ = 0;
  std::uint32_t consumed_ = 0;
};

}  // namespace smmu::bench

#endif  // BENCH_MACHINE_H_
