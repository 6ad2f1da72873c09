// Where it matters which gaps there are: small ones that little fits into, and a space that fills.
#include <algorithm>

#include "bench/study/live_set.h"
#include "bench/study/workload.h"

namespace smmu::study {

namespace {

constexpr Request kPage{.pages = 1, .limit = k48Bits};
constexpr Request kTwoPages{.pages = 2, .limit = k48Bits};

// Gaps of one page, as many as there are live pages; a request for two does not fit into any.
class Fragmented final : public Workload {
 public:
  Fragmented(std::uint64_t n, std::uint64_t seed) : n_(n), live_(seed) {}

  void set_up(Player& player) override {
    std::vector<Range> all;
    while (all.size() != 2 * n_) all.push_back(player.allocate(kPage));
    for (std::size_t i = 0; i != all.size(); i += 2) {
      player.free(all[i]);
      live_.add(all[i + 1]);
    }
  }
  std::uint64_t step(Player& player) override {
    Range& page = live_.any();
    player.free(page);
    const Range two = player.allocate(kTwoPages);
    page = player.allocate(kPage);
    player.free(two);
    return 2;
  }
  std::uint64_t live() const override { return live_.size(); }

 private:
  const std::uint64_t n_;
  LiveSet live_;
};

// Gaps of two pages that begin at odd ones, half as many as there are live pages: large enough for
// two pages, and never aligned for them.
class Misaligned final : public Workload {
 public:
  Misaligned(std::uint64_t n, std::uint64_t) : n_(n) {}

  void set_up(Player& player) override {
    std::vector<Range> all;
    while (all.size() != 2 * n_) all.push_back(player.allocate(kPage));
    for (const Range& page : all) {
      if ((page.first + 1) % 4 >= 2) player.free(page);
    }
  }
  std::uint64_t step(Player& player) override {
    player.free(player.allocate(kTwoPages));
    return 1;
  }
  std::uint64_t live() const override { return n_; }

 private:
  const std::uint64_t n_;
};

// Mixed sizes below 4 GiB until the first refusal, and from there on any is replaced, if there is
// room.
class NearFull final : public Workload {
 public:
  NearFull(std::uint64_t, std::uint64_t seed) : live_(seed) {}

  void set_up(Player& player) override {
    while (const auto range = player.try_allocate(request())) live_.add(*range);
    live_before_refusal_ = live_.size();
  }
  std::uint64_t step(Player& player) override {
    if (live_.empty()) throw OutOfRoom();
    player.free(live_.take_any());
    if (const auto range = player.try_allocate(request())) live_.add(*range);
    return 1;
  }
  std::uint64_t live() const override { return live_.size(); }
  std::optional<std::uint64_t> live_before_refusal() const override { return live_before_refusal_; }

 private:
  Request request() { return {.pages = mixed_pages(live_.random()), .limit = k32Bits}; }

  LiveSet live_;
  std::uint64_t live_before_refusal_ = 0;
};

template <class W>
NamedWorkload named(std::string name, std::string what, bool fills = false) {
  return {std::move(name), std::move(what), fills, [](std::uint64_t n, std::uint64_t seed) {
            return std::unique_ptr<Workload>(std::make_unique<W>(n, seed));
          }};
}

}  // namespace

std::vector<NamedWorkload> packing_workloads() {
  return {
      named<Fragmented>(
          "fragmented",
          "n pages live, every other one; free any, allocate 2 pages, 1 page, free 2"),
      named<Misaligned>("misaligned",
                        "n pages live, gaps of 2 at odd pages; allocate 2 pages, free them"),
      named<NearFull>("near_full", "ranges of 1 to 64 pages fill 4 GiB; free any, allocate one",
                      true),
  };
}

}  // namespace smmu::study
