#!/usr/bin/env python3
"""Holds the tables of docs/features.md, conformance.md, smmu_v2.md and iommu.md against what they
speak of.

Usage: check_docs.py [--ctest CTEST --build DIRECTORY] ROOT

What is found:
 - a source or a test that does not exist, in a table or anywhere else in `...`;
 - a test file without tests, with one that ctest does not know, or with one that is disabled or
   skipped;
 - an event, a command or a field of an SMMU_IDRn or SMMU_AIDR of include/smmu/arch/v3 that has no
   row, a row for what is not there, and a test of a row that never says its name;
 - a field that can be chosen and changes something, without a test IdField.REGISTER_FIELD;
 - a value of a field that is not the one in the register's word, preset by preset;
 - an error that the library gives and the table of docs/iommu.md does not explain, or the reverse.
"""

import argparse
import glob
import json
import pathlib
import re
import subprocess
import sys
import tempfile

DOCUMENTS = ("docs/features.md", "docs/conformance.md", "docs/smmu_v2.md")
ARCH = "include/smmu/arch/v3"

QUOTED = re.compile(r"`([^`]+)`")
TEST = re.compile(r"^\s*(?:TYPED_)?TEST(?:_F|_P|)\(\s*(\w+),\s*(\w+)\s*\)", re.M)
DISABLED = re.compile(r"\bDISABLED_\w*|\bGTEST_SKIP\b")
HEADING = re.compile(r"^#+ (.*)$")
# The words that stand for a test without being its name.
NICKNAMES = {"scripted": "replay/scripted_test.cpp"}
ERROR = re.compile(r"\bstd::errc::(\w+)")
ENUMERATOR = re.compile(r"^\s*(\w+) = 0x[0-9A-Fa-f]+,", re.M)
IDENTIFICATION = re.compile(r"^struct (SMMU_(?:S_)?(?:IDR\d+|AIDR)) : .*?^};", re.M | re.S)
IDENTIFIER = re.compile(r"SMMU_(?:S_)?(?:IDR\d+|AIDR)")
FIELD = re.compile(r"static constexpr (?:Bits?|Address)<(\d+)(?:, (\d+))?[^>]*>\s+(\w+)\{")
NUMBER = re.compile(r"(0b[01]+|0x[0-9a-f]+|\d+)(?: (bits))?(?:$|[^\w])")
WIDTHS = {"OAS": (32, 36, 40, 42, 44, 48, 52, 56), "VAX": (48, 52, 56)}


class Row:

    def __init__(self, document, line, heading, columns, cells):
        self.where = f"{document}:{line}"
        self.heading = heading
        self.cells = dict(zip(columns, cells))

    def names(self):
        first = next(iter(self.cells.values()))
        return [name.strip("` ") for name in first.split(",")]


def rows_of(document, text):
    """Every row of every table, with the nearest heading above it and its cells by column."""
    heading, columns = "", None
    for number, line in enumerate(text.split("\n"), 1):
        found = HEADING.match(line)
        if found:
            heading = found[1]
        if not line.startswith("|"):
            columns = None
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if columns is None:
            columns = cells
        elif not all(set(cell) <= set("-:") and cell for cell in cells):
            yield Row(document, number, heading, columns, cells)


