"""What a sandbox begins with: a folder, or a commit of a git repository; read from the mark and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from pytest_benchrun.core.errors import UsageProblem, nearest

SCHEMES = ("https", "ssh", "file")
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+-]*")
_HOST = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9.:\]-]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_SCP = re.compile(r"([\w.-]+@[\w.-]+):(?!//)(\S+)")
_EXAMPLE = "https://host/project.git@v1.2, ssh://git@host/project.git, file:///folder/project.git, or a folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSource:
    """A commit of a repository.

    Attributes:
        url: of the repository; holds no password.
        ref: branch, tag or full commit; `HEAD` for what the repository itself takes.
    """

    url: str
    ref: str


def read_boilerplate(value: object, where: str) -> GitSource | str:
    """The repository that a mark names, or the folder as it stands there.

    Args:
        value: of `boilerplate=`.
        where: the mark with the value (passwords masked) and its place, for errors.

    Raises:
        UsageProblem: it is neither, or it is a repository that must not be asked.
    """
    text = value if isinstance(value, str) else str(value) if hasattr(value, "__fspath__") else ""
    if not text or "\0" in text:
        raise UsageProblem(f"{where} is no folder and no repository", hint=_EXAMPLE)
    if (scp := _SCP.fullmatch(text)) is not None:
        problem = f"{where} is the short form of ssh, which could as well be a folder"
        raise UsageProblem(problem, hint=f"ssh://{scp[1]}/{scp[2]}")
    if "::" in text.partition("/")[0] or re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None:
        return _read_url(text, where)
    if text.startswith("-"):
        raise UsageProblem(f"{where} looks like an option", hint=f"./{text}")
    return text


def _read_url(text: str, where: str) -> GitSource:
    scheme = text.partition(":")[0]
    if scheme not in SCHEMES or "::" in text.partition("/")[0]:
        problem = f"{where}: git is asked by {', '.join(SCHEMES)} only, and not by {scheme!r}"
        raise UsageProblem(problem, hint=f"{nearest(scheme, SCHEMES)}://...")
    head, _, path = text.removeprefix(f"{scheme}://").partition("/")
    path, at, ref = path.rpartition("@") if "@" in path else (path, "", "HEAD")
    if at and (_REF.fullmatch(ref) is None or ".." in ref or ref.endswith((".lock", "/", "."))):
        raise UsageProblem(f"{where}: {ref!r} is no branch, tag or commit", hint="for example: @v1.2")
    url = f"{scheme}://{head}/{path}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageProblem(f"{where} is no URL: {error}", hint=_EXAMPLE) from error
    user, host = parts.username, parts.hostname or ""
    if parts.password is not None or (user and scheme == "https"):
        problem = f"{where} has a password or token in it, which would be in every traceback of the unit"
        raise UsageProblem(
            problem, hint="leave it away, and give it to git: git config --global credential.helper store"
        )
    is_bad = re.search(r"[\s\x00-\x1f\x7f\\?#]", url) is not None or path in {"", "/"} or port == 0
    is_bad = is_bad or (scheme == "file" and bool(head)) or (scheme != "file" and _HOST.fullmatch(host) is None)
    if is_bad or (user is not None and _USER.fullmatch(user) is None):
        raise UsageProblem(f"{where} is no URL of a repository", hint=_EXAMPLE)
    return GitSource(url=url, ref=ref)
