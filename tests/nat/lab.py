"""lab.py: an Internet in a box for tests: hosts, NAT boxes and long wires as network namespaces.

SPDX-License-Identifier: BSD-2-Clause

                        hosts with public addresses: lab.server("stun", addresses=2)
                          198.51.100.1, .2        198.51.100.3
                                  |                    |
      192.0.2.1 ----------- the internet (routes what is public, drops the rest) ----------
          |                       |                    |                          |
          |                 wan (delay, loss)          |                          |
          |                       |                    |                          |
     203.0.113.1            203.0.113.2           203.0.113.3                203.0.113.4
      [ a host ]            [ NAT box ]         [ CGN, symmetric ]           [ NAT box ]
                             10.0.2.1              100.64.3.1              10.0.4.1   |
        public                    |                    |                      |       |
                               lan (bridge)       100.64.3.2               10.0.4.2  10.0.4.3
                                  |              [ NAT box at home ]       two hosts behind
                              10.0.2.2              10.0.3.1                 one NAT box
                              [ host ]                 |
                                                    10.0.3.2
        full_cone, address_restricted,             [ host ]
        port_restricted, symmetric,
        udp_blocked (TCP only)                     double_nat

    with Lab() as lab:
        server = lab.server("stun", addresses=2)
        site = lab.site("symmetric", wan={"delay_ms": 50, "loss_percent": 1, "seed": 7})
        server.start("stun", ["my-server", *server.addresses])
        print(site.hosts[0].run(["my-client", server.address]))

Every namespace is held by a small process that ends when the lab's end of a pipe closes, every
program started inside ends with its parent, and nothing has a name outside: whatever happens to
the test (an exception, Ctrl-C, kill -9), the kernel takes the whole lab away, and labs that run at
the same time cannot meet. No interface is ever made in, or moved out of, the computer's own
network. To look inside: nsenter --net=/proc/PID/ns/net (Host.pid).

What was learnt about Linux on the way (more in boxes.py):
- A kernel may lack netem: delay and loss come from the program wan, one process for each wire.
- Frames that a program carries must be whole: checksum and segmentation offload are switched off at
  both ends of a long wire (ethtool); between other namespaces they do no harm.
- Bridges hand the frames of the lan to the rules of the box when bridge-nf-call-iptables is 1:
  neighbours behind one box would be filtered like strangers. It is set to 0.
- TCP flows are not picked up in the middle (nf_conntrack_tcp_loose 0), so that a box that lost its
  memory behaves like a box that was restarted.
- IPv6 is switched off: agents would find link-local addresses that the tests say nothing about.

Needs root, ip, nft; ethtool for long wires, conntrack for reboots.
Lab.unusable() tells what is missing. Use a lab from the main thread: a program ends with the
thread that started it. What a started program leaves behind is ended by Lab.close, which signals
whole sessions, but not after kill -9.
"""
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import boxes

KINDS = ("public", "full_cone", "address_restricted", "port_restricted", "symmetric", "double_nat",
         "udp_blocked")
SITES_MAX = 100
PROVIDER = "192.0.2.1"  # the next hop of everybody with a public address
UDP_TIMEOUT_S = 120     # RFC 4787, REQ-5: two minutes at least
ENVIRONMENT = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}


class LabError(Exception):
    """The lab could not be built, or a program in it failed; the text says what."""


