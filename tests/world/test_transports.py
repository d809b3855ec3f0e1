"""Boilerplates over real transports on loopback: https, ssh from a real sshd, and plain http, which is never spoken."""

from __future__ import annotations

import getpass
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_benchrun.core.boilerplate import GitSource
from pytest_benchrun.core.errors import SandboxProblem
from pytest_benchrun.world.boilerplate import fetch_once
from tests.world.test_boilerplate import git

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Backend(http.server.BaseHTTPRequestHandler):
    """What a web server does for `git http-backend`."""

    root: Path

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_GET  # noqa: N815  # as above

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "PATH": os.environ["PATH"],
        }
        said = subprocess.run(["git", "http-backend"], input=body, env=told, capture_output=True, check=True).stdout
        head, _, content = said.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Leads(Backend):
    """Sends whoever asks to another server."""

    goal: str

    def _answer(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.goal + self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A repository to be served: `srv/it.git` with one file."""
    source = tmp_path / "source"
    source.mkdir()
    git(source, "init", "--quiet")
    (source / "file").write_text("one", "utf-8")
    git(source, "add", ".")
    git(source, "commit", "--quiet", "-m", "one")
    (tmp_path / "srv").mkdir()
    git(tmp_path / "srv", "clone", "--quiet", "--bare", str(source), "it.git")
    return tmp_path / "srv" / "it.git"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where git finds the user's own configuration: variables GIT_* it is not given."""
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("HOME", str(path))
    return path


def serve(bare: Path, certificate: Path | None, goal: str = "") -> Iterator[int]:
    """A server on a free port; for a `with` of its own it is a `for` of one round."""
    kind = Leads if goal else Backend
    handler = type("Handler", (kind,), {"root": bare.parent, "goal": goal})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@pytest.fixture
def https_port(bare: Path, home: Path, tmp_path: Path) -> Iterator[int]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    made = tmp_path / "certificate.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(made), "-out", str(tmp_path / "public.pem")]
    subprocess.run(["openssl", *words], check=True, capture_output=True)
    with made.open("ab") as file:
        file.write((tmp_path / "public.pem").read_bytes())
    (home / ".gitconfig").write_text(f"[http]\nsslCAInfo={tmp_path / 'public.pem'}\n", "utf-8")
    yield from serve(bare, made)


@pytest.fixture
def ssh_port(home: Path, tmp_path: Path) -> Iterator[int]:
    if SSHD is None or os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("an sshd is needed, and root to start it")
    place = tmp_path / "ssh"
    place.mkdir(mode=0o700)
    for name in ("host", "user"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / name)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    lines = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {place / 'host'}",
        f"AuthorizedKeysFile {place / 'user.pub'}",
        "StrictModes no",
        "UsePAM no",
        "PermitRootLogin yes",
        "PasswordAuthentication no",
        f"PidFile {place / 'pid'}",
    ]
    (place / "config").write_text("\n".join(lines) + "\n", "utf-8")
    known = f"[127.0.0.1]:{port} {(place / 'host.pub').read_text('utf-8')}"
    (place / "known").write_text(known, "utf-8")
    client = f"ssh -F none -i {place / 'user'} -o UserKnownHostsFile={place / 'known'} -o BatchMode=yes"
    (home / ".gitconfig").write_text(f"[core]\nsshCommand={client}\n", "utf-8")
    Path("/run/sshd").mkdir(exist_ok=True)  # sshd insists on it
    with (place / "log").open("wb") as log:
        daemon = subprocess.Popen([SSHD, "-D", "-e", "-f", str(place / "config")], stderr=log)
    try:
        deadline_s = time.monotonic() + 20
        while not is_listening(port):
            assert daemon.poll() is None, (place / "log").read_text("utf-8")
            assert time.monotonic() < deadline_s
        yield port
    finally:
        daemon.terminate()
        daemon.wait(20)


def is_listening(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def prove_fetched(url: str, bare: Path, tmp_path: Path) -> None:
    wanted = git(bare, "rev-parse", "HEAD")
    tree, commit = fetch_once(GitSource(url=url, ref="HEAD"), tmp_path / "place")
    assert (commit, (tree / "file").read_text("utf-8")) == (wanted, "one")


def test_https_brings_a_commit(bare: Path, https_port: int, tmp_path: Path) -> None:
    prove_fetched(f"https://127.0.0.1:{https_port}/it.git", bare, tmp_path)


def test_https_with_a_certificate_of_nobody_is_refused(home: Path, https_port: int, tmp_path: Path) -> None:
    (home / ".gitconfig").unlink()
    with pytest.raises(SandboxProblem, match="certificate"):
        fetch_once(GitSource(url=f"https://127.0.0.1:{https_port}/it.git", ref="HEAD"), tmp_path / "place")


def test_ssh_brings_a_commit(bare: Path, ssh_port: int, tmp_path: Path) -> None:
    prove_fetched(f"ssh://{getpass.getuser()}@127.0.0.1:{ssh_port}{bare}", bare, tmp_path)


def test_plain_http_is_not_spoken_even_by_a_rewritten_url(bare: Path, home: Path, tmp_path: Path) -> None:
    for port in serve(bare, None):
        (home / ".gitconfig").write_text(f'[url "http://127.0.0.1:{port}/"]\ninsteadOf=https://host/\n', "utf-8")
        with pytest.raises(SandboxProblem, match="transport 'http' not allowed"):
            fetch_once(GitSource(url="https://host/it.git", ref="HEAD"), tmp_path / "place")


def test_https_that_leads_to_plain_http_is_not_followed(bare: Path, https_port: int, tmp_path: Path) -> None:
    assert https_port  # for its certificate
    for plain in serve(bare, None):
        for port in serve(bare, tmp_path / "certificate.pem", f"http://127.0.0.1:{plain}"):
            with pytest.raises(SandboxProblem, match="http"):
                fetch_once(GitSource(url=f"https://127.0.0.1:{port}/it.git", ref="HEAD"), tmp_path / "place")
    assert not list((tmp_path / "place").glob("*/tree"))
