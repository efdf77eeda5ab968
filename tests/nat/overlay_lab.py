"""overlay_lab.py: an overlay of real processes in a lab: enrolment server and first peers with
public addresses, and a node with a phone at each site.

SPDX-License-Identifier: BSD-2-Clause
"""
import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools/demo"))

from lab import Lab  # noqa: E402
from overlay import NAME, Enrolment, Peer  # noqa: E402
from processes import DemoError  # noqa: E402

PORT, SIP_PORT, HTTPS_PORT, TURN_PORT = 6084, 5060, 8443, 3478
ERROR_TEXT_MAX = 2000
JOIN_LIMIT_S = 40
USERS = ("alice", "bob")
FIRST_PEERS = 3  # with public addresses; also the bootstrap nodes


class HostProcesses:
    """Processes of tools/demo/processes.py, but inside one host of a lab."""

    def __init__(self, host, folder):
        self.host, self.folder = host, folder
        self.running = []

    def start(self, name, arguments):
        """Starts a process in the background, its output in NAME.log."""
        with open(self.folder / f"{name}.log", "wb") as log:
            process = self.host.start(name, arguments, stdout=log, stderr=log, cwd=self.folder)
        self.running.append((name, process))
        return process

    def run(self, name, arguments, limit_s=30):
        """Runs a process to its end and returns what it wrote; DemoError when it fails."""
        try:
            done = subprocess.run(self.host.inside(arguments), stdin=subprocess.DEVNULL,
                                  capture_output=True, cwd=self.folder, timeout=limit_s,
                                  check=False)
        except subprocess.TimeoutExpired:
            raise DemoError(f"{name}: not done after {limit_s} s") from None
        if done.returncode != 0:
            text = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise DemoError(f"{name}: {text[-ERROR_TEXT_MAX:] or f'exit code {done.returncode}'}")
        return done.stdout.decode(errors="replace")

    def run_any(self, name, arguments, limit_s):
        """Runs a process to its end, whatever its exit code."""
        try:
            self.run(name, arguments, limit_s)
        except DemoError:
            pass

    def forget(self, process):
        """It has ended as it should."""
        self.running = [entry for entry in self.running if entry[1] is not process]

    def check(self):
        """DemoError when a process that should be running has ended."""
        for name, process in self.running:
            if process.poll() is not None:
                raise DemoError(f"{name} ended with exit code {process.returncode}: "
                                f"{self.last_lines(name)}")

    def last_lines(self, name, count=3):
        """The end of a process's log."""
        lines = (self.folder / f"{name}.log").read_text(errors="replace").splitlines()
        return " | ".join(lines[-count:]) or "it said nothing"

    def stop(self, grace_s=5.0):
        """Asks all to end, and ends those that do not."""
        for _, process in self.running:
            process.terminate()
        until = time.monotonic() + grace_s
        for _, process in self.running:
            try:
                process.wait(max(0.05, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()


class LabEnrolment(Enrolment):
    """The enrolment server, at a public address; everybody enrols there."""

    def __init__(self, programs, host, folder, bootstraps, options):
        # not the base's: that one is made for 127.0.0.1
        self.programs, self.folder = programs, folder
        self.processes = HostProcesses(host, folder)
        self.home = folder / "enrolld"
        self.port = HTTPS_PORT
        self.url = f"https://{host.address}:{self.port}/.well-known/reload-config"
        self.processes.run("reload-enrolld init", [
            programs["reload-enrolld"], "init", self.home, "--overlay", NAME, "--host",
            host.address, "--listen", host.address, "--port", str(self.port), *options,
            *(text for one in bootstraps for text in ("--bootstrap", f"{one}:{PORT}"))])


class LabPeer(Peer):
    """One reloadd in a host of the lab."""

    def __init__(self, host, folder, user):
        super().__init__(HostProcesses(host, folder), folder, user, PORT, "dtls")
        self.host = host
        self.node_id = None

    def configure(self, first=False, phones=False, roles=()):
        """Writes the configuration file."""
        roles = [*roles, *(("registrar", "proxy") if phones else ())]
        lines = ["[node]", "document = overlay.xml", "certificate = node.crt", "key = node.key",
                 f"listen = {self.host.address}:{PORT}", f"control = {self.control}",
                 f"first-node = {'yes' if first else 'no'}", "log = debug"]
        if roles:
            lines.append(f"roles = {', '.join(roles)}")
        if phones:
            self.sip_port = SIP_PORT
            lines += ["[sip]", f"listen = 127.0.0.1:{SIP_PORT}", "rtp-relay = on"]
        if "turn" in roles:
            lines += ["[turn]", f"listen = {self.host.address}:{TURN_PORT}"]
        (self.folder / "reloadd.conf").write_text("\n".join(lines) + "\n")

    def wait_peer(self, limit_s):
        """Waits until the node has a link to all its neighbours-to-be; some need a relay for that,
        and look for relays as clients (join_ms tells when it had joined as such)."""
        until = self.started + limit_s
        while self.ask("status")["client"]:
            self.processes.check()
            if time.monotonic() > until:
                raise DemoError(f"{self.user} is no peer after {limit_s} s, but a client: "
                                + self.processes.last_lines(self.user))
            time.sleep(0.05)

    def pid(self):
        """Of the node itself."""
        return next(process.pid for name, process in self.processes.running if name == self.user)

    def begin(self, command, **arguments):
        """Sends one command and does not wait for its result. Returns the connection."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(str(self.control))
        connection.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
        return connection

    def stop(self):
        """Ends the node and its phone."""
        self.processes.stop()

    def path_to(self, other_id):
        """How this node is linked to another, in the node's own words, or None."""
        for peer in self.ask("peers")["peers"]:
            if peer["node_id"] == other_id:
                return peer.get("path") or peer.get("link")
        return None


class LabOverlay:
    """The part with public addresses: it stays up while sites come and go."""

    def __init__(self, lab, programs, users, options=("--ice",), roles=(), bootstraps=1):
        """|users|: who will have nodes at sites; |roles|: of the last of the first peers, such as
        turn; |bootstraps|: how many of them the document names (the founder waits some seconds for
        the others, so more than one takes longer to begin)."""
        self.lab, self.programs = lab, programs
        self.folder = lab.folder / f"overlay{len(lab.hosts)}"
        self.folder.mkdir()
        hosts = [lab.server(f"first{i}") for i in range(FIRST_PEERS)]
        office = lab.server("enrolld")
        self.enrolment = LabEnrolment(programs, office, self.folder,
                                      [host.address for host in hosts[:bootstraps]], options)
        names = [f"first{i}" for i in range(FIRST_PEERS)]
        self.enrolment.serve()
        self.identities = {}
        self.enrol(*names, *users)
        self.first = [LabPeer(host, self.folder, name) for host, name in zip(hosts, names)]
        for i, peer in enumerate(self.first):
            peer.configure(first=i == 0, roles=roles if i == FIRST_PEERS - 1 else ())
            peer.start(programs["reloadd"])
            peer.wait_joined()

    def enrol(self, *users):
        """Gives each of |users| an account and a certificate."""
        for user in users:
            self.enrolment.add_user(user)
            self.identities[user] = self.enrolment.enrol(user)

    def node(self, place, user, limit_s=JOIN_LIMIT_S, is_peer=True):
        """Starts the node of |user| at |place|, a site or a host, which serves phones. |is_peer|:
        it can become one. Returns it."""
        peer = LabPeer(getattr(place, "host", place), self.folder, user)
        peer.node_id = self.identities[user]["node_id"]
        peer.configure(phones=True)
        try:
            peer.start(self.programs["reloadd"])
            peer.wait_joined(limit_s)
            if is_peer:
                peer.wait_peer(limit_s)
        except BaseException:
            peer.stop()
            raise
        return peer

    def keep_logs(self, name):
        """What the nodes at the sites wrote is kept beside the next ones'. Returns where."""
        kept = self.folder / name
        kept.mkdir(exist_ok=True)
        for log in self.folder.glob("*.log"):
            shutil.copy(log, kept)
        return kept

    def stop(self):
        """Ends all of it."""
        for peer in self.first:
            peer.stop()
        self.enrolment.processes.stop()


def main_of_test(name, run, *needed):
    """Calls |run| with the build folder of the command line; exit code 77 where there can be no
    lab, or where one of the programs |needed| is missing."""
    missing = [program for program in needed if not shutil.which(program)]
    reason = Lab.unusable() or (f"{missing[0]} is missing" if missing else None)
    if reason:
        print(f"{name}: skipped: {reason}", file=sys.stderr)
        sys.exit(77)
    try:
        run(Path(sys.argv[1]).resolve())
    except DemoError as error:
        sys.exit(f"{name}: {error}")
