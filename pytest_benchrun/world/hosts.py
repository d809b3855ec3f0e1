"""Other hosts, looked at through the system's `ssh`: one connection each, read by a thread of its own.

What a host says is hostile until it is checked: it may say nothing, garbage, or never stop.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pytest_benchrun.core.hostfacts import kept_facts, kept_sample
from pytest_benchrun.core.hostname import ssh_destination
from pytest_benchrun.core.jsonsafe import safe_text
from pytest_benchrun.world import gpu, machine, outpost
from pytest_benchrun.world.clock import monotonic_s
from pytest_benchrun.world.machine import shown_variables
from pytest_benchrun.world.timeseries import SAMPLES_AT_A_PACE

CONNECT_S = 10
"""Seconds that `ssh` may take to connect."""

ANSWER_S = 20.0
"""Seconds from the start of `ssh` to the first answer."""

LINE_BYTES = 1024 * 1024
"""Longest line that is read: the packages of a large installation are a tenth of it."""

NOISE_BYTES = 64 * 1024
"""Most that a host may say between two lines that we have asked for: greetings, warnings."""

_OPTIONS = (
    *("-T", "-x", "-a"),
    *(
        word
        for option in (
            "BatchMode=yes",
            f"ConnectTimeout={CONNECT_S}",
            "ConnectionAttempts=1",
            "ServerAliveInterval=15",
            "ServerAliveCountMax=3",
            "ClearAllForwardings=yes",
            "ForwardAgent=no",
            "ForwardX11=no",
            "ControlMaster=no",  # one that is there is used; one of ours would outlive the run
            "PermitLocalCommand=no",
            "RemoteCommand=none",
        )
        for word in ("-o", option)
    ),
)
"""Nothing may ask, forward, or stay; whom to trust and how to get in is the user's configuration's to say."""

_SPARE_LINES = 10
_SHOWN_NOISE = 200
_LAST_WORDS_S = 1.0


class Watcher(Protocol):
    """Is told what hosts say; called in their threads."""

    def on_facts(self, name: str, moment: str, facts: dict[str, Any]) -> None:
        """The facts of a host at `start` or `end`."""
        ...

    def on_sample(self, name: str, interval_s: float, sample: dict[str, Any]) -> None:
        """What a host has done since its sample before."""
        ...

    def on_loss(self, name: str, problem: str) -> None:
        """Nothing more will come from a host; once at most, with what to type."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is wanted of hosts.

    Attributes:
        ssh: the program and its options.
        level: of the facts: `full`, `basic` or `off`.
        interval_s: between the first samples; 0 for none.
    """

    ssh: tuple[str, ...]
    level: str
    interval_s: float


class _LostError(Exception):
    """The host is not to be listened to any more."""


class Host:
    """One host, from the start of its `ssh` on.

    Args:
        name: as it was typed, a good one.
        wanted: of it.
        watcher: is told.

    Attributes:
        has_answered: set once its start facts are here, or it is lost.
    """

    def __init__(self, name: str, wanted: Wanted, watcher: Watcher) -> None:
        self.name = name
        self.has_answered = threading.Event()
        self._wanted = wanted
        self._watcher = watcher
        self._destination = ssh_destination(name) or ""
        self._marker = f"benchrun-{secrets.token_hex(8)} "
        self._program = _program(self._marker, wanted)
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._work, name=f"benchrun-host-{name}", daemon=True)
        self._guard = threading.Lock()
        self._is_ending = self._has_started = self._has_ended = False
        self._noise: list[str] = []

    def start(self) -> None:
        """Start `ssh` and listen, in the background."""
        program = self._program
        remote = f"python3 -I -c 'import sys;exec(sys.stdin.buffer.read({len(program)}))'"
        argv = [*self._wanted.ssh, *_OPTIONS, "--", self._destination, remote]
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                env={**os.environ, "SSH_ASKPASS_REQUIRE": "never"},
                start_new_session=True,  # an interrupt typed at the terminal is not for it, and no question goes there
            )
        except OSError as error:
            self._lose(f"{self._wanted.ssh[0]!r} cannot be started: {error.strerror}")
            return
        self._thread.start()

    def ask_end(self) -> None:
        """Ask for the end facts and the last sample."""
        with self._guard:
            self._is_ending = True
            if self._has_started:
                self._write(b"end\n")

    def wait(self, until_s: float) -> None:
        """Wait for the last words, until `until_s` by `monotonic_s`; who has not said them by then is lost."""
        if self._process is not None:
            self._thread.join(max(0.0, until_s - monotonic_s()))
            if self._thread.is_alive():
                self._lose("it did not answer at the end")

    def abandon(self) -> None:
        """Listen no more, and end `ssh`."""
        with self._guard:
            self._has_ended = True
        if self._process is not None and self._thread.is_alive():
            self._kill()
            self._thread.join(_LAST_WORDS_S)

    def _work(self) -> None:
        try:
            self._send_program()
            for said in self._lines():
                if self._take(said):
                    break
        except _LostError as error:
            self._lose(str(error))
        except Exception as error:  # noqa: BLE001  # the observer never breaks the observed
            self._lose(f"what it says makes no sense: {error!r}")
        finally:
            self._kill()
            if self._process is not None:
                with self._guard, suppress(OSError):
                    for stream in (self._process.stdin, self._process.stdout):
                        if stream is not None:
                            stream.close()

    def _take(self, said: dict[str, Any]) -> bool:
        """Pass on what a line says; whether it was the last one."""
        what, is_last = said.get("what"), said.get("what") == "end"
        sample = kept_sample(said.get("sample"))
        if sample is not None:
            interval_s = said.get("interval_s")
            is_right = isinstance(interval_s, int | float) and interval_s >= self._wanted.interval_s
            self._watcher.on_sample(self.name, float(interval_s) if is_right else self._wanted.interval_s, sample)  # type: ignore[arg-type]  # a number here
        if what in {"start", "end"} and self._wanted.level != "off":
            facts = kept_facts(said.get("facts"))
            if facts is None:
                raise _LostError("its facts are none")
            facts["variables"] = shown_variables(facts["variables"])  # type: ignore[assignment, arg-type]  # texts
            self._watcher.on_facts(self.name, what, facts)
        self.has_answered.set()
        with self._guard:
            must_end = self._is_ending and not self._has_started
            self._has_started = True
            self._has_ended = is_last
            self._write(b"end\n" if must_end else b"\n")  # the answer that keeps it alive
        return is_last

    def _lines(self) -> Iterator[dict[str, Any]]:
        """What it says, line by line.

        Raises:
            _LostError: it says nothing, too much, or its connection is gone.
        """
        process, marker = self._process, self._marker.encode()
        if process is None or process.stdout is None:
            return
        source = process.stdout.fileno()
        since_s = monotonic_s()
        until_s, buffer, noise, count = since_s + ANSWER_S, b"", 0, 0
        while True:
            buffer += self._read(source, until_s)
            *lines, buffer = buffer.split(b"\n")
            for line in lines:
                if not line.startswith(marker):
                    noise += len(line) + 1
                    self._keep(line)
                    continue
                noise, count = 0, count + 1
                yield _decoded(line[len(marker) :])
                self._refuse_haste(count, monotonic_s() - since_s)
                until_s = monotonic_s() + outpost.UNHEARD_S
            if noise + (0 if buffer.startswith(marker) else len(buffer)) > NOISE_BYTES or len(buffer) > LINE_BYTES:
                raise _LostError("it says more than it was asked for")

    def _read(self, source: int, until_s: float) -> bytes:
        poll = select.poll()
        poll.register(source, select.POLLIN)
        if not poll.poll(max(0.0, until_s - monotonic_s()) * 1000):
            limit_s = outpost.UNHEARD_S if self._has_started else ANSWER_S
            raise _LostError(f"it said nothing within {limit_s:g} s")
        data = os.read(source, 65536)
        if not data:
            raise _LostError(self._last_words())
        return data

    def _refuse_haste(self, count: int, elapsed_s: float) -> None:
        """A series is no faster than it was asked to be: nobody fills our disk."""
        pace_s = min(self._wanted.interval_s or outpost.BEAT_S, outpost.BEAT_S)
        if count > _SPARE_LINES + 2 * elapsed_s / pace_s:
            raise _LostError("it says more than it was asked for")

    def _keep(self, line: bytes) -> None:
        text = "".join(letter if letter.isprintable() else " " for letter in line.decode("utf-8", "replace")).strip()
        if text:
            self._noise = [*self._noise[-1:], safe_text(text, _SHOWN_NOISE)]

    def _last_words(self) -> str:
        code = None
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                code = self._process.wait(_LAST_WORDS_S)
        return self._noise[-1] if self._noise else f"{Path(self._wanted.ssh[0]).name} ended with exit code {code}"

    def _lose(self, reason: str) -> None:
        with self._guard:
            is_first = not self._has_ended
            self._has_ended = True
        if is_first:
            verb = "is looked at no more" if self._has_started else "cannot be looked at"
            hint = shlex.join([*self._wanted.ssh, self._destination, "true"])
            self._watcher.on_loss(self.name, f"host {self.name!r} {verb}: {reason} -> {hint}")
        self.has_answered.set()

    def _send_program(self) -> None:
        self._write(self._program)  # a pipe holds it; where one is smaller, this thread waits and nobody else
        if self._process is not None and self._process.stdin is not None:
            os.set_blocking(self._process.stdin.fileno(), False)  # a host that reads no answers holds up nobody

    def _write(self, data: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, ValueError):  # it has ended: its standard output says so
                self._process.stdin.write(data)

    def _kill(self) -> None:
        """End `ssh` and what it has started; the other side ends with it."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LAST_WORDS_S)


