// The port of a device whose Security state is in a table (IHI 0062: SMMU_SSDRn).
#ifndef SMMU_EMULATOR_V2_SECURITY_PORT_H_
#define SMMU_EMULATOR_V2_SECURITY_PORT_H_

#include <mutex>
#include <span>

#include "emulator/v2/clients.h"
#include "smmu/emulator/port.h"

namespace smmu::emulator {

// In front of another port: says of each transaction whose it is.
class SecurityPort final : public Port {
 public:
  SecurityPort(SharedRegisters& shared, Port& port) : shared_(shared), port_(port) {}

  using Port::translate;
  void translate(const Transaction& transaction, Outcome& outcome) override {
    port_.translate(told(transaction), outcome);
  }
  Transfer read(const Transaction& transaction, std::span<std::byte> bytes) override {
    return port_.read(told(transaction), bytes);
  }
  Transfer write(const Transaction& transaction, std::span<const std::byte> bytes) override {
    return port_.write(told(transaction), bytes);
  }
  TranslationCompletion request_translation(const TranslationRequest& request) override {
    return port_.request_translation(request);
  }
  void request_page(const PageRequest& request) override { port_.request_page(request); }
  Outcome refuse(const Transaction& transaction, std::uint16_t reason) override {
    return port_.refuse(told(transaction), reason);
  }

 private:
  // A Secure device says of each access whether it is Secure; those of others are not.
  Transaction told(Transaction transaction) const {
    const std::lock_guard lock(shared_.mutex);
    // Of an index, the bits that there are.
    const auto& table = shared_.registers.ssd;
    const std::uint32_t index = transaction.ssd_index & (shared_.registers.ssd_entries - 1);
    transaction.ssd_index = static_cast<std::uint16_t>(index);
    const bool non_secure = (table[index / 32] >> index % 32 & 1) != 0;
    transaction.security = non_secure ? SecurityState::kNonSecure : SecurityState::kSecure;
    return transaction;
  }

  SharedRegisters& shared_;
  Port& port_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_SECURITY_PORT_H_
