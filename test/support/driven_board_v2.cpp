#include "smmu/testing/driven_board_v2.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <utility>

#include "smmu/arch/v2/identification_registers.h"

namespace smmu::testing {

using v2::SMMU_IDR1;

namespace {

[[noreturn]] void give_up(std::string_view why) {
  std::cerr << why << '\n';
  std::abort();
}

}  // namespace

void SteppingClock::wait(std::chrono::nanoseconds duration) {
  passed_ += duration.count();
  emulator::SmmuV2* const smmu = smmu_.load(std::memory_order_acquire);
  if (smmu != nullptr) smmu->step(kEffects);
}

DrivenBoardV2::DrivenBoardV2(const Options& options)
    : context_faults_(options.config.idr1[SMMU_IDR1::NUMCB]),
      next_free_(options.ram_base.value + options.pool_size),
      end_of_ram_(options.ram_base.value + options.ram_size) {
  if (!ram_.add(options.ram_base, options.ram_size)) give_up("the board's RAM does not fit");
  auto pool = iommu::PagePool::create(ram_, options.ram_base, options.pool_size);
  if (!pool) give_up("the board's pool does not fit");
  pool_ = *std::move(pool);

  std::vector<LevelLine*> lines;
  for (Relay& line : context_faults_) lines.push_back(&line);
  auto smmu = emulator::SmmuV2::create(
      options.config, {.memory = options.smmu_memory != nullptr ? options.smmu_memory : &ram_,
                       .global_fault = &global_fault_,
                       .configuration_fault = &configuration_fault_,
                       .context_faults = lines,
                       .observer = options.observer});
  if (!smmu) give_up(smmu.error());
  smmu_ = *std::move(smmu);
  clock_.steps(smmu_.get());

  iommu::SmmuV2DriverConfig config = options.driver;
  if (config.registers == nullptr) config.registers = smmu_.get();
  if (config.pool == nullptr) config.pool = pool_.get();
  if (config.clock == nullptr) config.clock = &clock_;
  if (config.log == nullptr) config.log = &log;
  if (config.context_interrupts == 0) {
    config.context_interrupts = static_cast<std::uint32_t>(context_faults_.size());
  }
  auto driver = iommu::SmmuV2Driver::create(config);
  if (!driver) give_up(driver.error());
  driver_ = driver->get();
  global_fault_.leads_to(driver_->global_fault_line());
  configuration_fault_.leads_to(driver_->configuration_fault_line());
  for (std::uint32_t n = 0; n != driver_->context_banks(); ++n) {
    context_faults_[n].leads_to(driver_->context_fault_line(n));
  }
  auto made = iommu::Iommu::create(*std::move(driver), options.iommu);
  if (!made) give_up("the board's Iommu cannot be made");
  iommu_ = *std::move(made);
}

DrivenBoardV2::~DrivenBoardV2() = default;

iommu::Device& DrivenBoardV2::add(iommu::DeviceConfig config) {
  const auto added = iommu_->add_device(std::move(config));
  if (!added) give_up("the driver does not take a device");
  return **added;
}

std::unique_ptr<iommu::Domain> DrivenBoardV2::domain(iommu::DomainType type,
                                                     const iommu::DomainOptions& options) {
  auto made = iommu_->create_domain(type, options);
  if (!made) give_up("the driver does not make a domain");
  return *std::move(made);
}

emulator::Port& DrivenBoardV2::attended(emulator::Port& port) {
  return ports_.emplace_back(port, *driver_);
}

void DrivenBoardV2::AttendedPort::translate(const emulator::Transaction& transaction,
                                            emulator::Outcome& outcome) {
  port_.translate(transaction, outcome);
  driver_.handle_interrupts();
}

emulator::Transfer DrivenBoardV2::AttendedPort::read(const emulator::Transaction& transaction,
                                                     std::span<std::byte> bytes) {
  const emulator::Transfer transfer = port_.read(transaction, bytes);
  driver_.handle_interrupts();
  return transfer;
}

emulator::Transfer DrivenBoardV2::AttendedPort::write(const emulator::Transaction& transaction,
                                                      std::span<const std::byte> bytes) {
  const emulator::Transfer transfer = port_.write(transaction, bytes);
  driver_.handle_interrupts();
  return transfer;
}

emulator::TranslationCompletion DrivenBoardV2::AttendedPort::request_translation(
    const emulator::TranslationRequest& request) {
  const emulator::TranslationCompletion completion = port_.request_translation(request);
  driver_.handle_interrupts();
  return completion;
}

void DrivenBoardV2::AttendedPort::request_page(const emulator::PageRequest& request) {
  port_.request_page(request);
  driver_.handle_interrupts();
}

emulator::Outcome DrivenBoardV2::AttendedPort::refuse(const emulator::Transaction& transaction,
                                                      std::uint16_t reason) {
  const emulator::Outcome outcome = port_.refuse(transaction, reason);
  driver_.handle_interrupts();
  return outcome;
}

Pa DrivenBoardV2::allocate(std::uint64_t bytes, std::uint64_t alignment) {
  const std::uint64_t begin = (next_free_ + alignment - 1) / alignment * alignment;
  next_free_ = begin + bytes;
  EXPECT_LE(next_free_, end_of_ram_) << "the board's RAM is full";
  return Pa(begin);
}

}  // namespace smmu::testing
