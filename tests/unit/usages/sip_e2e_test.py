#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""sip_e2e_test.py ENROLLD RELOADD RELOAD SCENARIOS: SIP through real processes on loopback.

Four nodes of one overlay, links of both kinds between them; alice's and bob's serve phones. sipp
places calls; what goes wrong in calls (404, 403, 480, CANCEL) is asked for by phones written here.
RFC 7904; the answers to unknown, unreachable and false addresses.
"""
import ctypes
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

OVERLAY = "sip.example"
LIMIT_S = 20


def die_with_parent():
    """In the child: it ends with this script, however that ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def free_port():
    """A port of 127.0.0.1 that is free for UDP and TCP."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            return tcp.getsockname()[1]


def wait_for(what, condition):
    """Waits until |condition| gives something true, and returns it."""
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    raise AssertionError(f"not within {LIMIT_S} s: {what}")


def is_bound(port, transport):
    """Whether somebody serves |port| of this host by sipp's |transport|."""
    table = "udp" if transport == "u1" else "tcp"
    lines = pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    return any(int(line.split()[1].split(":")[1], 16) == port and
               (table == "udp" or line.split()[3] == "0A") for line in lines)


class World:
    """An enrolment server and nodes, each in its folder."""

    def __init__(self, folder, enrolld, reloadd, reload):
        self.folder, self.enrolld, self.reloadd, self.reload = folder, enrolld, reloadd, reload
        self.running, self.sip_ports, self.nodes = [], {}, {}
        self.https, self.bootstrap = free_port(), free_port()
        (folder / "password").write_text("correct horse\n")

    def run(self, *arguments):
        """Runs a program to its end."""
        done = subprocess.run(arguments, cwd=self.folder, capture_output=True, text=True,
                              timeout=LIMIT_S, check=False)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, name, *arguments):
        """Starts a program, its output in NAME.log."""
        with open(self.folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(arguments, cwd=self.folder, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, preexec_fn=die_with_parent)
        self.running.append(process)
        return process

    def found(self, users):
        """Makes the overlay, its users and its server."""
        self.run(self.enrolld, "init", "e", "--overlay", OVERLAY, "--host", "127.0.0.1",
                 "--port", str(self.https), "--bootstrap", f"127.0.0.1:{self.bootstrap}",
                 "--gateway", f"carol@{OVERLAY}")
        for user in users:
            self.run(self.enrolld, "user", "add", user, "--dir", "e",
                     "--password-file", "password")
        self.start("enrolld", self.enrolld, "serve", "e")
        wait_for("enrolment server",
                 lambda: socket.socket().connect_ex(("127.0.0.1", self.https)) == 0)

    def add(self, user, number):
        """Enrols |user|, starts its node and waits until it joined."""
        self.run(self.reload, "enrol", "--user", user, "--out", user, "--ca", "e/ca.crt", "--url",
                 f"https://127.0.0.1:{self.https}/.well-known/reload-config",
                 "--password-file", "password")
        self.sip_ports[user] = free_port()
        port = free_port() if number else self.bootstrap
        (self.folder / user / "node.conf").write_text(
            f"[node]\ndocument = overlay.xml\ncertificate = node.crt\nkey = node.key\n"
            f"listen = 127.0.0.1:{port}\nprefer = {'tls' if number % 2 else 'dtls'}\n"
            f"first-node = {'no' if number else 'yes'}\ncontrol = s\n"
            f"roles = registrar, proxy\n[sip]\nlisten = 127.0.0.1:{self.sip_ports[user]}\n")
        self.nodes[user] = self.start(user, self.reloadd, "--config", f"{user}/node.conf")
        wait_for(f"{user} joined", lambda: self.is_joined(user))

    def is_joined(self, user):
        """Whether the node says that it is part of the ring."""
        done = subprocess.run([self.reload, "status", "--socket", f"{user}/s", "--json"],
                              cwd=self.folder, capture_output=True, text=True, check=False)
        return '"state":"joined"' in done.stdout or '"joined":true' in done.stdout

    def end(self):
        """Ends every process that was started here."""
        for process in self.running:
            if process.poll() is None:
                process.terminate()
        for process in self.running:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


class Phone:
    """A phone by UDP, of |user|, at that user's node."""

    def __init__(self, world, user):
        self.user, self.node = user, ("127.0.0.1", world.sip_ports[user])
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.count = 0

    def request(self, method, to, source=None, headers="", body="", branch=None, contact=None):
        """Sends a request to address |to|; returns its branch."""
        self.count += 1
        branch = branch or f"z9hG4bK{self.port}x{self.count}"
        contact = contact or f"<sip:{self.user}@127.0.0.1:{self.port}>"
        source = source or f"{self.user}@{OVERLAY}"
        uri = f"sip:{OVERLAY}" if method == "REGISTER" else f"sip:{to}"
        number = 1 if method in ("INVITE", "CANCEL", "ACK") else self.count
        self.socket.sendto(
            (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{self.port};branch={branch}\r\n"
             f"Max-Forwards: 70\r\nFrom: <sip:{source}>;tag=f{self.port}\r\nTo: <sip:{to}>\r\n"
             f"Call-ID: {branch if method in ('INVITE', 'CANCEL', 'ACK') else self.port}\r\n"
             f"CSeq: {number} {method}\r\nContact: {contact}\r\n"
             f"{headers}Content-Length: {len(body)}\r\n\r\n{body}").encode(), self.node)
        return branch

    def expect(self, begin, limit_s=LIMIT_S):
        """Waits for a message that begins with |begin|; before it only provisional answers."""
        self.socket.settimeout(limit_s)
        while True:
            text = self.socket.recv(65536).decode()
            if text.startswith(begin):
                return text
            assert text.startswith("SIP/2.0 1"), f"instead of {begin}: {text}"

    def answer(self, request, status):
        """Answers |request|."""
        keep = re.findall(r"^(?:Via|Record-Route|From|Call-ID|CSeq): .*\r\n", request, re.M | re.I)
        to = re.search(r"^To: .*(?=\r\n)", request, re.M | re.I).group()
        self.socket.sendto((f"SIP/2.0 {status}\r\n{''.join(keep)}{to};tag=t\r\n"
                            f"Content-Length: 0\r\n\r\n").encode(), self.node)

    def register(self, expires=600, contact=None):
        """Registers here for |expires| seconds."""
        self.request("REGISTER", f"{self.user}@{OVERLAY}", headers=f"Expires: {expires}\r\n",
                     contact=contact)
        self.expect("SIP/2.0 200")


def sipp(world, scenarios, user, scenario, port, calls, transport, *more):
    """The command line of sipp as |user|'s phone."""
    return ["sipp", "-sf", str(scenarios / scenario), "-i", "127.0.0.1", "-p", str(port),
            "-t", transport, "-m", str(calls), "-r", "20", "-nostdin", "-timeout", f"{LIMIT_S}s",
            "-timeout_error", "-key", "user", user, "-key", "overlay", OVERLAY,
            *more, f"127.0.0.1:{world.sip_ports[user]}"]


def calls_by_sipp(world, scenarios, calls, transport):
    """bob registers and answers, alice calls: sipp on both sides."""
    bob_port = free_port()
    world.run(*sipp(world, scenarios, "bob", "register.xml", bob_port, 1, transport))
    callee = world.start("callee", *sipp(world, scenarios, "bob", "callee.xml", bob_port, calls,
                                         transport))
    wait_for("sipp", lambda: is_bound(bob_port, transport))
    world.run(*sipp(world, scenarios, "alice", "caller.xml", free_port(), calls, transport,
                    "-key", "callee", "bob"))
    assert callee.wait(LIMIT_S) == 0, "the called sipp failed"
    Phone(world, "bob").register(0, "*")


def wrong_addresses(world):
    """Who is not there, and who is somebody else."""
    alice = Phone(world, "alice")
    alice.request("INVITE", f"nobody@{OVERLAY}")
    alice.expect("SIP/2.0 404")
    alice.request("INVITE", "bob@elsewhere.example")
    alice.expect("SIP/2.0 404")
    alice.request("INVITE", f"bob@{OVERLAY}", source=f"bob@{OVERLAY}")
    alice.expect("SIP/2.0 403")
    alice.request("REGISTER", f"bob@{OVERLAY}")
    alice.expect("SIP/2.0 403")
    alice.socket.sendto(b"INVITE nonsense\r\n\r\n", alice.node)


def gateway(world):
    """carol's node is a gateway: it may bring calls of strangers, marked, but of nobody inside."""
    carol, dave, bob = Phone(world, "carol"), Phone(world, "dave"), Phone(world, "bob")
    bob.register()
    carol.request("INVITE", f"bob@{OVERLAY}", source="stranger@elsewhere.example")
    invite = bob.expect("INVITE ")
    assert re.search(r'^From: "\[unverified\]" *<sip:stranger@elsewhere', invite, re.M), invite
    bob.answer(invite, "486 Busy Here")
    bob.expect("ACK ")
    carol.expect("SIP/2.0 486")
    carol.request("INVITE", f"bob@{OVERLAY}", source=f"alice@{OVERLAY}")
    carol.expect("SIP/2.0 403")
    dave.request("INVITE", f"bob@{OVERLAY}", source="stranger@elsewhere.example")
    dave.expect("SIP/2.0 403")
    bob.register(0, "*")


def messages_and_cancel(world):
    """A MESSAGE, a call that is cancelled, and a phone that goes away."""
    alice, bob = Phone(world, "alice"), Phone(world, "bob")
    bob.register()
    alice.request("MESSAGE", f"bob@{OVERLAY}", body="hello, bob")
    message = bob.expect("MESSAGE ")
    assert message.endswith("\r\n\r\nhello, bob"), message
    bob.answer(message, "200 OK")
    alice.expect("SIP/2.0 200")
    branch = alice.request("INVITE", f"bob@{OVERLAY}")
    invite = bob.expect("INVITE ")
    bob.answer(invite, "180 Ringing")
    alice.expect("SIP/2.0 180")
    alice.request("CANCEL", f"bob@{OVERLAY}", branch=branch)
    alice.expect("SIP/2.0 200")
    bob.answer(bob.expect("CANCEL "), "200 OK")
    bob.answer(invite, "487 Request Terminated")
    bob.expect("ACK ")
    alice.expect("SIP/2.0 487")
    alice.request("ACK", f"bob@{OVERLAY}", branch=branch)
    bob.register(0, "*")
    alice.request("INVITE", f"bob@{OVERLAY}")
    alice.expect("SIP/2.0 404")


def leaving(world):
    """dave's node leaves in good order: nobody waits for it any more."""
    alice, dave = Phone(world, "alice"), Phone(world, "dave")
    dave.register()
    world.run(world.reload, "leave", "--socket", "dave/s")
    world.nodes["dave"].wait(LIMIT_S)
    begin = time.monotonic()
    alice.request("INVITE", f"dave@{OVERLAY}")
    alice.expect("SIP/2.0 404")
    seconds = time.monotonic() - begin
    assert seconds <= 2, f"404 after {seconds:.1f} s"


def unreachable(world):
    """bob's node dies without a word: a link to it stood, its registration still stands."""
    alice, bob = Phone(world, "alice"), Phone(world, "bob")
    bob.register()
    time.sleep(1)  # bob's own node may hold it: the replicas are made after the answer (10.4)
    world.nodes["bob"].kill()
    begin = time.monotonic()
    alice.request("INVITE", f"bob@{OVERLAY}")
    alice.expect("SIP/2.0 480", 20)
    seconds = time.monotonic() - begin
    assert seconds <= 15, f"480 after {seconds:.1f} s"
    print(f"480 after {seconds:.1f} s")


def main():
    """Runs everything; exit code 0 when all is well."""
    programs = [str(pathlib.Path(argument).resolve()) for argument in sys.argv[1:4]]
    scenarios = pathlib.Path(sys.argv[4]).resolve()
    if not shutil.which("sipp"):
        print("sipp is not installed")
        return 77
    with tempfile.TemporaryDirectory(prefix="sip-") as name:
        world = World(pathlib.Path(name), *programs)
        users = ["carol", "dave", "alice", "bob"]
        try:
            world.found(users)
            for number, user in enumerate(users):
                world.add(user, number)
            calls_by_sipp(world, scenarios, 3, "u1")
            calls_by_sipp(world, scenarios, 3, "t1")
            wrong_addresses(world)
            gateway(world)
            messages_and_cancel(world)
            leaving(world)
            unreachable(world)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            print(f"FAILED: {error!r}")
            for log in sorted(pathlib.Path(name).glob("*.log")):
                lines = log.read_text(errors="replace").splitlines()
                print(f"--- {log.name}", *lines[-8:], sep="\n")
            return 1
        finally:
            world.end()
    print("calls by sipp, 404, 403, a gateway, MESSAGE, CANCEL, unregistering, leaving and 480: "
          "as they should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
