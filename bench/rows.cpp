#include "bench/rows.h"

#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace smmu::bench {

void give_up(const char* why) {
  std::fprintf(stderr, "bench: %s\n", why);
  std::exit(1);
}

std::vector<Row> rows() {
  std::vector<Row> all = {{"empty", [] {
                             return [](std::uint64_t n) {
                               for (std::uint64_t i = 0; i != n; ++i) keep(i);
                             };
                           }}};
  std::vector<Row> groups[] = {translate_rows(), translate_v2_rows(), command_rows(), mmio_rows(),
                               iova_rows(),      pgtable_rows(),      domain_rows(),  dma_rows()};
  for (std::vector<Row>& some : groups) {
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace smmu::bench
