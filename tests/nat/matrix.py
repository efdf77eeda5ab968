#!/usr/bin/env python3
"""matrix.py: calls between phones behind every pair of NAT kinds, with real nodes in a lab.

usage: matrix.py --build BUILD [--pairs A:B,... | --cover] [--only with_turn|without_turn] [--json]
                 [--without-ice]

For each pair of kinds a node joins at a site of either kind, their phones register, and the first
calls the second. A cell is
    ok        the call was answered and ended as it should (with the path used, and the ms from
              INVITE to 200)
    excluded  theory (theory.py) says that there is no way, and the call failed within 15 s with
              both nodes alive
    fail      anything else, with the reason
Exit code 1 when a cell is fail, 77 when no lab can be built here.

SPDX-License-Identifier: BSD-2-Clause
"""
import argparse
import json
import shutil
import sys
import time
from pathlib import Path

from lab import KINDS, Lab, LabError
from overlay_lab import PORT, DemoError, LabOverlay
from theory import can_link

PROGRAMS = {"reload": "tools/reload/reload", "reloadd": "tools/reloadd/reloadd",
            "reload-enrolld": "tools/enrolld/reload-enrolld"}
MODES = {"with_turn": ("turn",), "without_turn": ()}  # roles of a peer with a public address
CLEAN_FAILURE_S = 15
COVER = [("public", "full_cone"), ("full_cone", "address_restricted"),
         ("address_restricted", "symmetric"), ("port_restricted", "port_restricted"),
         ("symmetric", "public"), ("symmetric", "port_restricted"), ("double_nat", "full_cone"),
         ("double_nat", "symmetric"), ("udp_blocked", "public")]
SHORT = {"public": "public", "full_cone": "full", "address_restricted": "address",
         "port_restricted": "port", "symmetric": "symm.", "double_nat": "double",
         "udp_blocked": "no UDP"}


def read_pairs(text):
    """Pairs of kinds from the command line."""
    pairs = [tuple(pair.split(":")) for pair in text.split(",")]
    for pair in pairs:
        if len(pair) != 2 or not set(pair) <= set(KINDS):
            raise argparse.ArgumentTypeError(f"pairs such as {KINDS[1]}:{KINDS[2]}; kinds are "
                                             + ", ".join(KINDS))
    return pairs


def read_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="./run nat-matrix", description="Calls between phones behind every pair of NAT kinds, "
        "with real nodes in network namespaces; needs root.")
    parser.add_argument("--build", type=lambda path: Path(path).resolve(), required=True,
                        help=argparse.SUPPRESS)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--pairs", type=read_pairs, metavar="A:B,...",
                       default=[(a, b) for a in KINDS for b in KINDS],
                       help="only these pairs (caller:callee)")
    which.add_argument("--cover", dest="pairs", action="store_const", const=COVER,
                       help="only nine pairs, in which each kind of NAT is met")
    parser.add_argument("--only", choices=MODES, help="only with, or only without, TURN servers")
    parser.add_argument("--without-ice", action="store_true",
                        help="an overlay without ICE, to see what NATs do to it")
    parser.add_argument("--json", action="store_true",
                        help="end with one line of JSON; the table goes to standard error")
    return parser.parse_args()


class Cell:
    """What became of one pair."""

    def __init__(self, cell, ms=None, path=None, reason=None):
        self.cell, self.ms, self.path, self.reason = cell, ms, path, reason

    def as_json(self):
        """The cell without what is not known."""
        known = {"cell": self.cell, "path": self.path, "ms": self.ms, "reason": self.reason}
        return {key: value for key, value in known.items() if value is not None}

    def __str__(self):
        return f"ok {self.ms:.0f}" if self.cell == "ok" else self.cell


