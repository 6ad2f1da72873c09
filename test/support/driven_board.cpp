#include "smmu/testing/driven_board.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <utility>
#include <vector>

namespace smmu::testing {

namespace {

[[noreturn]] void give_up(std::string_view sentence) {
  std::cerr << sentence << '\n';
  std::abort();
}

}  // namespace

namespace {

std::unique_ptr<emulator::SmmuV3> make_smmu(const emulator::SmmuV3Config& config,
                                            const emulator::Wires& wires) {
  auto made = emulator::SmmuV3::create(config, wires);
  if (!made) give_up(made.error());
  return *std::move(made);
}

std::unique_ptr<iommu::PagePool> make_pool(emulator::Ram& ram, Pa base, std::uint64_t size,
                                           std::uint64_t pool_size) {
  if (pool_size > size || !ram.add(base, size)) give_up("the board's RAM does not fit");
  auto made = iommu::PagePool::create(ram, base, pool_size);
  if (!made) give_up("the board's pool cannot be made");
  return *std::move(made);
}

}  // namespace

DrivenBoard::DrivenBoard(const Options& options)
    : next_free_(options.ram_base.value + options.pool_size),
      end_of_ram_(options.ram_base.value + options.ram_size),
      event_line_(latch_.add_line()),
      page_request_line_(latch_.add_line()),
      sync_line_(latch_.add_line()),
      error_line_(latch_.add_line()),
      wake_up_line_(latch_.add_line()),
      counter_line_(latch_.add_line()),
      pool_(make_pool(ram_, options.ram_base, options.ram_size, options.pool_size)),
      smmu_(make_smmu(options.config,
                      {.memory = options.smmu_memory != nullptr ? options.smmu_memory : &ram_,
                       .event_queue = &event_line_,
                       .page_requests = &page_request_line_,
                       .command_sync = &sync_line_,
                       .global_error = &error_line_,
                       .wake_up = &wake_up_line_,
                       .counter_groups = std::vector<InterruptLine*>(
                           options.config.counter_groups.size(), &counter_line_),
                       .root_complex = &fabric,
                       .observer = options.observer})),
      registers_(latch_, *smmu_) {
  fabric.connect(*smmu_);
  iommu::SmmuV3DriverConfig config = options.driver;
  if (config.registers == nullptr) config.registers = &registers_;
  if (config.pool == nullptr) config.pool = pool_.get();
  if (config.clock == nullptr) config.clock = &clock_;
  if (config.log == nullptr) config.log = &log;
  auto driver = iommu::SmmuV3Driver::create(config);
  if (!driver) give_up(driver.error());
  driver_ = driver->get();
  event_line_.connect(&driver_->event_queue_line());
  page_request_line_.connect(&driver_->page_request_line());
  sync_line_.connect(&driver_->command_sync_line());
  error_line_.connect(&driver_->global_error_line());
  wake_up_line_.connect(&driver_->wake_up_line());
  auto made = iommu::Iommu::create(*std::move(driver), options.iommu);
  if (!made) give_up("the board's Iommu cannot be made");
  iommu_ = *std::move(made);
}

DrivenBoard::~DrivenBoard() = default;

emulator::Port& DrivenBoard::add_port() { return ports_.emplace_back(latch_, smmu_->add_port()); }

emulator::Port& DrivenBoard::add_port(emulator::StallClient& client) {
  return ports_.emplace_back(latch_, smmu_->add_port(client));
}

iommu::Device& DrivenBoard::add(iommu::DeviceConfig config) {
  const auto added = iommu_->add_device(std::move(config));
  if (!added) give_up("a device cannot be added: " + std::make_error_code(added.error()).message());
  return **added;
}

std::unique_ptr<iommu::Domain> DrivenBoard::domain(iommu::DomainType type,
                                                   const iommu::DomainOptions& options) {
  auto made = iommu_->create_domain(type, options);
  if (!made) give_up("a domain cannot be made: " + std::make_error_code(made.error()).message());
  return *std::move(made);
}

Pa DrivenBoard::allocate(std::uint64_t bytes, std::uint64_t alignment) {
  const std::uint64_t begin = (next_free_ + alignment - 1) / alignment * alignment;
  next_free_ = begin + bytes;
  EXPECT_LE(next_free_, end_of_ram_) << "the board's RAM is full";
  return Pa(begin);
}

}  // namespace smmu::testing
