// RAM, an SMMU, and the tables and queues by which a device reaches memory.
#ifndef BENCH_MACHINE_H_
#define BENCH_MACHINE_H_

#include <array>
#include <cstdint>
#include <memory>

#include "smmu/emulator/port.h"
#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v3.h"
#include "smmu/types.h"

namespace smmu::bench {

// Makes the compiler believe that the value is used and memory looked at.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

enum class Translating : std::uint8_t { kNo, kYes };

class Machine {
 public:
  static constexpr StreamId kTranslated{1};  // has 4K tables of four levels
  static constexpr StreamId kBypassed{2};
  static constexpr std::uint32_t kCommands = 256;
  static constexpr std::uint32_t kEvents = 256;

  explicit Machine(const emulator::Caching& caching = {},
                   Translating translating = Translating::kYes);

  emulator::SmmuV3& smmu() { return *smmu_; }
  emulator::Port& port() { return *port_; }

  // Maps `pages` pages of 4K from `first` on.
  void map(Iova first, std::uint64_t pages);

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
  Pa root_;
  std::uint32_t produced_ = 0;
  std::uint32_t consumed_ = 0;
};

}  // namespace smmu::bench

#endif  // BENCH_MACHINE_H_
