#include "smmu/testing/dma_device.h"

#include <array>
#include <bit>

#include "smmu/platform/memory.h"

namespace smmu::testing {

using emulator::Outcome;
using emulator::Stalled;
using emulator::Transaction;
using emulator::Transfer;

void Resumptions::on_resumed(Stalled stalled, const Outcome& outcome) {
  {
    const std::lock_guard lock(mutex_);
    ends_.emplace(std::pair(stalled.security, stalled.tag), outcome);
  }
  if (handler_) handler_();
}

std::optional<Outcome> Resumptions::take(const Outcome& outcome) {
  const auto* stalled = std::get_if<Stalled>(&outcome);
  if (stalled == nullptr) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = ends_.find({stalled->security, stalled->tag});
  if (found == ends_.end()) return std::nullopt;
  const Outcome end = found->second;
  ends_.erase(found);
  return end;
}

std::size_t Resumptions::size() const {
  const std::lock_guard lock(mutex_);
  return ends_.size();
}

DmaDevice DmaDevice::substream(SubstreamId substream) const {
  DmaDevice device = *this;
  device.prototype_.substream = substream;
  return device;
}

DmaDevice DmaDevice::privileged() const {
  DmaDevice device = *this;
  device.prototype_.privilege = emulator::Privilege::kPrivileged;
  return device;
}

DmaDevice DmaDevice::fetching_instructions() const {
  DmaDevice device = *this;
  device.prototype_.content = emulator::Content::kInstruction;
  return device;
}

DmaDevice DmaDevice::of(SecurityState security) const {
  DmaDevice device = *this;
  device.prototype_.security = security;
  return device;
}

DmaDevice DmaDevice::in(SecurityState space) const {
  DmaDevice device = *this;
  device.prototype_.space = space;
  return device;
}

Outcome DmaDevice::translate(Iova address, emulator::Direction direction) const {
  Transaction transaction = at(address);
  transaction.direction = direction;
  return port_->translate(transaction);
}

Transfer DmaDevice::read(Iova address, std::span<std::byte> bytes) const {
  return port_->read(at(address), bytes);
}

Transfer DmaDevice::write(Iova address, std::span<const std::byte> bytes) const {
  return port_->write(at(address), bytes);
}

Outcome DmaDevice::refuse(Iova address, std::uint16_t reason, emulator::Direction direction) const {
  Transaction transaction = at(address);
  transaction.direction = direction;
  return port_->refuse(transaction, reason);
}

std::optional<std::uint64_t> DmaDevice::read64(Iova address) const {
  std::array<std::byte, 8> bytes{};
  if (read(address, bytes).bytes != bytes.size()) return std::nullopt;
  return little_endian(std::bit_cast<std::uint64_t>(bytes));
}

Transfer DmaDevice::write64(Iova address, std::uint64_t value) const {
  const auto bytes = std::bit_cast<std::array<std::byte, 8>>(little_endian(value));
  return write(address, bytes);
}

Transaction DmaDevice::at(Iova address) const {
  Transaction transaction = prototype_;
  transaction.address = address;
  return transaction;
}

}  // namespace smmu::testing
