#!/usr/bin/env python3
"""demo.py: a whole overlay on this computer: an enrolment server, peers as separate processes, two
phones that call each other. Started by `./run demo`.

SPDX-License-Identifier: BSD-2-Clause
"""
import argparse
import json
import shutil
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from overlay import KIND, LINKS, NAME, Enrolment, Peer, wait_for_ring
from phones import Phone
from processes import ENDING, DemoError, Processes, free_port

PROGRAMS = {"reload": "tools/reload/reload", "reloadd": "tools/reloadd/reloadd",
            "reload-enrolld": "tools/enrolld/reload-enrolld"}


class Interrupted(Exception):
    """Ctrl-C or a request to end."""


def read_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="./run demo", description="Starts an overlay on this computer: an enrolment server "
        "and peers as separate processes, and two SIP phones that call each other.")
    parser.add_argument("--build", type=lambda path: Path(path).resolve(), required=True,
                        help=argparse.SUPPRESS)
    parser.add_argument("--peers", type=int, default=8, metavar="N",
                        help="peers, those of alice and bob included (2..64; 8)")
    parser.add_argument("--calls", type=int, default=3, metavar="N",
                        help="calls from alice to bob (0..100; 3)")
    parser.add_argument("--ice", action="store_true",
                        help="an overlay whose links are made by ICE, as between NATs")
    parser.add_argument("--keep", action="store_true",
                        help="stay up until Ctrl-C, for your own phone")
    parser.add_argument("--json", action="store_true",
                        help="end with one line of JSON; what happens goes to standard error")
    arguments = parser.parse_args()
    if not 2 <= arguments.peers <= 64 or not 0 <= arguments.calls <= 100:
        parser.error("--peers must be from 2 to 64, --calls from 0 to 100")
    return arguments


