"""figures.py: what else behind NATs is measured, with real nodes: links in one network, calls that
outlive their NAT's memory, and bad lines.

Each figure is a function of a Scene that returns a Figure; matrix.py --figures runs them.

SPDX-License-Identifier: BSD-2-Clause
"""
import statistics
import time
from pathlib import Path

from audio_phone import AudioPhone, heard_share
from lab import LabError
from overlay_lab import NAME, USERS, DemoError
from lab_phone import LabPhone

LAN_MS = 150     # median, from Attach sent to the first message
BACK_S = 10      # a link is back after its NAT has changed
SET_UP_SHARE = 0.99
SET_UP_P95_S = 5
CALL_S = 22      # a call that something happens to
HEARD_SHARE = 0.4  # of its packets: those before, and those since the way is back
LINGER_S = 30
WHEN_S = 2       # after its begin
PING_EVERY_S, PINGS_MAX = 0.5, 4
MAPPING_S = 30   # how long a mapping lasts at boxes that forget early
NEVER_MS = 999_000  # what did not come about
LINKS_FIRST, LINKS_SETTLE_S = 50, 8  # the first links fill caches; the last ones linger a little
MEMORY_GROWTH = 0.05
FAR_TRIES = 8
ERROR_MAX = 600  # characters
BAD_LINE = {"delay_ms": 200, "loss_percent": 10, "seed": 1}
REGISTRATIONS, CALLS = 100, 200  # on it


class Figure:
    """What was measured, and whether it is what it should be."""

    def __init__(self, is_ok, goal, **measured):
        self.is_ok, self.goal, self.measured = is_ok, goal, measured

    def as_json(self):
        """As it goes into the result."""
        return {"ok": self.is_ok, "goal": self.goal, **self.measured}

    def __str__(self):
        return ", ".join(["ok" if self.is_ok else "FAIL",
                          *(f"{key} {value}" for key, value in self.measured.items()),
                          f"(goal: {self.goal})"])


class Scene:
    """An overlay in a lab, and nodes that end with the figure that they are for."""

    def __init__(self, lab, overlay, short):
        """|short|: fewer rounds, for a suite of tests."""
        self.lab, self.overlay, self.short = lab, overlay, short
        self.nodes = []

    def node(self, place, user):
        """Starts a node at |place|, a site or a host."""
        self.nodes.append(self.overlay.node(place, user, limit_s=60))
        return self.nodes[-1]

    def pair(self, *places):
        """alice at the first place and bob at the second."""
        return [self.node(place, user) for place, user in zip(places, USERS)]

    def clear(self):
        """Ends the nodes of the figure."""
        for peer in self.nodes:
            peer.stop()
        self.nodes.clear()


def link_between(one, other):
    """What |one| says of its link to |other|, or None."""
    return next((link for link in one.ask("peers")["peers"] if link["node_id"] == other.node_id),
                None)


def make_link(one, other):
    """|one| attaches to |other| anew. Returns when it began; once more when the other does the same
    at that moment, since then one of the two Attaches yields (RFC 6940, 6.5.1.2)."""
    while True:
        begin = time.monotonic()
        try:
            one.ask("attach", node=other.node_id)
            return begin
        except DemoError as error:
            if "in progress" not in str(error):
                raise


def attach(one, other):
    """|one| attaches to |other| anew and pings it. Returns the ms from Attach to the answer."""
    begin = make_link(one, other)
    one.ask("ping", node=other.node_id)
    return (time.monotonic() - begin) * 1000


