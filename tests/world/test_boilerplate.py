"""Filling a sandbox: what is copied, what is refused, and what git may not do to us."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from pytest_benchrun.core.boilerplate import GitSource
from pytest_benchrun.core.errors import SandboxProblem
from pytest_benchrun.world.boilerplate import copy_folder, fetch_once

ME = (
    "-c",
    "user.name=me",
    "-c",
    "user.email=me@host",
    "-c",
    "init.defaultBranch=main",
    "-c",
    "protocol.file.allow=always",
)


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *ME, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repository"
    path.mkdir()
    git(path, "init", "--quiet")
    (path / "file").write_text("one", "utf-8")
    git(path, "add", ".")
    git(path, "commit", "--quiet", "-m", "one")
    git(path, "tag", "-a", "v1", "-m", "v1")
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.mkdir()
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "target"
    path.mkdir()
    return path


def of(repository: Path, ref: str = "HEAD") -> GitSource:
    return GitSource(url=f"file://{repository}", ref=ref)


def commit(repository: Path, text: str) -> str:
    (repository / "file").write_text(text, "utf-8")
    git(repository, "commit", "--quiet", "-a", "-m", text)
    return git(repository, "rev-parse", "HEAD")


def test_files_folders_rights_and_inner_links_are_copied(source: Path, target: Path) -> None:
    (source / "a" / "b").mkdir(parents=True)
    (source / "a" / "b" / "run").write_text("x", "utf-8")
    (source / "a" / "b" / "run").chmod(0o6755)
    (source / "link").symlink_to("a/b/run")
    (source / "a" / "up").symlink_to("../link")
    copy_folder(source, target)
    assert (target / "a" / "b" / "run").read_text("utf-8") == "x"
    assert (target / "a" / "b" / "run").stat().st_mode & 0o7777 == 0o755
    assert (target / "a" / "up").resolve() == (target / "a" / "b" / "run").resolve()


@pytest.mark.parametrize(
    "goal", ["/etc/passwd", "../outside", "a/../../outside", "self/../outside", "../source/../outside"]
)
def test_a_link_that_leads_outside_is_refused(source: Path, target: Path, goal: str) -> None:
    (source / "self").symlink_to(".")
    (source / "link").symlink_to(goal)
    with pytest.raises(SandboxProblem, match="'link' in it, which leads outside"):
        copy_folder(source, target)


def test_a_special_file_is_refused(source: Path, target: Path) -> None:
    os.mkfifo(source / "pipe")
    with pytest.raises(SandboxProblem, match="'pipe' in it, a special file"):
        copy_folder(source, target)


@pytest.mark.parametrize("ref", ["HEAD", "main", "v1"])
def test_a_ref_is_fetched_and_its_commit_told(repository: Path, tmp_path: Path, ref: str) -> None:
    wanted = git(repository, "rev-parse", "HEAD")
    tree, found = fetch_once(of(repository, ref), tmp_path / "place")
    assert found == wanted
    assert [path.name for path in tree.iterdir()] == ["file"]
    document = json.loads((tree.parent / "boilerplate.json").read_bytes())
    assert document == {"schema_version": 1, "url": f"file://{repository}", "ref": ref, "commit": wanted}


def test_an_old_commit_is_fetched_by_its_id(repository: Path, tmp_path: Path) -> None:
    old = git(repository, "rev-parse", "HEAD")
    commit(repository, "two")
    tree, found = fetch_once(of(repository, old), tmp_path / "place")
    assert (found, (tree / "file").read_text("utf-8")) == (old, "one")


def test_a_run_has_one_commit_however_its_branch_moves(repository: Path, tmp_path: Path) -> None:
    first = fetch_once(of(repository, "main"), tmp_path / "place")
    commit(repository, "two")
    assert fetch_once(of(repository, "main"), tmp_path / "place") == first
    assert fetch_once(of(repository, "main"), tmp_path / "another run") != first


def test_many_at_once_fetch_once(repository: Path, tmp_path: Path) -> None:
    found: list[tuple[Path, str]] = []
    threads = [
        threading.Thread(target=lambda: found.append(fetch_once(of(repository), tmp_path / "place"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 4
    assert len(set(found)) == 1
    assert len([path for path in (tmp_path / "place").iterdir() if path.is_dir()]) == 1


def test_what_git_says_is_in_the_error_and_nothing_is_left(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(SandboxProblem, match=r"could not fetch 'nowhere' of file://(.|\n)*nowhere(.|\n)*-> see"):
        fetch_once(of(repository, "nowhere"), tmp_path / "place")
    assert [path.name for path in (tmp_path / "place").iterdir() if path.is_dir()] == []


def test_no_hook_and_no_template_of_anybody_runs(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    for name in ("post-checkout", "reference-transaction", "post-index-change", "fsmonitor"):
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> {trap}\n", "utf-8")
        (hooks / name).chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    lines = f"[core]\nhooksPath={hooks}\nfsmonitor={hooks}/fsmonitor\n[init]\ntemplateDir={hooks.parent}\n"
    (home / ".gitconfig").write_text(lines, "utf-8")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(hooks.parent))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(hooks / "post-checkout"))
    fetch_once(of(repository), tmp_path / "place")
    assert not trap.exists()


def test_submodules_stay_out(repository: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    git(outer, "submodule", "--quiet", "add", f"file://{repository}", "inner")
    git(outer, "commit", "--quiet", "-m", "outer")
    tree, _ = fetch_once(of(outer), tmp_path / "place")
    assert list((tree / "inner").iterdir()) == []


def test_an_url_that_would_be_a_command_runs_none(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    for url in (f"--upload-pack=touch {trap}", f"ext::sh -c touch% {trap}"):
        with pytest.raises(SandboxProblem):
            fetch_once(GitSource(url=url, ref="HEAD"), tmp_path / "place")
    with pytest.raises(SandboxProblem):
        fetch_once(GitSource(url=f"file://{tmp_path}", ref=f"--upload-pack=touch {trap}"), tmp_path / "place")
    assert not trap.exists()


def test_another_transport_is_not_taken_even_by_a_rewritten_url(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f'[url "file://{repository}"]\ninsteadOf=https://host/a\n', "utf-8")
    monkeypatch.setenv("HOME", str(home))
    with pytest.raises(SandboxProblem, match="transport 'file' not allowed"):
        fetch_once(GitSource(url="https://host/a", ref="HEAD"), tmp_path / "place")


def test_a_password_that_git_itself_adds_is_in_no_error_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    lines = '[url "https://me:hunter2@127.0.0.1:1/"]\ninsteadOf=https://host/\n'
    (home / ".gitconfig").write_text(lines, "utf-8")
    monkeypatch.setenv("HOME", str(home))
    with pytest.raises(SandboxProblem) as caught:
        fetch_once(GitSource(url="https://host/a", ref="HEAD"), tmp_path / "place")
    assert "hunter2" not in str(caught.value)
    assert not [path for path in (tmp_path / "place").rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