class Hosts:
    """All of them.

    Args:
        names: as they were typed, good ones.
        wanted: of each.
        watcher: is told.
    """

    def __init__(self, names: Sequence[str], wanted: Wanted, watcher: Watcher) -> None:
        self._hosts = [Host(name, wanted, watcher) for name in names]

    def start(self) -> None:
        """Start all connections; nothing is waited for."""
        for host in self._hosts:
            host.start()

    def wait(self, until_s: float) -> None:
        """Until each has answered or is lost, or until `until_s` by `monotonic_s`."""
        for host in self._hosts:
            host.has_answered.wait(max(0.0, until_s - monotonic_s()))

    def end(self, patience_s: float) -> None:
        """Ask all for their last words.

        Args:
            patience_s: the wait for all of them together.
        """
        until_s = monotonic_s() + patience_s
        for host in self._hosts:
            host.ask_end()
        for host in self._hosts:
            host.wait(until_s)

    def abandon(self) -> None:
        """End the connections."""
        for host in self._hosts:
            host.abandon()


def _decoded(data: bytes) -> dict[str, Any]:
    said = json.loads(data)  # not orjson: a lone surrogate in a name is no reason to drop a host
    if not isinstance(said, dict):
        raise _LostError("what it says is no answer")
    return said


def _program(marker: str, wanted: Wanted) -> bytes:
    """What is sent: the sources of three files of ours, and what to do with them."""
    told = {
        "marker": marker,
        "level": wanted.level,
        "interval_s": wanted.interval_s,
        "pace": SAMPLES_AT_A_PACE,
    }
    lines = []
    for module in (machine, gpu, outpost):
        name = module.__name__.rpartition(".")[2]
        source = Path(module.__file__ or "").read_text("utf-8")
        lines.append(f"{name} = {{'__name__': {name!r}}}\nexec(compile({source!r}, {name!r}, 'exec'), {name})")
    lines.append(f"outpost['main'](machine, gpu, {told!r})\n")
    return "\n".join(lines).encode("utf-8")
