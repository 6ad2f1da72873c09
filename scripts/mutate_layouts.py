#!/usr/bin/env python3
"""Makes the mutants of mutate_layouts.sh and counts what notices them.

A mutant is one header under TREE/include/smmu/arch with one mistake in it.  It is compiled, not
run, together with what the golden test of the header says of the layout or enumeration that the
mistake is in:

    static_assert(golden::hold(std::tuple{register_at<SMMU_GBPA>(...)}), "golden");

Starting the compiler costs more than most mutants do, so one compilation takes many.  It includes
the headers as they are; then each mutant has a namespace, in which the declaration with the mistake
and all that depend on it are said again, and hide those of the headers:

    namespace trial_7 {
    namespace smmu::v3 { using namespace ::smmu::v3; }
    namespace smmu::v3 { struct SMMU_GBPA ... }
    namespace smmu::v3 { static_assert(covers_exactly<SMMU_GBPA>()); }
    namespace smmu::v3 { static_assert(hold(std::tuple{...}), "golden"); }
    }

Nor is all asked that the golden test says of a layout, but the lines about the fields concerned,
with empty ones for the rest: if a part does not hold, the whole does not.  Only if that part lets a
mutant pass is the whole asked.

What noticed a mutant is told from the lines of the diagnostics.  g++ goes on after a failed
static_assert, so the same compilation says whether covers_exactly() saw the mistake and whether the
goldens did: neither can hide behind the other, nor a mutant behind another.  That it is the mistake
they see, and not the namespace, is shown by trying each declaration without a mistake too.
"""

import argparse
import bisect
import concurrent.futures
import dataclasses
import functools
import itertools
import pathlib
import re
import subprocess
import sys
import tempfile

NUMBER = r"(?:0[xX][0-9a-fA-F']+|0[bB][01']+|[0-9][0-9']*)[uUlL]*"
# Bits<7, 4> X{"X"}; where the owner has to be said, BitsOf<Self, 7, 4> X{"X"}.
FIELD = re.compile(
    r"\b(?P<kind>Bits|Bit|Address)(?P<owner>Of<\s*\w+\s*,\s*|<)"
    r"(?P<place>\d+\s*(?:,\s*\d+)?)(?P<value>\s*,\s*[\w:]+\s*)?"
    r">\s+(?P<name>\w+)\{\"(?P<text>[^\"]+)\"\}")
STRUCT = re.compile(r"\bstruct\s+(\w+)\s*(?::\s*(\w+)[^;{]*)?\{")
HEAD = re.compile(
    r"\bstruct\s+(\w+)\s*:\s*(Register|RegisterArray|Structure)<\s*(\1|Self)\s*,([^>]*)>")
NUMBERED = re.compile(r"\bstruct\s+(\w+)\s*:\s*\w+<\s*\1\s*,\s*(\w+)::\w+\s*>")
LIST = re.compile(r"\b(?:kFields\[\]\s*=\s*|fields)\{([^}]*)\}")
ENUM = re.compile(r"\benum\s+class\s+(\w+)[^{;]*\{([^}]*)\}")
ENUMERATOR = re.compile(rf"\s*(\w+)\s*(?:=\s*({NUMBER})\s*)?$")
INCLUDE = re.compile(r"^#include \"(smmu/arch/[^\"]+)\"", re.M)
# What a declaration at namespace scope declares; a static_assert declares nothing.
DECLARED = re.compile(
    r"(?!\s*static_assert)\s*(?:template\s*<[^>]*>\s*)?"
    r"(?:(?:struct|enum\s+class|using)\s+(\w+)|[^={(\[]*?(\w+)\s*(?:\[\])?\s*[={(])")
# A field in a golden test: {STE::V, 0, 0x0000'0000'0000'0001},
LINE = re.compile(r"\{\w[^{}]*\}")
# Mutants to a compilation: enough of them that starting it costs little.
BATCH = 50


def number(token):
    return int(token.rstrip("uUlL").replace("'", ""), 0)


@dataclasses.dataclass
class Field:
    struct: str
    declaration: re.Match
    hi: int
    lo: int

    @property
    def name(self):
        return self.declaration["name"]

    def span(self):
        return self.declaration.span()

    def declared(self, hi, lo, kind=None):
        """The declaration of this field, were it in bits [hi:lo]."""
        d = self.declaration
        place = f"{lo}" if d["kind"] == "Bit" else f"{hi}, {lo}"
        return (f'{kind or d["kind"]}{d["owner"]}{place}{d["value"] or ""}> '
                f'{d["name"]}{{"{d["text"]}"}}')


