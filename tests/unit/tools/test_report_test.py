"""test_report_test.py: the cases of a run are counted as they are, and what failed is named.

SPDX-License-Identifier: BSD-2-Clause
"""
import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "..", "tools"))
import test_report  # noqa: E402


def program(name, result, stdout="", stderr=""):
    return {"name": name, "result": result, "stdout": stdout, "stderr": stderr}


class Count(unittest.TestCase):
    def test_check(self):
        two = "100%: Checks: 3, Failures: 0, Errors: 0\n75%: Checks: 4, Failures: 1, Errors: 0\n"
        self.assertEqual(test_report.count(program("a", "FAIL", two)), (6, 1))

    def test_check_failed_outside_a_case(self):
        output = "100%: Checks: 3, Failures: 0, Errors: 0\n"
        self.assertEqual(test_report.count(program("a", "FAIL", output)), (3, 1))
        self.assertEqual(test_report.count(program("a", "TIMEOUT")), (0, 1))

    def test_other_programs(self):
        self.assertEqual(test_report.count(program("a", "OK")), (1, 0))
        self.assertEqual(test_report.count(program("a", "SKIP")), (0, 0))

    def test_unittest(self):
        output = "Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=1)"
        self.assertEqual(test_report.count(program("a", "FAIL", stderr=output)), (3, 2))
        self.assertEqual(test_report.count(program("a", "OK", stderr="Ran 1 test in 0.1s\n\nOK")),
                         (1, 0))


class Main(unittest.TestCase):
    def run_main(self, tests):
        with tempfile.TemporaryDirectory() as folder:
            if tests is not None:
                os.mkdir(os.path.join(folder, "meson-logs"))
                with open(os.path.join(folder, "meson-logs", "log.json"), "w",
                          encoding="utf-8") as log:
                    log.writelines(test if isinstance(test, str) else json.dumps(test) + "\n"
                                   for test in tests)
            out, err = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = test_report.main(folder, "log", folder)
        return code, out.getvalue(), err.getvalue()

    def test_good(self):
        self.assertEqual(self.run_main([program("a", "OK")])[:2], (0, "1 0\n"))

    def test_bad_is_named(self):
        code, out, err = self.run_main([program("room / noun", "FAIL", "n_test.c:7:F:a:x:0: no")])
        self.assertEqual((code, out), (1, "0 1\n"))
        self.assertIn("n_test.c:7:F:a:x:0: no", err)
        self.assertIn("meson test -C . --print-errorlogs noun", err)

    def test_nothing_ran(self):
        self.assertEqual(self.run_main(None)[:2], (1, "0 1\n"))
        self.assertEqual(self.run_main([])[:2], (1, "0 1\n"))

    def test_damaged_log(self):
        self.assertEqual(self.run_main([program("a", "OK"), "\0{"])[:2], (1, "0 1\n"))


if __name__ == "__main__":
    unittest.main()