def percentile(values, share):
    """The value that |share| of |values| do not exceed."""
    return sorted(values)[max(0, -(-int(len(values) * share * 1000) // 1000) - 1)]


# ---- one network ---------------------------------------------------------------------------------

def lan_link(scene):
    """Two nodes in one network, without a NAT between them."""
    site = scene.lab.site("port_restricted", hosts=2)
    alice, bob = scene.pair(*site.hosts)
    times = [attach(alice, bob) for _ in range(20 if scene.short else 100)]
    median = statistics.median(times)
    return Figure(median <= LAN_MS, f"median at most {LAN_MS} ms", median_ms=round(median, 1),
                  p95_ms=round(percentile(times, 0.95), 1), attaches=len(times),
                  path=link_between(alice, bob)["path"])


def footprint(peer):
    """(open descriptors, resident KiB) of a node."""
    process = Path(f"/proc/{peer.pid()}")
    status = (process / "status").read_text()
    return len(list((process / "fd").iterdir())), int(status.split("VmRSS:")[1].split()[0])


def links_to(one, other):
    """What |one| has to say of |other|: its link, and the last words about it in its log."""
    link = link_between(one, other)
    log = (one.processes.folder / f"{one.user}.log").read_text(errors="replace").splitlines()
    words = [line for line in log if other.node_id in line][-1:]
    return f"{one.user} has " + (f"a link since {link['up_s']} s" if link else "no link") \
        + "".join(f" and said \"{line}\"" for line in words)


def make_links(one, other, numbers):
    """|one| attaches to |other| for each of |numbers|; DemoError says which one failed, and how
    both ends see it."""
    for number in numbers:
        try:
            make_link(one, other)
        except DemoError as error:
            raise DemoError(f"link {number}: {error}; {links_to(one, other)}; "
                            f"{links_to(other, one)}") from None


def links_end(scene):
    """One node makes a link to another again and again; each takes the place of the one before."""
    count = 50 if scene.short else 1000
    alice, bob = scene.pair(*(scene.lab.site("full_cone") for _ in range(2)))
    before, after = [], []
    for measured, numbers in ((before, range(LINKS_FIRST)),
                              (after, range(LINKS_FIRST, LINKS_FIRST + count))):
        make_links(alice, bob, numbers)
        time.sleep(LINKS_SETTLE_S)
        measured += [footprint(peer) for peer in (alice, bob)]
    is_ok = all(new[0] <= old[0] and new[1] <= old[1] * (1 + MEMORY_GROWTH)
                for old, new in zip(before, after))
    return Figure(is_ok, f"descriptors as before, memory within {MEMORY_GROWTH:.0%}", links=count,
                  descriptors_before=[one[0] for one in before],
                  descriptors_after=[one[0] for one in after],
                  memory_kib_before=[one[1] for one in before],
                  memory_kib_after=[one[1] for one in after])


def one_nat(scene):
    """Two nodes behind one NAT box, whether it turns packets round or not."""
    paths = {}
    for hairpin in (True, False):
        site = scene.lab.site("port_restricted", hosts=2, hairpin=hairpin)
        alice, bob = scene.pair(*site.hosts)
        link = link_between(alice, bob)
        inside = link["address"].startswith(bob.host.address + ":")
        paths["hairpin" if hairpin else "direct"] = link["path"] if inside else link["address"]
        scene.clear()
    return Figure(set(paths.values()) == {"same LAN"}, "host candidates", **paths)


# ---- NATs that forget ----------------------------------------------------------------------------

def time_until_back(one, other, since, limit_s=60):
    """The seconds from |since| until something came over the link from |other|, which is pinged all
    the time, or over a new one."""
    before = link_between(one, other)
    old = (before["bytes_received"], before["up_s"]) if before else (0, 0)
    pings = []
    try:
        while (now := time.monotonic()) < since + limit_s:
            if now >= since + PING_EVERY_S * len(pings):
                pings.append(one.begin("ping", node=other.node_id))
                if len(pings) > PINGS_MAX:
                    pings[-PINGS_MAX - 1].close()
            link = link_between(one, other)
            if link and (link["bytes_received"] > old[0] or link["up_s"] < old[1]):
                return time.monotonic() - since
            time.sleep(0.02)
    finally:
        for ping in pings:
            ping.close()
    return None


def during_a_call(scene, kinds, event, timeout_s=120, call_s=CALL_S, hush_s=0):
    """alice calls bob; |event| happens to her NAT. Returns the seconds until the link was back, and
    which share of the packets of audio each of the two heard, or why the call was not kept.
    |hush_s|: the phones begin with that much silence when it happens; what they hear since then is
    what counts."""
    sites = [scene.lab.site(kind, timeout_s=timeout_s) for kind in kinds]
    alice, bob = scene.pair(*sites)
    caller = AudioPhone(alice.processes, alice, True)
    callee = AudioPhone(bob.processes, bob, False)
    hush = ["--hush", f"{WHEN_S}:{hush_s}"] if hush_s else []
    callee.answer(call_s, *hush)
    caller.call("bob", call_s, *hush)
    time.sleep(WHEN_S)
    event(sites[0])
    back_s = time_until_back(alice, bob, time.monotonic())
    try:
        heard = [heard_share(phone.end(call_s + LINGER_S), phone.expected,
                             "_after" if hush else "") for phone in (caller, callee)]
    except DemoError as error:
        heard = str(error)[-200:]
    scene.clear()
    return back_s, heard


def nat_changes(scene, event, kinds, **options):
    """The figure of an event for several pairs of kinds."""
    results = {}
    for pair in kinds[:1] if scene.short else kinds:
        results["-".join(pair)] = during_a_call(scene, pair, event, **options)
    is_ok = all(back is not None and back <= BACK_S and isinstance(heard, list)
                and min(heard) >= HEARD_SHARE for back, heard in results.values())
    return Figure(is_ok, f"link back within {BACK_S} s, call kept",
                  back_s={pair: back and round(back, 1) for pair, (back, _) in results.items()},
                  heard={pair: heard for pair, (_, heard) in results.items()})


CONES = [("port_restricted", "port_restricted"), ("full_cone", "address_restricted"),
         ("symmetric", "full_cone"), ("double_nat", "public")]


def nat_reboot(scene):
    """The box forgets all mappings; new ones may bear other ports."""
    return nat_changes(scene, lambda site: site.reboot(), CONES[::-1])


def nat_rebinding(scene):
    """The box gets another public address, so that no old mapping is right any more."""
    return nat_changes(scene, lambda site: site.renumber(), CONES)


def mapping_timeout(scene):
    """Mappings last 30 s, and the phones say nothing for longer than that: no audio, and no word
    of SIP until they hang up. What was heard is what came since."""
    silence = MAPPING_S + 10
    return nat_changes(scene, lambda _site: time.sleep(silence), CONES, timeout_s=MAPPING_S,
                       call_s=silence + 3 * WHEN_S, hush_s=silence)


# ---- bad lines -----------------------------------------------------------------------------------

def share_and_p95(times, tried):
    """The share of |tried| that came about, and the 95th percentile of |times|, in seconds."""
    p95 = percentile(times + [NEVER_MS] * (tried - len(times)), 0.95)
    return len(times) / tried, p95 / 1000


def far_from_home(scene, site):
    """A node at |site| whose user's registration is some other node's to keep: else registering
    would not touch the line."""
    for number in range(FAR_TRIES):
        user = f"far{number}"
        scene.overlay.enrol(user)
        peer = scene.node(site, user)
        if peer.ask("ping", name=f"{user}@{NAME}")["responder"] != peer.node_id:
            return peer
        scene.clear()
    raise DemoError("every user keeps its own registration")


def bad_line(scene):
    """alice's line loses every tenth packet and takes 200 ms, each way."""
    counts = (12, 12) if scene.short else (REGISTRATIONS, CALLS)
    site, other = scene.lab.site("full_cone", wan=BAD_LINE), scene.lab.site("full_cone")
    peers = [far_from_home(scene, site), scene.node(other, "bob")]
    phones = [LabPhone(peer.processes, scene.overlay.folder, peer) for peer in peers]
    for phone in phones:
        phone.register()
    phones[1].answer()
    measured, is_ok = {}, True
    for what, count, times in (("registration", counts[0], phones[0].register_often(counts[0])),
                               ("call", counts[1], phones[0].call_often("bob", counts[1]))):
        share, p95 = share_and_p95(times, count)
        is_ok = is_ok and share >= SET_UP_SHARE and p95 <= SET_UP_P95_S
        measured |= {f"{what}s": count, f"{what}_share": round(share, 3),
                     f"{what}_p95_s": round(p95, 2)}
    return Figure(is_ok, f"{SET_UP_SHARE:.0%} and p95 at most {SET_UP_P95_S} s", **measured)


FIGURES = {one.__name__: one for one in (bad_line, mapping_timeout, nat_rebinding, nat_reboot,
                                         links_end, lan_link, one_nat)}


def measure(scene, name):
    """One figure by its name, whatever happens."""
    try:
        return FIGURES[name](scene)
    except (DemoError, LabError, OSError) as error:
        return Figure(False, "no error", error=str(error)[-ERROR_MAX:])
    finally:
        scene.clear()