@dataclasses.dataclass
class Mutant:
    header: str
    line: int
    owner: str  # the struct or enum that the mistake is in
    subject: str
    kind: str
    changes: list  # of the header's text: ((start, end), new text)

    def names(self):
        """What the goldens call what the mistake is about; none if it is all of the layout."""
        return [] if self.subject == "layout" else re.findall(r"\w+", self.subject)

    def undone(self):
        at = self.changes[0][0][0]
        return dataclasses.replace(self, changes=[((at, at), "")])

    def __str__(self):
        return f"include/{self.header}:{self.line}: {self.owner}: {self.subject}: {self.kind}"


@dataclasses.dataclass
class Declaration:
    """What a header says in a namespace, up to a semicolon or the end of a function."""
    namespace: str
    name: str
    start: int
    code: str

    def contains(self, at):
        return self.start <= at < self.start + len(self.code)

    @functools.cached_property
    def words(self):
        return set(re.findall(r"\w+", self.code))

    def changed(self, changes):
        """Its code with each of `changes` made, which must lie in it."""
        code = self.code
        for (start, end), new in sorted(changes, reverse=True):
            if not self.contains(start):
                raise ValueError(f"{self.name}: a mistake in two declarations")
            code = code[:start - self.start] + new + code[end - self.start:]
        return code


class Header:
    def __init__(self, root, name):
        self.name = name
        self.text = (root / name).read_text()
        # Blank where there are comments, so that positions are those of the text.
        self.code = re.sub(r"//[^\n]*", lambda m: " " * len(m.group()), self.text)
        self.includes = INCLUDE.findall(self.code)
        self.declarations = list(self.declared())
        self.heads = list(HEAD.finditer(self.code))
        self.structs = [(m.start(), *m.groups()) for m in STRUCT.finditer(self.code)]
        self.bases = {name: base for _, name, base in self.structs}
        self.fields = []
        self.problems = []
        for m in FIELD.finditer(self.code):
            bits = [int(bit) for bit in m["place"].split(",")]
            field = Field(self.struct_at(m.start()), m, bits[0], bits[-1])
            self.fields.append(field)
            # OA[51:48] cannot be an identifier, OA_51_48 can.
            if re.sub(r"\W", "_", m["text"]).rstrip("_") != m["name"]:
                self.problem(m.start(), f'{field.struct}::{m["name"]} says "{m["text"]}"')
        if len(self.fields) != len(re.findall(r"\w\{\"", self.code)):
            self.problem(0, "has a field whose declaration cannot be read")

    def declared(self):
        code = re.sub(r"^#.*", lambda m: " " * len(m.group()), self.code, flags=re.M)
        namespaces, begin, depth = [], 0, 0
        for m in re.finditer(r"\bnamespace\s+([\w:]+)\s*\{|[{};]", code):
            if m[1] is not None:
                namespaces.append(m[1])
                begin = m.end()
            elif m[0] == "{":
                depth += 1
            elif m[0] == "}" and depth == 0:
                namespaces.pop()
                begin = m.end()
            else:
                depth -= m[0] == "}"
                if depth == 0 and (m[0] == ";" or not re.compile(r"\s*;").match(code, m.end())):
                    name = DECLARED.match(code, begin, m.end())
                    yield Declaration("::".join(namespaces), name[1] or name[2] if name else "",
                                      begin, code[begin:m.end()])
                    begin = m.end()

    def problem(self, at, text):
        self.problems.append(f"{self.name}:{self.line(at)}: {text}")

    def struct_at(self, at):
        return [name for start, name, _ in self.structs if start < at][-1]

    def line(self, at):
        return self.text.count("\n", 0, at) + 1

    def mutant(self, owner, subject, kind, *changes):
        """This header with each ((start, end), text) of `changes` made."""
        return Mutant(self.name, self.line(changes[0][0][0]), owner, subject, kind, changes)