class Matrix:
    """All cells of one mode, in one lab: the overlay stays, nodes come and go."""

    def __init__(self, lab, overlay):
        self.lab, self.overlay = lab, overlay
        self.sites = {}

    def site(self, end, kind):
        """The site of one end, made when it is first needed."""
        if (end, kind) not in self.sites:
            self.sites[end, kind] = self.lab.site(kind)
        return self.sites[end, kind]

    def call(self, nodes):
        """alice calls bob. Returns (ms, path)."""
        (alice, caller), (_, callee) = nodes
        callee.answer()
        ms = caller.call("bob")
        return ms, alice.path_to(self.overlay.identities["bob"]["node_id"])

    def fill(self, kinds, possible):
        """One cell."""
        nodes = []
        try:
            for end, (user, kind) in enumerate(zip(("alice", "bob"), kinds)):
                nodes.append(self.overlay.node(self.site(end, kind), user))
            begin = time.monotonic()
            try:
                ms, path = self.call(nodes)
                return Cell("ok", ms=round(ms, 1), path=path)
            except DemoError as error:
                took = time.monotonic() - begin
                for peer, _ in nodes:
                    peer.processes.check()
                if possible:
                    return Cell("fail", reason=str(error))
                if took > CLEAN_FAILURE_S:
                    return Cell("fail", reason=f"gave up after {took:.0f} s only")
                return Cell("excluded", ms=round(took * 1000, 1))
        except (DemoError, LabError, OSError) as error:
            return Cell("fail", reason=str(error))
        finally:
            for peer, _ in nodes:
                peer.stop()


def run_mode(arguments, mode, say):
    """All cells of one mode: {caller: {callee: Cell}}."""
    programs = {name: arguments.build / path for name, path in PROGRAMS.items()}
    options = () if arguments.without_ice else ("--ice",)
    cells = {}
    with Lab() as lab:
        overlay = LabOverlay(lab, programs, ("alice", "bob"), options, MODES[mode])
        say(f"{mode}: the overlay is up, its nodes listen at port {PORT}")
        matrix = Matrix(lab, overlay)
        for one, other in arguments.pairs:
            possible = can_link(one, other, mode == "with_turn")
            cell = cells.setdefault(one, {})[other] = matrix.fill((one, other), possible)
            say(f"{mode}: {one} calls {other}: {cell}"
                + (f" ({cell.reason or cell.path})" if cell.reason or cell.path else ""))
            if cell.cell == "fail" and not lab.keeps_folder:
                lab.keeps_folder = True
                say(f"{mode}: the logs stay in {overlay.folder}")
        overlay.stop()
    return cells


def table(mode, cells):
    """The cells as text: callers down, callees across."""
    columns = [kind for kind in KINDS if any(kind in row for row in cells.values())]
    lines = [f"{mode.replace('_', ' ')} (ms from INVITE to 200; callers down, callees across)",
             " " * 20 + "".join(f"{SHORT[kind]:>10}" for kind in columns)]
    for kind in KINDS:
        if kind in cells:
            lines.append(f"{kind:20}" + "".join(f"{str(cells[kind].get(other, '')):>10}"
                                                for other in columns))
    return "\n".join(lines) + "\n"


def main():
    """Runs the modes that are asked for."""
    arguments = read_arguments()
    reason = Lab.unusable() or (None if shutil.which("sipp") else "sipp is missing")
    if reason:
        print(f"nat-matrix: skipped: {reason}", file=sys.stderr)
        sys.exit(77)
    out = sys.stderr if arguments.json else sys.stdout
    begin = time.monotonic()

    def say(text):
        print(f"{time.monotonic() - begin:6.1f} s  {text}", file=out, flush=True)

    result = {}
    for mode in [arguments.only] if arguments.only else MODES:
        try:
            result[mode] = run_mode(arguments, mode, say)
        except (DemoError, LabError) as error:
            sys.exit(f"nat-matrix: {mode}: {error}")
    for mode, cells in result.items():
        print(f"\n{table(mode, cells)}", file=out)
    if arguments.json:
        print(json.dumps({mode: {one: {other: cell.as_json() for other, cell in row.items()}
                                 for one, row in cells.items()}
                          for mode, cells in result.items()}))
    is_bad = any(cell.cell == "fail" for cells in result.values() for row in cells.values()
                 for cell in row.values())
    sys.exit(is_bad)


if __name__ == "__main__":
    main()
