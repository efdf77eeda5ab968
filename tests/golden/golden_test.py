#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""golden_test.py: the generator makes of small.structs what stands in expected/, and refuses each
of bad/ naming its line. What it makes is laid out as clang-format would (if that is installed),
with functions of at most 70 lines.

usage: golden_test.py WIREGEN OUTPUT-OF-THE-REAL-SPECS [--update]
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FUNCTION_LINES_MAX = 70


def run(wiregen, output, spec):
    return subprocess.run([sys.executable, wiregen, output, spec], capture_output=True, text=True,
                          check=False, timeout=60)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def check_expected(wiregen, update):
    """Compares what becomes of small.structs; with |update| writes it down instead."""
    wrong = 0
    with tempfile.TemporaryDirectory() as output:
        result = run(wiregen, output, os.path.join(HERE, "small.structs"))
        if result.returncode != 0:
            print(f"small.structs: {result.stderr}")
            return 1
        names = sorted(name for name in os.listdir(output) if name.startswith("gen_small"))
        for name in names:
            expected = os.path.join(HERE, "expected", name)
            if update:
                shutil.copy(os.path.join(output, name), expected)
            elif not os.path.exists(expected) or read(expected) != read(
                    os.path.join(output, name)):
                wrong += 1
                subprocess.run(["diff", "-u", expected, os.path.join(output, name)], check=False)
        left = set(os.listdir(os.path.join(HERE, "expected"))) - set(names)
        if left:
            wrong += 1
            print(f"expected, but not made: {sorted(left)}")
    return wrong


def check_bad(wiregen):
    wrong = 0
    specs = sorted(glob.glob(os.path.join(HERE, "bad", "*.structs")))
    for spec in specs:
        line, message = re.match(r"# expect (\d+): (.*)", read(spec)).groups()
        with tempfile.TemporaryDirectory() as output:
            result = run(wiregen, output, spec)
            if result.returncode != 1 or result.stderr != f"{spec}:{line}: {message}\n":
                wrong += 1
                print(f"{os.path.basename(spec)}: exit code {result.returncode}, expected "
                      f"'{line}: {message}', got: {result.stderr.strip()}")
            if os.listdir(output):
                wrong += 1
                print(f"{os.path.basename(spec)}: files were written")
    print(f"{len(specs)} bad specs, {wrong} wrong")
    return wrong + (len(specs) < 15)


def check_layout(directory):
    """The files made of the real specs."""
    wrong = 0
    files = sorted(glob.glob(os.path.join(directory, "gen_*.[ch]")))
    for path in files:
        start = None
        for number, line in enumerate(read(path).splitlines(), 1):
            if len(line) > 100:
                wrong += 1
                print(f"{path}:{number}: {len(line)} columns")
            if line == "{":
                start = number
            if line == "}" and start and number - start > FUNCTION_LINES_MAX:
                wrong += 1
                print(f"{path}:{start}: a function of {number - start} lines")
    if shutil.which("clang-format"):
        style = "file:" + os.path.join(HERE, "..", "..", ".clang-format")
        command = ["clang-format", "--dry-run", "-Werror", f"--style={style}", *files]
        wrong += subprocess.run(command, check=False, timeout=120).returncode != 0
    print(f"{len(files)} generated files, {wrong} wrong")
    return wrong + (len(files) < 30)


def main(wiregen, directory, update=None):
    wrong = check_expected(wiregen, update == "--update") + check_bad(wiregen)
    return 1 if wrong + check_layout(directory) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
