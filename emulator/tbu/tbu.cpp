#include "emulator/tbu/tbu.h"

#include <algorithm>

namespace smmu::emulator {

Outcome Tbu::translate(const Transaction& transaction) {
  const auto result = tcu_.translate(transaction);
  if (result) [[likely]]
    return *result;
  return supervisor_.end(transaction, result.error());
}

template <class Access>
Transfer Tbu::transfer(Transaction transaction, std::size_t size, Access&& access) {
  Transfer done{.outcome = Terminated{Response::kAbort}, .bytes = 0};
  in_flight_.begin();
  do {
    done.outcome = translate(transaction);
    const auto* translation = std::get_if<Translation>(&done.outcome);
    if (translation == nullptr) break;
    // To the end of the block that the translation covers.
    const std::uint64_t within = translation->pa.value & (translation->size - 1);
    const auto piece = static_cast<std::size_t>(
        std::min<std::uint64_t>(size - done.bytes, translation->size - within));
    if (access(translation->pa, done.bytes, piece) == BusResponse::kAbort) {
      done.outcome = Terminated{Response::kAbort};
      break;
    }
    done.bytes += piece;
    transaction.address.value += piece;
  } while (done.bytes != size);
  in_flight_.end();
  if (awaited_.load(std::memory_order_seq_cst)) supervisor_.on_access_done();
  return done;
}

Transfer Tbu::read(const Transaction& transaction, std::span<std::byte> bytes) {
  Transaction read = transaction;
  read.direction = Direction::kRead;
  Transfer done = transfer(read, bytes.size(), [&](Pa pa, std::size_t offset, std::size_t size) {
    return memory_.read(pa, bytes.subspan(offset, size));
  });
  if (const auto* end = std::get_if<Terminated>(&done.outcome);
      end != nullptr && end->response == Response::kRazWi) {
    std::ranges::fill(bytes.subspan(done.bytes), std::byte{0});
    done.bytes = bytes.size();
  }
  return done;
}

Transfer Tbu::write(const Transaction& transaction, std::span<const std::byte> bytes) {
  Transaction write = transaction;
  write.direction = Direction::kWrite;
  return transfer(write, bytes.size(), [&](Pa pa, std::size_t offset, std::size_t size) {
    return memory_.write(pa, bytes.subspan(offset, size));
  });
}

}  // namespace smmu::emulator
