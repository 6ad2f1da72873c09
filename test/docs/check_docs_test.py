#!/usr/bin/env python3
"""Plants gaps and untruths in a small tree and sees that each is found."""

import os
import tempfile
import unittest

import check_docs

FEATURES = """# Features

| register | `all` | `few` |
| --- | --- | --- |
| SMMU_IDR0 | 0x0000000b | 0x00000009 |
| SMMU_IDR5 | 0x00000006 | 0x00000000 |

## SMMU_IDR0

| field | `all` | `few` | note |
| --- | --- | --- | --- |
| S2P | 1 | 1 | a stage |
| S1P | 1 | 0 | the other |
| TTF | 0b10, one format | 0b10 | `v3/features.cpp` has no place here |

## SMMU_IDR5

| field | `all` | `few` | note |
| --- | --- | --- | --- |
| OAS | 52 bits | 32 bits | see `v3/features.cpp` |
"""

CONFORMANCE = """# Conformance

## Rules

| section | rule | source | test |
| --- | --- | --- | --- |
| 5.2 | an STE | `v3/features.cpp` | `system/rule_test.cpp`, scripted |
| 4.3 | all of it | `v3` | `v3/unit_test`, `compile_fail` |

| command | needs | source | test |
| --- | --- | --- | --- |
| CMD_SYNC, CMD_RESUME | nothing | `v3/features` | `rule_test` |

| event | when it is recorded | source | test |
| --- | --- | --- | --- |
| C_BAD_STE | always | `v3/features` | `rule_test` |

Prose may name `v3/features.cpp`, `docs/features.md`, `system/rule_test` and `CD.A`.
"""

RULE_TEST = """
TEST(Rules, AreKept) { CMD_SYNC; C_BAD_STE; }
TEST_F(Rules, AreKeptElsewhere) { CMD_RESUME; }
TEST_P(Rules, AreKeptAlways) {}
"""

FILES = {
    "docs/features.md": FEATURES,
    "docs/smmu_v2.md": "# SMMUv2\n",
    "docs/conformance.md": CONFORMANCE,
    "docs/iommu.md": "| error | means |\n| --- | --- |\n| `timed_out` | it does not answer |\n",
    "lib/smmu_v3/queue.cpp": "return std::errc::timed_out;",
    "emulator/v3/features.cpp": "",
    "test/system/CMakeLists.txt": "",
    "test/system/rule_test.cpp": RULE_TEST,
    "test/v3/unit_test.cpp": "TEST(Unit, Works) {}",
    "test/replay/scripted_test.cpp": "TEST(Scripted, Agrees) {}",
    "test/compile_fail/CMakeLists.txt": "",
    "include/smmu/arch/v3/events.h":
        "enum class EventType : std::uint8_t {\n  C_BAD_STE = 0x04,\n};\n",
    "include/smmu/arch/v3/command_opcodes.h":
        "enum class Opcode : std::uint8_t {\n  CMD_RESUME = 0x44,\n  CMD_SYNC = 0x46,\n};\n",
    "include/smmu/arch/v3/identification_registers.h": """
struct SMMU_IDR0 : Register<SMMU_IDR0, std::uint32_t, 0x0000> {
  static constexpr Bit<0>                   S2P{"S2P"};
  static constexpr Bit<1>                   S1P{"S1P"};
  static constexpr Bits<3, 2, TableFormats> TTF{"TTF"};
};
struct SMMU_IDR5 : Register<SMMU_IDR5, std::uint32_t, 0x0014> {
  static constexpr Bits<2, 0, OutputSize> OAS{"OAS"};
};
struct SMMU_CR0 : Register<SMMU_CR0, std::uint32_t, 0x0020> {
  static constexpr Bit<0> SMMUEN{"SMMUEN"};
};
""",
}

KNOWN = {"system/Rules.AreKept", "system/Rules.AreKeptElsewhere",
         "system/Kinds/Rules.AreKeptAlways/0", "v3/Unit.Works", "replay/Scripted.Agrees",
         "compile_fail/gap.broken"}


