#!/usr/bin/env python3
"""Holds every #include of the repository against the table below.

Usage: check_includes.py [--links FILE] ROOT

FILE is what CMake writes about the libraries it links (links.txt in the build
directory); with it, what a folder links and what it may include must agree.
Exits 1 and names file, line and rule if anything is out of place.
"""

import argparse
import os
import re
import sys

# What a folder's files may include, beside their own folder and the C++
# standard library.  "a/b/" is a folder and all below it, "a/b.h" a file, <x>
# another project's header or headers.  The longest matching folder rules a
# file, and a folder that none matches is an error: a new one gets its row here.

SHARED = ["include/smmu/result.h", "include/smmu/types.h"]
CONTRACT = ["include/smmu/arch/", "include/smmu/platform/", *SHARED]
HARDWARE = [*CONTRACT, "include/smmu/emulator/", "<fmt/>"]
SOFTWARE = [*CONTRACT, "include/smmu/iommu/", "<fmt/>"]
GOOGLETEST = ["<gtest/>", "<gmock/>"]
OS = ["<linux/>", "<sys/>", "<fcntl.h>", "<pthread.h>", "<sched.h>", "<unistd.h>"]

# Inside emulator/, bottom to top.  A folder may include those below it.
SNAPSHOT, RAM, GIC, WALK, TLB, TCU, TBU, PMCG, V2, V3, CLI = (
    f"emulator/{folder}/"
    for folder in ("snapshot", "ram", "gic", "walk", "tlb", "tcu", "tbu", "pmcg", "v2", "v3", "cli"))
BELOW_TCU = [SNAPSHOT, RAM, WALK, TLB]
BELOW_TBU = [*BELOW_TCU, TCU]
BELOW_V2 = [*BELOW_TBU, TBU]
BELOW_V3 = [*BELOW_TBU, TBU, PMCG]
BELOW_CLI = [*BELOW_V3, V2, V3]

# Inside lib/, bottom to top.
IOVA, PGTABLE, IOMMU, SMMU_V2, SMMU_V3, MSI, DMA, VFIO = (
    f"lib/{folder}/"
    for folder in ("iova", "pgtable", "iommu", "smmu_v2", "smmu_v3", "msi", "dma", "vfio"))
BELOW_IOMMU = [IOVA, PGTABLE]
BELOW_DRIVERS = [*BELOW_IOMMU, IOMMU]
BELOW_VFIO = [*BELOW_DRIVERS, MSI, DMA]
BELOW_IOVA = ["<boost/intrusive/>", "<emmintrin.h>", "<linux/>", "<sys/>", "<unistd.h>"]

TOOL = [*HARDWARE, *BELOW_CLI, *OS, "input/", "<CLI/>", "<nlohmann/>", "<zlib.h>"]
TEST = ["include/", "test/support/", "<fmt/>", *GOOGLETEST, *OS]

# Traces for the study, which link no allocator.
STUDY_TRACE = ["include/", "input/", "bench/study/allocator.h", "<fmt/>", "<CLI/>", "<zlib.h>"]

