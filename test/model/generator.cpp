#include "test/model/generator.h"

#include <algorithm>
#include <utility>

#include "test/model/random_case.h"

namespace smmu::model {

std::optional<std::uint64_t> SparseMemory::read(std::uint64_t pa) const {
  for (const Word& word : words_) {
    if (word.address == pa) return word.value;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> SparseMemory::compare_exchange(std::uint64_t pa,
                                                            std::uint64_t expected,
                                                            std::uint64_t desired) {
  for (Word& word : words_) {
    if (word.address != pa) continue;
    if (word.update_aborts) return std::nullopt;
    const std::uint64_t found = word.value;
    if (found == expected) word.value = desired;
    return found;
  }
  return std::nullopt;
}

Memory SparseMemory::memory() {
  return {.read = [this](std::uint64_t pa) { return read(pa); },
          .compare_exchange =
              [this](std::uint64_t pa, std::uint64_t expected, std::uint64_t desired) {
                return compare_exchange(pa, expected, desired);
              },
          .before_fetch = {}};
}

Case generate(std::uint64_t seed) {
  RandomCase random(seed);
  invent_regime(random);

  std::vector<Word> initial;
  SparseMemory changing({});
  std::vector<std::uint64_t> aborting;
  Fetch last;

  const Memory memory{.read = [&](std::uint64_t pa) -> std::optional<std::uint64_t> {
                        if (const auto word = changing.read(pa)) return word;
                        if (std::find(aborting.begin(), aborting.end(), pa) != aborting.end())
                          return std::nullopt;
                        const std::optional<std::uint64_t> invented = invent_word(random, last);
                        if (!invented) {
                          aborting.push_back(pa);
                          return std::nullopt;
                        }
                        const StageShape& shape = last.stage == 1 ? random.shape1 : random.shape2;
                        const Word word{.address = pa,
                                        .value = *invented,
                                        .update_aborts = shape.updates && random.dice.chance(2)};
                        initial.push_back(word);
                        // What has been changed so far stays changed while the walk goes on.
                        std::vector<Word> words = changing.words();
                        words.push_back(word);
                        changing = SparseMemory(std::move(words));
                        return word.value;
                      },
                      .compare_exchange =
                          [&](std::uint64_t pa, std::uint64_t expected, std::uint64_t desired) {
                            return changing.compare_exchange(pa, expected, desired);
                          },
                      .before_fetch = [&](const Fetch& fetch) { last = fetch; }};

  // Only the words matter here, not what the walk ends in.
  static_cast<void>(translate(random.test.regime, random.test.access, memory));

  random.test.words = std::move(initial);
  return random.test;
}

}  // namespace smmu::model
