#!/usr/bin/env python3
"""lab_test.py: the lab is what it says: each kind of NAT has the mapping and filtering of its name,
pairs of NATs let holes be punched or not as theory has it, wires delay and lose, nothing stays.

usage: lab_test.py WAN_PROGRAM. Exit code 77: no lab can be built here.

SPDX-License-Identifier: BSD-2-Clause
"""
import itertools
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from lab import ENVIRONMENT, KINDS, Lab, LabError
from theory import can_punch

HERE = Path(__file__).resolve().parent
PROBE = [sys.executable, HERE / "probe.py"]

EIM, APDM = "endpoint_independent", "address_and_port_dependent"
EIF, ADF, APDF = EIM, "address_dependent", APDM
EXPECTED = {"public": ("none", "none"), "full_cone": (EIM, EIF), "address_restricted": (EIM, ADF),
            "port_restricted": (EIM, APDF), "symmetric": (APDM, APDF), "double_nat": (APDM, APDF),
            "udp_blocked": ("blocked", "blocked")}
BEHIND_NAT = KINDS[1:-1]
TIMEOUT_S = 2
LINKS = ["ip", "-br", "link"]


def check(is_true, what):
    """LabError unless it is so."""
    if not is_true:
        raise LabError(what)


class Probe:
    """A probe in the background that answers line by line."""

    def __init__(self, host, name, *arguments):
        self.process = host.start(name, [*PROBE, *arguments], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)

    def tell(self, *words):
        """Gives it a line."""
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self.process.stdin.flush()

    def hear(self):
        """Waits for its line."""
        line = self.process.stdout.readline()
        check(line, f"the probe ended: {self.process.args[-3:]}")
        return json.loads(line)

    def say(self, *words):
        """One line there, one back."""
        self.tell(*words)
        return self.hear()


class World:
    """A lab with a probe server."""

    def __init__(self, lab):
        self.lab = lab
        self.server = lab.server("stun", addresses=2)
        process = self.server.start("stun", [*PROBE, "server", *self.server.addresses],
                                    stdout=subprocess.PIPE)
        check(process.stdout.readline() == b"ready\n", "the probe server does not start")

    def hold(self, host):
        """A probe that holds a socket at |host|."""
        return Probe(host, "hold", "hold", *self.server.addresses)


# ---- tests ---------------------------------------------------------------------------------------

def test_kinds(world):
    """Mapping and filtering of the seven kinds; TCP gets out of all of them."""
    probes = {kind: Probe(world.lab.site(kind).host, kind, "behaviour", *world.server.addresses)
              for kind in KINDS}
    wrong = []
    for kind, probe in probes.items():
        seen = probe.hear()
        if (seen["mapping"], seen["filtering"]) != EXPECTED[kind] or not seen["tcp"]:
            wrong.append(f"{kind}: {seen}")
        check(kind == "public" or not seen["hairpin"], f"{kind}: a hairpin nobody asked for")
    check(not wrong, "; ".join(wrong))


def test_pairs(world):
    """Two ends behind each pair of kinds punch holes at once: it works where theory says so."""
    sites = {kind: [world.lab.site(kind) for _ in range(2)] for kind in KINDS[:-1]}
    pairs = {}
    for kinds in itertools.combinations_with_replacement(sites, 2):
        ends = [world.hold(sites[kind][i].host) for i, kind in enumerate(kinds)]
        for end in ends:
            end.tell("ask")
        pairs[kinds] = ends
    for ends in pairs.values():
        outside = [end.hear()["mapped"] for end in ends]
        check(all(outside), "no mapping")
        for end, remote in zip(ends, reversed(outside)):
            end.tell("punch", *remote)
    wrong = []
    for kinds, ends in pairs.items():
        linked = [end.hear()["linked"] is not None for end in ends]
        if linked != [can_punch(*kinds)] * 2:
            wrong.append(f"{' x '.join(kinds)}: {linked}")
    check(not wrong, "; ".join(wrong))


def test_hairpin(world):
    """Two hosts behind one box reach each other by their mappings if it turns packets round."""
    held = {}
    for kind, hairpin in itertools.product(("full_cone", "address_restricted", "port_restricted"),
                                           (True, False)):
        site = world.lab.site(kind, hosts=2, hairpin=hairpin)
        ends = [world.hold(host) for host in site.hosts]
        outside = [end.say("ask")["mapped"] for end in ends]
        for end, remote in zip(ends, reversed(outside)):
            end.tell("punch", *remote)
        held[kind, hairpin] = ends, outside
    for (kind, hairpin), (ends, outside) in held.items():
        linked = [end.hear()["linked"] for end in ends]
        check(linked == (outside[::-1] if hairpin else [None, None]),
              f"{kind}, hairpin {hairpin}: {linked}, outside {outside}")


