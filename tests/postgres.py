"""A real PostgreSQL for tests: in a temporary folder, on a Unix socket, as an unprivileged user, ended at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

DEADLINE_S = 60.0


def programs() -> Path | None:
    """The folder with `initdb` and `postgres`, the newest of Debian's; None when they are not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name.partition(".")[0]))
    on_path = shutil.which("initdb")
    return found[-1] if found else Path(on_path).resolve().parent if on_path else None


class Server:
    """A server of its own; it can be stopped and started again."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        # not below pytest's folder: a socket's path may have 107 bytes, and another user must reach it
        self._folder = Path(tempfile.mkdtemp(prefix="benchrun-pg-", dir="/tmp"))
        self._user = _unprivileged()
        if self._user is not None:
            os.chown(self._folder, pwd.getpwnam(self._user).pw_uid, -1)
        self._process: subprocess.Popen[bytes] | None = None
        data = self._folder / "data"
        self._run("initdb", "-D", str(data), "-U", "bench", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")

    def address(self, database: str = "postgres", password: str = "geheim") -> str:  # noqa: S107  # nobody's
        """Where a database is."""
        return f"postgresql://bench:{password}@/{database}?host={self._folder}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        subprocess.run(command, check=True, user=self._user, cwd=self._folder, capture_output=True, timeout=DEADLINE_S)

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [str(self._programs / "postgres"), "-D", str(self._folder / "data"), "-k", str(self._folder)]
        command += ["-c", "listen_addresses=", "-c", "fsync=off"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, user=self._user, cwd=self._folder, stdout=log, stderr=log)
        deadline_s = time.monotonic() + DEADLINE_S
        ready = [str(self._programs / "pg_isready"), "-q", "-h", str(self._folder)]
        while subprocess.run(ready, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                pytest.fail((self._folder / "log").read_text("utf-8", "replace"))
            time.sleep(0.02)

    def make(self, database: str) -> str:
        """An empty database; its address."""
        self._run("createdb", "-h", str(self._folder), "-U", "bench", database)
        return self.address(database)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGINT)  # what PostgreSQL calls a fast shutdown
            self._process.wait(DEADLINE_S)
            self._process = None

    def remove(self) -> None:
        """End it and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _unprivileged() -> str | None:
    """Whom it runs as: PostgreSQL refuses root."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