TABLE = {
    "include/smmu/": [],
    "include/smmu/arch/": [],
    "include/smmu/platform/": CONTRACT,
    "include/smmu/emulator/": HARDWARE,
    "include/smmu/iommu/": SOFTWARE,
    "include/smmu/testing/": ["include/", "<fmt/>", *GOOGLETEST],

    SNAPSHOT: HARDWARE,
    RAM: [*HARDWARE, *OS],
    GIC: HARDWARE,
    WALK: [*HARDWARE, SNAPSHOT],
    TLB: [*HARDWARE, SNAPSHOT, WALK],
    TCU: [*HARDWARE, *BELOW_TCU],
    TBU: [*HARDWARE, *BELOW_TBU, *OS],
    PMCG: [*HARDWARE, *BELOW_TBU],
    V2: [*HARDWARE, *BELOW_V2, "<boost/container/>"],
    V3: [*HARDWARE, *BELOW_V3],
    CLI: TOOL,

    "input/": ["<fmt/>", "<zlib.h>"],

    "lib/": SOFTWARE,
    IOVA: [*SOFTWARE, *BELOW_IOVA],
    PGTABLE: SOFTWARE,
    IOMMU: [*SOFTWARE, *BELOW_IOMMU, "<boost/intrusive/>"],
    SMMU_V2: [*SOFTWARE, *BELOW_DRIVERS],
    SMMU_V3: [*SOFTWARE, *BELOW_DRIVERS],
    MSI: [*SOFTWARE, *BELOW_DRIVERS, "<boost/intrusive/>"],
    DMA: [*SOFTWARE, *BELOW_DRIVERS],
    VFIO: [*SOFTWARE, *BELOW_VFIO, "<boost/intrusive/>", "<sys/>", "<unistd.h>"],

    # A unit test sees what its folder sees, and the folder.
    "test/support/": TEST,
    "test/golden/": TEST,
    "test/model/": [*TEST, WALK, "test/model/"],
    "test/compile_fail/": ["include/"],
    "test/ram/": [*TEST, RAM],
    "test/gic/": [*TEST, GIC],
    "test/snapshot/": [*TEST, SNAPSHOT],
    "test/walk/": [*TEST, SNAPSHOT, WALK],
    "test/model/": [*TEST, WALK],
    "test/tlb/": [*TEST, SNAPSHOT, WALK, TLB],
    "test/tbu/": [*TEST, *BELOW_TBU, TBU],
    "test/pmcg/": [*TEST, *BELOW_TBU, PMCG],
    "test/v3/": [*TEST, *BELOW_V3, V3],
    "test/input/": [],
    "test/cli/": [*TEST, *TOOL, CLI, "test/input/"],
    "test/replay/": [*TEST, *TOOL, CLI, "test/input/"],
    "test/heap/": [],
    "test/caches/": TEST,
    "test/iova/": [*TEST, *BELOW_IOVA, "<zlib.h>", IOVA, "test/heap/"],
    "test/pgtable/": [*TEST, PGTABLE, "test/heap/"],
    "test/iommu/": [*TEST, *BELOW_IOMMU, IOMMU, "test/heap/"],
    "test/driver_v2/": [*TEST, *BELOW_DRIVERS, SMMU_V2, "test/heap/", "test/caches/"],
    "test/driver_v3/": [*TEST, *BELOW_DRIVERS, SMMU_V3, "test/heap/", "test/caches/"],
    "test/msi/": [*TEST, *BELOW_DRIVERS, MSI, "test/heap/", "test/iommu/"],
    "test/dma/": [*TEST, *BELOW_DRIVERS, DMA, "test/heap/", "test/iommu/"],
    "test/vfio/": [*TEST, *BELOW_VFIO, VFIO, "test/heap/"],
    "test/study_trace/": [*TEST, *STUDY_TRACE, "bench/study/trace/", "test/input/"],
    "test/recorder/": [*TEST, *STUDY_TRACE, "bench/study/trace/", "test/input/", "test/iommu/",
                       "test/study_trace/"],
    "test/study/": [*TEST, "bench/study/"],
    "test/system/": [*TEST, "test/system/"],
    "test/system_v2/": [*TEST, "test/system_v2/"],
    "test/system_iommu/": [*TEST, "test/system_iommu/"],

    "bench/": ["include/", "<fmt/>", "<benchmark/>", *OS],
    "bench/study/trace/": STUDY_TRACE,
    "bench/study/": ["include/", "<fmt/>", "<boost/intrusive/>", "<CLI/>", "<nlohmann/>",
                     "<spawn.h>", *OS],
    "examples/": ["include/", "<fmt/>"],
}

