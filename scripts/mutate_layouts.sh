#!/usr/bin/env bash
# Asks whether the golden tests would notice a wrong layout: makes small mistakes in the
# declarations of include/smmu/arch, one at a time, and compiles the golden tests against each, many
# mistakes to a compilation.
#
# Usage: mutate_layouts.sh [-j JOBS] [HEADER...]     HEADER as in #include; without: all of them
#
#   shift               a field is one bit further up, or down where there is no up
#   narrow              it fills its word, so it loses a bit instead
#   swap                two neighbours are in each other's place
#   address as number   an Address is Bits
#   listed as reserved  kFields has reserved bits in place of a field
#   size                a structure is 8 bytes longer, a register has 64 bits for 32 or 32 for 64
#   offset, stride      the register is 4 bytes further on, or further from the next
#   number              a command or an event has another one
#   enumerator          a value has another number
#
# Prints how many of each were noticed by the goldens, by covers_exactly() and by other rules of
# the compiler, by the goldens alone and by anything but the goldens.  Exits with 1 if the goldens
# did not notice one, whoever else did, having named its file, line and field.  Takes about two
# minutes on two processors.
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=$(nproc)
while getopts j: option; do
  case $option in
    j) jobs=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/include/smmu" "$work/test" "$work/stub/gtest"
cp -R include/smmu/arch "$work/include/smmu/"
cp -R test/golden "$work/test/"

# The goldens are constants, so the compiler alone can compare them and nothing needs to run: this
# is all of GoogleTest that golden.h needs in order to parse.
cat >"$work/stub/gtest/gtest.h" <<'STUB'
#pragma once
#include <iostream>
#define EXPECT_EQ(a, b) std::cerr
STUB

# What every golden test includes, compiled once.
cat >"$work/golden_pch.h" <<'PCH'
#include <array>
#include <tuple>

#include "test/golden/golden.h"
PCH
(cd "$work" && g++ -std=c++20 -Istub -I. -Iinclude -x c++-header golden_pch.h)

python3 scripts/mutate_layouts.py --tree "$work" --jobs "$jobs" "$@"
