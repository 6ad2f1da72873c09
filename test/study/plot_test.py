#!/usr/bin/env python3
"""bench/study/plot.py, from a run of the program to pictures, and what it says to what is none.

Usage: plot_test.py PROGRAM PLOT
"""

import importlib.util
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM, PLOT = sys.argv[1:3]
PICTURES = ["fragmentation", "latency", "memory", "percentiles"]


class Plot(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def plot(self, out, *files):
        return subprocess.run([sys.executable, "-B", PLOT, "--out", self.path / out, *files],
                              capture_output=True, text=True, check=False)

    def test_draws_what_was_measured_and_the_same_twice(self):
        measured = self.path / "measured.json"
        subprocess.run([PROGRAM, "iova", "--n", "20", "50", "--operations", "50", "--repetitions",
                        "1", "--allocator", "highest_gap", "linux_exact", "two_trees", "--json",
                        measured], stdout=subprocess.DEVNULL, check=True)
        once, again = self.plot("once", measured), self.plot("again", measured)
        if importlib.util.find_spec("matplotlib") is None:
            self.assertEqual(once.returncode, 2)
            self.assertIn("expected python3-matplotlib", once.stderr)
            return
        self.assertEqual((once.returncode, again.returncode), (0, 0), once.stderr)
        pictures = sorted((self.path / "once").iterdir())
        self.assertEqual([picture.stem for picture in pictures],
                         [f"iova-{name}" for name in PICTURES])
        for picture in pictures:
            self.assertEqual(picture.read_bytes()[:4], b"\x89PNG")
            self.assertEqual(picture.read_bytes(), (self.path / "again" / picture.name).read_bytes())

    def test_says_what_is_wrong_with_a_file(self):
        for text, sentence in [("{\n\n,", ":3: expected JSON"), ("[]", "expected what smmu-study"),
                               ("{}", "expected what smmu-study"),
                               ('{"format": "x"}', "expected the format"),
                               ("[" * 100000, "expected")]:
            file = self.path / "bad.json"
            file.write_text(text)
            refused = self.plot("none", file)
            self.assertEqual(refused.returncode, 2, refused.stderr)
            self.assertIn(f"plot.py: {file}", refused.stderr)
            self.assertIn(sentence, refused.stderr)
        self.assertEqual(self.plot("none", self.path / "missing").returncode, 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
