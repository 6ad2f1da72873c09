#!/usr/bin/env bash
# Runs every test on an instrumented build and prints the share of lines they execute, by folder.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

scripts/install_packages.sh --coverage
{
  cmake --preset coverage
  cmake --build --preset coverage
  # Counts of an earlier run would be added to.
  find build/coverage -name '*.gcda' -delete
  ctest --preset coverage --parallel "$(nproc)"
} >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

gcovr --root . --filter include/ --filter emulator/ --filter lib/ -j "$(nproc)" \
  --csv "$work/lines.csv" build/coverage

# filename,line_total,line_covered,...
awk -F, '
  NR > 1 {
    folder = $1
    sub("/[^/]*$", "", folder)
    lines[folder] += $2; lines["all"] += $2
    covered[folder] += $3; covered["all"] += $3
  }
  END {
    for (folder in lines) {
      if (lines[folder] == 0) continue
      printf "%-28s %6d of %6d lines  %5.1f %%\n", folder, covered[folder], lines[folder],
             100 * covered[folder] / lines[folder]
    }
  }' "$work/lines.csv" | sort
