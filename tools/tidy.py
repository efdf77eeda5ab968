#!/usr/bin/env python3
"""tidy.py: keeps the house in order: direction of includes, what the core may touch, style.

usage: tidy.py [--build DIR] [--root DIR]

Each rule is a function that yields findings ("file:line: what"); RULES lists them. With --build it
also looks at what the compiler made: every header compiles alone, the core's archive uses no clock,
socket or allocator, and the rooms of a node have no variables of their own. Exits with 1 when
anything was found.

SPDX-License-Identifier: BSD-2-Clause
"""
import argparse
import collections
import os
import re
import subprocess
import sys

# ---- what is looked at ---------------------------------------------------------------------------

Source = collections.namedtuple("Source", "path lines")  # path relative to the root
SUFFIXES = (".c", ".h", ".py", ".structs", ".sh", "meson.build", "/run", ".md", ".txt")
SKIPPED = ("tests/data/", "tests/golden/", "tests/unit/tools/tidy_examples/")

# ---- rooms: which may include which --------------------------------------------------------------

INTERFACES = "reload"  # the headers directly in reload/
ROOMS = ("reload/base", "reload/wire", "reload/core", "reload/run", "ice", "topology", "usages",
         "certs", "tools", "tests")
MAY_INCLUDE = {
    "reload/base": {"reload/base"},
    "reload/wire": {"reload/base", "reload/wire"},
    INTERFACES: {"reload/base", "reload/wire", INTERFACES},
    "reload/core": {"reload/base", "reload/wire", INTERFACES, "reload/core"},
    "reload/run": {"reload/base", "reload/wire", INTERFACES, "reload/run"},
    "ice": {"reload/base", "reload/wire", INTERFACES, "ice"},
    "topology": {"reload/base", "reload/wire", INTERFACES, "topology"},
    "usages": {"reload/base", "reload/wire", INTERFACES, "usages"},
    "certs": {"reload/base", "reload/wire", INTERFACES, "certs"},
    "tools": set(ROOMS) - {"tests"} | {INTERFACES},
    "tests": set(ROOMS) | {INTERFACES},
}

# Headers of the system and of libraries that a room must do without.
PURE = {"assert.h", "ctype.h", "errno.h", "inttypes.h", "limits.h", "math.h", "stdarg.h",
        "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "strings.h",
        "regex.h"}
PURE_ROOMS = {"reload/base", "reload/wire", INTERFACES, "reload/core", "topology"}
ONLY_IN = {"nice/": {"ice", "tests"}, "glib": {"ice", "tests"}}

# ---- style ---------------------------------------------------------------------------------------

COLUMNS_MAX = 100
FILE_LINES_WARN, FILE_LINES_MAX = 500, 800
FUNCTION_LINES_MAX = 70
FUNCTIONS_ALLOWED = {}  # (path, function): why it may be longer

BANNED = {"FIX" + "ME": "repair it or file an issue", "TO" + "DO": "do it or file an issue",
          "X" + "XX": "say what is meant"}
BANNED_CALLS = {
    "strcpy": "snprintf or memcpy with a checked length", "strcat": "snprintf",
    "sprintf": "snprintf", "gets": "fgets", "strtok": "strtok_r or a loop",
    "alloca": "an array with a bound", "atoi": "strtol and its errors", "system": "posix_spawn",
    "tmpnam": "mkstemp", "rand": "env.random or reload_prng", "usleep": "wait for the event",
}

# ---- attacks -------------------------------------------------------------------------------------

ATTACKS_MAP = "tests/attacks.tsv"
ATTACKS = ("P1-P30, C1-C11, C13, C14, S1-S14, R1, R2, R6-R10, R15, T1, T2, T4, T12, L1-L6, L11, "
           "L12, E1-E7, E9, M1, M5, M6, U1-U4, U8")

# ---- what the compiler made ----------------------------------------------------------------------

