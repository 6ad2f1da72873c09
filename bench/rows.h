// What is measured: a name and, for each, how to prepare it and do it N times.
#ifndef BENCH_ROWS_H_
#define BENCH_ROWS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace smmu::bench {

// Makes the compiler believe that the value is used and memory looked at.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

// Ends the program, saying why.
[[noreturn]] void give_up(const char* why);

struct Row {
  std::string name;
  // Sets up and returns what does the operation so many times.
  std::function<std::function<void(std::uint64_t)>()> prepare;
  // The row that is the same loop with nothing in it.
  std::string baseline = "empty";
};

std::vector<Row> translate_rows();
std::vector<Row> translate_v2_rows();
std::vector<Row> command_rows();
std::vector<Row> mmio_rows();
std::vector<Row> iova_rows();
std::vector<Row> pgtable_rows();
std::vector<Row> domain_rows();
std::vector<Row> dma_rows();

// All of them, the loops with nothing in them first.
std::vector<Row> rows();

}  // namespace smmu::bench

#endif  // BENCH_ROWS_H_