class Tree:
    """The files, and which tests there are."""

    def __init__(self, root, known):
        self.root = pathlib.Path(root)
        self.known = known

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def find(self, pattern):
        return sorted(glob.glob(pattern, root_dir=self.root))

    def source(self, name):
        for prefix in ("", "emulator/"):
            for suffix in ("", ".cpp", ".h"):
                found = self.find(prefix + name + suffix)
                if found:
                    return found
        return []

    def test(self, name):
        name = NICKNAMES.get(name, name)
        if "/" not in name and self.find(f"test/{name}/CMakeLists.txt"):
            return [f"test/{name}"]
        path = f"test/{name}" if "/" in name else f"test/system/{name}"
        return self.find(path if path.endswith(".cpp") else path + ".cpp")

    def knows(self, folder, test):
        """Whether ctest has this case, or one for each of its parameters."""
        exact = f"{folder}/{test}"
        parameters = re.compile(rf"{re.escape(folder)}/(?:\w+/)?{re.escape(test)}(?:/.+)?")
        return exact in self.known or any(parameters.fullmatch(name) for name in self.known)

    def complaints_about_test(self, path):
        folder = path.split("/")[1]
        if "." not in path:
            if not any(name.startswith(folder + "/") for name in self.known):
                yield f"{path} has no test that ctest knows"
            return
        text = self.text(path)
        skipped = DISABLED.search(text)
        if skipped:
            yield f"{path} does not run all its tests: {skipped[0]}"
        cases = [f"{suite}.{name}" for suite, name in TEST.findall(text)]
        if not cases:
            yield f"{path} has no tests"
        for case in cases:
            if not self.knows(folder, case):
                yield f"{path}: ctest does not know {folder}/{case}"


def tests_of(cell):
    return QUOTED.findall(cell) + [word for word in NICKNAMES if re.search(rf"\b{word}\b", cell)]


def check_references(tree, rows):
    """Sources and tests that rows name."""
    examined = set()
    for row in rows:
        for name in QUOTED.findall(row.cells.get("source", "")):
            if not tree.source(name):
                yield f"{row.where}: no source {name}"
        if "test" not in row.cells:
            continue
        names = tests_of(row.cells["test"])
        if not names:
            yield f"{row.where}: expected a test in the row, found none"
        for name in names:
            paths = tree.test(name)
            if not paths:
                yield f"{row.where}: no test {name}"
            for path in paths:
                if path in examined:
                    continue
                examined.add(path)
                for complaint in tree.complaints_about_test(path):
                    yield f"{row.where}: {complaint}"


