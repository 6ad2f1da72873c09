#include "emulator/cli/regime_walk.h"

#include "emulator/tbu/tbu.h"
#include "emulator/tcu/tcu.h"

namespace smmu::cli {

namespace {

class OneContext final : public emulator::ConfigurationSource {
 public:
  explicit OneContext(const emulator::Regime& regime) {
    context_.action = emulator::Context::Action::kTranslate;
    context_.regime = regime;
  }

  Resolution resolve(StreamId, std::optional<SubstreamId>, emulator::Reading now) override {
    return {context_, now.stamp, false};
  }
  // Nothing is translated already.
  Resolution resolve_stream(StreamId, emulator::Reading now) override {
    return {{}, now.stamp, false};
  }
  void invalidate(const emulator::ConfigurationInvalidation&, emulator::Stamp) override {}

 private:
  emulator::Context context_;
};

class FaultKeeper final : public emulator::TransactionSupervisor {
 public:
  void end(const emulator::Transaction&, const emulator::Fault& fault,
           emulator::Outcome& outcome) override {
    if (const auto* translation = std::get_if<emulator::TranslationFault>(&fault)) {
      fault_ = translation->walk;
    }
    outcome = emulator::Terminated{emulator::Response::kAbort};
  }
  void on_access_done() override {}
  emulator::AtsRules ats_rules() const override { return {}; }
  void refuse(const emulator::TranslationRequest&, const emulator::Transaction&,
              const emulator::Fault&) override {}
  void on_page_request(const emulator::PageRequest&) override {}

  const std::optional<emulator::WalkFault>& fault() const { return fault_; }

 private:
  std::optional<emulator::WalkFault> fault_;
};

}  // namespace

RegimeWalk walk_regime(const emulator::Regime& regime, unsigned physical_bits,
                       PhysicalMemory& memory, emulator::Observer& observer,
                       const emulator::Transaction& transaction) {
  OneContext source(regime);
  FaultKeeper supervisor;
  emulator::Tcu tcu(emulator::PhysicalSpaces(memory), SecurityState::kNonSecure, source,
                    {.policy = emulator::CachePolicy::kNone}, physical_bits,
                    emulator::Tcu::Conflicts::kNever, &observer);
  tcu.set_gate(emulator::Tcu::Gate::kTranslate);
  const emulator::Awaited awaited;
  emulator::Tbu port(tcu, supervisor, emulator::PhysicalSpaces(memory), awaited);
  RegimeWalk result{.outcome = emulator::Terminated{}, .fault = std::nullopt};
  port.translate(transaction, result.outcome);
  result.fault = supervisor.fault();
  return result;
}

}  // namespace smmu::cli