class Mutator:
    def __init__(self, headers):
        self.headers = headers
        self.bases = {name: base for h in headers for name, base in h.bases.items()}
        self.fields = {(f.struct, f.name): f for h in headers for f in h.fields}

    def family(self, struct):
        """`struct` and the structs that inherit its fields."""
        derived = [name for name, base in self.bases.items() if base == struct]
        return {struct}.union(*map(self.family, derived))

    def mutants(self, header):
        for field in header.fields:
            yield from self.moved(header, field)
        for one, next_one in zip(header.fields, header.fields[1:]):
            if one.struct == next_one.struct:
                yield from self.swapped(header, *sorted((one, next_one), key=lambda f: f.lo))
        for fields in LIST.finditer(header.code):
            yield from self.unlisted(header, fields)
        for head in header.heads:
            yield from self.misplaced(header, head)
        for head in NUMBERED.finditer(header.code):
            yield header.mutant(head[1], "layout", "number",
                                ((head.start(2), head.end() - 1), f"{head[2]}{{0x7f}}"))
        for enum in ENUM.finditer(header.code):
            yield from self.renumbered(header, enum)

    def width(self, header, struct):
        """Of the words that a field of `struct` cannot leave."""
        family = [struct]
        while family[-1] in self.bases:
            family.append(self.bases[family[-1]])
        narrow = any(head[1] in family and ("uint32_t" in head[4] or head[4].strip() == "4")
                     for head in header.heads)
        return 32 if narrow else 64

    def moved(self, header, field):
        kind = "shift"
        if (field.hi + 1) % self.width(header, field.struct) != 0:
            new = field.declared(field.hi + 1, field.lo + 1)
        elif field.lo % 64 != 0:
            new = field.declared(field.hi - 1, field.lo - 1)
        else:  # it fills its word
            kind = "narrow"
            new = field.declared(field.hi - 1, field.lo)
        yield header.mutant(field.struct, field.name, kind, (field.span(), new))
        if field.declaration["kind"] == "Address":
            new = field.declared(field.hi, field.lo, kind="Bits")
            yield header.mutant(field.struct, field.name, "address as number", (field.span(), new))

    @staticmethod
    def swapped(header, low, high):
        # The higher one goes to the bottom of what the two span, the lower one to the top; if they
        # are as wide as each other, this exchanges their names.
        low_hi, low_lo = high.hi, high.hi - (low.hi - low.lo)
        high_hi, high_lo = low.lo + (high.hi - high.lo), low.lo
        if low_hi // 64 == low_lo // 64 and high_hi // 64 == high_lo // 64:
            yield header.mutant(low.struct, f"{low.name} and {high.name}", "swap",
                                (low.span(), low.declared(low_hi, low_lo)),
                                (high.span(), high.declared(high_hi, high_lo)))

    def unlisted(self, header, fields):
        struct = header.struct_at(fields.start())
        names = re.compile(r"\b(?!reserved\b)[A-Za-z]\w*")
        for entry in names.finditer(header.code, *fields.span(1)):
            owner = struct
            while (owner, entry[0]) not in self.fields:
                owner = self.bases[owner]
            field = self.fields[owner, entry[0]]
            yield header.mutant(struct, entry[0], "listed as reserved",
                                (entry.span(), f"reserved({field.hi}, {field.lo})"))

    @staticmethod
    def misplaced(header, head):
        arguments = [((head.start(4) + m.start(), head.start(4) + m.end()), m[0])
                     for m in re.finditer(r"[^,\s]+", head[4])]
        if head[2] == "Structure":
            # A template has to repeat its base in order to inherit the constructors.
            body = header.code[head.start():header.code.index("\n};", head.start())]
            base = re.compile(rf"Structure<\s*{head[3]}\s*,\s*(\d+)\s*>")
            sizes = [((head.start() + m.start(1), head.start() + m.end(1)), f"{number(m[1]) + 8}")
                     for m in base.finditer(body)]
            yield header.mutant(head[1], "layout", "size", *sizes)
            return
        span, word = arguments[0]
        other = word.replace("32", "64") if "32" in word else word.replace("64", "32")
        yield header.mutant(head[1], "layout", "size", (span, other))
        for kind, (span, text) in zip(("offset", "stride"), arguments[1:]):
            yield header.mutant(head[1], "layout", kind, (span, f"{number(text) + 4:#x}"))

    @staticmethod
    def renumbered(header, enum):
        at, value = enum.start(2), -1
        for text in enum[2].split(","):
            m = ENUMERATOR.match(text)
            if m is not None:
                value = value + 1 if m[2] is None else number(m[2])
                yield header.mutant(enum[1], m[1], "enumerator",
                                    ((at + m.start(1), at + m.end()), f"{m[1]} = {value ^ 1:#x}"))
            elif text.strip():
                raise ValueError(f"{header.name}:{header.line(at)}: cannot read {text.strip()}")
            at += len(text) + 1