def test_lan(world):
    """Two hosts behind one box reach each other directly, whatever the box does."""
    held = {}
    for kind in KINDS[1:]:
        site = world.lab.site(kind, hosts=2, lan="192.168.1")
        held[kind] = [world.hold(host) for host in site.hosts]
        ports = [end.say("port")["port"] for end in held[kind]]
        for end, host, port in zip(held[kind], reversed(site.hosts), reversed(ports)):
            end.tell("punch", host.address, port)
    for kind, ends in held.items():
        linked = [end.hear()["linked"] for end in ends]
        check(all(linked), f"{kind}: {linked}")


def all_say(probes, *words):
    """Tells all probes the same and returns {name: answer}."""
    for probe in probes.values():
        probe.tell(*words)
    return {name: probe.hear() for name, probe in probes.items()}


def mapped(probes):
    """{name: mapping}, all of them there and open to the end that was asked."""
    answers = {name: answer["mapped"] for name, answer in all_say(probes, "ask").items()}
    check(all(answers.values()), f"no mapping: {answers}")
    heard = all_say(probes, "knock")
    check(all(answer["heard"] for answer in heard.values()), f"not open after an answer: {heard}")
    return answers


def check_closed(probes, what):
    """No mapping lets anything in."""
    heard = all_say(probes, "knock")
    check(not any(answer["heard"] for answer in heard.values()), f"open after {what}: {heard}")


def test_timeout(world):
    """An unused mapping ends after its time; one in use does not."""
    idle, busy = ({kind: world.hold(world.lab.site(kind, timeout_s=TIMEOUT_S).host)
                   for kind in BEHIND_NAT} for _ in range(2))
    mapped(idle)
    mapped(busy)
    until = time.monotonic() + TIMEOUT_S * 2
    while time.monotonic() < until:
        all_say(busy, "ask")
        time.sleep(TIMEOUT_S / 4)
    heard = {kind: probe.say("knock2" if kind == "full_cone" else "knock")["heard"]
             for kind, probe in busy.items()}
    check(all(heard.values()), f"a busy mapping timed out: {heard}")
    check_closed(idle, "its time")


def test_reboot(world):
    """A box that restarts has forgotten its mappings; the next packet out makes another."""
    sites = {kind: world.lab.site(kind) for kind in BEHIND_NAT}
    probes = {kind: world.hold(site.host) for kind, site in sites.items()}
    before = mapped(probes)
    for site in sites.values():
        site.reboot()
    check_closed(probes, "a reboot")
    after = mapped(probes)
    moved = {kind for kind in sites if before[kind] != after[kind]}
    check(moved == {"symmetric", "double_nat"}, f"{before} -> {after}")


def test_renumber(world):
    """A box with another public address maps to that; the old mapping is dead."""
    sites = {kind: world.lab.site(kind) for kind in BEHIND_NAT}
    probes = {kind: world.hold(site.host) for kind, site in sites.items()}
    before = mapped(probes)
    addresses = {kind: site.renumber() for kind, site in sites.items()}
    check_closed(probes, "another address")
    after = mapped(probes)
    for kind, site in sites.items():
        check(after[kind][0] == addresses[kind] != before[kind][0], f"{kind}: {before} -> {after}")
        check(site.renumber() == before[kind][0], f"{kind}: not the first address again")
    check(all(address[0] == before[kind][0] for kind, address in mapped(probes).items()),
          "not mapped to the first address again")


def test_cut(world):
    """A site that is cut off hears nothing until it is healed."""
    site = world.lab.site("port_restricted")
    probe = world.hold(site.host)
    check(probe.say("ask")["mapped"], "no mapping")
    site.cut()
    check(probe.say("ask")["mapped"] is None, "something came through the cut")
    site.heal()
    check(probe.say("ask")["mapped"], "the cut does not heal")


def test_plain_masquerade(world):
    """Linux' NAT as it comes: somebody who knocks too early spoils the mapping towards himself."""
    for kind, is_spoilt in (("plain_masquerade", True), ("port_restricted", False)):
        probe = world.hold(world.lab.site(kind).host)
        first = probe.say("ask")["mapped"]
        check(not probe.say("knock2")["heard"], f"{kind}: a stranger came in")
        second = probe.say("ask2")["mapped"]
        check(second and (second != first) == is_spoilt, f"{kind}: {first}, then {second}")


