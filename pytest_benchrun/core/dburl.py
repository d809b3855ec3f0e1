"""Where a database of many runs is: what its address may be, and its passwords, which nobody is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from pytest_benchrun.core.errors import UsageProblem, nearest

MASK = "***"
SCHEMES = ("sqlite", "postgresql", "postgres")
EXAMPLES = "history.sqlite, sqlite:///history.sqlite or postgresql://user@host/name"
VARIABLE = "BENCHRUN_DB"
"""Environment variable with the address, looked at last: for one with a password, which a command line shows."""


def masked(url: str) -> str:
    """An address as anybody may see it; more than the password is masked rather than less."""
    scheme, there, rest = url.partition("://")
    if not there:
        return url
    body, question, query = rest.partition("?")
    if "@" in query:  # a password with a question mark of its own
        body, question, query = rest, "", ""
    who, at, where = body.rpartition("@")
    user, colon, _ = who.partition(":")
    shown = "&".join(_masked_pair(pair) for pair in query.split("&"))
    return f"{scheme}://{user}{f':{MASK}' if colon else ''}{at}{where}{question}{shown}"


def _masked_pair(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}{equals}{MASK}" if unquote(name).strip().lower().endswith("password") else pair


def has_password(url: str) -> bool:
    """Whether something of it is masked."""
    return masked(url) != url


def passwords_of(url: str) -> list[str]:
    """The texts of an address that nobody is shown, as written and as meant; longest first."""
    _, _, rest = url.partition("://")
    who = rest.rpartition("@")[0]
    found = [who.partition(":")[2]]
    for pair in rest.partition("?")[2].split("&"):
        name, _, value = pair.partition("=")
        if unquote(name).strip().lower().endswith("password"):
            found.append(value)
    return sorted({text for one in found for text in (one, unquote(one)) if text}, key=len, reverse=True)


def without_passwords(text: str, url: str) -> str:
    """What a library says of a database, without what is secret in its address."""
    text = text.replace(url, masked(url))
    for password in passwords_of(url):
        text = text.replace(password, MASK)
    return text


def sqlite_path(url: str, what: str) -> str | None:
    """The path of an SQLite file, absolute or relative; None for another database.

    As everywhere with such addresses, `sqlite:///name` is relative and `sqlite:////name` absolute.

    Args:
        url: an address or a path.
        what: who names it, for the error.

    Raises:
        UsageProblem: it is no address of a database.
    """
    scheme, there, rest = url.partition("://")
    if not there:
        if not url.strip():
            raise UsageProblem(f"{what}={url!r} names no database", hint=f"for example: {EXAMPLES}")
        return url
    if scheme not in SCHEMES:
        problem = f"{what}={masked(url)!r}: there is no kind of database {scheme!r}; known: {', '.join(SCHEMES)}"
        raise UsageProblem(problem, hint=f"did you mean {nearest(scheme, SCHEMES)}://?   for example: {EXAMPLES}")
    if scheme != "sqlite":
        _check_address(url, what)
        return None
    if not rest.startswith("/") or rest == "/":
        problem = f"{what}={url!r} names no file"
        raise UsageProblem(problem, hint="three slashes before a relative path, four in all before an absolute one")
    return rest[1:]


def _check_address(url: str, what: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError as error:
        problem = f"{what}={masked(url)!r} is no address of a database"
        hint = "write special characters of the password as %40 and so on, or keep it in ~/.pgpass"
        raise UsageProblem(problem, hint=hint) from error


def masked_command(words: Iterable[str], flag: str, ini: str) -> list[str]:
    """A command line as anybody may see it.

    Args:
        words: as typed.
        flag: the option whose value is an address, as a word of its own or after `=`.
        ini: its name in the configuration file, which `-o` can give too.
    """
    shown: list[str] = []
    is_value = False
    for word in words:
        said = _said(word, flag, ini)
        shown.append(masked(word) if is_value else said + masked(word.removeprefix(said)) if said else word)
        is_value = word == flag
    return shown


def without_masked(words: Iterable[str], flag: str, ini: str) -> tuple[list[str], bool]:
    """A recorded command line without an address that was masked, and whether there was one: it would lead nowhere."""
    kept: list[str] = []
    was_masked = False
    for word in words:
        is_value = bool(kept) and (kept[-1] == flag or (kept[-1] in _OVERRIDES and _said(word, flag, ini) != ""))
        if _is_masked(word) and (is_value or _said(word, flag, ini)):
            was_masked = True
            if is_value:
                kept.pop()
        else:
            kept.append(word)
    return kept, was_masked


_OVERRIDES = frozenset({"-o", "--override-ini"})


def _said(word: str, flag: str, ini: str) -> str:
    """What stands before the address in a word that says the option; empty for any other."""
    match = re.match(rf"(?:-o\s*|--override-ini=)?{re.escape(ini)}\s*=|{re.escape(flag)}=", word)
    return match[0] if match else ""


def _is_masked(word: str) -> bool:
    return f":{MASK}@" in word or f"password={MASK}" in word.lower()
