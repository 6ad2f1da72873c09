// For which stream a thread reads tables.
#ifndef SMMU_EMULATOR_TCU_ATTRIBUTION_H_
#define SMMU_EMULATOR_TCU_ATTRIBUTION_H_

#include <utility>

#include "smmu/emulator/transaction.h"
#include "smmu/types.h"

namespace smmu::emulator {

// While one lives, what its thread reads is read for its stream: for that of the
// youngest, if a callback has made others.  Whatever walks or fetches does so
// with one of its own around it, so that nobody's reads are another's.
class Attribution {
 public:
  // Whether a miss is to be told apart from the reads that follow from it.
  enum class Misses : bool { kNotCounted, kCounted };

  Attribution(StreamId stream, SecurityState security, Misses misses = Misses::kNotCounted)
      : stream_(stream),
        security_(security),
        table_missing_(misses == Misses::kCounted),
        configuration_missing_(misses == Misses::kCounted),
        outer_(std::exchange(innermost_, this)) {}
  ~Attribution() { innermost_ = outer_; }
  Attribution(const Attribution&) = delete;
  Attribution& operator=(const Attribution&) = delete;

  static Attribution* innermost() { return innermost_; }

  StreamId stream() const { return stream_; }
  SecurityState security() const { return security_; }
  // True once, for the first read.
  bool take_table_miss() { return std::exchange(table_missing_, false); }
  bool take_configuration_miss() { return std::exchange(configuration_missing_, false); }

 private:
  static inline constinit thread_local Attribution* innermost_ = nullptr;

  const StreamId stream_;
  const SecurityState security_;
  bool table_missing_;
  bool configuration_missing_;
  Attribution* const outer_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TCU_ATTRIBUTION_H_
