#include "lib/smmu_v2/interrupts.h"

#include <fmt/format.h>

#include <new>

#include "lib/smmu_v2/context_banks.h"
#include "lib/smmu_v2/fault_record.h"
#include "lib/smmu_v2/smmu_v2_domain.h"

namespace smmu::iommu {

using v2::SMMU_CBn_FSR;
using v2::SMMU_CBn_RESUME;

namespace {

// Faults that are dealt with one after the other at most while the line does not go down: a status
// bit may not be cleared.  A line that is still up then has to be handled again.
constexpr unsigned kMostFaults = 64;

// Faults after which a thread ends where another one can go on, and those after which it ends in
// any case: devices of other threads may make them faster than one thread deals with them.
constexpr unsigned kManyFaults = 1024;
constexpr unsigned kMostFaultsOfAThread = 2 * kManyFaults;

// How often it goes on with lines that its own accesses have raised.
constexpr unsigned kMostRounds = 16;

}  // namespace

SmmuV2Interrupts::SmmuV2Interrupts(const SmmuV2Hardware& hardware, SmmuV2Registry& registry)
    : hardware_(hardware), registry_(registry) {
  global_fault_.connect(*this, kGlobal);
  configuration_fault_.connect(*this, kGlobal);
}

bool SmmuV2Interrupts::allocate() {
  context_faults_.reset(new (std::nothrow) Line[hardware_.features.banks]);
  if (context_faults_ == nullptr) return false;
  for (std::uint32_t n = 0; n != hardware_.features.banks; ++n)
    context_faults_[n].connect(*this, n);
  return true;
}

void SmmuV2Interrupts::rise(Line& line) {
  if (hardware_.config.interrupts != SmmuV2DriverConfig::Interrupts::kAtOnce) return;
  // Lines that a thread has left up do not rise, so nobody comes for them.
  const bool left = left_.load(std::memory_order_acquire);
  line.handle();
  if (left) handle_all();
  handle_interrupted();
}

void SmmuV2Interrupts::handle() {
  handle_all();
  handle_interrupted();
}

// With what has interrupted handlers' accesses, which is not handled in the middle of one.
void SmmuV2Interrupts::handle_interrupted() {
  if (hardware_.power.is_used_here()) return;
  for (unsigned round = 0; round != kMostRounds; ++round) {
    if (!interrupted_.exchange(false)) return;
    handle_all();
  }
  left_.store(true, std::memory_order_release);
}

void SmmuV2Interrupts::handle_all() {
  left_.store(false, std::memory_order_release);
  if (lines_up_.load(std::memory_order_acquire) == 0) return;
  global_fault_.handle();
  configuration_fault_.handle();
  for (std::uint32_t n = 0; n != hardware_.features.banks; ++n) context_faults_[n].handle();
}

void SmmuV2Interrupts::Line::handle() {
  if (!is_up()) return;
  std::uint32_t wanted = wanted_.fetch_add(1, std::memory_order_acq_rel) + 1;
  if (wanted != 1) return;
  // In the middle of an access: a handler may wait for who suspends, and that one for the access.
  if (interrupts_->hardware_.power.is_used_here()) {
    wanted_.store(0, std::memory_order_release);
    interrupts_->interrupted_.store(true);
    return;
  }
  unsigned faults = 0;
  unsigned all = 0;
  std::uint64_t falls = falls_.load(std::memory_order_acquire);
  do {
    // The cause may come back before the line has gone down, and the line then stays up: until
    // there is none.
    while (interrupts_->handle_one(bank_)) {
      // A line that has been down was up again for a fault of its own, and nobody else may come to
      // deal with that.
      const std::uint64_t now = falls_.load(std::memory_order_acquire);
      faults = now == falls ? faults + 1 : 0;
      falls = now;
      if (faults == kMostFaults) {
        // Who asked just now has not seen what became of it, and is gone.
        if (wanted_.compare_exchange_strong(wanted, 0, std::memory_order_acq_rel)) return;
        faults = 0;
      }
      if (++all >= kManyFaults && !goes_on(all, wanted)) return;
    }
  } while (!wanted_.compare_exchange_strong(wanted, 0, std::memory_order_acq_rel));
}

// Whether the thread that has dealt with `all` faults still has to.  If not, none of them is
// without somebody who comes for it.
bool SmmuV2Interrupts::Line::goes_on(unsigned all, std::uint32_t& wanted) {
  if (all >= kMostFaultsOfAThread) {
    wanted_.store(0, std::memory_order_release);
    // Whoever comes next looks at all lines.
    interrupts_->left_.store(true, std::memory_order_release);
    return false;
  }
  if (!wanted_.compare_exchange_strong(wanted, 0, std::memory_order_acq_rel)) return true;
  // From here on it is handled by who raises it.  One that was raised before is not.
  if (!is_up()) return false;
  wanted = wanted_.fetch_add(1, std::memory_order_acq_rel) + 1;
  return wanted == 1;
}

bool SmmuV2Interrupts::handle_one(std::uint32_t bank) {
  return bank == kGlobal ? handle_global_fault() : handle_context_fault(bank);
}

bool SmmuV2Interrupts::handle_context_fault(std::uint32_t bank) {
  // Until the end: the bank is not given to others meanwhile.
  SmmuV2Registry::Report report(registry_, bank);
  const SmmuV2Page page = hardware_.pages.bank(bank);
  ContextFaultRecord record{.bank = bank};
  const SMMU_CBn_FSR faults = all_context_faults();
  {
    const Power::Use use(hardware_.power);
    if (!use) return false;
    record.fsr = page.read<SMMU_CBn_FSR>();
    if ((record.fsr.raw() & faults.raw()) == 0) return false;
    record.far = page.read<v2::SMMU_CBn_FAR>();
    record.fsynr0 = page.read<v2::SMMU_CBn_FSYNR0>();
    record.cbfrsynra = hardware_.global1.read<v2::SMMU_CBFRSYNRAn>(bank);
  }

  const bool stalled = record.fsr[SMMU_CBn_FSR::SS];
  FaultAction action = FaultAction::kNotMine;
  if ((record.fsr.raw() & SMMU_CBn_FSR(faults).set(SMMU_CBn_FSR::SS, false).raw()) == 0) {
    // Of several that wait one was answered, and of the others nothing is recorded.  What is
    // translated again faults again, and is.
    action = FaultAction::kRetry;
  } else {
    const SmmuV2Domain* const domain = report.find_domain();
    if (domain == nullptr) {
      hardware_.say(
          fmt::format("a fault of a context bank that nobody has: {}", record.sentence()));
    } else if (domain->faults() != nullptr) {
      const Fault fault = record.fault(domain->format());
      action = domain->faults()->on_fault(report.find_device(fault.stream), fault);
      // The bank may be another's by now.
      if (report.is_over()) return true;
    }
    if (domain != nullptr && action == FaultAction::kNotMine) {
      hardware_.say(fmt::format("a fault that nobody handles: {}", record.sentence()));
    }
  }

  // Suspended meanwhile: whoever resumes ends the fault.
  const Power::Use use(hardware_.power);
  if (!use) return false;
  // First: an MMU-500 does not obey SMMU_CBn_RESUME before.
  page.write(record.fsr);
  if (stalled) {
    page.write(SMMU_CBn_RESUME().set(SMMU_CBn_RESUME::TnR, action != FaultAction::kRetry));
  }
  return true;
}

bool SmmuV2Interrupts::handle_global_fault() {
  const SmmuV2Page& page = hardware_.global0;
  GlobalFaultRecord record;
  {
    const Power::Use use(hardware_.power);
    if (!use) return false;
    record.gfsr = page.read<v2::SMMU_sGFSR>();
    if (record.gfsr.raw() == 0) return false;
    record.gfsynr0 = page.read<v2::SMMU_sGFSYNR0>();
    record.gfsynr1 = page.read<v2::SMMU_sGFSYNR1>();
    record.gfsynr2 = page.read<v2::SMMU_sGFSYNR2>();
    record.gfar = page.read<v2::SMMU_sGFAR>();
  }
  hardware_.say(record.sentence());
  const Power::Use use(hardware_.power);
  if (!use) return false;
  page.write(record.gfsr);
  return true;
}

}  // namespace smmu::iommu
