// The port of a device whose bus has a window for interrupts.
#ifndef SMMU_EMULATOR_GIC_WINDOW_PORT_H_
#define SMMU_EMULATOR_GIC_WINDOW_PORT_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "smmu/emulator/fixed_msi_window.h"
#include "smmu/emulator/port.h"

namespace smmu::emulator {

// In front of another port: keeps what is in the window from it.
class WindowPort final : public Port {
 public:
  WindowPort(FixedMsiWindow& window, Port& port) : window_(window), port_(port) {}

  using Port::translate;
  void translate(const Transaction& transaction, Outcome& outcome) override;
  Transfer read(const Transaction& transaction, std::span<std::byte> bytes) override;
  Transfer write(const Transaction& transaction, std::span<const std::byte> bytes) override;
  TranslationCompletion request_translation(const TranslationRequest& request) override;
  // No access: software says what it thinks of it.
  void request_page(const PageRequest& request) override { port_.request_page(request); }
  Outcome refuse(const Transaction& transaction, std::uint16_t reason) override;

 private:
  // Whether an aligned block, whose size is a power of two, has bytes of the
  // window.
  bool overlaps(Iova address, std::uint64_t size) const;
  // The largest block around the address, up to that size, that has none.
  // REQUIRES: the address is outside.
  std::uint64_t block_outside(Iova address, std::uint64_t size) const;
  // Has an answer about an access outside speak of no address in the window.
  void cut(Iova address, std::size_t size, Outcome& outcome) const;
  // Bytes from the address on to where the window begins or ends.
  std::uint64_t to_the_edge(Iova address) const;
  void answer_inside(const Transaction& transaction, Outcome& outcome) const;
  // Makes each part of an access by `outside(transaction, offset, size)` or by
  // `inside(transaction, offset, size)`.
  template <class Outside, class Inside>
  Transfer transfer(Transaction transaction, std::size_t size, Outside&& outside, Inside&& inside);

  FixedMsiWindow& window_;
  Port& port_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_GIC_WINDOW_PORT_H_
