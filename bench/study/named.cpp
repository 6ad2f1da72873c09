#include "bench/study/named.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "bench/study/placing.h"

namespace smmu::study {

namespace {

// Ever new pages, as many as there are.
class Nothing {
 public:
  explicit Nothing(Pfn start) : start_(start) {}

  std::optional<Pfn> allocate(const Request& request) {
    if (taken_ + request.pages > request.limit - start_ + 1) return std::nullopt;
    taken_ += request.pages;
    return next_ -= request.pages;
  }
  void free(Pfn, std::uint64_t pages) { taken_ -= pages; }
  std::uint64_t visits() const { return 0; }
  std::uint64_t bytes() const { return 0; }

 private:
  const Pfn start_;
  Pfn next_ = kEnd;
  std::uint64_t taken_ = 0;
};

}  // namespace

std::unique_ptr<AnyAllocator> allocator_named(const std::string& name) {
  if (name == kNothing) return std::make_unique<Erased<Nothing>>(kStart);
  for (const NamedAllocator& allocator : allocators()) {
    if (allocator.name == name) return allocator.make(kStart);
  }
  throw std::invalid_argument("no allocator " + name);
}

NamedWorkload workload_named(const std::string& name) {
  for (NamedWorkload& workload : workloads()) {
    if (workload.name == name) return std::move(workload);
  }
  throw std::invalid_argument("no workload " + name);
}

bool is_workload_of_one_thread(const std::string& name) {
  return std::ranges::any_of(workloads(), [&](const auto& known) { return known.name == name; });
}

}  // namespace smmu::study
