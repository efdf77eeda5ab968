#!/usr/bin/env python3
"""matrix.py: calls between phones behind every pair of NAT kinds, with real nodes in a lab.

usage: matrix.py --build BUILD [--pairs A:B,... | --cover] [--only with_turn|without_turn] [--json]
                 [--parallel N] [--without-ice]
       matrix.py --build BUILD --figures [--short] [--parallel N] [--json]

For each pair of kinds a node joins at a site of either kind, their phones register, and the first
calls the second. A cell is
    ok        the call was answered, each phone heard the other's tone in at least half of the
              packets, the call ended as it should, and where theory knows a direct way, the link
              between the two nodes is direct (with that path, and the ms from INVITE to 200)
    excluded  theory (theory.py) says that there is no way, and the caller was told so by a final
              answer within 15 s, with both nodes alive
    fail      anything else, with the reason
Exit code 1 when a cell is fail, 77 when no lab can be built here.

SPDX-License-Identifier: BSD-2-Clause
"""
import argparse
import functools
import json
import os
import shutil
import sys
import time
from pathlib import Path

import figures
from cells import Cells
from lab import KINDS, Lab
from overlay_lab import USERS, LabOverlay
from theory import can_link, can_punch
from workers import WorkerError, share

PROGRAMS = {"reload": "tools/reload/reload", "reloadd": "tools/reloadd/reloadd",
            "reload-enrolld": "tools/enrolld/reload-enrolld"}
WAN = "tests/nat/wan"
MODES = {"with_turn": ("turn",), "without_turn": ()}  # roles of a peer with a public address
COVER = [("public", "full_cone"), ("full_cone", "address_restricted"),
         ("symmetric", "address_restricted"), ("port_restricted", "port_restricted"),
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


def read_figures(text):
    """Names of figures from the command line."""
    names = text.split(",")
    if not set(names) <= set(figures.FIGURES):
        raise argparse.ArgumentTypeError("figures are " + ", ".join(figures.FIGURES))
    return names


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
    which.add_argument("--figures", type=read_figures, nargs="?", const=list(figures.FIGURES),
                       metavar="NAME,...",
                       help="not pairs, but figures: " + ", ".join(figures.FIGURES))
    which.add_argument("--cover", dest="pairs", action="store_const", const=COVER,
                       help="only nine pairs, in which each kind of NAT is met")
    parser.add_argument("--short", action="store_true", help="fewer rounds of each figure")
    parser.add_argument("--only", choices=MODES, help="only with, or only without, TURN servers")
    parser.add_argument("--without-ice", action="store_true",
                        help="an overlay without ICE, to see what NATs do to it")
    parser.add_argument("--parallel", type=int, choices=range(1, 17), metavar="N",
                        default=os.cpu_count(), help="so many cells at once (%(default)s)")
    parser.add_argument("--json", action="store_true",
                        help="end with one line of JSON; the table goes to standard error")
    arguments = parser.parse_args()
    missing = [path for path in [*PROGRAMS.values(), *([WAN] if arguments.figures else [])]
               if not (arguments.build / path).is_file()]
    if missing:
        parser.error(f"{arguments.build / missing[0]} is not there: is that a build folder, and "
                     "built?")
    return arguments


def open_overlay(arguments, lab, users, roles):
    """The overlay of a worker."""
    programs = {name: arguments.build / path for name, path in PROGRAMS.items()}
    options = () if arguments.without_ice else ("--ice",)
    return LabOverlay(lab, programs, users, options, roles)


def fill_cells(arguments, mode, tasks, put):
    """In a worker: fills cells of one mode; puts (pair, cell, where its logs are)."""
    with Lab() as lab:
        overlay = open_overlay(arguments, lab, (), MODES[mode])
        cells = Cells(lab, overlay)
        for pair in tasks:
            cell = cells.fill(pair, can_link(*pair, mode == "with_turn"), can_punch(*pair))
            logs = None
            if cell.cell == "fail":
                lab.keeps_folder = True
                logs = overlay.keep_logs("-".join(pair))
            put((pair, cell, logs))
        overlay.stop()


def run_mode(arguments, mode, say):
    """All cells of one mode: {caller: {callee: Cell}}."""
    # what theory excludes takes longest, so it comes first
    pairs = sorted(arguments.pairs, key=lambda pair: can_link(*pair, mode == "with_turn"))
    cells = {}
    for (one, other), cell, logs in share(functools.partial(fill_cells, arguments, mode), pairs,
                                          arguments.parallel):
        cells.setdefault(one, {})[other] = cell
        say(f"{mode}: {one} calls {other}: {cell.in_words()}" + (f" ({logs})" if logs else ""))
    return cells


def measure_figures(arguments, tasks, put):
    """In a worker: measures figures; puts (name, figure, where its logs are)."""
    with Lab(arguments.build / WAN) as lab:
        overlay = open_overlay(arguments, lab, USERS, ())
        scene = figures.Scene(lab, overlay, arguments.short)
        for name in tasks:
            figure = figures.measure(scene, name)
            lab.keeps_folder = lab.keeps_folder or not figure.is_ok
            put((name, figure, None if figure.is_ok else overlay.keep_logs(name)))
        overlay.stop()


def run_figures(arguments, say):
    """All figures that are asked for: {name: Figure}."""
    result = {}
    for name, figure, logs in share(functools.partial(measure_figures, arguments),
                                    arguments.figures, arguments.parallel):
        result[name] = figure
        say(f"{name}: {figure}" + (f" ({logs})" if logs else ""))
    return result


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


def is_bad(result):
    """Whether anything in it is not what it should be."""
    return any(not one.is_ok for part in result.values() for row in part.values()
               for one in (row.values() if isinstance(row, dict) else [row]))


def main():
    """Runs the modes that are asked for."""
    arguments = read_arguments()
    needed = ["sipp"] if arguments.figures else [] if arguments.only == "without_turn" \
        else ["turnserver"]
    missing = [name for name in needed if not shutil.which(name)]
    reason = Lab.unusable() or (f"{missing[0]} is missing" if missing else None)
    if reason:
        print(f"nat-matrix: skipped: {reason}", file=sys.stderr)
        sys.exit(77)
    out = sys.stderr if arguments.json else sys.stdout
    begin = time.monotonic()

    def say(text):
        print(f"{time.monotonic() - begin:6.1f} s  {text}", file=out, flush=True)

    try:
        if arguments.figures:
            result = {"figures": run_figures(arguments, say)}
        else:
            result = {mode: run_mode(arguments, mode, say)
                      for mode in ([arguments.only] if arguments.only else MODES)}
    except WorkerError as error:
        sys.exit(f"nat-matrix: {error}")
    for mode, cells in result.items():
        if mode in MODES:
            print(f"\n{table(mode, cells)}", file=out)
    if arguments.json:
        print(json.dumps(result, default=lambda one: one.as_json()))
    sys.exit(is_bad(result))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
