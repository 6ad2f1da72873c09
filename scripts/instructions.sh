#!/usr/bin/env bash
# Counts the instructions of one operation on each hot path and prints name<TAB>instructions.
#
# Usage: instructions.sh [-n N] [ROW...]     without rows: all of them
#
# Counted by callgrind over N and over 2N operations; the difference is N operations without the
# set-up.  The same difference for the row's baseline, the same loop with nothing in it, is taken
# off.  No clock is involved, so the numbers repeat on a busy machine.
set -euo pipefail
cd "$(dirname "$0")/.."

n=2000
while getopts n: option; do
  case $option in
    n) n=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

{
  scripts/install_packages.sh --valgrind
  cmake --preset release
  cmake --build --preset release --target instructions
} >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
program=build/release/bin/instructions

"$program" --list >"$work/rows"
rows=("$@")
declare -A baseline index
while IFS=$'\t' read -r row empty; do
  baseline[$row]=$empty
  [[ $# -gt 0 || $row == empty* ]] || rows+=("$row")
done <"$work/rows"
for row in "${rows[@]}"; do
  [[ -v baseline[$row] ]] || { echo "instructions.sh: no row $row; $program --list" >&2; exit 2; }
done

# count ROW ITERATIONS FILE: leaves the number of instructions executed in FILE.
count() {
  if ! valgrind --tool=callgrind --callgrind-out-file="$3.out" "$program" "$1" "$2" >"$3.log" 2>&1; then
    cat "$3.log" >&2
    return 1
  fi
  sed -n 's/^summary: //p' "$3.out" >"$3"
  rm "$3.out"
}
export -f count
export program

# Two runs a row, as many at a time as there are processors.
number=0
while read -r row; do
  index[$row]=$number
  printf '%s\0' "$row" "$n" "$work/$number.once" "$row" $((2 * n)) "$work/$number.twice"
  number=$((number + 1))
done < <(for row in "${rows[@]}"; do printf '%s\n' "$row" "${baseline[$row]}"; done | sort -u) \
  >"$work/runs"
xargs -0 --max-args 3 --max-procs "$(nproc)" bash -c 'count "$@" || exit 255' count <"$work/runs"

per_operation() {
  echo $(($(<"$work/${index[$1]}.twice") - $(<"$work/${index[$1]}.once")))
}
for row in "${rows[@]}"; do
  awk -v name="$row" -v n="$n" -v total=$(($(per_operation "$row") - $(per_operation "${baseline[$row]}"))) 'BEGIN {
    printf total % n == 0 ? "%s\t%d\n" : "%s\t%.1f\n", name, total / n
  }'
done