SOURCE = re.compile(r".*\.(h|hpp|hh|inc|c|cc|cpp|cxx)$")
INCLUDE = re.compile(r'^\s*#\s*(?:include|include_next|import)\b\s*(?:"([^"]+)"|<([^>]+)>|(.*))')

# The standard library has no suffix; what it took over from C has, and the
# C++ spelling (<cstdint>) is the one to use.
STANDARD = re.compile(r"[a-z_0-9]+$")


def sources(root):
    """Yields the path of every source and header below root, as seen from it."""
    for folder, subfolders, files in os.walk(root):
        # What is built, wherever, is not ours to judge.
        subfolders[:] = sorted(
            name for name in subfolders
            if not name.startswith(".")
            and not (folder == root and name.startswith("build"))
            and not os.path.exists(os.path.join(folder, name, "CMakeCache.txt")))
        for name in sorted(files):
            if SOURCE.match(name):
                yield os.path.relpath(os.path.join(folder, name), root)


def owner(path):
    """The row of the table that rules a file, or None."""
    rows = [row for row in TABLE if path.startswith(row)]
    return max(rows, key=len, default=None)


def covers(permission, included):
    """Whether one entry of the table allows an included name."""
    if permission.endswith(("/", "/>")):
        return included.startswith(permission.rstrip(">"))
    return included == permission


def complaint(row, quoted, angled):
    """Why a file ruled by row may not include this, or None."""
    name = quoted or angled
    if name is None:
        return "includes a macro: write the name, so that it can be checked"
    if quoted or name.startswith(("smmu/", "emulator/", "lib/", "test/")):
        if ".." in name.split("/"):
            return f'"{name}" climbs out of its folder'
        if "/" not in name:
            return f'"{name}" is relative: name it from include/ or from the root'
        included = "include/" + name if name.startswith("smmu/") else name
    elif STANDARD.match(name):
        return None
    else:
        included = "<" + name
        if "/" not in name:
            included += ">"

    # A folder's own headers; but include/smmu/, which is all of them, is no
    # folder to be at home in.
    own = included.startswith(row) if row != "include/smmu/" else included in SHARED
    if own or any(covers(permission, included) for permission in TABLE[row]):
        return None
    return f"{row} may not include {quoted or '<' + name + '>'}"


def check_includes(root):
    """Yields a line for each include that is out of place."""
    for path in sources(root):
        row = owner(path)
        if row is None:
            yield f"{path}: its folder is not in the table of {os.path.basename(__file__)}"
            continue
        with open(os.path.join(root, path), encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                include = INCLUDE.match(line)
                if include:
                    why = complaint(row, include[1], include[2])
                    if why:
                        yield f"{path}:{number}: {why}"


def check_links(lines):
    """Yields a line for each library whose link list is not its row of the table."""
    direct = {}
    for line in lines:
        folder, _, below = line.strip().partition(":")
        if folder:
            direct[folder + "/"] = [other + "/" for other in below.split()]

    def everything_below(folder):
        reached = set()
        for other in direct.get(folder, []):
            reached |= {other} | everything_below(other)
        return reached

    for folder in direct:
        if folder not in TABLE:
            yield f"{folder} is linked but not in the table of {os.path.basename(__file__)}"
            continue
        allowed = {entry for entry in TABLE[folder] if entry.startswith(("emulator/", "lib/"))}
        linked = everything_below(folder)
        for extra in sorted(linked - allowed):
            yield f"{folder} links {extra} but may not include it"
        for missing in sorted(allowed - linked):
            yield f"{folder} may include {missing} but does not link it"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--links", metavar="FILE")
    parser.add_argument("root", metavar="ROOT")
    arguments = parser.parse_args()

    complaints = list(check_includes(arguments.root))
    if arguments.links:
        with open(arguments.links, encoding="utf-8") as file:
            complaints += check_links(file)
    for line in complaints:
        print(line)
    if complaints:
        print("The rules are in docs/layers.md.")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
