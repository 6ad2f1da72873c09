#include "emulator/tbu/stalling_port.h"

#include <algorithm>

namespace smmu::emulator {
namespace {

// The commands that answer a stall can be such that they undo the answer, for
// ever: by messages of CMD_SYNCs to a descriptor and to the doorbell.
constexpr unsigned kMostAttempts = 64;

// What is done of an access at `address` if that is terminated RAZ/WI.
std::size_t ignored(Iova address, std::size_t rest) {
  constexpr std::uint64_t kPage = 4096;
  return static_cast<std::size_t>(std::min<std::uint64_t>(rest, kPage - address.value % kPage));
}

}  // namespace

void StallingPort::end(const Transaction& transaction, const Fault& fault, Outcome& outcome) {
  Transaction incoming = *incoming_;
  incoming.address = transaction.address;
  incoming.direction = transaction.direction;
  stalls_.end_or_hold(client_, incoming, transaction, fault, tbu_->generation(), outcome);
  if (!transferring_ && std::holds_alternative<Stalled>(outcome)) {
    stalls_.settle(transaction.stream, outcome);
  }
}

template <class Access, class Ignore>
Transfer StallingPort::transfer(const Transaction& transaction, std::size_t size, Access&& access,
                                Ignore&& ignore) {
  Transaction rest = transaction;
  Transfer done{.outcome = Terminated{Response::kAbort}, .bytes = 0};
  const auto advance = [&](std::size_t bytes) {
    done.bytes += bytes;
    rest.address.value += bytes;
  };
  for (unsigned attempts = 0; attempts != kMostAttempts; ++attempts) {
    incoming_ = &rest;
    transferring_ = true;
    const Transfer part = access(rest, done.bytes);
    transferring_ = false;
    if (part.bytes != 0) attempts = 0;
    advance(part.bytes);
    done.outcome = part.outcome;
    if (!std::holds_alternative<Stalled>(done.outcome)) return done;

    stalls_.settle(rest.stream, done.outcome);
    if (std::holds_alternative<Translation>(done.outcome)) continue;
    const auto* end = std::get_if<Terminated>(&done.outcome);
    if (end == nullptr || end->response == Response::kAbort) return done;
    const std::size_t piece = ignored(rest.address, size - done.bytes);
    ignore(done.bytes, piece);
    advance(piece);
    if (done.bytes == size) return done;
    attempts = 0;
  }
  done.outcome = Terminated{Response::kAbort};
  return done;
}

Transfer StallingPort::read(const Transaction& transaction, std::span<std::byte> bytes) {
  if (is_passed_on(transaction)) return secure_->read(transaction, bytes);
  return transfer(
      transaction, bytes.size(),
      [&](const Transaction& rest, std::size_t done) {
        return tbu_->read(rest, bytes.subspan(done));
      },
      [&](std::size_t offset, std::size_t size) {
        std::ranges::fill(bytes.subspan(offset, size), std::byte{0});
      });
}

Transfer StallingPort::write(const Transaction& transaction, std::span<const std::byte> bytes) {
  if (is_passed_on(transaction)) return secure_->write(transaction, bytes);
  return transfer(
      transaction, bytes.size(),
      [&](const Transaction& rest, std::size_t done) {
        return tbu_->write(rest, bytes.subspan(done));
      },
      [](std::size_t, std::size_t) {});
}

}  // namespace smmu::emulator
