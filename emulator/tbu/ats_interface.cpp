#include "emulator/tbu/ats_interface.h"

#include <algorithm>
#include <variant>

#include "emulator/walk/attributes.h"

namespace smmu::emulator {
namespace {

// 3.9.1.2: whether it is a matter of addresses and rights, of which a device is
// told that it has no access; everything else is an error.
bool denies_access(const WalkFault& walk) {
  return walk.type != FaultType::kExternalAbort && walk.type != FaultType::kTlbConflict;
}

// An access by which a translation is asked for.
Transaction access_of(const TranslationRequest& request) {
  return {.stream = request.stream,
          .address = request.address,
          .privilege = request.pasid ? request.pasid->privilege : Privilege::kUnprivileged,
          .substream = request.pasid ? std::optional(request.pasid->substream) : std::nullopt};
}

// 13.7.1: what `permissions` come to for a device that asks so.
void grant(Permissions permissions, const Overrides& overrides, const TranslationRequest& request,
           TranslatedRange& range) {
  const Privilege privilege = overrides.privilege.value_or(range.privilege);
  const bool reads = permissions.allow(privilege, Direction::kRead, Content::kData);
  const bool executes = permissions.allow(privilege, Direction::kRead, Content::kInstruction);
  range.write = permissions.allow(privilege, Direction::kWrite, Content::kData);
  const bool asked = request.pasid && request.pasid->execute;
  if (overrides.content == Content::kInstruction) {
    range.read = executes;
    range.execute = asked && executes;
  } else if (overrides.content == Content::kData) {
    range.read = reads;
    range.execute = asked && reads;
  } else {
    range.read = reads;
    range.execute = asked && reads && executes;
  }
}

}  // namespace

void AtsInterface::pass(const Transaction& transaction, Outcome& outcome) {
  generation_ = tcu_.generation();
  const AtsRules rules = supervisor_.ats_rules();
  if (!rules.present) return supervisor_.end(transaction, ConfiguredAbort{}, outcome);
  // 3.9.1.3: Secure streams have no ATS.
  if (tcu_.gate() != Tcu::Gate::kTranslate || tcu_.security() == SecurityState::kSecure) {
    return supervisor_.end(transaction, AtsForbidden{}, outcome);
  }
  if (!rules.checked) return let_through(transaction, outcome);

  // 3.9.1.3: it comes as if without a PASID, which would say how privileged it
  // is.
  Transaction incoming = transaction;
  incoming.substream.reset();
  incoming.privilege = Privilege::kUnprivileged;
  incoming.content = Content::kData;
  const StreamContext& stream = find_stream(transaction.stream);
  const Context& context = stream.context;
  switch (context.action) {
    case Context::Action::kAbort:
      return supervisor_.end(incoming, ConfiguredAbort{}, outcome);
    case Context::Action::kFault:
      return std::visit([&](const auto& fault) { supervisor_.end(incoming, fault, outcome); },
                        context.fault);
    case Context::Action::kBypass:
      if (context.ats != AtsGrant::kFull) {
        return supervisor_.end(incoming, AtsForbidden{}, outcome);
      }
      return let_through(incoming, outcome);
    case Context::Action::kTranslate:
      break;
  }
  incoming = context.overrides.applied_to(incoming);
  TlbEntry entry;
  if (const auto fault = translate(stream, incoming, entry)) {
    return supervisor_.end(incoming, *fault, outcome);
  }
  const std::uint64_t size = std::uint64_t{1} << entry.size_bits;
  outcome.emplace<Translation>(
      Translation{.pa = Pa(entry.output.value | (incoming.address.value & (size - 1))),
                  .size = size,
                  .attributes = combine(incoming.attributes, entry.stage2_memory),
                  .permissions = context.overrides.seen_from_outside(entry.permissions),
                  .route = Route::kTables});
}

// 3.9.1.1: an address that does not exist is aborted, and nobody is told.
void AtsInterface::let_through(const Transaction& transaction, Outcome& outcome) {
  if (transaction.address.value >= memory_size()) {
    return supervisor_.end(transaction, ConfiguredAbort{}, outcome);
  }
  outcome.emplace<Translation>(Translation{.pa = Pa(transaction.address.value),
                                           .size = memory_size(),
                                           .attributes = consistent(transaction.attributes),
                                           .permissions = Permissions::all(),
                                           .route = Route::kTranslated});
}

const StreamContext& AtsInterface::find_stream(StreamId stream) {
  const Tcu::Generation configured = tcu_.configured();
  const bool known =
      stream_ == stream && (checked_ == configured || tcu_.holds(*context_, generation_));
  if (!known) {
    tcu_.find_stream_context(stream, generation_, context_);
    stream_ = context_->keeps ? std::optional(stream) : std::nullopt;
  }
  checked_ = configured;
  return *context_;
}

std::optional<Fault> AtsInterface::translate(const StreamContext& stream,
                                             const Transaction& transaction, TlbEntry& entry) {
  const auto allows = [&] {
    return entry.permissions.allow(transaction.privilege, transaction.direction,
                                   transaction.content);
  };
  Recent none;
  auto fault = tcu_.translate(stream, transaction, entry, none, generation_);
  if (fault || allows()) return fault;
  if (entry.writable_clean && transaction.direction == Direction::kWrite) {
    fault = tcu_.translate_again(stream, transaction, entry, generation_);
    if (fault || allows()) return fault;
  }
  return Tcu::permission_fault(stream, transaction, entry);
}

TranslationCompletion AtsInterface::complete(const TranslationRequest& request) {
  generation_ = tcu_.generation();
  const AtsRules rules = supervisor_.ats_rules();
  if (!rules.present) return {.status = CompletionStatus::kUnsupportedRequest};
  const Transaction transaction = access_of(request);
  if (tcu_.gate() != Tcu::Gate::kTranslate) {
    supervisor_.refuse(request, transaction, AtsForbidden{});
    return {.status = CompletionStatus::kUnsupportedRequest};
  }
  std::shared_ptr<const StreamContext> found;
  tcu_.find_context(request.stream, transaction.substream, generation_, found);
  if (const auto status = refuse(request, transaction, found->context)) return {.status = *status};
  return complete_by(*found, request, transaction);
}

std::optional<CompletionStatus> AtsInterface::refuse(const TranslationRequest& request,
                                                     const Transaction& transaction,
                                                     const Context& context) {
  using Action = Context::Action;
  if (context.action == Action::kAbort) return CompletionStatus::kUnsupportedRequest;
  const bool split = context.ats == AtsGrant::kSplit;
  if (context.ats == AtsGrant::kNone || (split && !supervisor_.ats_rules().checked)) {
    supervisor_.refuse(request, transaction, AtsForbidden{});
    return CompletionStatus::kUnsupportedRequest;
  }
  if (context.action != Action::kFault) return std::nullopt;
  if (const auto* translation = std::get_if<TranslationFault>(&context.fault)) {
    if (denies_access(translation->walk)) return std::nullopt;
    supervisor_.refuse(request, transaction, *translation);
  } else {
    supervisor_.refuse(request, transaction, std::get<ConfigurationFault>(context.fault));
  }
  return CompletionStatus::kCompleterAbort;
}

TranslationCompletion AtsInterface::complete_by(const StreamContext& stream,
                                                const TranslationRequest& request,
                                                Transaction transaction) {
  TranslationCompletion completion;
  const std::uint64_t unit = supervisor_.ats_rules().unit;
  std::uint64_t& address = transaction.address.value;
  address &= ~(unit - 1);
  const std::uint64_t asked = std::max<std::uint64_t>(request.count, 1) * unit - 1;
  const std::uint64_t last = address + std::min(asked, ~address);
  while (completion.num_ranges != TranslationCompletion::kMostRanges) {
    TranslatedRange range{.address = transaction.address,
                          .size = unit,
                          .translated = Iova(0),
                          .privilege = transaction.privilege};
    const auto fault = find_range(stream, request, transaction, range);
    const bool first = completion.num_ranges == 0;
    if (fault) {
      const auto* translation = std::get_if<TranslationFault>(&*fault);
      if (translation == nullptr || !denies_access(translation->walk)) {
        // What is known of the addresses before it is good.
        if (!first) break;
        supervisor_.refuse(request, transaction, *fault);
        return {.status = CompletionStatus::kCompleterAbort};
      }
    }
    if (!range.accessible() && !first) break;
    completion.storage[completion.num_ranges++] = range;
    const std::uint64_t end = range.address.value + (range.size - 1);
    if (!range.accessible() || end >= last) break;
    address = end + 1;
  }
  return completion;
}

std::optional<Fault> AtsInterface::find_range(const StreamContext& stream,
                                              const TranslationRequest& request,
                                              const Transaction& transaction,
                                              TranslatedRange& range) {
  const Context& context = stream.context;
  if (context.action == Context::Action::kFault) return std::nullopt;  // no access
  if (context.action == Context::Action::kBypass) return find_identity(context, range);

  Transaction read = context.overrides.applied_to(transaction);
  TlbEntry entry;
  auto fault = translate(stream, read, entry);
  const bool read_failed = fault.has_value();
  const auto* refused = read_failed ? std::get_if<TranslationFault>(&*fault) : nullptr;
  if (read_failed && (refused == nullptr || refused->walk.type != FaultType::kPermission)) {
    return fault;
  }
  // 3.13.7: only a device that intends to write makes pages dirty.
  const auto writable = [&] {
    return entry.permissions.allow(read.privilege, Direction::kWrite, Content::kData);
  };
  if (!request.no_write && (read_failed || (!writable() && entry.writable_clean))) {
    Transaction write = read;
    write.direction = Direction::kWrite;
    write.content = Content::kData;
    TlbEntry written;
    const auto write_fault = translate(stream, write, written);
    if (!write_fault) {
      entry = written;
      fault.reset();
    } else {
      const auto* translation = std::get_if<TranslationFault>(&*write_fault);
      const bool error = translation == nullptr || !denies_access(translation->walk);
      if (error) return write_fault;
    }
  }
  if (fault) return fault;

  grant(entry.permissions, context.overrides, request, range);
  if (!range.accessible()) return std::nullopt;
  range.size = std::uint64_t{1} << entry.size_bits;
  range.address = Iova(transaction.address.value & ~(range.size - 1));
  const bool intermediate = context.ats == AtsGrant::kSplit;
  range.translated = Iova(intermediate ? entry.ipa.value : entry.output.value);
  return std::nullopt;
}

// 13.6.4: stage 1 alone, which is bypassed.
std::optional<Fault> AtsInterface::find_identity(const Context& context,
                                                 TranslatedRange& range) const {
  const std::uint64_t address = range.address.value;
  const unsigned bits = context.regime.bypass_bits;
  if (address >= memory_size() && (bits >= 64 || (address >> bits) != 0)) {
    return std::nullopt;  // an Address Size fault: no access
  }
  range.size = memory_size();
  range.address = Iova(address & ~(range.size - 1));
  range.read = true;
  range.write = true;
  return std::nullopt;
}

}  // namespace smmu::emulator
