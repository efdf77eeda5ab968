"""mutants.py: whether the tests notice faults.

Puts each fault of mutants.toml into a copy of the sources, builds it and runs tests until one
fails: then the mutant is killed. What survives shows what no test looks at.

SPDX-License-Identifier: BSD-2-Clause
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
# When those that a mutant names are satisfied, all of these are asked.
SUITES = ("core", "topology", "sim")
# Too slow to be run for each mutant.
SLOW = {"memory", "sim_scenario", "sim_check", "reload_sim"}
LIMIT_S = 300
GOAL = 0.95


class Copy:
    """A copy of the sources, built once and then changed for each mutant."""

    def __init__(self, folder, jobs):
        self.source = folder / "source"
        self.build = folder / "build"
        self.jobs = jobs
        files = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT,
                               capture_output=True, check=True).stdout.decode().split("\0")
        for name in filter(None, files):
            if (ROOT / name).is_file():
                (self.source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.source / name)
        environment = {**os.environ, "CC": "ccache gcc" if shutil.which("ccache") else "gcc"}
        self.run(["meson", "setup", str(self.build), str(self.source), "-Doptimization=1"],
                 environment)
        self.tests = {test["name"]: test for test in self.introspect("--tests")}
        self.built = {name for target in self.introspect("--targets")
                      for name in target["filename"]}

    def introspect(self, what):
        return json.loads(self.run(["meson", "introspect", what, str(self.build)]).stdout)

    def run(self, command, environment=None):
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              env=environment, timeout=3 * LIMIT_S)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        return done

    def compile(self, names):
        """Builds the programs of the tests |names|. Returns whether that worked."""
        programs = {os.path.relpath(part, self.build) for name in names
                    for part in self.tests[name]["cmd"] if part in self.built}
        done = subprocess.run(["ninja", "-j", str(self.jobs), "-C", str(self.build),
                               *sorted(programs)], capture_output=True, text=True, check=False)
        return done.returncode == 0, done.stdout + done.stderr

    def failing(self, names):
        """Runs the tests |names|. Returns the first that fails, or None."""
        for name in names:
            test = self.tests[name]
            try:
                done = subprocess.run(test["cmd"], stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, check=False,
                                      cwd=test["workdir"] or self.build,
                                      env={**os.environ, **test["env"]}, timeout=LIMIT_S)
            except subprocess.TimeoutExpired:
                return name
            if done.returncode not in (0, 77):
                return name
        return None

    def of_suites(self):
        return [name for name, test in self.tests.items() if name not in SLOW
                if any(suite.split(":")[-1] in SUITES for suite in test["suite"])]


def replaced(text, find, replace):
    """Returns |text| with |find|, which stands in it once, replaced; None when it does not."""
    return text.replace(find, replace) if text.count(find) == 1 else None


def changes(mutant):
    """What |mutant| changes: files, texts in them, and what stands there then."""
    return [[mutant["file"], mutant["find"], mutant["replace"]], *mutant.get("more", [])]


def mutate(copy, mutant):
    """Puts |mutant| in. Returns the files' contents before, None when it does not fit any more."""
    before = {}
    for name, find, replace in changes(mutant):
        path = copy.source / name
        text = path.read_text()
        before.setdefault(path, text)
        changed = replaced(text, find, replace)
        if changed is None:
            restore(before)
            return None
        path.write_text(changed)
    return before


def restore(before):
    for path, text in before.items():
        path.write_text(text)


def judge(copy, mutant):
    """Returns what became of |mutant|: killed, survived, stale, broken; and by which test."""
    before = mutate(copy, mutant)
    if before is None:
        return "stale", "what it changes is not there any more"
    try:
        unknown = [name for name in mutant["tests"] if name not in copy.tests]
        if unknown:
            return "stale", f"no test {unknown[0]}"
        for names in (mutant["tests"], copy.of_suites()):
            compiles, output = copy.compile(names)
            if not compiles:
                return "broken", "does not compile: " + output[-300:]
            killer = copy.failing(names)
            if killer:
                return "killed", killer
        return "survived", mutant["what"]
    finally:
        restore(before)


def options():
    parser = argparse.ArgumentParser(prog="run mutants", description=__doc__.split("\n\n")[1])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these mutants")
    parser.add_argument("--list", action="store_true", help="only list them")
    parser.add_argument("--check", action="store_true",
                        help="only see whether they fit the sources")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count(), help="for the compiler")
    return parser.parse_args()


def chosen(names):
    mutants = tomllib.loads((ROOT / "tests/mutants/mutants.toml").read_text())["mutant"]
    known = {mutant["name"] for mutant in mutants}
    for name in names:
        if name not in known:
            sys.exit(f"run mutants: {name}: no such mutant; see --list")
    return [mutant for mutant in mutants if not names or mutant["name"] in names]


def report(results, as_json):
    killed = sum(verdict == "killed" for _, verdict, _ in results)
    if as_json:
        print(json.dumps({"mutants": len(results), "killed": killed,
                          "results": [{"name": name, "verdict": verdict, "by": why}
                                      for name, verdict, why in results]}))
    else:
        print(f"{killed} of {len(results)} mutants killed")
    return 0 if killed >= GOAL * len(results) else 1


def check(mutants):
    """Names the mutants whose texts are not in the sources any more."""
    stale = [(mutant["name"], name) for mutant in mutants for name, find, text in changes(mutant)
             if replaced((ROOT / name).read_text(), find, text) is None]
    for mutant, name in stale:
        print(f"{mutant}: what it changes does not stand once in {name}")
    return 1 if stale else 0


def main():
    arguments = options()
    mutants = chosen(arguments.names)
    if arguments.check:
        return check(mutants)
    if arguments.list:
        for mutant in mutants:
            print(f"{mutant['name']:26} {mutant['what']}")
        return 0
    results = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        print("copying and building the sources ...", file=sys.stderr)
        copy = Copy(pathlib.Path(folder), arguments.jobs)
        named = sorted({name for mutant in mutants for name in mutant["tests"]})
        compiles, output = copy.compile([*copy.of_suites(), *named])
        if not compiles:
            sys.exit(f"run mutants: the sources do not compile:\n{output[-2000:]}")
        sound = copy.failing(named)
        if sound:
            sys.exit(f"run mutants: {sound} fails without any mutant")
        for number, mutant in enumerate(mutants, 1):
            begin = time.monotonic()
            verdict, why = judge(copy, mutant)
            results.append((mutant["name"], verdict, why))
            print(f"{number:2}/{len(mutants)} {verdict:9} {mutant['name']:26} {why}"
                  f" ({time.monotonic() - begin:.0f} s)", flush=True,
                  file=sys.stderr if arguments.json else sys.stdout)
    return report(results, arguments.json)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
