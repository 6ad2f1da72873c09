#!/usr/bin/env bash
# Installs what is missing, builds the tool, replays Linux's DMA through the SMMUv3 and explains one
# translation of it.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_packages.sh

quietly() {
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
  fi
  rm -f "$log"
}
echo "Building the tool (a minute or two the first time) ..."
quietly cmake --preset release
quietly cmake --build --preset release --target smmu

run() {
  printf '\n$ smmu %s\n' "$*"
  build/release/bin/smmu "$@"
}
captures=test/data/captures
run replay $captures/linux-6.1-strict $captures/linux-6.1-vfio
# A page the guest mapped read-only.
run walk $captures/linux-6.1-vfio --sid 0x40 --iova 0x400040
