"""The facts of this host: taken for real, sent as a program, and with no secret in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import orjson
import psutil
import pytest

from pytest_benchrun.world import machine
from pytest_benchrun.world.machine import facts, shown_variables
from pytest_benchrun.world.sighting import look_at_host


def test_they_are_those_of_this_host() -> None:
    found = facts()
    assert found["cpu"]["threads"] == os.cpu_count()
    assert found["cpu"]["cores"] in {psutil.cpu_count(logical=False), None}
    assert found["memory"]["total_bytes"] == psutil.virtual_memory().total
    assert found["python"]["packages"]["pytest"] == pytest.__version__
    assert found["load_1min"] >= 0
    assert json.loads(orjson.dumps(found)) == found


def test_the_file_runs_as_a_program_on_a_host_that_has_only_python(tmp_path: Path) -> None:
    source = Path(machine.__file__).read_bytes()
    argv = [sys.executable, "-I", "-S", "-"]
    said = subprocess.run(argv, input=source, capture_output=True, check=True, cwd=tmp_path)
    there = json.loads(said.stdout)
    here = facts()
    assert there["system"] == here["system"]
    assert there["cpu"]["model"] == here["cpu"]["model"]


def test_the_commit_and_whether_files_differ_from_it_are_known(tmp_path: Path) -> None:
    def git(*argv: str) -> str:
        names = dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME"), "t")
        environment = {**os.environ, **names, "GIT_COMMITTER_EMAIL": "t"}
        argv = ("git", "-C", str(tmp_path), *argv)
        return subprocess.run(argv, check=True, capture_output=True, text=True, env=environment).stdout.strip()

    assert facts(str(tmp_path))["git"] is None
    git("init", "-q")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-qm", "one")
    assert facts(str(tmp_path))["git"] == {"commit": git("rev-parse", "HEAD"), "is_dirty": False}
    (tmp_path / "new").write_text("a file that nobody added changes nothing")
    assert facts(str(tmp_path))["git"]["is_dirty"] is False
    (tmp_path / "a").write_text("2")
    assert facts(str(tmp_path))["git"]["is_dirty"] is True


def test_a_basic_look_asks_no_program() -> None:
    found = facts("/", is_basic=True)
    assert "git" not in found
    assert "gpus" not in found
    assert found["python"]["packages"] == {}


def test_variables_are_few_and_secrets_are_masked() -> None:
    environment = {
        "OMP_NUM_THREADS": "4",
        "LD_PRELOAD": "x" * 1000,
        "CUDA_API_TOKEN": "s3cret",
        "XLA_URL": "https://user:s3cret@host/path",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "HOME": "/home/me",
        "TZ": "bad\udcff",
    }
    shown = shown_variables(environment)
    assert shown == {
        "CUDA_API_TOKEN": "(masked)",
        "LD_PRELOAD": "x" * 300,
        "OMP_NUM_THREADS": "4",
        "TZ": "bad\\udcff",
        "XLA_URL": "https://(masked)@host/path",
    }


def test_a_program_that_hangs_or_fails_costs_its_fact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, script in (("git", "exec sleep 60"), ("nvidia-smi", "exit 9")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(machine, "PROGRAM_S", 0.2)
    found = facts(str(tmp_path))
    assert found["git"] is None
    assert found["gpus"] == []


def test_a_host_that_cannot_be_looked_at_costs_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> float:
        raise ValueError

    monkeypatch.setattr(os, "getloadavg", broken)
    assert look_at_host("full", "start", "/", "2026-11-21T10:00:00.000Z") == []
