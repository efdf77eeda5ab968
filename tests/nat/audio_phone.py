"""audio_phone.py: a plain phone beside a node in a lab, which speaks and listens.

It is tests/e2e/media/tone_phone.py, and knows nothing of NATs or ICE: its node takes its audio to
the other side (rtp-relay).

SPDX-License-Identifier: BSD-2-Clause
"""
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from overlay_lab import NAME, DemoError

PROGRAM = Path(__file__).resolve().parents[1] / "e2e/media/tone_phone.py"
CALLER_HZ, CALLEE_HZ = 440, 523  # their tones
WAIT_S = 90       # for a call
GIVE_UP_S = 40    # an own call that nobody answers
REGISTER_S = 20
STATUS = re.compile(r"not answered: (\d{3})")


class CallRefused(DemoError):
    """There was a final answer, but no call."""

    def __init__(self, status):
        super().__init__(f"answered with {status}")
        self.status = status


class AudioPhone:
    """The phone of a node's user."""

    def __init__(self, processes, peer, is_caller):
        self.processes, self.peer = processes, peer
        self.tone, self.expected = CALLER_HZ, CALLEE_HZ
        if not is_caller:
            self.tone, self.expected = CALLEE_HZ, CALLER_HZ
        self.name = f"{peer.user}-phone"
        self.process = None

    def begin(self, limit_s, *more):
        """Starts it; it registers first."""
        self.process = self.processes.start(self.name, [
            sys.executable, PROGRAM, "--node", f"127.0.0.1:{self.peer.sip_port}", "--user",
            self.peer.user, "--overlay", NAME, "--tone", str(self.tone), "--expect",
            str(self.expected), "--limit", str(limit_s), *more])

    def lines(self):
        """What it has said."""
        path = self.processes.folder / f"{self.name}.log"
        return path.read_text(errors="replace").splitlines()

    def answer(self, seconds, *more):
        """Waits for one call, and then speaks for |seconds|; |more|: options of the program."""
        self.begin(WAIT_S, "--answer", "--seconds", str(seconds), *more)
        until = time.monotonic() + REGISTER_S
        while "registered" not in self.lines():
            if self.process.poll() is not None or time.monotonic() > until:
                raise DemoError(f"{self.name} has not registered: "
                                + self.processes.last_lines(self.name))
            time.sleep(0.01)

    def call(self, callee, seconds, *more):
        """Calls, and speaks for |seconds| when it is answered. `end` tells how it went."""
        self.begin(GIVE_UP_S + seconds, "--call", callee, "--seconds", str(seconds), *more)

    def is_talking(self):
        """Whether the call goes on, or is still to come."""
        return self.process.poll() is None

    def end(self, limit_s):
        """Waits until the phone is done. Returns what it measured; DemoError when there was no
        call, CallRefused when it was told so."""
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.processes.forget(self.process)
        lines = self.lines()
        if not lines or not lines[-1].startswith("{"):
            raise DemoError(f"{self.name}: {self.processes.last_lines(self.name)}")
        result = json.loads(lines[-1])
        if "error" in result:
            status = STATUS.search(result["error"])
            raise CallRefused(status[1]) if status else DemoError(f"{self.name}: {result['error']}")
        return result


def heard_share(result, expected_hz, when=""):
    """The share of the packets that came, of those that the other side sent in the same time; 0
    when they were not the other side's. |when|: "_after" for those since a hush."""
    is_other = abs(result["hz"] - expected_hz) <= 0.02 * expected_hz
    heard, sent = result.get(f"heard{when}", 0), result.get(f"sent{when}", 0)
    return round(heard / sent, 2) if is_other and sent else 0.0
