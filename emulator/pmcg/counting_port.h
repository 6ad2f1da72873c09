// The port of a device whose transactions are counted.
#ifndef SMMU_EMULATOR_PMCG_COUNTING_PORT_H_
#define SMMU_EMULATOR_PMCG_COUNTING_PORT_H_

#include <cstddef>
#include <span>

#include "smmu/emulator/port.h"

namespace smmu::emulator {

class CounterGroups;

// In front of another port.
class CountingPort final : public Port {
 public:
  CountingPort(CounterGroups& groups, Port& port) : groups_(groups), port_(port) {}

  using Port::translate;
  void translate(const Transaction& transaction, Outcome& outcome) override;
  Transfer read(const Transaction& transaction, std::span<std::byte> bytes) override;
  Transfer write(const Transaction& transaction, std::span<const std::byte> bytes) override;
  TranslationCompletion request_translation(const TranslationRequest& request) override;
  void request_page(const PageRequest& request) override { port_.request_page(request); }
  Outcome refuse(const Transaction& transaction, std::uint16_t reason) override;

 private:
  void count(const Transaction& transaction);
  // `access(transaction, offset, size)` of each transaction that it takes.
  template <class Access>
  Transfer transfer(Transaction transaction, std::size_t size, Access&& access);

  CounterGroups& groups_;
  Port& port_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_PMCG_COUNTING_PORT_H_