def long_wire(world, count, **wan):
    """Pings over a long wire, without ARP (which would draw from its dice)."""
    site = world.lab.site("public", wan=wan)
    port = f"site{site.number}"
    ends = ((site.host, "ext", world.lab.internet, port, "192.0.2.1"),
            (world.lab.internet, port, site.host, "ext", site.public))
    for near, interface, far, far_interface, address in ends:
        mac = json.loads(far.run(["ip", "-j", "link", "show", far_interface]))[0]["address"]
        near.ip(f"neigh replace {address} lladdr {mac} dev {interface}")
    return Probe(site.host, "pings", "pings", world.server.address, count)


def test_delay(world):
    """50 ms each way are 100 ms of round trip, and nothing is lost."""
    seen = long_wire(world, 200, delay_ms=50).hear()
    check(len(seen["answered"]) == 200 and seen["copies"] == 0, f"lost {seen}")
    least, middle = seen["rtt_ms"][0], statistics.median(seen["rtt_ms"])
    check(100 <= least < 110 and middle < 130, f"least {least} ms, median {middle} ms")


def test_jitter(world):
    """50 +- 20 ms each way: from 60 to 140 ms, some of them far from the middle."""
    seen = long_wire(world, 300, delay_ms=50, jitter_ms=20, seed=3).hear()
    check(len(seen["answered"]) == 300, f"lost {seen}")
    tenths = statistics.quantiles(seen["rtt_ms"], n=10)
    check(60 <= seen["rtt_ms"][0] and tenths[0] < 90 and tenths[8] > 110, f"tenths {tenths}")


def test_loss(world):
    """10 % each way leave 81 % of round trips; copies come twice; one seed, one fate."""
    runs = [long_wire(world, 1000, loss_percent=10, duplicate_percent=5, seed=seed)
            for seed in (7, 7, 8)]
    first, same, other = [run.hear() for run in runs]
    answered = len(first["answered"])
    check(740 <= answered <= 880, f"{answered} of 1000 answered")
    check(30 <= first["copies"] <= 140, f"{first['copies']} copies")
    check(first["answered"] == same["answered"], "the same seed lost other packets")
    check(first["answered"] != other["answered"], "another seed lost the same packets")


# ---- what stays ----------------------------------------------------------------------------------

def living(namespaces):
    """The processes in |namespaces|, which end with them: {(number, when it began)}. The kernel
    gives the name of a namespace that is gone, and the number of a process, to others at once."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(path / "ns/net") in namespaces:
                began = (path / "stat").read_text().rsplit(")", 1)[1].split()[19]
                found.add((path.name, began))
        except OSError:
            pass
    return found


def linger():
    """A lab that prints its folder and namespaces and stays until it is ended."""
    with Lab() as lab:
        site = lab.site("double_nat")
        site.host.start("sleep", ["sleep", "1000"])
        made = [os.readlink(f"/proc/{host.pid}/ns/net") for host in lab.hosts]
        print(json.dumps([str(lab.folder), *made]), flush=True)
        time.sleep(1000)


def test_nothing_stays(_world):
    """However a lab ends, its namespaces go; this computer's interfaces are as before."""
    links = subprocess.check_output(LINKS, env=ENVIRONMENT)
    runs = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):  # at the same time: no collision
        runs[number] = subprocess.Popen([sys.executable, __file__, "linger"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for number, run in runs.items():
        folder, *made = json.loads(run.stdout.readline())
        processes = living(set(made))
        check(len(set(made)) == 4 <= len(processes), "the lab was not built")
        run.send_signal(number)
        run.wait(10)
        run.stdout.close()
        until = time.monotonic() + 5
        while processes & living(set(made)):
            check(time.monotonic() < until, f"namespaces stay after {number.name}")
            time.sleep(0.05)
        check(number == signal.SIGKILL or not Path(folder).exists(), f"{folder} stays")
        shutil.rmtree(folder, ignore_errors=True)
    check(subprocess.check_output(LINKS, env=ENVIRONMENT) == links, "interfaces have changed")


TESTS = [test_kinds, test_pairs, test_hairpin, test_lan, test_timeout, test_reboot, test_renumber,
         test_cut, test_plain_masquerade, test_delay, test_jitter, test_loss, test_nothing_stays]


def main():
    """All tests, each in a lab of its own."""
    if sys.argv[1] == "linger":
        linger()
    reason = Lab.unusable()
    if reason:
        print(f"lab_test: skipped: {reason}")
        sys.exit(77)
    failed = 0
    chosen = [test for test in TESTS if test.__name__ in sys.argv[2:]] or TESTS
    for test in chosen:
        begin = time.monotonic()
        try:
            with Lab(sys.argv[1]) as lab:
                test(World(lab))
            print(f"ok      {test.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
        except LabError as error:
            failed += 1
            print(f"FAILED  {test.__name__}: {error}", flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
