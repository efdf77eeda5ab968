"""reload_sim_test.py: the program reload-sim, as a user runs it.

SPDX-License-Identifier: BSD-2-Clause
"""

import csv
import json
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

PROGRAM = sys.argv.pop()
FIELDS = {"lookups_ok", "hops_mean", "virtual_seconds", "wall_seconds", "trace_hash",
          "memory_bytes_per_node"}


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=100,
                          check=False)


def figures(*arguments):
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class ReloadSim(unittest.TestCase):
    def test_finds_every_key_in_two_overlays(self):
        found = figures("--nodes", "12", "--overlays", "2", "--keys", "60", "--lookups", "80")
        self.assertLessEqual(FIELDS, found.keys())
        self.assertEqual(found["lookups_ok"], 160)
        self.assertGreater(found["hops_mean"], 0)
        self.assertGreater(found["memory_bytes_per_node"], 1000)

    def test_seed_decides_everything(self):
        small = ("--nodes", "8", "--keys", "20", "--lookups", "20", "--links", "frames",
                 "--loss", "2")
        first, second = figures(*small, "--seed", "5"), figures(*small, "--seed", "5")
        other = figures(*small, "--seed", "6")
        del first["wall_seconds"], second["wall_seconds"]
        self.assertEqual(first, second)
        self.assertNotEqual(first["trace_hash"], other["trace_hash"])

    def test_prints_a_table_for_people(self):
        done = run("--nodes", "4", "--keys", "4", "--lookups", "4")
        self.assertEqual(done.returncode, 0)
        self.assertIn("lookups that succeeded   8 of 8", done.stdout)

    def test_help(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("--nodes N", done.stdout)

    def test_wrong_options(self):
        for wrong in (["--nodes", "0"], ["--nodes", "many"], ["--overlays", "17"], ["--loss", "x"],
                      ["--links", "pigeons"], ["--nodes", "2", "--keys", "511"], ["what"],
                      ["--unknown"]):
            with self.subTest(wrong=wrong):
                done = run(*wrong)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(done.stdout, "")
                self.assertIn("reload-sim", done.stderr)


class Check(unittest.TestCase):
    def test_reports_seeds_and_violations(self):
        done = run("check", "--seeds", "10", "--json")
        found = json.loads(done.stdout)
        self.assertEqual(found["seeds"], 10)
        self.assertEqual(found["violations"], len(found["found"]))
        self.assertEqual(done.returncode, 1 if found["violations"] else 0)
        self.assertGreater(found["within_assumption"], 0)
        self.assertGreater(found["requests"], 100)
        for violation in found["found"]:
            self.assertLessEqual({"seed", "time_ms", "invariant", "what"}, violation.keys())

    def test_a_seed_is_replayed(self):
        first, second = (run("check", "--seed", "3", "--trace").stdout for _ in range(2))
        same = [line for line in first.splitlines() if not line.startswith("wall time")]
        self.assertEqual(same, [line for line in second.splitlines()
                                if not line.startswith("wall time")])
        self.assertGreater(len(same), 100)

    def test_faults_can_be_chosen(self):
        done = run("check", "--seed", "4", "--faults", "", "--peers", "3", "--json")
        self.assertEqual(json.loads(done.stdout)["violations"], 0)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(run("check", "--seed", "4", "--faults", "1,900").returncode, 2)

    def test_wrong_options(self):
        for wrong in (["--seeds", "0"], ["--seed", "x"], ["what"], ["--unknown"], ["--seed"],
                      ["--peers", "1001"], ["--peers", "0"], ["--seed", "3", "--seeds", "2"],
                      ["--json=yes"], ["--seed", "3", "--first-seed", "2"]):
            with self.subTest(wrong=wrong):
                done = run("check", *wrong)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertTrue(done.stderr.startswith("reload-sim check: "), done.stderr)

    def test_one_object_and_nothing_else(self):
        done = run("check", "--seed", "3", "--faults", "", "--trace", "--minimise", "--json")
        self.assertEqual(json.loads(done.stdout)["seeds"], 1)
        self.assertIn("user at", done.stderr)

    def test_what_cannot_be_written_is_no_success(self):
        for json_or_not in ([], ["--json"]):
            with open("/dev/full", "w", encoding="ascii") as full:
                done = subprocess.run([PROGRAM, "check", "--seed", "3", "--faults", "",
                                       *json_or_not], stdout=full, stderr=subprocess.PIPE,
                                      text=True, timeout=100, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn("standard output", done.stderr)


class Scale(unittest.TestCase):
    def test_tells_of_memory_and_is_like_a_ring_of_joins(self):
        done = run("scale", "--nodes", "60", "--lookups", "1000", "--compare", "--json")
        found = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(found["whole"] and found["joined"]["alike"])
        self.assertEqual(found["lookups_ok"], found["lookups"])
        memory = found["memory"]
        self.assertLessEqual(memory["all"], memory["goal"])
        parts = sum(value for name, value in memory.items()
                    if name not in ("all", "goal", "link_count"))
        self.assertAlmostEqual(parts, memory["all"], delta=1)

    def test_wrong_options(self):
        for wrong in (["--nodes", "0"], ["--joins", "--compare"], ["what"], ["--unknown"]):
            with self.subTest(wrong=wrong):
                self.assertEqual(run("scale", *wrong).returncode, 2)


class Report(unittest.TestCase):
    def test_many_join_one_peer_at_once(self):
        done = run("report", "--quick", "--scene", "join", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        figures = json.loads(done.stdout)["figures"]
        found = {(f["scene"], f["x"]): f for f in figures}
        self.assertTrue(found["all join one peer at once", 64]["reached"])
        self.assertGreater(found["all join one peer at once", 64]["value"], 0.5)
        self.assertIn("same peer", found["all join one peer at once", 64]["limit"])
        self.assertEqual(len(figures), 2)  # no users, so nothing of their requests

    def test_a_split_heals_and_the_newest_values_win(self):
        done = run("report", "--quick", "--scene", "partition", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        figures = json.loads(done.stdout)["figures"]
        goals = [f for f in figures if "goal" in f]
        self.assertEqual(len(goals), 6)
        for figure in goals:
            self.assertTrue(figure["reached"], figure)
        self.assertGreaterEqual(figures[-1]["x"], 400)  # requests: two Stores of each value

    def test_a_table_for_a_page(self):
        done = run("report", "--quick", "--scene", "join", "--markdown")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^\| all join one peer at once: until one ring, s \| "
                                      r"8 / 64 peers \| [\d.]+ / [\d.]+ \| none / at most 15 \|$")

    def test_what_cannot_be_written_is_no_success(self):
        for option in ("--json", "--csv", "--markdown"):
            with self.subTest(option=option), open("/dev/full", "w", encoding="ascii") as full:
                done = subprocess.run([PROGRAM, "report", "--quick", "--scene", "join", option],
                                      stdout=full, stderr=subprocess.PIPE, text=True, timeout=100,
                                      check=False)
                self.assertEqual(done.returncode, 2)
                self.assertIn("standard output", done.stderr)

    def test_csv_and_picture(self):
        with tempfile.NamedTemporaryFile(suffix=".svg") as picture:
            done = run("report", "--quick", "--scene", "join", "--csv", "--svg", picture.name)
            self.assertEqual(done.returncode, 0, done.stderr)
            root = xml.etree.ElementTree.parse(picture.name).getroot()
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        self.assertGreaterEqual(len(root.findall("{http://www.w3.org/2000/svg}circle")), 2)
        rows = list(csv.DictReader(done.stdout.splitlines()))
        self.assertEqual(rows[0]["scene"], "all join one peer at once")
        self.assertEqual(float(rows[0]["x"]), 8)
        self.assertEqual([row["reached"] for row in rows], ["", "yes"])

    def test_wrong_options(self):
        for wrong in (["--scene", "nowhere"], ["--seed", "x"], ["what"], ["--unknown"],
                      ["--scene", "join", "--svg", "/nonexistent/picture.svg"]):
            with self.subTest(wrong=wrong):
                self.assertEqual(run("report", *wrong).returncode, 2)


unittest.main(verbosity=2)
