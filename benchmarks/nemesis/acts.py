"""What is done to a session that runs: each act is one method, chosen by chance."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.nemesis.campaign import Campaign

STOPPED_WITHIN_NS = 2_000_000_000
"""From the STOP file to the last start of a unit: a second is promised, and this machine is busy."""

VIEWS = ("status.json", "run_state.json", "runstats.json")
STEPS_S = (-86_400 * 400, -86_400, -3600, -5, -1, 0, 1, 5, 3600, 86_400, 86_400 * 400)
"""From the true time: a daylight saving that was forgotten, a battery that is flat, a server of time that is wrong."""

MOST_ACTS = 30
"""In one session; then it is left alone."""

_ASKED = frozenset({0, 1, 2, -signal.SIGKILL, 128 + signal.SIGTERM})
"""The last when the third signal ended it at once."""
_SUSPENDED_S = 0.4
_FULL_S = 1.0


class Nemesis:
    """Acts on the sessions of one campaign.

    Args:
        campaign: the campaign.
        chance: decides all.
        has_disk: whether the results lie on a disk of their own, which may be filled.

    Attributes:
        done: how often each act was done.
        faults: what went wrong meanwhile.
    """

    def __init__(self, campaign: Campaign, chance: random.Random, *, has_disk: bool) -> None:
        self._campaign = campaign
        self._chance = chance
        self._acts: dict[str, Callable[[subprocess.Popen[bytes]], None]] = {
            "kill owner": self._kill_owner,
            "kill worker": self._kill_worker,
            "suspend owner": self._suspend_owner,
            "suspend worker": self._suspend_worker,
            "STOP": self._stop,
            "SIGTERM": self._terminate,
            "SIGTERM twice": self._terminate_twice,
            "delete views": self._delete_views,
        }
        if has_disk:
            self._acts["fill disk"] = self._fill_disk
        if campaign.clock is not None:
            self._acts["step clock"] = self._step_clock
        self.done: dict[str, int] = {}
        self.faults: list[str] = []

    def act_on(self, session: subprocess.Popen[bytes]) -> None:
        """Do something to the session again and again, at moments that chance chooses, until it ends."""
        for _ in range(MOST_ACTS):
            wanted = len(self._campaign.marks()) + self._chance.randint(1, 20)
            deadline_s = time.monotonic() + (self._chance.uniform(0, 1.0) if self._chance.random() < 0.2 else 60)
            while len(self._campaign.marks()) < wanted and time.monotonic() < deadline_s and session.poll() is None:
                time.sleep(0.002)
            if session.poll() is not None:
                return
            name = self._chance.choice(sorted(self._acts))
            self._acts[name](session)
            self.done[name] = self.done.get(name, 0) + 1

    def await_end(self, session: subprocess.Popen[bytes], within_s: float = 90.0) -> None:
        """Wait for the session's end; one that hangs is a fault, and is killed."""
        try:
            code = session.wait(within_s)
        except subprocess.TimeoutExpired:
            self.faults.append(f"a session hung for {within_s:g} s:\n{self._campaign.last_output()[-2000:]}")
            session.kill()
            session.wait()
            return
        if code not in _ASKED:
            self.faults.append(f"a session exited with {code}:\n{self._campaign.last_output()[-3000:]}")

    def _workers(self, session: subprocess.Popen[bytes]) -> list[psutil.Process]:
        with suppress(psutil.Error):
            children = psutil.Process(session.pid).children()
            return [one for one in children if "watchdog.py" not in " ".join(one.cmdline())]
        return []

    def _kill_owner(self, session: subprocess.Popen[bytes]) -> None:
        session.kill()

    def _kill_worker(self, session: subprocess.Popen[bytes]) -> None:
        """One that can take units: where one dies while it starts, pytest-xdist itself ends the session."""
        up = {event["pid"] for event in self._campaign.journal() if event["event"] == "worker_up"}
        workers = [one for one in self._workers(session) if one.pid in up]
        if workers:
            with suppress(psutil.Error):
                self._chance.choice(workers).kill()

    def _suspend_owner(self, session: subprocess.Popen[bytes]) -> None:
        session.send_signal(signal.SIGSTOP)
        time.sleep(_SUSPENDED_S)
        session.send_signal(signal.SIGCONT)

    def _suspend_worker(self, session: subprocess.Popen[bytes]) -> None:
        workers = self._workers(session)
        if workers:
            with suppress(psutil.Error):
                worker = self._chance.choice(workers)
                worker.suspend()
                time.sleep(_SUSPENDED_S)
                worker.resume()

    def _stop(self, session: subprocess.Popen[bytes]) -> None:
        if not self._has_begun():  # one that lies there before the session begins is not meant for it
            return
        asked_ns = time.monotonic_ns()
        (self._campaign.results / "STOP").touch()
        self.await_end(session)
        late = [mark for mark in self._campaign.marks() if mark.at_ns > asked_ns + STOPPED_WITHIN_NS]
        self.faults += [f"{mark.unit_id} started {(mark.at_ns - asked_ns) / 1e9:.3f} s after the STOP" for mark in late]

    def _has_begun(self) -> bool:
        """Whether the session has started a unit: until then nothing asks it, and it may refuse."""
        names = [event["event"] for event in self._campaign.journal()]
        if names.count("session_started") <= self._campaign.sessions_before:
            return False
        return "unit_started" in names[len(names) - names[::-1].index("session_started") :]

    def _terminate(self, session: subprocess.Popen[bytes]) -> None:
        if self._has_begun():
            session.send_signal(signal.SIGTERM)

    def _terminate_twice(self, session: subprocess.Popen[bytes]) -> None:
        if self._has_begun():
            session.send_signal(signal.SIGTERM)
            time.sleep(self._chance.uniform(0, 0.1))
            session.send_signal(signal.SIGTERM)

    def _delete_views(self, session: subprocess.Popen[bytes]) -> None:
        for name in VIEWS:
            (self._campaign.results / name).unlink(missing_ok=True)

    def _step_clock(self, session: subprocess.Popen[bytes]) -> None:
        if self._campaign.clock is not None:
            self._campaign.clock.step(self._chance.choice(STEPS_S))

    def _fill_disk(self, session: subprocess.Popen[bytes]) -> None:
        if not self._has_begun():  # a run that cannot write does not start, and says so
            return
        ballast = self._campaign.results.parent / "ballast"
        _fill(ballast)
        time.sleep(_FULL_S)
        ballast.unlink()


def _fill(ballast: Path) -> None:
    """Leave no byte."""
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (65536, 1):
            with suppress(OSError):  # it is full
                while os.write(descriptor, b"x" * size) == size:
                    pass
    finally:
        os.close(descriptor)
