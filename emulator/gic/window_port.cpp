#include "emulator/gic/window_port.h"

#include <algorithm>

namespace smmu::emulator {
namespace {

constexpr std::uint64_t kPage = 4096;

}  // namespace

bool WindowPort::overlaps(Iova address, std::uint64_t size) const {
  // Two aligned blocks whose sizes are powers of two: one is within the other, or
  // they have nothing in common.
  const std::uint64_t larger = std::max(size, window_.size());
  return ((address.value ^ window_.base().value) & ~(larger - 1)) == 0;
}

std::uint64_t WindowPort::block_outside(Iova address, std::uint64_t size) const {
  while (overlaps(address, size)) size /= 2;
  return size;
}

std::uint64_t WindowPort::to_the_edge(Iova address) const {
  const std::uint64_t begin = window_.base().value - address.value;
  // Beyond the window that distance is one around the end of all addresses.
  return window_.contains(address) ? begin + window_.size() : begin;
}

void WindowPort::answer_inside(const Transaction& transaction, Outcome& outcome) const {
  const bool is_message = transaction.direction == Direction::kWrite &&
                          transaction.address_type == AddressType::kUntranslated;
  if (!is_message) {
    outcome.emplace<Terminated>(Terminated{Response::kAbort});
    return;
  }
  constexpr Rights kWrite{.write = true};
  outcome.emplace<Translation>(Translation{.pa = Pa(transaction.address.value),
                                           .size = window_.size(),
                                           .attributes = transaction.attributes,
                                           .permissions = {kWrite, kWrite},
                                           .route = Route::kBypass});
}

void WindowPort::translate(const Transaction& transaction, Outcome& outcome) {
  if (window_.contains(transaction.address)) return answer_inside(transaction, outcome);
  port_.translate(transaction, outcome);
  cut(transaction.address, 1, outcome);
}

void WindowPort::cut(Iova address, std::size_t size, Outcome& outcome) const {
  auto* translation = std::get_if<Translation>(&outcome);
  if (translation == nullptr) return;
  // What the answer is about is the last block of the access, or the access.
  const std::uint64_t last = address.value + (size == 0 ? 0 : size - 1);
  const Iova about(std::max(address.value, last & ~(translation->size - 1)));
  translation->size = block_outside(about, translation->size);
}

template <class Outside, class Inside>
Transfer WindowPort::transfer(Transaction transaction, std::size_t size, Outside&& outside,
                              Inside&& inside) {
  Transfer done{.outcome = Terminated{Response::kAbort}, .bytes = 0};
  do {
    const auto piece = static_cast<std::size_t>(
        std::min<std::uint64_t>(size - done.bytes, to_the_edge(transaction.address)));
    if (window_.contains(transaction.address)) {
      answer_inside(transaction, done.outcome);
      if (std::holds_alternative<Terminated>(done.outcome)) return done;
      if (inside(transaction, done.bytes, piece) == BusResponse::kAbort) {
        done.outcome = Terminated{Response::kAbort};
        return done;
      }
      done.bytes += piece;
    } else {
      const Transfer part = outside(transaction, done.bytes, piece);
      done.bytes += part.bytes;
      done.outcome = part.outcome;
      if (part.bytes != piece) return done;
      cut(transaction.address, piece, done.outcome);
    }
    transaction.address.value += piece;
  } while (done.bytes != size);
  return done;
}

Transfer WindowPort::read(const Transaction& transaction, std::span<std::byte> bytes) {
  Transaction read = transaction;
  read.direction = Direction::kRead;
  return transfer(
      read, bytes.size(),
      [&](const Transaction& part, std::size_t offset, std::size_t size) {
        return port_.read(part, bytes.subspan(offset, size));
      },
      [](const Transaction&, std::size_t, std::size_t) { return BusResponse::kAbort; });
}

Transfer WindowPort::write(const Transaction& transaction, std::span<const std::byte> bytes) {
  Transaction write = transaction;
  write.direction = Direction::kWrite;
  return transfer(
      write, bytes.size(),
      [&](const Transaction& part, std::size_t offset, std::size_t size) {
        return port_.write(part, bytes.subspan(offset, size));
      },
      [&](const Transaction& part, std::size_t offset, std::size_t size) {
        return window_.write(part, bytes.subspan(offset, size));
      });
}

TranslationCompletion WindowPort::request_translation(const TranslationRequest& request) {
  if (window_.contains(request.address)) {
    TranslationCompletion none{.num_ranges = 1};
    const Iova page(request.address.value & ~(kPage - 1));
    none.storage[0] = {.address = page, .size = kPage, .translated = page};
    return none;
  }
  TranslationCompletion completion = port_.request_translation(request);
  for (std::uint8_t i = 0; i != completion.num_ranges; ++i) {
    TranslatedRange& range = completion.storage[i];
    if (!overlaps(range.address, range.size)) continue;
    if (i != 0) {
      completion.num_ranges = i;
      break;
    }
    const std::uint64_t size = block_outside(request.address, range.size);
    const std::uint64_t skipped = (request.address.value & ~(size - 1)) - range.address.value;
    range.address.value += skipped;
    range.translated.value += skipped;
    range.size = size;
    completion.num_ranges = 1;
  }
  return completion;
}

Outcome WindowPort::refuse(const Transaction& transaction, std::uint16_t reason) {
  if (window_.contains(transaction.address)) return Terminated{Response::kAbort};
  return port_.refuse(transaction, reason);
}

}  // namespace smmu::emulator
