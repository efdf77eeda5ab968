"""tidy_test.py: each rule of tools/tidy.py finds its bad example and lets the good one pass.

SPDX-License-Identifier: BSD-2-Clause
"""
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "..", "tools"))
import tidy  # noqa: E402

HEAD = "/* noun.c: an example.\n *\n * SPDX-License-Identifier: BSD-2-Clause */\n"
GUARD = "#ifndef A_H\n#define A_H\n"


class Tree(unittest.TestCase):
    """A small tree of sources on disk, looked at by the whole program."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.names = []

    def add(self, path, text, head=HEAD):
        path = os.path.join(self.folder.name, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(head + text)
        if path.endswith(".c"):
            self.names.append(os.path.basename(path))

    def tidy(self, *options):
        with open(os.path.join(self.folder.name, "meson.build"), "w", encoding="utf-8") as file:
            file.write("sources = [%s]\n" % ", ".join("'%s'" % name for name in self.names))
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = tidy.main(["--root", self.folder.name, *options])
        return code, output.getvalue()

    def assert_found(self, text, *options):
        code, output = self.tidy(*options)
        self.assertIn(text, output)
        self.assertEqual(code, 1)

    def assert_clean(self, *options):
        code, output = self.tidy(*options)
        self.assertEqual(code, 0, output)


class Includes(Tree):
    def test_right_directions(self):
        self.add("reload/core/a.c", '#include "reload/wire/wire.h"\n#include "reload/env.h"\n')
        self.add("certs/b.c", '#include "reload/keyring.h"\n#include <openssl/evp.h>\n')
        self.add("tools/x/c.c", '#include "certs/key.h"\n#include "ice/agent.h"\n')
        self.assert_clean()

    def test_wrong_directions(self):
        for path, name in (("reload/base/a.c", "reload/wire/wire.h"),
                           ("reload/base/b.c", "reload/env.h"),
                           ("reload/wire/c.c", "reload/core/link.h"),
                           ("reload/core/d.c", "certs/key.h"),
                           ("reload/core/e.c", "topology/chord.h"),
                           ("topology/f.c", "usages/sip.h"),
                           ("usages/g.c", "reload/run/udp.h"),
                           ("usages/h.c", "reload/core/node_internal.h"),
                           ("ice/i.c", "certs/key.h"),
                           ("tools/x/j.c", "tests/sim/fixture.h")):
            with self.subTest(path=path):
                self.add(path, '#include "%s"\n' % name)
                self.assert_found("%s:4: " % path)

    def test_path_from_the_root(self):
        self.add("reload/core/a.c", '#include "link.h"\n')
        self.assert_found("by its path from the root")

    def test_libraries(self):
        self.add("reload/core/a.c", "#include <sys/socket.h>\n")
        self.assert_found("reload/core may not include <sys/socket.h>")
        self.add("reload/core/a.c", "#include <string.h>\n")
        self.assert_clean()
        self.add("usages/b.c", "#include <glib.h>\n")
        self.assert_found("<glib.h> stays in ice")


class Style(Tree):
    def test_banned_words(self):
        self.add("ice/a.c", "/* " + "FIX" + "ME: later */\n")
        self.assert_found("ice/a.c:4:")

    def test_banned_calls(self):
        self.add("ice/a.c", "strcpy(to, from);\n")
        self.assert_found("strcpy()")
        self.add("ice/a.c", "/* strcpy(x) */ my_strcpy(to, from);\nputs(\"rand()\");\n")
        self.assert_clean()

    def test_columns(self):
        self.add("ice/a.c", "x" * 100 + "\n")
        self.assert_clean()
        self.add("ice/a.c", "x" * 101 + "\n")
        self.assert_found("101 columns")

    def test_white_space(self):
        self.add("ice/a.c", "int x; \n")
        self.assert_found("white space at the end")
        self.add("ice/a.c", "\tint x;\n")
        self.assert_found("tabulator")

    def test_long_function(self):
        self.add("ice/a.c", "int\nbig(void)\n{\n" + "    x();\n" * 67 + "}\n")
        self.assert_clean()
        self.add("ice/a.c", "int\nbig(void)\n{\n" + "    x();\n" * 70 + "}\n")
        self.assert_found("big() has 73 lines")

    def test_long_file(self):
        self.add("ice/a.c", "int x;\n" * 600)
        code, output = self.tidy()
        self.assertEqual(code, 0)
        self.assertIn("consider splitting", output)
        self.add("ice/a.c", "int x;\n" * 800)
        self.assert_found("split it by nouns")

    def test_head(self):
        self.add("ice/a.c", "int x;\n", head="")
        self.assert_found("no SPDX line")

    def test_guard(self):
        self.add("ice/a.h", "int x;\n")
        self.assert_found("no include guard")
        self.add("ice/a.h", GUARD + "int x;\n#endif\n")
        self.assert_clean()

    def test_dead_file(self):
        self.add("ice/a.c", "int x;\n")
        self.names.clear()
        self.assert_found("no meson.build compiles it")


class Attacks(Tree):
    """The map from rows of the list of attacks to tests."""

    def map(self, *changes):
        """A map with a line for each row, and |changes| in place of those of their rows."""
        self.add("tests/a_test.c", "START_TEST(guards)\n{\n}\nEND_TEST\n")
        self.add("tests/b_test.py", "class Whole:\n    def test_it(self):\n        pass\n",
                 head="# SPDX-License-Identifier: BSD-2-Clause\n")
        lines = {row: "%s\twhat\ttests/a_test.c:guards" % row for row in tidy.rows_wanted()}
        lines.update(("M%d" % (100 + number), line) for number, line in enumerate(changes))
        with open(os.path.join(self.folder.name, tidy.ATTACKS_MAP), "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines.values() if line))

    def test_rows(self):
        rows = list(tidy.rows_wanted())
        self.assertEqual(len(rows), len(set(rows)))
        for row in ("P1", "P30", "C11", "C13", "R2", "R10", "T12", "L12", "M5", "U8"):
            self.assertIn(row, rows)
        for row in ("P31", "C12", "R3", "T3", "M2", "U5"):
            self.assertNotIn(row, rows)

    def test_good(self):
        self.map("P1\twhat\ttests/b_test.py:Whole.test_it", "P1\twhat\ttests/b_test.py:test_it")
        self.assert_clean()

    def test_row_without_test(self):
        self.map()
        path = os.path.join(self.folder.name, tidy.ATTACKS_MAP)
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("S9\t")]
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(lines)
        self.assert_found("no test for the row S9")

    def test_tests_that_are_not_there(self):
        for test, text in (("tests/c_test.c:guards", "no file tests/c_test.c"),
                           ("tests/a_test.c:guard", "no test guard"),
                           ("tests/a_test.c", "no test"),
                           ("tests/b_test.py:Half.test_it", "no test Half.test_it")):
            with self.subTest(test=test):
                self.map("P1\twhat\t" + test)
                self.assert_found(text)
        self.map("P1 what tests/a_test.c:guards")
        self.assert_found("not three fields")


class Build(Tree):
    """What the compiler made, with archives compiled here."""

    def archive(self, name, code):
        build = os.path.join(self.folder.name, "build")
        path = os.path.join(build, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.exists(path):
            os.remove(path)
        subprocess.run(["gcc", "-w", "-fPIC", "-x", "c", "-c", "-o", path + ".o", "-"], input=code,
                       text=True, check=True)
        subprocess.run(["ar", "cr", path, path + ".o"], check=True)
        return ("--build", build)

    def test_headers_alone(self):
        options = self.archive(tidy.CORE_ARCHIVE, "int a(void) { return 0; }\n")
        self.add("ice/a.h", GUARD + "#include <stdint.h>\nuint8_t x(void);\n#endif\n")
        self.assert_clean(*options)
        self.add("ice/a.h", GUARD + "uint8_t x(void);\n#endif\n")
        self.assert_found("does not compile alone", *options)

    def test_core_symbols(self):
        for call in ("malloc(1)", "time(0)", "socket(1)", "getenv(0)", "clock_gettime(1)"):
            with self.subTest(call=call):
                name = call.split("(")[0]
                options = self.archive(tidy.CORE_ARCHIVE,
                                       "extern long %s();\nlong a(void) { return %s; }\n"
                                       % (name, call))
                self.assert_found("uses " + name, *options)

    def test_core_is_there(self):
        self.assert_found("is not built", "--build", self.folder.name)

    def test_variables(self):
        for number, code in enumerate(("static int x; int *a(void) { return &x; }\n",
                                       "int a(void) { static int count = 1; return count++; }\n",
                                       "int shared;\n", "static _Thread_local int y = 3;"
                                       "int *b(void) { return &y; }\n")):
            with self.subTest(number=number):
                options = self.archive(tidy.CORE_ARCHIVE, code)
                self.assert_found("has the variable", *options)
        options = self.archive(tidy.CORE_ARCHIVE, "extern int f(void);\n"
                               "const struct { const char *n; int (*f)(void); } t = {\"a\", f};\n")
        self.assert_clean(*options)


if __name__ == "__main__":
    unittest.main()