class Host:
    """One network namespace, and the programs in it."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.addresses = []
        self.anchor = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo ready; exec cat"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT,
            start_new_session=True)
        lab.hosts.append(self)
        if self.anchor.stdout.readline() != b"ready\n":
            raise LabError(self.anchor.stderr.read().decode(errors="replace").strip())
        self.pid = self.anchor.pid
        self.sysctl("net/ipv6/conf/all/disable_ipv6=1", "net/ipv6/conf/default/disable_ipv6=1",
                    "net/ipv4/ping_group_range=0 2147483647")
        self.ip("link set lo up")

    @property
    def address(self):
        """The first of the host's addresses."""
        return self.addresses[0]

    def inside(self, arguments):
        """The command line that runs |arguments| in this namespace."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", "setpriv", "--pdeathsig",
                "KILL", "--", *map(str, arguments)]

    def run(self, arguments, text=None, limit_s=10):
        """Runs a program to its end and returns what it wrote; LabError when it fails."""
        try:
            done = subprocess.run(self.inside(arguments), input=text, capture_output=True,
                                  text=True, timeout=limit_s, check=False, env=ENVIRONMENT)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name}: {arguments[0]}: not done after {limit_s} s") from None
        if done.returncode != 0:
            raise LabError(f"{self.name}: {' '.join(map(str, arguments))}: "
                           f"{(done.stderr or done.stdout).strip()}")
        return done.stdout

    def start(self, name, arguments, **options):
        """Starts a program in the background; |options| as for Popen. Unless they say otherwise
        what it writes is in lab.folder/NAME.log. It ends with the lab."""
        options.setdefault("stdin", subprocess.DEVNULL)
        with open(self.lab.folder / f"{name}.log", "ab") as log:
            options.setdefault("stdout", log)
            options.setdefault("stderr", log)
            process = subprocess.Popen(self.inside(arguments), env=ENVIRONMENT,
                                       start_new_session=True, **options)
        self.lab.programs.append(process)
        return process

    def ip(self, *lines):
        """Runs commands of ip(8), each one line, all or up to the first that fails."""
        self.run(["ip", "-batch", "-"], "\n".join(lines) + "\n")

    def nft(self, text):
        """Loads rules into this namespace."""
        self.run(["nft", "-f", "-"], text)

    def sysctl(self, *settings):
        """Writes settings (path=value below /proc/sys, the namespace's own) where they exist."""
        script = "".join(f"[ ! -e /proc/sys/{key} ] || echo '{value}' >/proc/sys/{key}\n"
                         for key, value in (setting.split("=") for setting in settings))
        self.run(["sh", "-e"], script)


class Box(Host):
    """A NAT box: interface ext outside, the bridge lan inside."""

    def __init__(self, lab, name, kind, inside):
        super().__init__(lab, name)
        self.kind, self.inside_address = kind, inside
        self.ip("link add lan type bridge", f"addr add {inside}/24 dev lan", "link set lan up")
        self.sysctl("net/ipv4/ip_forward=1", "net/bridge/bridge-nf-call-iptables=0")

    def load(self, timeout_s, hairpin):
        """Makes it the NAT that its kind says; mappings of UDP last |timeout_s| without use."""
        self.nft(boxes.rules(self.kind, self.address, timeout_s, hairpin))
        self.sysctl("net/netfilter/nf_conntrack_tcp_loose=0",
                    f"net/netfilter/nf_conntrack_udp_timeout={timeout_s}",
                    f"net/netfilter/nf_conntrack_udp_timeout_stream={timeout_s}")

    def forget(self):
        """All mappings are gone, as after a restart of the box."""
        for kind, name in (("map", "mappings"), ("set", "written_to")):
            if f"{kind} {name}" in self.run(["nft", "list", "table", "ip", "box"]):
                self.nft(f"flush {kind} ip box {name}\n")
        self.run(["conntrack", "-F"])


class Site:
    """One place on the Internet: hosts behind a NAT box, behind two, or (public) without any."""

    def __init__(self, lab, kind, number):
        self.lab, self.kind, self.number = lab, kind, number
        self.public = f"203.0.113.{number}"
        self.hosts, self.boxes = [], []  # the boxes from inside to outside
        self.settings = (UDP_TIMEOUT_S, False)

    @property
    def host(self):
        """The site's first host."""
        return self.hosts[0]

    def reboot(self):
        """The NAT boxes restart and have forgotten all mappings."""
        for box in self.boxes:
            box.forget()

    def renumber(self):
        """As reboot, but the provider gives another public address, so that all mappings that the
        outside knows are wrong. Returns the new address."""
        if not self.boxes:
            raise LabError("a public site has no NAT box to renumber")
        old, outer = self.public, self.boxes[-1]
        last = int(old.rsplit(".", 1)[1])
        self.public = f"203.0.113.{last + SITES_MAX if last <= SITES_MAX else last - SITES_MAX}"
        outer.ip(f"addr add {self.public}/32 dev ext", f"addr del {old}/32 dev ext")
        outer.addresses = [self.public]
        outer.run(["nft", "delete", "table", "ip", "box"])
        outer.load(*self.settings)
        self.lab.internet.ip(f"route add {self.public}/32 dev site{self.number}",
                             f"route del {old}/32 dev site{self.number}")
        self.reboot()
        return self.public

    def cut(self):
        """Nothing passes between this site and the rest (TCP and UDP just fall silent)."""
        self.lab.internet.nft(f"add element ip internet cut {{ {self.public} }}\n")

    def heal(self):
        """Takes the cut back."""
        self.lab.internet.nft(f"delete element ip internet cut {{ {self.public} }}\n")


class Lab:
    """The namespaces and programs of one test; use it with `with`."""

    def __init__(self, wan_program=None):
        """|wan_program|: the compiled wan.c, needed for sites with a long wire."""
        self.wan_program = wan_program
        self.hosts, self.programs, self.sites, self.servers = [], [], [], 0
        self.wans = 0
        self.folder = None
        self.keeps_folder = False  # set it to look at the logs afterwards
        self.internet = None
        self.on_term = None

    # ---- life ------------------------------------------------------------------------------------

    @staticmethod
    def unusable():
        """Why no lab can be built here, or None."""
        for program in ("ip", "nft", "unshare", "nsenter", "setpriv", "ethtool", "conntrack"):
            if not shutil.which(program, path=ENVIRONMENT["PATH"]):
                return f"{program} is missing"
        try:
            with Lab() as lab:
                lab.site("full_cone")
        except LabError as error:
            who = "" if os.geteuid() == 0 else " (this is not root)"
            return f"no network namespaces with NAT here{who}: {error}"
        return None

    def __enter__(self):
        self.on_term = signal.signal(signal.SIGTERM, self.interrupt)
        self.folder = Path(tempfile.mkdtemp(prefix="reload-lab-"))
        try:
            self.internet = Host(self, "internet")
            self.internet.sysctl("net/ipv4/ip_forward=1")
            self.internet.ip(f"addr add {PROVIDER}/32 dev lo",
                             *(f"route add blackhole {private}" for private in
                               ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")))
            self.internet.nft("table ip internet {\n set cut {\n  type ipv4_addr\n }\n"
                              " chain forward {\n  type filter hook forward priority 0\n"
                              "  ip saddr @cut drop\n  ip daddr @cut drop\n }\n}\n")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    @staticmethod
    def interrupt(number, _frame):
        """A request to end becomes an exception, so that the lab is taken down."""
        raise SystemExit(128 + number)

    def close(self, grace_s=3.0):
        """Ends all programs and takes the namespaces away."""
        ignored = {number: signal.signal(number, signal.SIG_IGN)
                   for number in (signal.SIGINT, signal.SIGTERM)}
        for process in self.programs:
            signal_group(process, signal.SIGTERM)
        until = time.monotonic() + grace_s
        for process in self.programs:
            try:
                process.wait(max(0.01, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            signal_group(process, signal.SIGKILL)
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                close_quietly(stream)
        for host in self.hosts:
            close_quietly(host.anchor.stdin)
            host.anchor.wait()
            close_quietly(host.anchor.stdout)
            close_quietly(host.anchor.stderr)
        self.programs, self.hosts = [], []
        if not self.keeps_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        signal.signal(signal.SIGINT, ignored[signal.SIGINT])
        signal.signal(signal.SIGTERM, self.on_term)

    # ---- what is in it ---------------------------------------------------------------------------

    def server(self, name, addresses=1):
        """A host with that many public addresses and no NAT."""
        host = Host(self, name)
        first = self.servers + 1
        self.servers += addresses
        host.addresses = [f"198.51.100.{first + i}" for i in range(addresses)]
        self.connect(host, f"server{first}", None)
        return host

    def site(self, kind, hosts=1, wan=None, hairpin=False, timeout_s=UDP_TIMEOUT_S, lan=None):
        """A site of one of KINDS (or plain_masquerade) with |hosts| hosts. |wan|: options of the
        long wire to it (delay_ms, jitter_ms, loss_percent, duplicate_percent, seed). |hairpin|:
        whether hosts reach each other by their mappings. |timeout_s|: how long an unused mapping
        lasts. |lan|: the first three bytes of the addresses inside ("192.168.1"; two sites may
        have the same), 10.0.NUMBER unless told."""
        number = len(self.sites) + 1
        if kind not in KINDS + boxes.BOXES or number > SITES_MAX:
            raise LabError(f"no site of kind '{kind}', or too many")
        if hairpin and kind not in boxes.HAIRPINS:
            raise LabError(f"{kind} turns no packets round")
        site = Site(self, kind, number)
        site.settings = (timeout_s, hairpin)
        self.sites.append(site)
        port = f"site{number}"
        if kind == "public":
            site.hosts = [Host(self, f"{port}-host")]
            site.host.addresses = [site.public]
            self.connect(site.host, port, wan)
            return site
        lan = lan or f"10.0.{number}"
        home = "port_restricted" if kind == "double_nat" else kind
        site.boxes = [Box(self, f"{port}-box", home, f"{lan}.1")]
        if kind == "double_nat":
            site.boxes.append(Box(self, f"{port}-cgn", "symmetric", f"100.64.{number}.1"))
        outer = site.boxes[-1]
        outer.addresses = [site.public]
        self.connect(outer, port, wan)
        if outer is not site.boxes[0]:
            self.plug(outer, site.boxes[0], "lan0", f"100.64.{number}.2", "ext")
        for box in site.boxes:
            box.load(timeout_s, hairpin)
        for i in range(hosts):
            site.hosts.append(Host(self, f"{port}-host{i}"))
            self.plug(site.boxes[0], site.hosts[-1], f"host{i}", f"{lan}.{i + 2}", "eth0")
        return site

    # ---- cables ----------------------------------------------------------------------------------

    def connect(self, host, port, wan):
        """A cable from |host| (its interface ext) to the internet's interface |port|."""
        if wan is None:
            self.internet.ip(f"link add {port} type veth peer name ext netns {host.pid}")
        else:
            self.long_wire(host, port, wan)
        host.ip(*(f"addr add {address}/32 dev ext" for address in host.addresses),
                "link set ext up", f"route add {PROVIDER} dev ext",
                f"route add default via {PROVIDER} dev ext")
        self.internet.ip(f"link set {port} up",
                         *(f"route add {address}/32 dev {port}" for address in host.addresses))

    def long_wire(self, host, port, wan):
        """A cable that runs through the program wan, in a namespace of its own."""
        if not self.wan_program:
            raise LabError("a long wire needs the program wan")
        self.wans += 1
        middle = Host(self, f"wan{self.wans}")
        self.internet.ip(f"link add {port} type veth peer name far netns {middle.pid}")
        middle.ip(f"link add near type veth peer name ext netns {host.pid}",
                  "link set near up", "link set far up")
        for end, interface in ((host, "ext"), (self.internet, port)):
            end.run(["ethtool", "-K", interface, "tx", "off", "tso", "off", "gso", "off",
                     "gro", "off"])
        options = [text for key, value in wan.items()
                   for text in (f"--{key.replace('_', '-')}", str(value))]
        process = middle.start(middle.name, [self.wan_program, "near", "far", *options],
                               stdout=subprocess.PIPE)
        if process.stdout.readline() != b"ready\n":
            raise LabError((self.folder / f"{middle.name}.log").read_text().strip())

    @staticmethod
    def plug(box, host, port, address, interface):
        """A cable from |host| to the lan of |box|."""
        host.addresses = [address]
        box.ip(f"link add {port} type veth peer name {interface} netns {host.pid}",
               f"link set {port} master lan", f"link set {port} up")
        host.ip(f"addr add {address}/24 dev {interface}", f"link set {interface} up",
                f"route add default via {box.inside_address}")


def signal_group(process, number):
    """Signals a program and what it started."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def close_quietly(stream):
    """Closes a pipe, if there is one, to whoever may be gone."""
    try:
        if stream:
            stream.close()
    except OSError:
        pass
