#include "emulator/tbu/tbu.h"

#include <algorithm>

#include "emulator/walk/attributes.h"
#include "smmu/arch/bits.h"
#include "smmu/platform/requester.h"

namespace smmu::emulator {
namespace {

constexpr std::uint64_t kSmallestPage = 4096;

// 6.3.57.2: SIF, of an access that no stage 1 of tables says the address space
// of.
bool is_non_secure_fetch(const Transaction& transaction) {
  return transaction.space == SecurityState::kNonSecure &&
         transaction.direction == Direction::kRead && transaction.content == Content::kInstruction;
}

}  // namespace

Tbu::Tbu(Tcu& tcu, TransactionSupervisor& supervisor, const PhysicalSpaces& spaces,
         const Awaited& awaited)
    : tcu_(tcu),
      supervisor_(supervisor),
      spaces_(spaces),
      is_secure_(tcu.security() == SecurityState::kSecure),
      awaited_(awaited),
      keeps_translations_(tcu.answers_keep() && tcu.observer() == nullptr && !is_secure_),
      memory_size_(std::uint64_t{1} << tcu.output_bits()),
      generation_(tcu.generation()),
      keep_for_(Tcu::even(generation_)),
      configured_(tcu.configured()),
      tables_changed_(tcu.tables_changed()),
      gate_(tcu.gate()),
      usual_(gate_ == Tcu::Gate::kTranslate && !tcu.counts()),
      counted_(tcu.counts()),
      way_(counted_ ? Tcu::Gate::kCounted : gate_),
      overrides_of_(configured_),
      bypass_overrides_(tcu.bypass_overrides()),
      ats_(tcu, supervisor) {}

void Tbu::translate(const Transaction& transaction, Outcome& outcome) {
  // One comparison, of four neighbours.
  const bool usual = (transaction.security == SecurityState::kNonSecure &&
                      transaction.address_type == AddressType::kUntranslated) &&
                     (transaction.attributes.type == MemoryAttributes::kWriteBack &&
                      transaction.attributes.shareability == Shareability::kNonShareable);
  if (!usual) [[unlikely]]
    return translate_special(transaction, outcome);
  translate_usual(transaction, outcome);
}

void Tbu::translate_special(const Transaction& transaction, Outcome& outcome) {
  if (transaction.security == SecurityState::kSecure && secure_ != nullptr) {
    return secure_->translate(transaction, outcome);
  }
  if (transaction.address_type == AddressType::kTranslated) {
    return ats_.pass(transaction, outcome);
  }
  translate_hinted(transaction, outcome);
}

inline void Tbu::translate_usual(const Transaction& transaction, Outcome& outcome) {
  // Whatever is found from here on may be used again while this is true.
  const Tcu::Generation now = tcu_.generation();
  if (now != generation_) [[unlikely]]
    return translate_anew(transaction, outcome, now);
  if (!usual_) [[unlikely]]
    return translate_unusual(transaction, outcome);
  look_up(transaction, outcome);
}

inline void Tbu::look_up(const Transaction& transaction, Outcome& outcome) {
  const Source source = source_of(transaction);
  const MicroTlb::Entry* entry = translations_.find(source, transaction.address);
  if (entry == nullptr) return ask(transaction, outcome, source);
  const MicroTlb::Kind kind = entry->kind();
  if (!kind.permissions.allow(transaction.privilege, transaction.direction, transaction.content)) {
    return ask(transaction, outcome, source);
  }
  const std::uint64_t offset = transaction.address.value & MicroTlb::kOffset;
  outcome.emplace<Translation>(Translation{.pa = Pa(entry->output | offset),
                                           .size = std::uint64_t{1} << entry->size_bits,
                                           .attributes = kind.attributes,
                                           .permissions = kind.permissions,
                                           .route = kind.route});
}

// 13.1.7, 13.4.2: what comes in as Write-Back with every allocation hint says
// nothing to what tables say, and is consistent.  All else has its say here.
inline void Tbu::translate_hinted(const Transaction& transaction, Outcome& outcome) {
  overridden_ = false;
  translate_usual(transaction, outcome);
  auto* translation = std::get_if<Translation>(&outcome);
  // Whoever overrides has heard it.
  if (translation == nullptr || overridden_) return;
  MemoryAttributes& attributes = translation->attributes;
  attributes = translation->route == Route::kTables ? with_hints(attributes, transaction.attributes)
                                                    : consistent(attributes);
}

void Tbu::translate_anew(const Transaction& transaction, Outcome& outcome, Tcu::Generation now) {
  generation_ = now;
  keep_for_ = Tcu::even(now);
  translations_.clear();
  const Tcu::Generation tables_changed = tcu_.tables_changed();
  if (tables_changed != tables_changed_) {
    tables_changed_ = tables_changed;
    recent_.clear();
  }
  const Tcu::Generation configured = tcu_.configured();
  if (configured != configured_) {
    configured_ = configured;
    gate_ = tcu_.gate();
    counted_ = tcu_.counts();
    find_way();
    usual_ = way_ == Tcu::Gate::kTranslate;
    speaker_ = &nobody_;
  }
  if (!usual_) return translate_unusual(transaction, outcome);
  ask(transaction, outcome, source_of(transaction));
}

inline void Tbu::bypass(const Transaction& transaction, Route route, Outcome& outcome) {
  if (transaction.address.value >= memory_size_) [[unlikely]]
    return refuse_address(transaction, route, outcome);
  outcome.emplace<Translation>(Translation{.pa = Pa(transaction.address.value),
                                           .size = memory_size_,
                                           .attributes = transaction.attributes,
                                           .permissions = Permissions::all(),
                                           .route = route});
}

void Tbu::translate_counted(const Transaction& transaction, Outcome& outcome) {
  if (gate_ != Tcu::Gate::kTranslate) {
    pass_closed(transaction, outcome);
    return supervisor_.on_counted(transaction, {}, false);
  }
  const Source source = source_of(transaction);
  const MicroTlb::Entry* entry = translations_.find(source, transaction.address);
  const bool refilled = entry == nullptr || slot_of(source).source != source ||
                        !entry->kind().permissions.allow(
                            transaction.privilege, transaction.direction, transaction.content);
  if (!refilled) {
    look_up(transaction, outcome);
    return supervisor_.on_counted(transaction, slot_of(source).context->context.banks, false);
  }
  ask(transaction, outcome, source);
  const Context& context = speaker_->context->context;
  const bool translates = context.action == Context::Action::kTranslate;
  supervisor_.on_counted(transaction, context.banks, translates);
}

void Tbu::translate_unusual(const Transaction& transaction, Outcome& outcome) {
  if (way_ != Tcu::Gate::kTranslate) return pass(transaction, outcome);
  if (speaker_->source != source_of(transaction)) return look_up_after_all(transaction, outcome);
  bypass(transaction, Route::kBypass, outcome);
}

void Tbu::look_up_after_all(const Transaction& transaction, Outcome& outcome) {
  look_up(transaction, outcome);
}

// The SMMU is off.
void Tbu::pass(const Transaction& transaction, Outcome& outcome) {
  if (way_ != Tcu::Gate::kBypass) [[unlikely]]
    return pass_otherwise(transaction, outcome);
  bypass(transaction, Route::kDisabled, outcome);
}

void Tbu::pass_otherwise(const Transaction& transaction, Outcome& outcome) {
  if (counted_) return translate_counted(transaction, outcome);
  pass_closed(transaction, outcome);
}

void Tbu::pass_closed(const Transaction& transaction, Outcome& outcome) {
  if (gate_ == Tcu::Gate::kBypass) return bypass(transaction, Route::kDisabled, outcome);
  if (gate_ == Tcu::Gate::kAbort) return abort(transaction, outcome);
  overridden_ = true;
  if (overrides_of_ != configured_) {
    bypass_overrides_ = tcu_.bypass_overrides();
    overrides_of_ = configured_;
  }
  const Transaction overridden = bypass_overrides_.applied_to(transaction);
  // 6.3.57.2: nobody is told.
  if (bypass_overrides_.secure_fetches_only && is_non_secure_fetch(overridden)) {
    return abort(transaction, outcome);
  }
  bypass(overridden, Route::kDisabled, outcome);
  if (auto* translation = std::get_if<Translation>(&outcome)) {
    translation->space = is_secure_ ? overridden.space : SecurityState::kNonSecure;
  }
}

void Tbu::ask(const Transaction& transaction, Outcome& outcome, Source source) {
  if (speaker_->source != source) [[unlikely]]
    return find_context(transaction, outcome, source);
  if (transaction.address.value >= speaker_->context->plain_below) [[unlikely]]
    return ask_speaker(transaction, outcome, source);
  ask_tcu(transaction, outcome, source);
}

void Tbu::find_context(const Transaction& transaction, Outcome& outcome, Source source) {
  speaker_ = &slot_of(source);
  const bool known = speaker_->source == source && (speaker_->checked == configured_ ||
                                                    tcu_.holds(*speaker_->context, generation_));
  if (!known) {
    if (speaker_->source != kNobody) recent_.clear();  // some is that one's
    tcu_.find_context(transaction.stream, transaction.substream, generation_, speaker_->context);
    speaker_->source = speaker_->context->keeps ? source : kNobody;
  }
  speaker_->checked = configured_;
  usual_ = speaks_usually() && !counted_;
  if (transaction.address.value < speaker_->context->plain_below) {
    return ask_tcu(transaction, outcome, source);
  }
  ask_speaker(transaction, outcome, source);
}

void Tbu::ask_speaker(const Transaction& transaction, Outcome& outcome, Source source) {
  if (is_secure_) [[unlikely]]
    return ask_secure(transaction, outcome, source);
  if (speaker_->context->context.overrides.any()) [[unlikely]]
    return ask_overridden(transaction, outcome, source);
  obey_speaker(transaction, outcome, source);
}

void Tbu::ask_overridden(const Transaction& incoming, Outcome& outcome, Source source) {
  const Overrides& overrides = speaker_->context->context.overrides;
  overridden_ = overrides.of_types();
  obey_speaker(overrides.applied_to(incoming), outcome, source);
}

void Tbu::ask_secure(const Transaction& incoming, Outcome& outcome, Source source) {
  const Context& context = speaker_->context->context;
  overridden_ = context.overrides.of_types();
  const Transaction transaction =
      context.overrides.any() ? context.overrides.applied_to(incoming) : incoming;
  const bool goes_on =
      context.action == Context::Action::kBypass || context.action == Context::Action::kTranslate;
  if (goes_on && !(context.action == Context::Action::kTranslate && context.regime.has_stage1) &&
      context.regime.secure_fetches_only && is_non_secure_fetch(transaction)) {
    return supervisor_.end(transaction,
                           TranslationFault{{.type = FaultType::kPermission,
                                             .stage = Stage::k1,
                                             .level = 0,
                                             .purpose = Purpose::kInput,
                                             .table_write = false,
                                             .ipa = {},
                                             .descriptor = {}},
                                            Response::kAbort,
                                            Recording::kRecorded,
                                            context.mergeable,
                                            context.banks},
                           outcome);
  }
  obey_speaker(transaction, outcome, source);
  if (context.action != Context::Action::kBypass) return;
  if (auto* translation = std::get_if<Translation>(&outcome)) {
    translation->space = transaction.space;
  }
}

inline void Tbu::obey_speaker(const Transaction& transaction, Outcome& outcome, Source source) {
  switch (speaker_->context->context.action) {
    case Context::Action::kTranslate:
      return ask_in_full(transaction, outcome, source);
    case Context::Action::kBypass:
      return bypass(transaction, Route::kBypass, outcome);
    case Context::Action::kFault:
      return refuse(transaction, speaker_->context->context, outcome);
    case Context::Action::kAbort:
      return abort(transaction, outcome);
  }
}

void Tbu::refuse(const Transaction& transaction, const Context& context, Outcome& outcome) {
  std::visit([&](const auto& fault) { supervisor_.end(transaction, fault, outcome); },
             context.fault);
}

void Tbu::abort(const Transaction& transaction, Outcome& outcome) {
  supervisor_.end(transaction, ConfiguredAbort{}, outcome);
}

void Tbu::ask_tcu(const Transaction& transaction, Outcome& outcome, Source source) {
  const StreamContext& stream = *speaker_->context;
  WalkFault fault;
  if (!tcu_.translate_plain(stream, transaction, found_, recent_, keep_for_, fault)) [[unlikely]]
    return refuse_plain(transaction, outcome, source, fault);
  if (!found_allows(transaction)) [[unlikely]]
    return ask_in_full(transaction, outcome, source);
  const std::uint64_t size = std::uint64_t{1} << found_.size_bits;
  const Pa pa(found_.output.value | (transaction.address.value & (size - 1)));
  const MicroTlb::Kind kind = translations_.insert(source, transaction.address, pa, found_);
  outcome.emplace<Translation>(Translation{.pa = pa,
                                           .size = size,
                                           .attributes = kind.attributes,
                                           .permissions = kind.permissions,
                                           .route = kind.route});
}

void Tbu::refuse_plain(const Transaction& transaction, Outcome& outcome, Source source,
                       const WalkFault& fault) {
  const Context& context = speaker_->context->context;
  if (!context.regime.simple) return ask_in_full(transaction, outcome, source);
  supervisor_.end(transaction, Tcu::translation_fault(context, fault), outcome);
}

void Tbu::ask_in_full(const Transaction& transaction, Outcome& outcome, Source source) {
  const StreamContext& stream = *speaker_->context;
  if (const auto fault = tcu_.translate(stream, transaction, found_, recent_, generation_)) {
    return supervisor_.end(transaction, *fault, outcome);
  }
  if (!found_allows(transaction)) {
    if (found_.writable_clean && transaction.direction == Direction::kWrite) {
      if (const auto fault = tcu_.translate_again(stream, transaction, found_, generation_)) {
        return supervisor_.end(transaction, *fault, outcome);
      }
    }
    if (!found_allows(transaction)) {
      return supervisor_.end(transaction, Tcu::permission_fault(stream, transaction, found_),
                             outcome);
    }
  }
  const std::uint64_t size = std::uint64_t{1} << found_.size_bits;
  const Pa pa(found_.output.value | (transaction.address.value & (size - 1)));
  MemoryAttributes attributes = found_.attributes;
  const Overrides& overrides = stream.context.overrides;
  if (overrides.of_permissions()) [[unlikely]]
    found_.permissions = overrides.seen_from_outside(found_.permissions);
  if (!stream.context.regime.has_stage1) {
    attributes = combine(transaction.attributes, found_.stage2_memory);
  } else if (overrides.of_types()) [[unlikely]] {
    attributes = with_hints(attributes, transaction.attributes);
  } else if (keeps_translations_) {
    translations_.insert(source, transaction.address, pa, found_);
  }
  outcome.emplace<Translation>(Translation{.pa = pa,
                                           .size = size,
                                           .attributes = attributes,
                                           .permissions = found_.permissions,
                                           .route = Route::kTables,
                                           .space = found_.space});
}

// 3.4: an address that does not exist.  With the SMMU off there is nobody to
// tell; through a stream's configuration it is an Address Size fault, unless it
// is an IPA: that is cut to a physical address where there is no stage 2.
void Tbu::refuse_address(const Transaction& transaction, Route route, Outcome& outcome) {
  if (route == Route::kDisabled) return abort(transaction, outcome);
  const unsigned bits = speaker_->context->context.regime.bypass_bits;
  if (bits < 64 && (transaction.address.value >> bits) == 0) {
    Transaction cut = transaction;
    cut.address.value &= memory_size_ - 1;
    return bypass(cut, route, outcome);
  }
  supervisor_.end(transaction,
                  TranslationFault{{.type = FaultType::kAddressSize,
                                    .stage = Stage::k1,
                                    .level = 0,
                                    .purpose = Purpose::kInput,
                                    .table_write = false,
                                    .ipa = {},
                                    .descriptor = {}},
                                   Response::kAbort,
                                   Recording::kRecorded,
                                   speaker_->context->context.mergeable,
                                   speaker_->context->context.banks},
                  outcome);
}

Outcome Tbu::refuse(const Transaction& transaction, std::uint16_t reason) {
  if (transaction.security == SecurityState::kSecure && secure_ != nullptr) {
    return secure_->refuse(transaction, reason);
  }
  Outcome outcome;
  supervisor_.end(transaction, UnsupportedTransaction{reason}, outcome);
  return outcome;
}

template <class Access, class Ignore>
Transfer Tbu::transfer(Transaction transaction, std::size_t size, Access&& access,
                       Ignore&& ignore) {
  Transfer done{.outcome = Terminated{Response::kAbort}, .bytes = 0};
  in_flight_.begin();
  do {
    translate(transaction, done.outcome);
    const std::uint64_t rest = size - done.bytes;
    // To the end of the block that the translation covers.
    const auto piece_of = [&](std::uint64_t block) {
      const std::uint64_t within = transaction.address.value & (block - 1);
      return static_cast<std::size_t>(std::min(rest, block - within));
    };
    std::size_t piece = 0;
    if (const auto* translation = std::get_if<Translation>(&done.outcome)) {
      piece = piece_of(translation->size);
      const Requester requester{.stream = transaction.stream,
                                .substream = transaction.substream,
                                .security = tcu_.security(),
                                .space = translation->space,
                                .attributes = translation->attributes};
      PhysicalMemory& memory = spaces_[translation->space];
      if (access(memory, requester, translation->pa, done.bytes, piece) == BusResponse::kAbort) {
        done.outcome = Terminated{Response::kAbort};
        break;
      }
    } else {
      const auto* end = std::get_if<Terminated>(&done.outcome);
      if (end == nullptr || end->response != Response::kRazWi) break;
      piece = piece_of(kSmallestPage);
      ignore(done.bytes, piece);
    }
    done.bytes += piece;
    transaction.address.value += piece;
  } while (done.bytes != size);
  in_flight_.end();
  if (awaited_.by_anyone()) supervisor_.on_access_done();
  return done;
}

// 4.7.3: an invalidation is complete when nothing is being read any more that
// it was about.
TranslationCompletion Tbu::request_translation(const TranslationRequest& request) {
  in_flight_.begin();
  const TranslationCompletion completion = ats_.complete(request);
  in_flight_.end();
  if (awaited_.by_anyone()) supervisor_.on_access_done();
  return completion;
}

Transfer Tbu::read(const Transaction& transaction, std::span<std::byte> bytes) {
  if (transaction.security == SecurityState::kSecure && secure_ != nullptr) {
    return secure_->read(transaction, bytes);
  }
  Transaction read = transaction;
  read.direction = Direction::kRead;
  return transfer(
      read, bytes.size(),
      [&](PhysicalMemory& memory, const Requester& requester, Pa pa, std::size_t offset,
          std::size_t size) { return memory.read_for(requester, pa, bytes.subspan(offset, size)); },
      [&](std::size_t offset, std::size_t size) {
        std::ranges::fill(bytes.subspan(offset, size), std::byte{0});
      });
}

Transfer Tbu::write(const Transaction& transaction, std::span<const std::byte> bytes) {
  if (transaction.security == SecurityState::kSecure && secure_ != nullptr) {
    return secure_->write(transaction, bytes);
  }
  Transaction write = transaction;
  write.direction = Direction::kWrite;
  return transfer(
      write, bytes.size(),
      [&](PhysicalMemory& memory, const Requester& requester, Pa pa, std::size_t offset,
          std::size_t size) {
        return memory.write_for(requester, pa, bytes.subspan(offset, size));
      },
      [](std::size_t, std::size_t) {});
}

}  // namespace smmu::emulator
