"""Secrets planted wherever a run could pick one up are in no file, no log, no JUnit and on no screen."""

from __future__ import annotations

import pytest

from tests.acceptance.suite import Suite

CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--password")
    parser.addoption("--api-token")
"""
# put together when it runs: the source of a unit is in its traceback as it was written
UNITS = """
import subprocess, sys, time

SLEEP = "import time; time.sleep(60)"

def secret(): return "".join(["hun", "ter2", "xyz"])

def words(): return ["--password=" + secret(), "--token", secret(), "https://me:" + secret() + "@host/x"]

def test_command(benchrun): benchrun.command(["sh", "-c", "exit 0", *words()])

def test_command_fails(benchrun): benchrun.command(["sh", "-c", "exit 3", *words()], env={"MY_PASSWORD": secret()})

def test_command_asserted(benchrun):
    result = benchrun.command(["true", *words()])
    assert result.exit_code == 1

def test_command_is_late(benchrun): benchrun.command(["sh", "-c", "sleep 60", *words()], timeout=0.2)

def test_program_is_missing(benchrun): benchrun.command(["no-such-program", *words()])

def test_leaves_a_process(benchrun): subprocess.Popen([sys.executable, "-c", SLEEP, *words()])

def test_hangs(benchrun):
    subprocess.Popen([sys.executable, "-c", SLEEP, *words()])
    time.sleep(60)
"""
SECRET = b"hunter2xyz"
OPTIONS = (
    "--bench-db=postgresql://me:hunter2xyz@127.0.0.1:1/x",
    "--bench-notify=http://me:hunter2xyz@127.0.0.1:9/hook/hunter2xyz",
    "--password=hunter2xyz",
    "--api-token",
    "hunter2xyz",
    "--bench-stuck-timeout=2s",
    "--bench-log",
    "--bench-max-failures=none",
    "--junitxml=junit.xml",
)


@pytest.mark.parametrize("engine", [(), ("-n2",)], ids=["bare", "n2"])
def test_planted_secrets_are_found_nowhere(
    suite: Suite, engine: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MY_PASSWORD", "OMP_PASSWORD", "SLURM_TOKEN", "PGPASSWORD", "GIT_ASKPASS", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, SECRET.decode())
    monkeypatch.setenv("OMP_PROXY", f"http://me:{SECRET.decode()}@host")
    suite.append("conftest.py", CONFTEST)
    suite.write("test_it.py", UNITS)
    ended = suite.run(*OPTIONS, *engine)
    assert ended.code == 1, ended.output
    assert sorted(event["outcome"]["status"] for event in suite.events("unit_ended")) == [
        "completed",
        "completed",
        "failed",
        "failed",
        "failed",
        "timeout",
        "timeout",
    ]
    assert (suite.results / "run_error.json").exists()
    said = [suite.benchrun(command).output for command in ("status", "stats", "junit", "export", "rebuild")]
    again = suite.benchrun("resume", "--", "--collect-only")
    assert "not recorded, as it looks like a secret, and not repeated: --bench-notify, --password, --api-token" in (
        again.output
    )
    files = [path for path in [*suite.results.rglob("*"), suite.folder / "junit.xml"] if path.is_file()]
    assert len(files) > 10
    assert [path.name for path in files if SECRET in path.read_bytes()] == []
    assert [text for text in [ended.output, again.output, *said] if SECRET.decode() in text] == []
