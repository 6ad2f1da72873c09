#!/usr/bin/env python3
"""Plants right and wrong includes in a temporary tree and sees which are found."""

import os
import tempfile
import unittest

import check_includes


class Includes(unittest.TestCase):

    def complaints(self, path, text):
        with tempfile.TemporaryDirectory() as root:
            file = os.path.join(root, path)
            os.makedirs(os.path.dirname(file))
            with open(file, "w", encoding="utf-8") as stream:
                stream.write(text)
            return list(check_includes.check_includes(root))

    def assert_allowed(self, path, include):
        self.assertEqual(self.complaints(path, f"#include {include}\n"), [])

    def assert_forbidden(self, path, include):
        found = self.complaints(path, f"// first line\n  #  include {include}\n")
        self.assertEqual(len(found), 1, f"{path} was allowed {include}")
        self.assertTrue(found[0].startswith(f"{path}:2: "), found[0])

    def test_the_halves_do_not_meet(self):
        self.assert_forbidden("emulator/v3/a.cpp", '"smmu/iommu/iommu.h"')
        self.assert_forbidden("lib/smmu_v3/a.cpp", '"smmu/emulator/smmu_v3.h"')
        self.assert_forbidden("lib/smmu_v3/a.cpp", '"emulator/walk/walker.h"')
        self.assert_forbidden("include/smmu/iommu/a.h", '"smmu/emulator/config.h"')
        self.assert_allowed("emulator/v3/a.cpp", '"smmu/arch/v3/stream_table.h"')
        self.assert_allowed("lib/smmu_v3/a.cpp", '"smmu/arch/v3/stream_table.h"')
        self.assert_allowed("include/smmu/testing/a.h", '"smmu/iommu/iommu.h"')

    def test_the_contract_stands_alone(self):
        self.assert_allowed("include/smmu/arch/v3/a.h", "<cstdint>")
        self.assert_allowed("include/smmu/arch/v3/a.h", '"smmu/arch/bits.h"')
        self.assert_forbidden("include/smmu/arch/v3/a.h", '"smmu/types.h"')
        self.assert_forbidden("include/smmu/arch/a.h", '"smmu/platform/memory.h"')
        self.assert_forbidden("include/smmu/arch/a.h", "<fmt/format.h>")
        self.assert_allowed("include/smmu/platform/a.h", '"smmu/types.h"')
        self.assert_forbidden("include/smmu/platform/a.h", '"smmu/emulator/ram.h"')
        self.assert_forbidden("include/smmu/types.h", '"smmu/arch/bits.h"')

    def test_the_hardware_includes_downwards_only(self):
        self.assert_allowed("emulator/tcu/a.cpp", '"emulator/walk/walker.h"')
        self.assert_forbidden("emulator/walk/a.cpp", '"emulator/tcu/tcu.h"')
        self.assert_forbidden("emulator/walk/a.cpp", '"emulator/tlb/key.h"')
        self.assert_allowed("emulator/walk/a.cpp", '"emulator/snapshot/values.h"')
        self.assert_forbidden("emulator/snapshot/a.h", '"emulator/walk/walker.h"')
        self.assert_forbidden("emulator/tlb/a.cpp", '"emulator/ram/ram.h"')
        self.assert_forbidden("emulator/tcu/a.cpp", '"emulator/v3/event_record.h"')
        self.assert_forbidden("emulator/v3/a.cpp", '"emulator/cli/json.h"')
        self.assert_forbidden("emulator/v3/a.cpp", '"smmu/testing/board.h"')

    def test_public_headers_include_no_private_ones(self):
        self.assert_forbidden("include/smmu/emulator/a.h", '"emulator/tbu/tbu.h"')
        self.assert_forbidden("include/smmu/testing/a.h", '"test/support/a.h"')

    def test_a_unit_test_sees_what_its_folder_sees(self):
        self.assert_allowed("test/tbu/a_test.cpp", '"emulator/tcu/tcu.h"')
        self.assert_allowed("test/tbu/a_test.cpp", '"emulator/walk/walker.h"')
        self.assert_allowed("test/tbu/a_test.cpp", "<gtest/gtest.h>")
        self.assert_forbidden("test/tbu/a_test.cpp", '"emulator/v3/smmu_v3.h"')
        self.assert_forbidden("test/system/a_test.cpp", '"emulator/tcu/tcu.h"')
        self.assert_forbidden("bench/a.cpp", '"emulator/tcu/tcu.h"')
        self.assert_forbidden("examples/a.cpp", "<gtest/gtest.h>")

    def test_other_projects_have_their_places(self):
        self.assert_allowed("emulator/cli/a.cpp", "<nlohmann/json.hpp>")
        self.assert_allowed("emulator/cli/a.cpp", "<zlib.h>")
        self.assert_forbidden("emulator/v3/a.cpp", "<nlohmann/json.hpp>")
        self.assert_forbidden("emulator/v3/a.cpp", "<zlib.h>")
        self.assert_forbidden("emulator/v3/a.cpp", "<stdint.h>")
        self.assert_forbidden("emulator/v3/a.cpp", "<somebody/elses.h>")

    def test_no_way_around(self):
        self.assert_forbidden("emulator/walk/a.cpp", '"../tcu/tcu.h"')
        self.assert_forbidden("emulator/walk/a.cpp", '"emulator/walk/../tcu/tcu.h"')
        self.assert_forbidden("emulator/walk/a.cpp", '"walker.h"')
        self.assert_forbidden("emulator/walk/a.cpp", "<emulator/tcu/tcu.h>")
        self.assert_forbidden("emulator/walk/a.cpp", "<smmu/iommu/iommu.h>")
        self.assert_forbidden("emulator/walk/a.cpp", "SOME_HEADER")

    def test_an_unknown_folder_is_an_error(self):
        for path in ("emulator/shortcuts/a.cpp", "test/shortcuts/a_test.cpp", "src/a.h"):
            found = self.complaints(path, "// includes nothing\n")
            self.assertEqual(len(found), 1, path)
            self.assertTrue(found[0].startswith(f"{path}: its folder"), found[0])

    def test_what_is_built_is_not_looked_at(self):
        self.assertEqual(self.complaints("build/release/a.cpp", "#include MACRO\n"), [])


class Links(unittest.TestCase):

    def complaints(self, *lines):
        return list(check_includes.check_links(lines))

    def test_agree_with_the_table(self):
        lines = ["emulator/snapshot:", "emulator/ram:", "emulator/walk: emulator/snapshot",
                 "emulator/tlb: emulator/snapshot emulator/walk",
                 "emulator/tcu: emulator/ram emulator/walk emulator/tlb", "emulator/tbu: emulator/tcu"]
        self.assertEqual(self.complaints(*lines), [])

    def test_upwards_is_found(self):
        found = self.complaints("emulator/walk: emulator/snapshot emulator/tlb")
        self.assertEqual(found, ["emulator/walk/ links emulator/tlb/ but may not include it"])

    def test_too_few_is_found(self):
        found = self.complaints("emulator/tcu: emulator/ram emulator/snapshot emulator/walk")
        self.assertEqual(found, ["emulator/tcu/ may include emulator/tlb/ but does not link it"])

    def test_an_unknown_folder_is_an_error(self):
        self.assertEqual(len(self.complaints("emulator/shortcuts:")), 1)


if __name__ == "__main__":
    unittest.main()
