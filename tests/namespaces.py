"""Hosts of the tests' own: network namespaces, each with an address and an sshd; gone without a trace at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

DEADLINE_S = 20.0
_SEPARATION = Path("/run/sshd")


class Namespace:
    """A network namespace with one address, reached through a pair of virtual cables, and the sshd in it.

    Args:
        name: what `ssh` calls it.
        number: tells those of a test apart.
        folder: for keys and configuration.
    """

    def __init__(self, name: str, number: int, folder: Path) -> None:
        self.name = name
        self._namespace = f"bench{os.getpid() % 100_000}-{number}"
        self._cable = f"bc{os.getpid() % 100_000}-{number}"
        # 198.18.0.0/15 is for tests of networks (RFC 2544): no real host has an address there
        net = f"198.{18 + os.getpid() // 256 % 2}.{os.getpid() % 256}"
        self._here, self.address = f"{net}.{4 * number + 1}", f"{net}.{4 * number + 2}"
        self._folder = folder / name
        self._folder.mkdir()
        self.host_key = self._folder / "host_key"
        self._sshd: subprocess.Popen[bytes] | None = None

    def make(self, user_key: Path) -> None:
        """Make namespace, cable and keys, and start sshd."""
        _run("ip", "netns", "add", self._namespace)
        _run("ip", "link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self._namespace)
        _run("ip", "address", "add", f"{self._here}/30", "dev", self._cable)
        _run("ip", "link", "set", self._cable, "up")
        for command in (f"address add {self.address}/30 dev eth0", "link set eth0 up", "link set lo up"):
            _run("ip", "-n", self._namespace, *command.split())
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.host_key))
        self._start_sshd(user_key)

    def _start_sshd(self, user_key: Path) -> None:
        config = self._folder / "sshd_config"
        lines = [
            f"ListenAddress {self.address}",
            f"HostKey {self.host_key}",
            f"AuthorizedKeysFile {user_key}.pub",
            "PidFile none",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "PermitRootLogin yes",
        ]
        config.write_text("\n".join(lines) + "\n", "ascii")
        sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        argv = ["ip", "netns", "exec", self._namespace, str(sshd), "-D", "-e", "-f", str(config)]
        with (self._folder / "log").open("wb") as log:
            self._sshd = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline_s = time.monotonic() + DEADLINE_S
        while "Server listening" not in (self._folder / "log").read_text():
            if self._sshd.poll() is not None or time.monotonic() > deadline_s:
                pytest.fail((self._folder / "log").read_text())
            time.sleep(0.01)

    def programs(self) -> list[psutil.Process]:
        """What runs there for those who are logged in, sshd's own processes left out."""
        return [process for process in self._processes() if not process.name().startswith("sshd")]

    def _processes(self) -> list[psutil.Process]:
        if self._sshd is None:
            return []
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self._sshd.pid).children(recursive=True)
        return []

    def die(self) -> None:
        """Kill sshd and all that serves its sessions; the programs that they run are left to themselves."""
        if self._sshd is None:
            return
        servers = [process for process in self._processes() if process.name().startswith("sshd")]
        self._sshd.kill()
        self._sshd.wait()
        self._sshd = None
        for server in servers:
            with suppress(psutil.NoSuchProcess):
                server.kill()

    def unplug(self) -> None:
        """Cut the cable: nothing arrives any more, and nobody is told."""
        _run("ip", "link", "set", self._cable, "down")

    def remove(self) -> None:
        """End what runs there, and take the namespace away, and with it the cable."""
        left = self._processes()
        self.die()
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        subprocess.run(["ip", "link", "delete", self._cable], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "delete", self._namespace], check=False, capture_output=True)


class Network:
    """Some hosts, and the configuration of `ssh` that reaches them by their names.

    Attributes:
        hosts: by name.
        config: the file.
    """

    def __init__(self, hosts: dict[str, Namespace], config: Path) -> None:
        self.hosts = hosts
        self.config = config

    @property
    def ssh(self) -> str:
        """The command."""
        return f"ssh -F {self.config}"

    def options(self) -> list[str]:
        """Of a session that looks at all hosts."""
        return [f"--bench-hosts={','.join(self.hosts)}", f"--bench-ssh={self.ssh}"]


@contextmanager
def network(folder: Path, *names: str) -> Iterator[Network]:
    """Hosts of these names; the test is skipped where there can be none."""
    _skip_where_impossible()
    folder.mkdir()
    user_key = folder / "user_key"
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(user_key))
    hosts = {name: Namespace(name, number, folder) for number, name in enumerate(names)}
    known, config = folder / "known_hosts", folder / "ssh_config"
    with ExitStack() as stack:
        stack.enter_context(_separation())
        for host in hosts.values():
            stack.callback(host.remove)
            host.make(user_key)
        keys = [f"{one.address} {Path(f'{one.host_key}.pub').read_text('ascii')}" for one in hosts.values()]
        known.write_text("".join(keys), "ascii")
        lines = [f"Host {name}\n  HostName {host.address}" for name, host in hosts.items()]
        lines.append(f"Host *\n  User root\n  IdentityFile {user_key}\n  IdentitiesOnly yes")
        lines.append(f"  UserKnownHostsFile {known}\n  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes")
        config.write_text("\n".join(lines) + "\n", "ascii")
        yield Network(hosts, config)


def _skip_where_impossible() -> None:
    if os.getuid() != 0:
        pytest.skip("only root can make network namespaces")
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    for program, package in (("ip", "iproute2"), ("sshd", "openssh-server"), ("ssh", "openssh-client")):
        if shutil.which(program, path=path) is None:
            pytest.skip(f"{program} is not installed: apt-get install {package}")
    probe = f"benchprobe{os.getpid() % 100_000}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no network namespace can be made here: {made.stderr.strip()}")
    _run("ip", "netns", "delete", probe)


@contextmanager
def _separation() -> Iterator[None]:
    """The empty folder that sshd locks itself into; Debian makes it when the service starts."""
    is_ours = not _SEPARATION.exists()
    _SEPARATION.mkdir(mode=0o755, exist_ok=True)
    yield
    if is_ours:
        with suppress(OSError):
            _SEPARATION.rmdir()


def _run(*argv: str) -> None:
    ended = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    if ended.returncode:
        pytest.fail(f"{' '.join(argv)}: {ended.stderr.strip()}")
