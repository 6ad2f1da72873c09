#!/usr/bin/env python3
"""Holds the C++ of README.md against the files that it says it is from.

Usage: check_readme.py ROOT

Above each block stands "From `FILE`".  Apart from comments at its top, FILE must be the block and
nothing else, so what compiles and passes there is what a reader pastes.
"""

import pathlib
import re
import sys

BLOCK = re.compile(r"^```cpp\n(.*?)^```$", re.M | re.S)
SOURCE = re.compile(r"^From `([^`]+)`", re.M)
PROLOGUE = re.compile(r"\A(?://[^\n]*\n)*\n*")


def problems(root):
    readme = (root / "README.md").read_text()
    blocks = list(BLOCK.finditer(readme))
    if not blocks:
        yield "README.md: expected C++ in it, found none"
    end = 0
    for block in blocks:
        line = readme.count("\n", 0, block.start()) + 1
        sources = SOURCE.findall(readme[end:block.start()])
        end = block.end()
        if not sources:
            yield f"README.md:{line}: expected \"From `FILE`\" above the block, found none"
            continue
        text = (root / sources[-1]).read_text()
        if PROLOGUE.sub("", text) != block[1]:
            yield f"README.md:{line}: expected what {sources[-1]} has below its first comment"


def main():
    found = list(problems(pathlib.Path(sys.argv[1])))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