CORE_ARCHIVE = "reload/core/libreload-core.a"
FORBIDDEN_SYMBOLS = re.compile(
    r"^(socket|bind|connect|accept4?|send(to|msg)?|recv(from|msg)?|select|e?poll\w*|open(at)?64?"
    r"|fopen64?|read|write|time|clock\w*|gettimeofday|localtime\w*|gmtime\w*|nanosleep|usleep|sleep"
    r"|s?rand(om)?(_r)?|getrandom|arc4random\w*|getenv|secure_getenv|malloc|calloc|realloc|free"
    r"|strdup|strndup|pthread_\w+|v?f?printf|v?fprintf|puts|putchar)$")
VARIABLE_SECTIONS = re.compile(r"\.(bss|data|tbss|tdata)(\.(?!rel\.ro)|$)|\*COM")
STATELESS_ARCHIVES = (CORE_ARCHIVE, "topology/libreload-topology.a", "usages/libreload-usages.a")


def room_of(path):
    """Returns the room that |path| belongs to, None when it is in none."""
    for room in ROOMS:
        if path.startswith(room + "/"):
            return room
    return INTERFACES if os.path.dirname(path) == "reload" else None


def code_lines(source):
    """Yields (number, text) without comments and string literals."""
    inside = False
    for number, line in enumerate(source.lines, 1):
        text = re.sub(r'"(\\.|[^"\\])*"', '""', line)
        if inside:
            end = text.find("*/")
            if end < 0:
                continue
            text, inside = text[end + 2:], False
        text = re.sub(r"/\*.*?\*/", "", text)
        start = text.find("/*")
        if start >= 0:
            text, inside = text[:start], True
        yield number, text.split("//")[0]


def is_c(source):
    return source.path.endswith((".c", ".h"))


# ---- rules on one source -------------------------------------------------------------------------

