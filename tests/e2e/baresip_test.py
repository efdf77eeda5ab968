#!/usr/bin/env python3
"""baresip_test.py: real softphones (baresip) in an overlay with ICE: plain ones hear each other
through their nodes' media relays, ones that speak ICE by their own checks and through a TURN server
of the overlay, when nothing else gets through. The tones that they record are measured.

baresip does not use loopback: all of it runs in a network namespace of its own, which ends with it.

usage: baresip_test.py BUILD. Exit code 77: not root, or baresip, turnserver or nft is missing.

SPDX-License-Identifier: BSD-2-Clause
"""
import array
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "media"), str(HERE.parents[1] / "tools/demo")]

from demo import PROGRAMS  # noqa: E402
from overlay import NAME, Enrolment, Peer, wait_for_ring  # noqa: E402
from processes import DemoError, Processes, free_port  # noqa: E402
from tone_phone import RATE, frequency  # noqa: E402

INSIDE = "RELOAD_BARESIP_TEST_INSIDE"
HOST = "192.0.2.10"
RTP_PORTS = "40000-40999"  # baresip's; the nodes' and the relay's lie elsewhere
PLAIN_S, ICE_S = 4, 14  # baresip's checks take 5 s where the first pairs fail
TONES = {"alice": 440, "bob": 523}
MODULES = next((path for path in ("/usr/lib/baresip/modules",) if os.path.isdir(path)), None)

NAMESPACE = [
    "ip link set lo up",
    "ip link add v0 type veth peer name v1",
    f"ip addr add {HOST}/24 dev v0",
    "ip link set v0 up",
    "ip link set v1 up",
    "ip route add default dev v0",
]

# Phones reach each other by nothing but a relay.
WALL = f"""
table inet wall {{
  chain in {{
    type filter hook input priority 0;
    udp sport {RTP_PORTS} udp dport {RTP_PORTS} counter drop
  }}
}}
"""


class World:
    """Three peers with ICE: carol lends a TURN server, alice and bob have phones."""

    def __init__(self, build, folder):
        self.folder, self.processes = folder, Processes(folder)
        programs = {name: build / path for name, path in PROGRAMS.items()}
        port = free_port()
        server = Enrolment(programs, self.processes, folder, port, ["--ice"])
        users = ["carol", "alice", "bob"]
        for user in users:
            server.add_user(user)
        server.serve()
        self.peers = {}
        for i, user in enumerate(users):
            server.enrol(user)
            peer = Peer(self.processes, folder, user, free_port() if i else port, "dtls")
            peer.configure(first=i == 0, phones=i > 0)
            path = peer.folder / "reloadd.conf"
            text = path.read_text().replace(f"127.0.0.1:{peer.sip_port}", f"{HOST}:{peer.sip_port}")
            if i == 0:
                text = text.replace("[node]", "[node]\nroles = turn")
                text += f"[turn]\nlisten = {HOST}:3478\nports = 50300-50400\n"
            else:
                text += "rtp-relay = on\n"
            path.write_text(text)
            peer.start(programs["reloadd"])
            peer.wait_joined()
            self.peers[user] = peer
        if not wait_for_ring(list(self.peers.values())):
            raise DemoError("the ring is not consistent")

    def turn(self, user, limit_s=30):
        """The overlay's TURN server as |user|'s node knows it, as parameters of baresip."""
        until = time.monotonic() + limit_s
        while True:
            relays = self.peers[user].ask("relays")["relays"]
            if relays:
                break
            if time.monotonic() > until:
                raise DemoError(f"{user}'s node finds no TURN server")
            time.sleep(0.1)
        relay = relays[0]
        return (f';medianat=ice;stunserver="turn:{relay["address"]}"'
                f';stunuser="{relay["username"]}";stunpass="{relay["password"]}"')

    def phone(self, user, parameters, *arguments):
        """Starts baresip for |user|; returns its folder and process."""
        folder = Path(tempfile.mkdtemp(prefix=f"{user}-phone-", dir=self.folder))
        write_tone(folder / "tone.wav", TONES[user])
        (folder / "config").write_text(
            f"poll_method epoll\nsip_listen {HOST}:{free_port()}\nrtp_ports {RTP_PORTS}\n"
            f"audio_player aubridge,player\naudio_alert aubridge,alert\n"
            f"audio_source aufile,{folder}/tone.wav\nsnd_path {folder}\nmodule_path {MODULES}\n"
            "module g711.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\n"
            "module stun.so\nmodule turn.so\nmodule ice.so\nmodule_tmp uuid.so\n"
            "module_tmp account.so\nmodule_app menu.so\n")
        (folder / "accounts").write_text(
            f"<sip:{user}@{NAME}>;auth_pass=none;regint=600"
            f';outbound="sip:{HOST}:{self.peers[user].sip_port}"{parameters}\n')
        (folder / "contacts").touch()
        process = self.processes.start(f"{folder.name}", ["baresip", "-f", folder, "-s",
                                                          *arguments])
        return folder, process

    def finish(self, process):
        """Waits until a phone has ended, or ends it."""
        try:
            process.wait(ICE_S + 10)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(10)
        self.processes.running = [(name, other) for name, other in self.processes.running
                                  if other is not process]

    def call(self, parameters, seconds):
        """alice calls bob. Returns the phones' folders by user, with what they recorded."""
        before = self.peers["bob"].ask("status")["sip"]["registers"]
        bob, bobs = self.phone("bob", parameters("bob") + ";answermode=auto", "-t",
                               str(seconds + 6))
        until = time.monotonic() + 10
        while self.peers["bob"].ask("status")["sip"]["registers"] == before:
            if time.monotonic() > until:
                raise DemoError("bob's phone does not register")
            time.sleep(0.1)
        alice, alices = self.phone("alice", parameters("alice"), "-e", f"/dial sip:bob@{NAME}",
                                   "-t", str(seconds))
        self.finish(alices)
        bobs.terminate()
        self.finish(bobs)
        return {"alice": alice, "bob": bob}

    def media(self, user):
        """What the node says of its relay."""
        return self.peers[user].ask("status")["sip"]["media"]