class Docs(unittest.TestCase):

    def complaints(self, files=None, known=frozenset(KNOWN)):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**FILES, **(files or {})}.items():
                if text is None:
                    continue
                file = os.path.join(root, path)
                os.makedirs(os.path.dirname(file), exist_ok=True)
                with open(file, "w", encoding="utf-8") as stream:
                    stream.write(text)
            return list(check_docs.problems(root, known))

    def assert_found(self, words, path, old, new):
        """With `old` replaced in the file there is a complaint that has the words."""
        self.assertIn(old, FILES[path])
        found = self.complaints({path: FILES[path].replace(old, new)})
        self.assertTrue(any(words in complaint for complaint in found), found)

    def test_what_is_true_passes(self):
        self.assertEqual(self.complaints(), [])

    def test_a_source_that_does_not_exist(self):
        path = "docs/conformance.md"
        self.assert_found(f"{path}:7: no source v3/feature.cpp", path,
                          "`v3/features.cpp` | `system", "`v3/feature.cpp` | `system")
        self.assert_found("no source v4", path, "`v3` |", "`v4` |")

    def test_a_test_that_does_not_exist(self):
        path = "docs/conformance.md"
        self.assert_found("docs/conformance.md:7: no test system/rules_test.cpp", path,
                          "system/rule_test.cpp", "system/rules_test.cpp")
        self.assert_found("no test unit_test", path, "`v3/unit_test`", "`unit_test`")
        self.assert_found("no test running_fail", path, "compile_fail", "running_fail")
        found = self.complaints({"test/replay/scripted_test.cpp": None})
        self.assertIn("docs/conformance.md:7: no test scripted", found)

    def test_a_row_without_a_test(self):
        self.assert_found("docs/conformance.md:7: expected a test", "docs/conformance.md",
                          "`system/rule_test.cpp`, scripted", "-")

    def test_a_file_that_prose_names(self):
        path = "docs/conformance.md"
        self.assert_found("no file docs/feature.md", path, "docs/features.md", "docs/feature.md")
        self.assert_found("no file system/rules_test", path, "`system/rule_test`",
                          "`system/rules_test`")

    def test_a_test_that_ctest_does_not_know(self):
        for name in ("system/Rules.AreKept", "system/Rules.AreKeptElsewhere",
                     "system/Kinds/Rules.AreKeptAlways/0", "v3/Unit.Works",
                     "replay/Scripted.Agrees", "compile_fail/gap.broken"):
            self.assertNotEqual(self.complaints(known=KNOWN - {name}), [], name)

    def test_a_test_of_another_folder_does_not_count(self):
        known = KNOWN - {"system/Rules.AreKept"} | {"v3/Rules.AreKept"}
        self.assertIn("docs/conformance.md:7: test/system/rule_test.cpp: "
                      "ctest does not know system/Rules.AreKept", self.complaints(known=known))

    def test_a_test_that_is_disabled_or_skipped(self):
        path = "test/system/rule_test.cpp"
        self.assert_found("does not run all its tests: DISABLED_AreKept", path,
                          "Rules, AreKept)", "Rules, DISABLED_AreKept)")
        self.assert_found("does not run all its tests: GTEST_SKIP", path,
                          "CMD_RESUME; }", "CMD_RESUME; GTEST_SKIP(); }")

    def test_a_test_file_without_tests(self):
        found = self.complaints({"test/v3/unit_test.cpp": "int main() {}"})
        self.assertEqual(found, ["docs/conformance.md:8: test/v3/unit_test.cpp has no tests"])

    def test_an_event_without_a_row(self):
        path = "include/smmu/arch/v3/events.h"
        self.assert_found("event F_UUT of", path, "C_BAD_STE = 0x04,",
                          "F_UUT = 0x01,\n  C_BAD_STE = 0x04,")
        self.assert_found("there is no event C_BAD_STE", path, "C_BAD_STE", "C_BAD_CD")

    def test_a_command_without_a_row(self):
        path = "include/smmu/arch/v3/command_opcodes.h"
        self.assert_found("command CMD_ATC_INV of", path, "CMD_SYNC",
                          "CMD_ATC_INV = 0x40,\n  CMD_SYNC")
        self.assert_found("there is no command CMD_RESUME", path, "CMD_RESUME", "CMD_RESUMES")

    def test_a_test_that_is_of_something_else(self):
        path = "test/system/rule_test.cpp"
        self.assert_found("no test of the row says CMD_RESUME", path, "CMD_RESUME", "CMD_RESUMES")
        self.assert_found("no test of the row says C_BAD_STE", path, "C_BAD_STE", "bad")

    def test_a_field_without_a_row(self):
        path = "include/smmu/arch/v3/identification_registers.h"
        self.assert_found("SMMU_IDR5.DS of", path, "OAS{\"OAS\"};",
                          "OAS{\"OAS\"};\n  static constexpr Bit<7> DS{\"DS\"};")
        self.assert_found("SMMU_IDR0 has no field S1P", path, "S1P{\"S1P\"}", "S3P{\"S3P\"}")

    def test_a_register_without_a_row(self):
        self.assert_found("SMMU_IDR6 has no row with its values",
                          "include/smmu/arch/v3/identification_registers.h",
                          "SMMU_CR0 : Register<SMMU_CR0", "SMMU_IDR6 : Register<SMMU_IDR6")
        self.assert_found("SMMU_IDR0.TTF of", "docs/features.md", "## SMMU_IDR0", "## SMMU_IDR9")

    def test_a_value_that_is_not_the_word_s(self):
        path = "docs/features.md"
        self.assert_found("S1P of `few` is 0b0 in 0x00000009, not '1'", path,
                          "| S1P | 1 | 0 |", "| S1P | 1 | 1 |")
        self.assert_found("TTF of `all` is 0b10", path, "0b10, one", "0b11, one")
        self.assert_found("OAS of `all` is 0b110", path, "52 bits", "48 bits")
        self.assert_found("OAS of `few` is 0b0", path, "32 bits", "33 bits")
        self.assert_found("S2P of `all` is 0b1", path, "| S2P | 1 |", "| S2P | yes |")
        self.assert_found("TTF of `few` is 0b11 in 0x0000000d", path, "0x00000009", "0x0000000d")

    def test_a_field_whose_values_no_test_compares(self):
        path = "docs/features.md"
        table = ("| field | `all` | `few` | note |\n| --- | --- | --- | --- |\n| OAS |",
                 "| field | `all` | `few` | note | taken |\n| --- | --- | --- | --- | --- |\n| OAS |")
        taken = ("see `v3/features.cpp` |", "see `v3/features.cpp` | free |")
        text = FEATURES.replace(*table).replace(*taken)
        expected = "ctest does not know system/IdField.SMMU_IDR5_OAS"
        self.assertIn(expected, "\n".join(self.complaints({path: text})))
        known = KNOWN | {"system/IdField.SMMU_IDR5_OAS"}
        self.assertEqual(self.complaints({path: text}, known), [])
        for nothing in (text.replace("| free |", "| 0 |"), text.replace("see `", "says it; see `")):
            self.assertEqual(self.complaints({path: nothing}), [])

    def test_an_error_without_a_row(self):
        path = "lib/smmu_v3/queue.cpp"
        self.assert_found("error io_error of lib/smmu_v3/queue.cpp", path, "timed_out", "io_error")
        self.assert_found("there is no error timed_out", path, "timed_out", "io_error")

    def test_two_fields_of_one_row(self):
        path = "docs/features.md"
        both = ("| S2P | 1 | 1 | a stage |\n| S1P | 1 | 0 | the other |", "| S2P, S1P | 1 | 1, 0 | |")
        self.assertEqual(self.complaints({path: FEATURES.replace(*both)}), [])
        self.assert_found("S2P of `few` is 0b1", path, both[0], "| S2P, S1P | 1 | 0, 0 | |")


if __name__ == "__main__":
    unittest.main()