class Demo:
    """The story, step by step, and its figures."""

    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.processes = Processes(folder)
        self.programs = {name: arguments.build / path for name, path in PROGRAMS.items()}
        self.out = sys.stderr if arguments.json else sys.stdout
        self.begin = time.monotonic()
        self.peers = []
        self.told = False
        self.figures = {"peers": arguments.peers, "joined": 0, "ring_consistent": False,
                        "registrations": 0, "lookups_ok": 0, "calls_placed": 0,
                        "calls_answered": 0, "calls_completed": 0, "hops_mean": 0.0,
                        "join_ms_p50": 0.0, "fetch_ms_p50": 0.0, "store_ms_p50": 0.0,
                        "call_setup_ms_p50": 0.0, "seconds": 0.0}

    def say(self, text):
        """One step, with the time since the begin."""
        print(f"{time.monotonic() - self.begin:6.1f} s  {text}", file=self.out, flush=True)

    # ---- the steps ---------------------------------------------------------------------------

    def enrol(self):
        """The enrolment server, and credentials for everybody."""
        count = self.arguments.peers
        users = [f"peer{i}" for i in range(1, count - 1)] + ["alice", "bob"]
        first_port = free_port()
        server = Enrolment(self.programs, self.processes, self.folder, first_port,
                           arguments=["--ice"] if self.arguments.ice else [])
        self.say(f"made the overlay {NAME}: its CA, a signed configuration document, an HTTPS "
                 f"server on port {server.port}")
        for user in users:
            server.add_user(user)
        server.serve()
        for i, user in enumerate(users):
            identity = server.enrol(user)
            port = first_port if i == 0 else free_port()
            self.peers.append(Peer(self.processes, self.folder, user, port,
                                   LINKS[i % len(LINKS)]))
            if user in ("alice", "bob"):
                self.say(f"{user} enrolled with name and password: certificate for "
                         f"{identity['user']}, Node-ID {identity['node_id']}")
        self.say(f"{count} users enrolled; from now on the server is not needed")

    def join(self):
        """Peers start one after the other and join the ring."""
        for i, peer in enumerate(self.peers):
            peer.configure(first=i == 0, phones=peer.user in ("alice", "bob"))
            peer.start(self.programs["reloadd"])
            peer.wait_joined()
            self.figures["joined"] += 1
            self.say(f"{peer.user} joined the ring in {peer.join_ms:.0f} ms"
                     + (" (it founded it)" if i == 0 else f" (offers {peer.links} first)"))
        self.figures["join_ms_p50"] = statistics.median(p.join_ms for p in self.peers[1:])
        self.figures["ring_consistent"] = wait_for_ring(self.peers)
        if not self.figures["ring_consistent"]:
            raise DemoError("walked the successors: they are not one ring in order")
        self.say("walked the successors: one ring, in order")
        kinds = {link["link"] for peer in self.peers for link in peer.ask("peers")["peers"]}
        self.say("links in use: " + ", ".join(sorted(kinds)))

    def store_and_fetch(self):
        """Every peer keeps a record in the ring; others read them."""
        stores, fetches, hops, found = [], [], [], 0
        for peer in self.peers:
            name = f"{peer.user}@{NAME}"
            begin = time.monotonic()
            answer = peer.ask("store", kind=KIND, name=name, text=f"{peer.user} was here")
            stores.append(answer.get("elapsed_ms", (time.monotonic() - begin) * 1000))
        for i, peer in enumerate(self.peers):
            for step in (1, 2, 3):
                owner = self.peers[(i + step) % len(self.peers)]
                answer = peer.ask("fetch", kind=KIND, name=f"{owner.user}@{NAME}")
                values = [v for v in answer["values"] if v["exists"]]
                found += [v.get("text") for v in values] == [f"{owner.user} was here"]
                fetches.append(answer["elapsed_ms"])
                hops.append(answer["hops"])
        self.figures["store_ms_p50"] = statistics.median(stores)
        self.figures["fetch_ms_p50"] = statistics.median(fetches)
        self.figures["hops_mean"] = round(statistics.mean(hops), 2)
        self.figures["lookups_ok"] = found
        self.say(f"stored {len(stores)} signed records, {found} of {len(fetches)} lookups found "
                 f"theirs ({self.figures['hops_mean']} hops on average)")
        if found != len(fetches):
            raise DemoError("records are missing")

    def register(self):
        """The phones register; their addresses are in the ring then."""
        by_user = {peer.user: peer for peer in self.peers}
        phones = {}
        for user in ("alice", "bob"):
            phones[user] = Phone(self.processes, self.folder, by_user[user])
            elapsed = phones[user].register()
            self.figures["registrations"] += 1
            self.say(f"{user}'s phone registered at {user}'s own peer in {elapsed:.0f} ms: "
                     f"sip:{user}@{NAME} is a signed record in the ring now")
        target = by_user["alice"].ask("lookup", aor=f"bob@{NAME}")["targets"][0]
        self.say(f"alice's peer looks up bob@{NAME}: Node-ID {target['node_id']}")
        return phones

    def call(self, phones):
        """alice calls bob."""
        phones["bob"].answer()
        time.sleep(0.3)
        setups = []
        for i in range(self.arguments.calls):
            self.figures["calls_placed"] += 1
            elapsed = phones["alice"].call("bob")
            self.figures["calls_answered"] += 1
            self.figures["calls_completed"] += 1
            setups.append(elapsed)
            self.say(f"call {i + 1}: bob's phone answered after {elapsed:.0f} ms, the call was "
                     "held and ended; its SIP went over one direct link between the two peers")
        if setups:
            self.figures["call_setup_ms_p50"] = statistics.median(setups)

    def print_settings(self):
        """For people with a phone of their own."""
        by_user = {peer.user: peer for peer in self.peers}
        for user in ("alice", "bob"):
            print(f"\nYour own phone as {user} (with --keep): address sip:{user}@{NAME}, no "
                  f"password,\n  outbound proxy and registrar sip:127.0.0.1:"
                  f"{by_user[user].sip_port} by UDP or TCP, no STUN, no ICE;"
                  f"\n  then call sip:{'bob' if user == 'alice' else 'alice'}@{NAME}",
                  file=self.out)

    def tell(self):
        """The whole story."""
        self.enrol()
        self.join()
        self.store_and_fetch()
        phones = self.register()
        self.call(phones)
        self.figures["seconds"] = round(time.monotonic() - self.begin, 1)
        self.say("done")
        self.print_settings()
        self.told = True
        if self.arguments.keep:
            self.keep()

    def keep(self):
        """Stays up until Ctrl-C; a peer may be told to leave meanwhile."""
        self.say(f"everything stays up until Ctrl-C; look at it with\n\n    ./run reload "
                 f"status --socket {self.peers[0].control}\n\n(the other peers' sockets are "
                 "beside it)")
        while True:
            time.sleep(1)
            for name in self.processes.take_ended():
                self.say(f"{name} has ended in good order")
            self.processes.check()


def ignore_interrupts():
    """The demo is ending already."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


def interrupt(_signal, _frame):
    """Turns the first SIGINT or SIGTERM into an exception, so that all processes are ended."""
    ignore_interrupts()
    raise Interrupted


def main():
    """Runs the demo and cleans up, whatever happens."""
    arguments = read_arguments()
    for number in ENDING:
        signal.signal(number, interrupt)
    if not shutil.which("sipp"):
        sys.exit("demo: sipp is missing: apt-get install sip-tester")
    folder = Path(tempfile.mkdtemp(prefix="reload-demo-"))
    demo = Demo(arguments, folder)
    status = 1
    try:
        demo.tell()
        status = 0
    except Interrupted:
        status = 0 if demo.told else 130
    except DemoError as error:
        print(f"demo: {error}\ndemo: the logs are in {folder}", file=sys.stderr)
    finally:
        ignore_interrupts()
        demo.processes.stop()
    if status != 1:
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.json:
        demo.figures["seconds"] = round(time.monotonic() - demo.begin, 1)
        print(json.dumps(demo.figures), flush=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