class GoldenTest:
    """A golden test, in pieces."""

    def __init__(self, path):
        source = re.sub(r"[ ]*//[^\n]*", "", path.read_text())
        self.header = INCLUDE.search(source)[1]
        self.namespace = re.search(r"^namespace (\w[\w:]*) \{", source, re.M)[1]
        self.preamble = "".join(re.findall(r"^using .*\n", source, re.M))
        self.goldens = self.entries(source, "kGoldens")
        self.enumerators = self.entries(source, "kEnumerators")

    @staticmethod
    def entries(source, name):
        body = re.search(rf"^constexpr auto {name} = .*?\{{\n(.*?)^\}};", source, re.M | re.S)
        if body is None:
            return []
        return re.findall(r"^    \w.*?,$(?=\n+    \w|\n*\Z)", body[1], re.M | re.S)

    def asserts(self, owners=(), names=()):
        """What this says of layouts and enumerations, for the compiler; "" if it is silent.

        With `owners`, of these; with `names` too, of what in them has one of these names: an empty
        line, which holds, is in place of the others, for a golden counts its lines."""
        any_owner = "|".join(owners)
        about = re.compile(rf"<(?:{any_owner})>|\b(?:{any_owner})::" if owners else "")
        named = re.compile(rf"::(?:{'|'.join(names)})\b" if names else "")
        goldens = [LINE.sub(lambda line: line[0] if named.search(line[0]) else "{}", entry)
                   for entry in filter(about.search, self.goldens)]
        enumerators = filter(named.search, filter(about.search, self.enumerators))
        asserts = [f'static_assert(hold(std::{pack}{{\n{body}}}), "golden");\n'
                   for pack, entries in (("tuple", goldens), ("array", enumerators))
                   if (body := "\n".join(entries))]
        return (f"namespace {self.namespace} {{\n{self.preamble}{''.join(asserts)}}}\n"
                if asserts else "")


class Compiler:
    def __init__(self, tree):
        self.tree = tree

    def notice(self, header, trials):
        """Who objects to each of `trials`, which are pieces of code that follow `header`."""
        head = f'#include "golden_pch.h"\n#include "{header}"\n'
        begins = list(itertools.accumulate((t.count("\n") for t in trials),
                                           initial=head.count("\n") + 1))
        with tempfile.TemporaryDirectory(dir=self.tree) as folder:
            source = pathlib.Path(folder) / "unit.cpp"
            source.write_text(head + "".join(trials))
            run = subprocess.run(["g++", "-std=c++20", "-fsyntax-only", "-Istub", "-I.",
                                  "-Iinclude", str(source)],
                                 cwd=self.tree, capture_output=True, text=True, check=False)
        noticed = [set() for _ in trials]
        at = None
        lines = run.stderr.splitlines()
        for line, next_line in zip(lines, lines[1:] + [""]):
            # An error in a template is followed back to here by the lines before it; they are left
            # out only if they would be those of the error before.
            where = re.match(rf"{re.escape(str(source))}:(\d+):", line)
            if where is not None and ": note: " not in line:
                at = bisect.bisect(begins, int(where[1])) - 1
            error = re.match(r"[^\s:]+:(?:\d+:)* (?:fatal |internal compiler )?error: (.*)", line)
            if error is None:
                continue
            if at is None or at not in range(len(trials)):
                raise RuntimeError(f"{header}: an error that is of no mutant:\n{run.stderr}")
            if error[1] == "static assertion failed: golden":
                noticed[at].add("golden")
            elif error[1] == "static assertion failed" and "covers_exactly" in next_line:
                noticed[at].add("covers_exactly")
            else:
                noticed[at].add("compiler")
        if (run.returncode != 0) != any(noticed):
            raise RuntimeError(f"{header}: g++ exited with {run.returncode}:\n{run.stderr}")
        return noticed, run.stderr

    def try_all(self, batch):
        """Who objects to each of a batch: a header, and code that is to be tried by itself."""
        header, trials = batch
        return self.notice(header, [f"namespace trial_{i} {{\n{code}}}\n"
                                    for i, (code, _) in enumerate(trials)])[0]


