#include "emulator/pmcg/counting_port.h"

#include <algorithm>

#include "emulator/pmcg/counter_groups.h"
#include "emulator/tcu/attribution.h"

namespace smmu::emulator {

using v3::MonitorEvent;

namespace {

// What a transaction of a bus does not cross.
constexpr std::uint64_t kMostOfOne = 4096;

}  // namespace

void CountingPort::count(const Transaction& transaction) {
  const SecurityState security = groups_.security_of(transaction);
  groups_.count(MonitorEvent::kTransaction, transaction.stream, security);
  if (transaction.address_type == AddressType::kTranslated) {
    groups_.count(MonitorEvent::kAtsTranslated, transaction.stream, security);
  }
}

void CountingPort::translate(const Transaction& transaction, Outcome& outcome) {
  count(transaction);
  const Attribution attribution(transaction.stream, groups_.security_of(transaction),
                                Attribution::Misses::kCounted);
  port_.translate(transaction, outcome);
}

template <class Access>
Transfer CountingPort::transfer(Transaction transaction, std::size_t size, Access&& access) {
  Transfer done{.outcome = Terminated{Response::kAbort}, .bytes = 0};
  do {
    const std::uint64_t to_boundary = kMostOfOne - transaction.address.value % kMostOfOne;
    const auto piece =
        static_cast<std::size_t>(std::min<std::uint64_t>(size - done.bytes, to_boundary));
    count(transaction);
    const Attribution attribution(transaction.stream, groups_.security_of(transaction),
                                  Attribution::Misses::kCounted);
    const Transfer one = access(transaction, done.bytes, piece);
    done.outcome = one.outcome;
    done.bytes += one.bytes;
    if (one.bytes != piece) break;
    transaction.address.value += piece;
  } while (done.bytes != size);
  return done;
}

Transfer CountingPort::read(const Transaction& transaction, std::span<std::byte> bytes) {
  return transfer(transaction, bytes.size(),
                  [&](const Transaction& one, std::size_t offset, std::size_t size) {
                    return port_.read(one, bytes.subspan(offset, size));
                  });
}

Transfer CountingPort::write(const Transaction& transaction, std::span<const std::byte> bytes) {
  return transfer(transaction, bytes.size(),
                  [&](const Transaction& one, std::size_t offset, std::size_t size) {
                    return port_.write(one, bytes.subspan(offset, size));
                  });
}

TranslationCompletion CountingPort::request_translation(const TranslationRequest& request) {
  constexpr SecurityState kSecurity = SecurityState::kNonSecure;  // 3.9.1.3
  groups_.count(MonitorEvent::kTransaction, request.stream, kSecurity);
  groups_.count(MonitorEvent::kAtsTranslationRequest, request.stream, kSecurity);
  const Attribution attribution(request.stream, kSecurity, Attribution::Misses::kCounted);
  return port_.request_translation(request);
}

Outcome CountingPort::refuse(const Transaction& transaction, std::uint16_t reason) {
  count(transaction);
  return port_.refuse(transaction, reason);
}

}  // namespace smmu::emulator
