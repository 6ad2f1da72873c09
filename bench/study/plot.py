#!/usr/bin/env python3
"""Draws what smmu-study iova has measured.

Usage: plot.py [--out FOLDER] FILE...

FILE is what --json wrote, of times or, with --count, of instructions; with both there is a picture
more.  Writes PNG files into FOLDER (docs/pictures) and prints their names.  Needs
python3-matplotlib: scripts/install_packages.sh --study.
"""

import argparse
import json
import math
import pathlib
import sys

FORMAT = "smmu-study iova 1"

# What the library has is drawn thick, one over the other where they coincide.
# linux_exact_without_memo is not drawn: its line is linux_exact's.
STYLES = {
    "highest_gap": {"color": "#12b886", "linewidth": 1.8, "marker": "o", "zorder": 4},
    "linux_exact": {"color": "#1f4e9c", "linewidth": 4.2, "marker": "s", "zorder": 3},
    "linear_2016": {"color": "#b3261e", "linewidth": 1.3, "marker": "v"},
    "linear_cached": {"color": "#e07a1f", "linewidth": 1.3, "marker": "^"},
    "two_trees": {"color": "#7b3fa0", "linewidth": 1.3, "marker": "D"},
    "bitmap": {"color": "#6b705c", "linewidth": 1.3, "marker": "x"},
    "bump": {"color": "#2aa6b8", "linewidth": 1.3, "marker": "+"},
}
PERCENTILES = ("p50", "p99", "p99.9", "max")


class BadInput(Exception):
    pass


def finite(text):
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def read(file):
    """The cells of a file, and whether they were counted."""
    try:
        document = json.loads(pathlib.Path(file).read_text(encoding="utf-8"), parse_float=finite,
                              parse_constant=finite)
        if document["format"] != FORMAT:
            raise BadInput(f'{file}: expected the format "{FORMAT}"')
        cells = [cell for cell in document["cells"] if "not measured" not in cell]
        for cell in cells:
            names = cell["workload"], cell["allocator"]
            numbers = cell["n"], cell["operations"]
            if not (all(isinstance(name, str) for name in names)
                    and all(isinstance(number, int) for number in numbers)):
                raise TypeError
        return cells, document["selection"]["count"]
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise BadInput(f"{file}:{error.lineno}: expected JSON, {error.msg}") from None
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        raise BadInput(f"{file}: expected what smmu-study iova --json wrote") from None


class Results:

    def __init__(self, cells):
        self.cells = cells

    def workloads(self, wanted):
        there = {cell["workload"] for cell in self.cells}
        return [name for name in wanted if name in there]

    def of(self, workload, n=None):
        """By allocator, those of a workload."""
        by_name = {name: [] for name in STYLES}
        for cell in self.cells:
            if cell["workload"] == workload and n in (None, cell["n"]):
                by_name.get(cell["allocator"], []).append(cell)
        return {name: cells for name, cells in by_name.items() if cells}

    def largest_common(self, workload):
        """The largest n that most allocators were measured with."""
        counts = {}
        for cell in self.cells:
            if cell["workload"] == workload:
                counts[cell["n"]] = counts.get(cell["n"], 0) + 1
        return max(counts, key=lambda n: (counts[n], n))


def grid(plt, panels, columns, height=3.1):
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4.1 * columns, height * rows + 0.6),
                                squeeze=False)
    flat = list(axes.flat)
    for unused in flat[len(panels):]:
        unused.set_axis_off()
    return figure, flat


