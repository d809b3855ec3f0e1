"""`--bench-notify`: who is told of an incident."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.hooks.campaigns import Campaign

HANGS = """
import time

def test_first(): pass

def test_hangs():
    time.sleep(60)

def test_last(): pass
"""


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A web hook: its URL and what it was told."""
    told: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/hook", told
        listening.shutdown()
        thread.join()


def test_a_web_hook_is_told(campaign: Campaign, engine: str, server: tuple[str, list[dict[str, Any]]]) -> None:
    url, told = server
    campaign.write({"test_it.py": HANGS})
    session = campaign.run("--bench-stuck-timeout=0.3s", f"--bench-notify={url}", engine=engine)
    assert [one["incident"]["unit_id"] for one in told] == ["test_it.py::test_hangs"]
    assert "test_hangs: stuck: no sign of progress" in told[0]["text"]
    assert session.outcomes == {"passed": 2, "failed": 1}


def test_a_web_hook_that_is_down_is_told_once_and_changes_nothing(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_it.py": HANGS})
    session = campaign.run("--bench-stuck-timeout=0.3s", "--bench-notify=http://127.0.0.1:9/hook", engine=engine)
    assert session.outcomes == {"passed": 2, "failed": 1}
    assert session.text.count("--bench-notify: ") == 1


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["bare", "n2"])
def test_another_service_is_told_by_apprise(
    campaign: Campaign, workers: tuple[str, ...], server: tuple[str, list[dict[str, Any]]]
) -> None:
    pytest.importorskip("apprise")
    url, told = server
    campaign.write({"test_it.py": HANGS})
    service = f"--bench-notify={url.replace('http://', 'json://')}"
    ended = campaign.apart(f"--bench-results={campaign.results}", "--bench-stuck-timeout=0.3s", service, *workers)
    assert ended.returncode == 1, ended.stdout
    [one] = told
    assert one["title"] == "benchrun"
    assert "test_hangs: stuck: no sign of progress" in one["message"]


def test_another_service_names_what_it_needs(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_it.py": HANGS})
    session = campaign.run("--bench-notify=nothing-that-is-known://x", engine=engine)
    assert session.exit_code == 4
    assert "apprise" in session.text
    assert not campaign.results.exists()


def test_what_is_no_url_is_refused(campaign: Campaign, engine: str) -> None:
    campaign.write({"test_it.py": HANGS})
    session = campaign.run("--bench-notify=nowhere", engine=engine)
    assert session.exit_code == 4
    assert "--bench-notify='nowhere' is not a URL" in session.text
    assert not campaign.results.exists()
