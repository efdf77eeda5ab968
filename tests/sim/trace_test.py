"""trace_test.py: the same seeds have the same trace in every build of the same sources.

Each build leaves its hashes in its own folder, with a digest of the sources; whichever is tested
later compares with those that are there. No number is recorded that would have to be renewed.
SPDX-License-Identifier: BSD-2-Clause
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import unittest

FOLDER = pathlib.Path(sys.argv.pop())
PROGRAM = sys.argv.pop()
ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ("reload", "spec", "topology", "usages", "tools/sim", "tools/wiregen*.py")
# Messages and datagrams, with faults, liars, phones, and users who cheat.
RUNS = {"messages": ("check", "--seed", "131"), "frames": ("check", "--seed", "158"),
        "more": ("check", "--seed", "8"), "ring": ("--nodes", "8", "--keys", "20", "--lookups",
                                                   "20", "--links", "frames", "--loss", "2")}


def digest_of_sources():
    digest = hashlib.sha256()
    for name in SOURCES:
        for top in sorted(ROOT.glob(name)):
            for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
                if path.is_file() and "__pycache__" not in path.parts:
                    digest.update(f"{path.relative_to(ROOT)}\n".encode())
                    digest.update(path.read_bytes())
    return digest.hexdigest()


def traces():
    found = {}
    for name, arguments in RUNS.items():
        done = subprocess.run([PROGRAM, *arguments, "--json"], capture_output=True, text=True,
                              timeout=100, check=False)
        found[name] = json.loads(done.stdout)["trace_hash"]
    return found


class Trace(unittest.TestCase):
    def test_is_the_same_in_every_build(self):
        own = {"sources": digest_of_sources(), "traces": traces()}
        self.assertEqual(len(set(own["traces"].values())), len(RUNS))
        (FOLDER / "traces.json").write_text(json.dumps(own), encoding="ascii")
        compared = []
        for path in sorted(ROOT.glob(f"build*/tests/{FOLDER.name}/traces.json")):
            other = json.loads(path.read_text(encoding="ascii"))
            if other["sources"] == own["sources"] and path.parent != FOLDER:
                self.assertEqual(other["traces"], own["traces"], path)
                compared.append(path.relative_to(ROOT).parts[0])
        print("compared with:", ", ".join(compared) or "nothing yet", file=sys.stderr)


unittest.main(verbosity=2)