def check_includes(source):
    room = room_of(source.path)
    if not is_c(source) or room is None:
        return
    for number, line in enumerate(source.lines, 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        quote, name = match.groups()
        problem = project_include(room, name) if quote == '"' else library_include(room, name)
        if problem:
            yield number, problem


def project_include(room, name):
    target = room_of(name)
    if target is None:
        # Beside a test or what is generated for it there may be a header without a path.
        return None if room == "tests" and "/" not in name else \
            'include "%s" by its path from the root' % name
    if target not in MAY_INCLUDE[room]:
        return "%s may not include %s (%s)" % (room, target, name)
    return None


def library_include(room, name):
    if room in PURE_ROOMS and name not in PURE:
        return "%s may not include <%s>" % (room, name)
    for prefix, rooms in ONLY_IN.items():
        if name.startswith(prefix) and room not in rooms:
            return "<%s> stays in %s" % (name, " and ".join(sorted(rooms)))
    return None


def check_words(source):
    for number, line in enumerate(source.lines, 1):
        for word, advice in BANNED.items():
            if re.search(r"\b%s\b" % re.escape(word), line):
                yield number, "'%s': %s" % (word, advice)


def check_calls(source):
    if not is_c(source) or room_of(source.path) == "tests":
        return
    for number, text in code_lines(source):
        for call, advice in BANNED_CALLS.items():
            if re.search(r"(?<![\w.>])%s\(" % call, text):
                yield number, "%s(): use %s" % (call, advice)


def check_lines(source):
    prose = source.path.endswith((".md", ".txt", ".structs"))
    for number, line in enumerate(source.lines, 1):
        if len(line) > COLUMNS_MAX and not prose:
            yield number, "%d columns, more than %d" % (len(line), COLUMNS_MAX)
        if line.endswith((" ", "\t", "\r")):
            yield number, "white space at the end"
        if is_c(source) and "\t" in line:
            yield number, "tabulator"


def check_file(source):
    if len(source.lines) > FILE_LINES_MAX:
        yield 1, "%d lines, more than %d: split it by nouns" % (len(source.lines), FILE_LINES_MAX)
    if source.path.endswith((".c", ".h", ".py")):
        if not any("SPDX-License-Identifier: BSD-2-Clause" in line for line in source.lines[:30]):
            yield 1, "no SPDX line at the head"
    if source.path.endswith(".h") and not any(re.match(r"#(ifndef|pragma once)", line)
                                              for line in source.lines):
        yield 1, "no include guard"


def functions(source):
    """Yields (name, first line, last line) of each function, by its braces in the first column."""
    begin = None
    for number, line in enumerate(source.lines, 1):
        if line == "{":
            begin = number
        elif line == "}" and begin is not None:
            head = begin - 1
            while head > 1 and not re.match(r"\w+\(", source.lines[head - 1]):
                head -= 1
            match = re.match(r"(\w+)\(", source.lines[head - 1])
            yield (match.group(1) if match else "?"), head, number
            begin = None


def check_functions(source):
    if not is_c(source):
        return
    for name, first, last in functions(source):
        size = last - first + 1
        if size > FUNCTION_LINES_MAX and (source.path, name) not in FUNCTIONS_ALLOWED:
            yield first, "%s() has %d lines, more than %d" % (name, size, FUNCTION_LINES_MAX)


RULES = (check_includes, check_words, check_calls, check_lines, check_file, check_functions)


# ---- rules on the whole --------------------------------------------------------------------------

def check_dead_files(root, sources):
    """Every C file is named in a meson.build (core lists nouns without the suffix)."""
    builds = "\n".join("\n".join(source.lines) for source in sources
                       if source.path.endswith("meson.build"))
    for source in sources:
        stem = os.path.basename(source.path)[:-2]
        names = {stem} | {stem[:-len(end)] for end in ("_test",) if stem.endswith(end)}
        if source.path.endswith(".c") and not any(
                re.search(r"['/]%s(\.c)?'" % re.escape(name), builds) for name in names):
            yield "%s:1: no meson.build compiles it" % source.path


def rows_wanted():
    """The rows of the list of attacks that have to be tests: "P1-P30, C13" as their names."""
    for part in ATTACKS.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        for number in range(int(first[1:]), int((last or first)[1:]) + 1):
            yield first[0] + str(number)


def check_attacks(root):
    """Every row that has to be a test is mapped, and each test that is named exists."""
    path = os.path.join(root, ATTACKS_MAP)
    if not os.path.exists(path):
        return
    mapped = set()
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file.read().splitlines(), 1):
            where = "%s:%d: " % (ATTACKS_MAP, number)
            fields = line.split("\t")
            if len(fields) != 3 or not all(fields):
                yield where + "not three fields with tabulators: row, what, FILE:TEST"
                continue
            mapped.add(fields[0])
            problem = test_is_missing(root, fields[2])
            if problem:
                yield where + problem
    for row in rows_wanted():
        if row not in mapped:
            yield "%s:1: no test for the row %s" % (ATTACKS_MAP, row)


