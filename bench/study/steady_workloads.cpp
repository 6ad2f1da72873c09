// Ranges come and go, below a limit of 48 bits, which is never near.
#include "bench/study/live_set.h"
#include "bench/study/workload.h"

namespace smmu::study {

namespace {

constexpr Request kPage{.pages = 1, .limit = k48Bits};

class Steady : public Workload {
 public:
  Steady(std::uint64_t n, std::uint64_t seed) : n_(n), live_(seed) {}

  void set_up(Player& player) override {
    live_.ranges().reserve(n_ + 1);
    while (live_.size() != n_) live_.add(player.allocate(request()));
  }
  std::uint64_t live() const override { return live_.size(); }

 protected:
  virtual Request request() { return kPage; }
  void replace(Player& player, Range& range) {
    player.free(range);
    range = player.allocate(request());
  }

  const std::uint64_t n_;
  LiveSet live_;
};

class Lifo final : public Steady {
 public:
  using Steady::Steady;
  std::uint64_t step(Player& player) override {
    player.free(player.allocate(request()));
    return 1;
  }
};

class Fifo final : public Steady {
 public:
  using Steady::Steady;
  std::uint64_t step(Player& player) override {
    replace(player, live_.ranges()[oldest_]);
    if (++oldest_ == live_.size()) oldest_ = 0;
    return 1;
  }

 private:
  std::size_t oldest_ = 0;
};

class AnyOrder : public Steady {
 public:
  using Steady::Steady;
  void set_up(Player& player) override {
    Steady::set_up(player);
    for (std::uint64_t i = 0; i != n_ && !player.spent(); ++i) step(player);
  }
  std::uint64_t step(Player& player) override {
    replace(player, live_.any());
    return 1;
  }
};

class Mix final : public AnyOrder {
 public:
  using AnyOrder::AnyOrder;

 private:
  Request request() override { return {.pages = mixed_pages(live_.random()), .limit = k48Bits}; }
};

// Begins with nothing.
class Drain final : public Steady {
 public:
  using Steady::Steady;
  void set_up(Player&) override { live_.ranges().reserve(n_); }
  std::uint64_t step(Player& player) override {
    while (live_.size() != n_) live_.add(player.allocate(request()));
    while (!live_.empty()) player.free(live_.take_any());
    return n_;
  }
  std::uint64_t live() const override { return n_; }
};

template <class W>
NamedWorkload named(std::string name, std::string what) {
  return {std::move(name), std::move(what), false, [](std::uint64_t n, std::uint64_t seed) {
            return std::unique_ptr<Workload>(std::make_unique<W>(n, seed));
          }};
}

}  // namespace

std::vector<NamedWorkload> steady_workloads() {
  return {
      named<Lifo>("lifo", "n pages live; allocate one, free it"),
      named<Fifo>("fifo", "n pages live; free the oldest, allocate one"),
      named<AnyOrder>("random", "n pages live; free any, allocate one"),
      named<Drain>("drain", "allocate n pages, free them in any order"),
      named<Mix>("mix", "n ranges of 1 to 64 pages live; free any, allocate one"),
  };
}

}  // namespace smmu::study
