"""overlay.py: the demo's overlay: an enrolment server and peers, each a process of its own.

SPDX-License-Identifier: BSD-2-Clause
"""
import json
import socket
import time

from processes import DemoError, free_port

NAME = "demo.example.org"
KIND = 0xF0000001  # a private Kind: single value, stored under the user's own name
LINKS = ["dtls", "tls"]


class Enrolment:
    """The enrolment and configuration server."""

    def __init__(self, programs, processes, folder, bootstrap_port, arguments=()):
        self.programs, self.processes, self.folder = programs, processes, folder
        self.home = folder / "enrolld"
        self.port = free_port()
        processes.run("reload-enrolld init", [
            programs["reload-enrolld"], "init", self.home, "--overlay", NAME,
            "--host", "127.0.0.1", "--port", str(self.port),
            "--bootstrap", f"127.0.0.1:{bootstrap_port}",
            "--kind", f"{KIND:#x}=single,user-match", *arguments])
        self.url = f"https://127.0.0.1:{self.port}/.well-known/reload-config"

    def add_user(self, user):
        """Gives |user| an account with a password of its own."""
        path = self.folder / f"{user}.password"
        path.touch(mode=0o600)
        path.write_text(f"secret of {user}\n")
        self.processes.run(f"user add {user}", [
            self.programs["reload-enrolld"], "user", "add", user, "--password-file", path,
            "--dir", self.home])

    def serve(self, limit_s=10):
        """Starts the server and waits until it says that it is ready."""
        self.processes.start("enrolld", [self.programs["reload-enrolld"], "serve", self.home])
        log = self.folder / "enrolld.log"
        until = time.monotonic() + limit_s
        while "ready" not in log.read_text():
            self.processes.check()
            if time.monotonic() > until:
                raise DemoError("the enrolment server is not ready: "
                                + self.processes.last_lines("enrolld"))
            time.sleep(0.02)

    def enrol(self, user):
        """Gets a key and a certificate for |user|. Returns what `reload enrol` says."""
        return json.loads(self.processes.run(f"reload enrol {user}", [
            self.programs["reload"], "enrol", "--url", self.url, "--user", user,
            "--password-file", self.folder / f"{user}.password",
            "--ca", self.home / "ca.crt", "--out", self.folder / user, "--json"]))


class Peer:
    """One reloadd."""

    def __init__(self, processes, folder, user, port, links):
        self.processes, self.user, self.port, self.links = processes, user, port, links
        self.folder = folder / user
        self.control = folder / f"{user}.sock"
        self.sip_port = None
        self.join_ms = None
        self.started = None

    def configure(self, first, phones):
        """Writes the configuration file; with |phones| the peer serves SIP phones."""
        lines = ["[node]", "document = overlay.xml", "certificate = node.crt", "key = node.key",
                 f"listen = 127.0.0.1:{self.port}", f"prefer = {self.links}",
                 f"control = {self.control}", f"first-node = {'yes' if first else 'no'}"]
        if phones:
            self.sip_port = free_port()
            lines += ["roles = registrar, proxy", "[sip]", f"listen = 127.0.0.1:{self.sip_port}"]
        (self.folder / "reloadd.conf").write_text("\n".join(lines) + "\n")

    def start(self, program):
        """Starts the process."""
        self.started = time.monotonic()
        self.processes.start(self.user, [program, "--config", self.folder / "reloadd.conf"])

    def ask(self, command, **arguments):
        """Sends one command to the control socket and returns its result."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(30)
            connection.connect(str(self.control))
            request = json.dumps({"command": command, **arguments})
            connection.sendall(request.encode() + b"\n")
            with connection.makefile("r") as answers:
                line = answers.readline()
        if not line:
            raise DemoError(f"{self.user}: no answer to '{command}'")
        answer = json.loads(line)
        if not answer["ok"]:
            raise DemoError(f"{self.user}: {command}: {answer['error']}")
        return answer["result"]

    def wait_joined(self, limit_s=30):
        """Waits until the peer is part of the ring, and notes how long that took."""
        until = self.started + limit_s
        while time.monotonic() < until:
            self.processes.check()
            try:
                if self.ask("status")["joined"]:
                    self.join_ms = (time.monotonic() - self.started) * 1000
                    return
            except (FileNotFoundError, ConnectionRefusedError):
                pass
            time.sleep(0.002)
        raise DemoError(f"{self.user} has not joined after {limit_s} s: "
                        + self.processes.last_lines(self.user))


def ring_is_consistent(peers):
    """Walks the real successor pointers: one cycle through all peers, in the order of their
    Node-IDs, and each peer's predecessor is whose successor it is."""
    routes = {peer.ask("status")["node_id"]: peer.ask("routes") for peer in peers}
    order = sorted(routes)
    at = order[0]
    for expected in order[1:] + order[:1]:
        successors = routes[at]["successors"]
        if len(order) == 1:
            return not successors
        if not successors or successors[0] != expected:
            return False
        predecessors = routes[expected]["predecessors"]
        if not predecessors or predecessors[0] != at:
            return False
        at = expected
    return True


def wait_for_ring(peers, limit_s=15):
    """Gives the last Updates time to arrive. Returns whether the ring is consistent."""
    until = time.monotonic() + limit_s
    while not ring_is_consistent(peers):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