def test_is_missing(root, test):
    """What is wrong with |test|, "FILE:FUNCTION" or "FILE:CLASS.FUNCTION"; None when it exists."""
    path, _, name = test.partition(":")
    try:
        with open(os.path.join(root, path), encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return "there is no file %s" % path
    for part in name.split("."):
        definition = r"^(class |    def |def |START_TEST\()%s\b|^%s\(" % (part, part)
        if not re.match(r"\w+$", part) or not re.search(definition, text, re.MULTILINE):
            return "%s has no test %s" % (path, name)
    return None


def check_headers_alone(root, build, sources):
    """Each header compiles alone, as C and without a warning."""
    flags = subprocess.run(
        ["pkg-config", "--cflags", "libcrypto", "libevent", "libxml-2.0", "nice"],
        capture_output=True, text=True, check=False).stdout.split()
    command = ["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-fsyntax-only",
               "-I", root, "-I", build] + flags + ["-x", "c"]
    for source in sources:
        if not source.path.endswith(".h"):
            continue
        result = subprocess.run(command + ["-"], input='#include "%s"\n' % source.path,
                                capture_output=True, text=True, check=False)
        if result.returncode or "warning:" in result.stderr:
            first = next((line for line in result.stderr.splitlines()
                          if "error" in line or "warning" in line), result.stderr.strip())
            yield "%s:1: does not compile alone: %s" % (source.path, first)


def symbols(archive, *options):
    return subprocess.run(["nm", *options, archive], capture_output=True, text=True,
                          check=True).stdout.splitlines()


def check_core_symbols(build):
    archive = os.path.join(build, CORE_ARCHIVE)
    if not os.path.exists(archive):
        yield "%s:1: is not built" % CORE_ARCHIVE
        return
    member = ""
    for line in symbols(archive, "-u"):
        if line.endswith(":"):
            member = line[:-1]
        elif line.split() and FORBIDDEN_SYMBOLS.match(line.split()[-1].split("@")[0]):
            yield "%s:1: %s uses %s" % (CORE_ARCHIVE, member, line.split()[-1])


def check_variables(build):
    """No variables outlive a call: thousands of nodes share a process. Constant tables of
    pointers are in .data.rel.ro and are allowed."""
    for name in STATELESS_ARCHIVES:
        archive = os.path.join(build, name)
        if not os.path.exists(archive):
            continue
        member = ""
        for line in symbols(archive, "--format=sysv", "--defined-only"):
            if line.startswith("Symbols from") or line.endswith("]:"):
                member = line.rstrip(":").rsplit("[", 1)[-1].rstrip("]")
            fields = [field.strip() for field in line.split("|")]
            if len(fields) == 7 and VARIABLE_SECTIONS.match(fields[6]):
                yield "%s:1: %s has the variable %s" % (name, member, fields[0])


# ---- the program ---------------------------------------------------------------------------------

def list_files(root):
    """What git knows or would add; every file where there is no repository or no git."""
    try:
        listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"],
                                capture_output=True, text=True, check=True)
        return sorted(set(listed.stdout.splitlines()))
    except (OSError, subprocess.CalledProcessError):
        pass
    paths = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(("build", ".", "__"))]
        paths += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(paths)


def load(root):
    sources = []
    for path in list_files(root):
        if ("/" + path).endswith(SUFFIXES) and not path.startswith(SKIPPED):
            try:
                with open(os.path.join(root, path), encoding="utf-8") as file:
                    sources.append(Source(path, file.read().split("\n")))
            except FileNotFoundError:
                continue  # deleted and not yet committed
            if sources[-1].lines[-1] == "":
                sources[-1].lines.pop()
    return sources


def check_sources(sources):
    for source in sources:
        for rule in RULES:
            for number, text in rule(source):
                yield "%s:%d: %s" % (source.path, number, text)


def main(arguments):
    parser = argparse.ArgumentParser(description="style and structure checks")
    parser.add_argument("--root", default=os.path.join(os.path.dirname(__file__), ".."))
    parser.add_argument("--build", help="build folder: also look at headers and archives")
    options = parser.parse_args(arguments)
    root = os.path.abspath(options.root)
    sources = load(root)
    findings = list(check_sources(sources)) + list(check_dead_files(root, sources))
    findings += check_attacks(root)
    if options.build:
        build = os.path.abspath(options.build)
        findings += check_headers_alone(root, build, sources)
        findings += check_core_symbols(build)
        findings += check_variables(build)
    for source in sources:
        if is_c(source) and FILE_LINES_WARN < len(source.lines) <= FILE_LINES_MAX:
            print("%s:1: %d lines; consider splitting it" % (source.path, len(source.lines)))
    for finding in findings:
        print(finding)
    print("tidy: %d files, %d findings" % (len(sources), len(findings)))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