def write_tone(path, hertz):
    """A WAV file of 10 s."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(array.array("h", (round(12000 * math.sin(2 * math.pi * hertz * i / RATE))
                                           for i in range(10 * RATE))).tobytes())


def recorded(folder):
    """The frequency that a phone recorded, in the middle of what came, and its seconds."""
    files = sorted(folder.glob("dump-*-dec.wav"))
    if not files:
        raise DemoError(f"{folder.name}: nothing was recorded")
    with wave.open(str(files[-1]), "rb") as file:
        samples = array.array("h", file.readframes(file.getnframes()))
        # A fifth at each end goes: the call's begin and end.
        middle = samples[len(samples) // 5:-len(samples) // 5]
        return frequency(middle), len(samples) / file.getframerate()


def check_tones(folders):
    """Each phone recorded the other's tone."""
    for user, other in (("alice", "bob"), ("bob", "alice")):
        hertz, seconds = recorded(folders[user])
        print(f"        {user} recorded {seconds:.1f} s of {hertz:.1f} Hz")
        if seconds < 2 or abs(hertz - TONES[other]) > TONES[other] * 0.02:
            raise DemoError(f"{user} did not hear {TONES[other]} Hz")


def test_plain(world):
    """Plain phones, through the nodes' relays: they themselves cannot reach each other."""
    before = world.media("alice")["packets_from_phones"]
    check_tones(world.call(lambda user: "", PLAIN_S))
    packets = world.media("alice")["packets_from_phones"] - before
    if packets < 50 * PLAIN_S / 2:
        raise DemoError(f"the node relayed only {packets} packets")


def test_ice(world):
    """Phones that speak ICE, with the TURN server that their nodes know: nothing is relayed by the
    nodes."""
    before = world.media("alice")["calls"]
    folders = world.call(world.turn, ICE_S)
    log = (world.folder / f"{folders['alice'].name}.log").read_text(errors="replace")
    if " typ relay " not in log:
        raise DemoError("alice's phone offered no relayed candidate")
    check_tones(folders)
    if world.media("alice")["calls"] != before:
        raise DemoError("the node meddled with a phone that speaks ICE")


TESTS = [test_plain, test_ice]


def inside():
    """All tests, within the namespace."""
    for command in NAMESPACE:
        subprocess.run(command.split(), check=True)
    # Free ports are not to be baresip's.
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("50600 59999")
    subprocess.run(["nft", "-f", "-"], input=WALL, text=True, check=True)
    folder = Path(tempfile.mkdtemp(prefix="reload-baresip-test-"))
    world, failed = None, 0
    try:
        world = World(Path(sys.argv[1]).resolve(), folder)
        for test in TESTS:
            try:
                test(world)
                print(f"ok      {test.__name__}")
            except DemoError as error:
                failed += 1
                print(f"FAILED  {test.__name__}: {error}")
    finally:
        if world:
            world.processes.stop()
        if failed == 0:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return failed > 0


def main():
    """Makes the namespace and goes there."""
    missing = [name for name in ("baresip", "turnserver", "nft", "unshare")
               if not shutil.which(name)]
    if os.geteuid() != 0:
        missing.insert(0, "root")
    if missing:
        print(f"baresip_test: skipped: {', '.join(missing)} missing")
        sys.exit(77)
    if INSIDE in os.environ:
        sys.exit(inside())
    probe = subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True)
    if probe.returncode != 0:
        print("baresip_test: skipped: network namespaces are not allowed here")
        sys.exit(77)
    os.execvpe("unshare", ["unshare", "--net", sys.executable, *sys.argv],
               {**os.environ, INSIDE: "yes"})


if __name__ == "__main__":
    main()