def add_legend(figure, axes, columns):
    handles, labels = {}, []
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels()):
            handles.setdefault(label, handle)
    labels = [name for name in STYLES if name in handles]
    figure.legend([handles[name] for name in labels], labels, loc="lower center",
                  ncol=columns, frameon=False)
    rows = -(-len(labels) // columns)
    figure.tight_layout(rect=(0, 0.25 * rows / figure.get_figheight(), 1, 1))


def draw_against_n(plt, results, wanted, value, label, columns):
    panels = results.workloads(wanted)
    if not panels:
        return None
    figure, axes = grid(plt, panels, columns)
    for axis, workload in zip(axes, panels):
        for name, cells in results.of(workload).items():
            cells = sorted(cells, key=lambda cell: cell["n"])
            axis.plot([cell["n"] for cell in cells], [value(cell) for cell in cells], label=name,
                      markersize=5, **STYLES[name])
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_title(workload)
        axis.set_xlabel("live ranges")
        axis.set_ylabel(label)
        axis.grid(True, which="major", alpha=0.3)
    add_legend(figure, axes, 2 * columns)
    return figure


def draw_percentiles(plt, results):
    panels = results.workloads(["random", "mix", "misaligned", "near_full", "contended"])
    if not panels:
        return None
    figure, axes = grid(plt, panels, 3, height=2.9)
    for axis, workload in zip(axes, panels):
        n = results.largest_common(workload)
        key = "held ns" if workload == "contended" else "allocate ns"
        cells = {name: cell[0] for name, cell in results.of(workload, n).items()}
        names = list(reversed(cells))
        for row, name in enumerate(names):
            # The clock ticks in some nanoseconds, so 0 is less than one tick.
            times = [max(cells[name][key][percentile], 1) for percentile in PERCENTILES]
            color = STYLES[name]["color"]
            axis.plot([times[0], times[-1]], [row, row], color=color, linewidth=1, zorder=1)
            for time, marker, size in zip(times, "o|||", (36, 90, 90, 40)):
                axis.scatter([time], [row], color=color, marker=marker, s=size, zorder=2)
        axis.set_yticks(range(len(names)), names)
        axis.set_xscale("log")
        where = "filled" if n == 0 else f"{n} live"
        axis.set_title(f"{workload}, {where}")
        axis.set_xlabel("ns a lock is held" if workload == "contended" else "ns of a request")
        axis.grid(True, axis="x", which="major", alpha=0.3)
    figure.suptitle("dot: median; marks: 99 %, 99.9 %, longest", fontsize=10)
    figure.tight_layout()
    return figure


def draw_fragmentation(plt, results):
    if not results.workloads(["near_full"]):
        return None
    cells = {name: cell[0] for name, cell in results.of("near_full").items()}
    names = list(reversed(cells))
    live = [cells[name]["live before refusal"] for name in names]
    figure, axis = plt.subplots(figsize=(8, 3.2))
    axis.barh(names, live, color=[STYLES[name]["color"] for name in names])
    linux = cells.get("linux_exact", {}).get("live before refusal")
    for row, count in enumerate(live):
        text = f"{count:,}" + (f"   {count / linux:.2f}x linux_exact" if linux else "")
        axis.text(count, row, "  " + text, va="center")
    axis.set_xlim(0, 1.6 * max(live))
    axis.set_xlabel("live ranges of mixed sizes in 4 GiB before the first refusal")
    figure.tight_layout()
    return figure


def draw(plt, timed, counted):
    """Yields the name of each picture, and the picture if there is anything on it."""
    steady = ["lifo", "fifo", "random", "drain", "mix", "fragmented", "misaligned"]
    if timed:
        results = Results(timed)
        yield "iova-latency", draw_against_n(plt, results, steady,
                                             lambda cell: max(cell["operation ns"], 1),
                                             "ns an operation", 4)
        yield "iova-percentiles", draw_percentiles(plt, results)
        yield "iova-fragmentation", draw_fragmentation(plt, results)
        yield "iova-memory", draw_against_n(plt, results, ["random", "fragmented"],
                                            lambda cell: cell["bytes per range"],
                                            "bytes a live range", 2)
    if counted:
        yield "iova-instructions", draw_against_n(plt, Results(counted), steady,
                                                  lambda cell: cell["counts"]["instructions"],
                                                  "instructions an operation", 4)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", metavar="FOLDER", default="docs/pictures")
    parser.add_argument("files", metavar="FILE", nargs="+")
    arguments = parser.parse_args()

    timed, counted = [], []
    for file in arguments.files:
        cells, was_counted = read(file)
        (counted if was_counted else timed).extend(cells)
    try:
        import matplotlib
    except ImportError:
        raise BadInput("expected python3-matplotlib: scripts/install_packages.sh --study") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    folder = pathlib.Path(arguments.out)
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in draw(pyplot, timed, counted):
        if figure is None:
            continue
        path = folder / f"{name}.png"
        # Without the version of matplotlib in it: the same numbers are the same bytes.
        figure.savefig(path, dpi=90, metadata={"Software": None})
        pyplot.close(figure)
        print(path)


if __name__ == "__main__":
    try:
        main()
    except (BadInput, OSError) as problem:
        print(f"plot.py: {problem}", file=sys.stderr)
        sys.exit(2)
