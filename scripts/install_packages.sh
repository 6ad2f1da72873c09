#!/usr/bin/env bash
# Installs the Debian packages the build needs and this machine lacks.  Asks nothing; says what it
# installs; does nothing, and needs no rights, when nothing is missing.
#
# Usage: install_packages.sh [--clang] [--valgrind] [--coverage] [--study]
#   --clang      clang 14 with its tools: the second compiler, clang-format, clang-tidy
#   --valgrind   for scripts/instructions.sh
#   --coverage   for scripts/coverage.sh
#   --study      for smmu-study iova --count and bench/study/plot.py
set -euo pipefail

# docs/dependencies.md says what each is for.
packages=(g++ cmake ninja-build libfmt-dev libboost-dev libgtest-dev libgmock-dev
          libbenchmark-dev libcli11-dev nlohmann-json3-dev zlib1g-dev python3)
for option in "$@"; do
  case $option in
    --clang) packages+=(clang-14 clang-format clang-tidy libclang-rt-14-dev) ;;
    --valgrind) packages+=(valgrind) ;;
    --coverage) packages+=(gcovr) ;;
    --study) packages+=(valgrind python3-matplotlib) ;;
    *)
      echo "install_packages.sh: unknown option $option" >&2
      exit 2
      ;;
  esac
done

if ! hash dpkg-query apt-get 2>/dev/null; then
  echo "Not a Debian system: nothing installed.  The build needs what Debian calls: ${packages[*]}" >&2
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

echo "Installing ${missing[*]}"
as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if ! hash sudo 2>/dev/null; then
    echo "install_packages.sh: neither root nor sudo; install these as root and run again" >&2
    exit 1
  fi
  as_root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt_get() {
  # sudo drops the environment, hence env on its far side.
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" \
      </dev/null >"$log" 2>&1; then
    cat "$log" >&2
    echo "install_packages.sh: apt-get $1 failed" >&2
    exit 1
  fi
}
apt_get update
apt_get install --yes --no-install-recommends "${missing[@]}"
