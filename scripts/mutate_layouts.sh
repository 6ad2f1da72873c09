#!/usr/bin/env bash
# Asks whether the golden tests would notice a wrong layout: makes every small mistake that a
# declaration in include/smmu/arch can hold, one at a time, and compiles the golden test of its header.
#
# Usage: mutate_layouts.sh [-j JOBS] [HEADER...]     without headers: all of them
#
# Prints how many mistakes were noticed, by kind and by what noticed them; exits with 1 if one was
# not noticed, having named its file, line and field.
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