def check_paths(tree, document, text):
    """Whatever else looks like a file of this repository."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("|"):
            continue
        for name in QUOTED.findall(line):
            if re.fullmatch(r"[\w/*]+\.(cpp|h|py|md|sh)|[\w/*]+_test", name):
                if not tree.source(name) and not tree.test(name):
                    yield f"{document}:{number}: no file {name}"


def check_rows_for(tree, what, names, rows):
    """Each of `names` has a row in a table whose first column is `what`, with a test of it."""
    of_kind = [row for row in rows if next(iter(row.cells)) == what]
    seen = set()
    for row in of_kind:
        for name in row.names():
            if name not in names:
                yield f"{row.where}: there is no {what} {name}"
            seen.add(name)
            paths = [path for test in tests_of(row.cells["test"]) for path in tree.test(test)]
            if not any(re.search(rf"\b{name}\b", tree.text(path)) for path in paths if "." in path):
                yield f"{row.where}: no test of the row says {name}"
    for name in names:
        if name not in seen:
            yield f"{what} {name} of {ARCH} has no row"


def registers_of(tree):
    """The fields of each identification register: (high bit, low bit, name)."""
    registers = {}
    for path in tree.find(f"{ARCH}/*.h"):
        for found in IDENTIFICATION.finditer(tree.text(path)):
            fields = [(int(high), int(low or high), name)
                      for high, low, name in FIELD.findall(found[0])]
            registers[found[1]] = fields
    return registers


def meaning(cell, field):
    """The number that a cell begins with, as the field holds it; none if there is none."""
    found = NUMBER.match(cell)
    if not found:
        return None
    value = int(found[1], 0)
    if found[2] and field in WIDTHS:
        return WIDTHS[field].index(value) if value in WIDTHS[field] else None
    return value


def check_registers(tree, rows):
    """Each field has a row below a heading that is its register, and says what the words say."""
    words = {}
    for row in rows:
        if next(iter(row.cells)) == "register":
            values = list(row.cells.items())[1:]
            for register in row.names():
                words[register] = {preset: int(value, 16) for preset, value in values}
    for register, fields in registers_of(tree).items():
        if register not in words:
            yield f"{register} has no row with its values"
        presets = words.get(register, {})
        seen = set()
        places = {name: (high, low) for high, low, name in fields}
        for row in rows:
            if row.heading != register:
                continue
            seen.update(row.names())
            for index, name in enumerate(row.names()):
                if name not in places:
                    yield f"{row.where}: {register} has no field {name}"
                    continue
                high, low = places[name]
                for preset, word in presets.items():
                    cell = row.cells.get(preset.strip(), "")
                    values = cell.split(", ")
                    one = values[index] if len(values) == len(row.names()) > 1 else cell
                    expected = word >> low & ((1 << (high - low + 1)) - 1)
                    if meaning(one, name) != expected:
                        yield (f"{row.where}: {name} of {preset} is {expected:#b}"
                               f" in {word:#010x}, not {one!r}")
        for name in sorted(set(places) - seen):
            yield f"{register}.{name} of {ARCH} has no row"


def changes_something(row):
    """Whether a row speaks of fields that a configuration chooses, and that SMMUs differ by."""
    constant = re.fullmatch(r"0?", row.cells["taken"])
    return not constant and not re.search(r"says it|rules do not depend", row.cells["note"])


def check_differences(tree, rows):
    """A test for each field shows what an SMMU does with one value of it and with another."""
    for row in rows:
        if not IDENTIFIER.fullmatch(row.heading) or "taken" not in row.cells:
            continue
        for name in row.names():
            test = f"IdField.{row.heading}_{name}"
            if changes_something(row) and not tree.knows("system", test):
                yield f"{row.where}: ctest does not know system/{test}"


def check_errors(tree):
    document = "docs/iommu.md"
    rows = {name: row for row in rows_of(document, tree.text(document)) if "error" in row.cells
            for name in row.names()}
    given = {}
    for path in tree.find("lib/*/*.cpp") + tree.find("lib/*/*.h"):
        for name in ERROR.findall(tree.text(path)):
            given.setdefault(name, path)
    for name in sorted(given.keys() - rows.keys()):
        yield f"error {name} of {given[name]} has no row in {document}"
    for name in sorted(rows.keys() - given.keys()):
        yield f"{rows[name].where}: there is no error {name}"


def enumerators(tree, header, enumeration):
    text = tree.text(f"{ARCH}/{header}")
    begin = text.index(f"enum class {enumeration} ")
    return ENUMERATOR.findall(text[begin:text.index("};", begin)])


def problems(root, known):
    tree = Tree(root, known)
    rows = []
    for document in DOCUMENTS:
        text = tree.text(document)
        rows += rows_of(document, text)
        yield from check_paths(tree, document, text)
    yield from check_references(tree, rows)
    yield from check_rows_for(tree, "event", enumerators(tree, "events.h", "EventType"), rows)
    yield from check_rows_for(tree, "command", enumerators(tree, "command_opcodes.h", "Opcode"),
                              rows)
    yield from check_registers(tree, rows)
    yield from check_differences(tree, rows)
    yield from check_errors(tree)


def known_tests(ctest, build):
    """The names of all tests that are not disabled.  A program that is not built has none."""
    # From a directory of its own: the log of the ctest that runs this stays what it is.
    with tempfile.TemporaryDirectory() as directory:
        (pathlib.Path(directory) / "CTestTestfile.cmake").write_text(f'subdirs("{build}")\n')
        shown = subprocess.run([ctest, "--test-dir", directory, "--show-only=json-v1"], check=True,
                               capture_output=True, text=True)
    names = set()
    for test in json.loads(shown.stdout)["tests"]:
        properties = {entry["name"]: entry["value"] for entry in test.get("properties", ())}
        if not properties.get("DISABLED"):
            names.add(test["name"])
    return names


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ctest", default="ctest")
    parser.add_argument("--build", required=True)
    parser.add_argument("root")
    arguments = parser.parse_args()
    found = list(problems(arguments.root, known_tests(arguments.ctest, arguments.build)))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
