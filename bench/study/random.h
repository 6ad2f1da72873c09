// Random numbers that are the same everywhere for one seed (SplitMix64).
#ifndef BENCH_STUDY_RANDOM_H_
#define BENCH_STUDY_RANDOM_H_

#include <cstddef>
#include <cstdint>

namespace smmu::study {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // REQUIRES: `count` is not 0 and below 2^32.
  std::size_t below(std::size_t count) { return (next() >> 32) * count >> 32; }

 private:
  std::uint64_t state_;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_RANDOM_H_