class Experiment:
    def __init__(self, tree):
        root = tree / "include"
        names = sorted(str(path.relative_to(root)) for path in (root / "smmu/arch").rglob("*.h"))
        names.remove("smmu/arch/bits.h")  # how layouts are declared, not a layout
        self.headers = {name: Header(root, name) for name in names}
        self.mutator = Mutator(list(self.headers.values()))
        self.tests = [GoldenTest(path)
                      for path in sorted((tree / "test/golden").glob("*_golden_test.cpp"))]
        self.compiler = Compiler(tree)

    @functools.cache
    def read(self, name):
        """What including header `name` reads, in order; each header once."""
        names = {}
        for included in self.headers[name].includes:
            if included in self.headers:
                names.update(dict.fromkeys(self.read(included)))
        return [*names, name]

    def questions(self, mutant, in_part):
        """Whom to ask, and what: the header's own golden test, or those of headers built on it."""
        owners = self.mutator.family(mutant.owner)
        names = mutant.names() if in_part else ()
        asked = [t for t in self.tests
                 if mutant.header in self.read(t.header) and t.asserts(owners)]
        asked = [t for t in asked if t.header == mutant.header] or asked
        return [(t, t.asserts(owners, names)) for t in asked]

    def trial(self, mutant, test, asserts):
        """What to compile in order to ask `test` about `mutant`, after its header."""
        (at, _), _ = mutant.changes[0]
        names, namespaces, said = set(), {"smmu": None, test.namespace: None}, []
        for header in map(self.headers.get, self.read(test.header)):
            for declaration in header.declarations:
                namespaces[declaration.namespace] = None
                wrong = header.name == mutant.header and declaration.contains(at)
                if wrong or not names.isdisjoint(declaration.words):
                    names |= {declaration.name} - {""}
                    code = declaration.changed(mutant.changes) if wrong else declaration.code
                    said.append(f"namespace {declaration.namespace} {{{code}}}\n")
        hidden = [f"namespace {name} {{ using namespace ::{name}; }}\n" for name in namespaces]
        return "".join(hidden + said) + asserts

    def problems(self):
        """Why mutants would prove nothing: what is wrong without them."""
        for header in self.headers.values():
            yield from header.problems
        for test in self.tests:
            if unit := test.asserts():
                [noticed], diagnostics = self.compiler.notice(test.header, [unit])
                if noticed == {"golden"}:
                    yield f"{test.header}: not as its golden test has it; test_golden tells where"
                elif noticed:
                    yield f"{test.header}: {diagnostics}"

    def trials(self, mutants, in_part):
        """What to compile, by header, to ask about numbered `mutants`: (code, number).

        An owner is also tried without a mistake, which has no number: nobody must notice it, be the
        question the part of it or the whole."""
        trials, tried = {}, set()
        for i, mutant in mutants:
            for test, asserts in self.questions(mutant, in_part):
                of_header = trials.setdefault(test.header, [])
                of_header.append((self.trial(mutant, test, asserts), i))
                if (owner := (test.header, mutant.header, mutant.owner)) not in tried:
                    tried.add(owner)
                    of_header.append((self.trial(mutant.undone(), test, asserts), None))
        return trials

    def noticed(self, mutants, jobs):
        """Who noticed each of `mutants`, in their order."""
        noticed = [set() for _ in mutants]
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            # First the part of the goldens that is about the mistake; what passes it, all they say.
            for in_part in (True, False):
                left = [(i, m) for i, m in enumerate(mutants) if "golden" not in noticed[i]]
                batches = [(header, of_header[i:i + BATCH])
                           for header, of_header in self.trials(left, in_part).items()
                           for i in range(0, len(of_header), BATCH)]
                for batch, answers in zip(batches, pool.map(self.compiler.try_all, batches)):
                    for (code, i), by in zip(batch[1], answers):
                        if i is not None:
                            noticed[i] |= by
                        elif by:
                            sys.exit(f"{batch[0]}: {', '.join(by)} noticed a mistake where none is:"
                                     f"\n{code}")
        return noticed


def report(mutants, noticed):
    columns = {
        "mutants": lambda by: True,
        "goldens": lambda by: "golden" in by,
        "covers_exactly": lambda by: "covers_exactly" in by,
        "compiler": lambda by: "compiler" in by,
        "goldens alone": lambda by: by == {"golden"},
        "not goldens": lambda by: bool(by) and "golden" not in by,
    }
    print(f"{'noticed by':20}" + "".join(f"{column:>16}" for column in columns))
    for kind in [*dict.fromkeys(m.kind for m in mutants), "all"]:
        rows = [by for m, by in zip(mutants, noticed) if kind in (m.kind, "all")]
        print(f"{kind:20}" + "".join(f"{sum(map(f, rows)):16}" for f in columns.values()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tree", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("headers", nargs="*", help="as in #include; default: all")
    arguments = parser.parse_args()

    experiment = Experiment(arguments.tree)
    problems = list(experiment.problems())
    if problems:
        print("\n".join(problems))
        return 1

    headers = [experiment.headers[name] for name in arguments.headers or experiment.headers]
    mutants = [mutant for header in headers for mutant in experiment.mutator.mutants(header)]
    noticed = experiment.noticed(mutants, arguments.jobs)

    report(mutants, noticed)
    survivors = [(m, by) for m, by in zip(mutants, noticed) if "golden" not in by]
    for mutant, by in survivors:
        print(f"survived the goldens: {mutant}"
              + (f" (noticed by {', '.join(sorted(by))})" if by else ""))
    print(f"mutants {len(mutants)}, killed by the goldens {len(mutants) - len(survivors)}, "
          f"survived {len(survivors)}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
