"""processes.py: the demo's processes. Every one of them ends with the demo, whatever happens.

SPDX-License-Identifier: BSD-2-Clause
"""
import ctypes
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DemoError(Exception):
    """Something in the demo did not work; the text says what."""


def begin_child():
    """Runs in the child: the kernel ends it when the demo is gone, even after kill -9, and signals
    mean to it what they usually do."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


class Processes:
    """Starts processes and ends them all."""

    def __init__(self, folder):
        self.folder = folder
        self.running = []

    def spawn(self, name, arguments, **options):
        """Starts a process that stop() ends. A Ctrl-C waits meanwhile: else there could be a child
        that nobody knows of."""
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, cwd=self.folder,
                                       preexec_fn=begin_child, **options)
            self.running.append((name, process))
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        return process

    def start(self, name, arguments):
        """Starts a process in the background, its output in NAME.log."""
        with open(self.folder / f"{name}.log", "wb") as log:
            return self.spawn(name, arguments, stdout=log, stderr=log, start_new_session=True)

    def run(self, name, arguments, limit_s=30):
        """Runs a process to its end and returns what it wrote; DemoError when it fails."""
        process = self.spawn(name, arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.running.remove((name, process))
            raise DemoError(f"{name}: not done after {limit_s} s") from None
        self.running.remove((name, process))
        if process.returncode != 0:
            text = (err or out).decode(errors="replace").strip()
            raise DemoError(f"{name}: {text or f'exit code {process.returncode}'}")
        return out.decode(errors="replace")

    def check(self):
        """DemoError when a process that should be running has ended."""
        for name, process in self.running:
            if process.poll() is not None:
                raise DemoError(f"{name} ended with exit code {process.returncode}: "
                                f"{self.last_lines(name)}")

    def take_ended(self):
        """Forgets those that ended as they were asked to. Returns their names."""
        ended = [name for name, process in self.running if process.poll() == 0]
        self.running = [(name, process) for name, process in self.running if name not in ended]
        return ended

    def kill(self, name):
        """Ends a process without a word, as a loss of power would."""
        for row in [row for row in self.running if row[0] == name]:
            row[1].kill()
            row[1].wait()
            self.running.remove(row)

    def last_lines(self, name, count=3):
        """The end of a process's log."""
        lines = (self.folder / f"{name}.log").read_text(errors="replace").splitlines()
        return " | ".join(lines[-count:]) or "it said nothing"

    def stop(self, grace_s=5.0):
        """Asks all to end, and ends those that do not."""
        for _, process in self.running:
            if process.poll() is None:
                process.terminate()
        until = time.monotonic() + grace_s
        for _, process in self.running:
            try:
                process.wait(max(0.05, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()


def free_port():
    """A port of 127.0.0.1 that is free for UDP and TCP."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                try:
                    udp.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue
    raise DemoError("no free port on 127.0.0.1")


