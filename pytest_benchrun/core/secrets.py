"""Command lines as they may be written down: without what looks like a password, a token or a key.

More is masked rather than less, but not words such as `tokens_total=2e6`: a recorded command is also repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

MASK = "***"
_NAME = r"(?:password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credentials?)"
_SAYS = re.compile(rf"(?is)(-{{0,2}}[\w.-]*?{_NAME}=).+")
_FLAG = re.compile(rf"(?i)--?[\w.-]*?{_NAME}")
_INSIDE = re.compile(
    rf"(?i)(?<![\w.-])((?:-{{0,2}}[\w.-]*?{_NAME}=)|(?:--?[\w.-]*?{_NAME}['\"]?\s+['\"]?(?!-)))[^\s'\"]+"
)
_USERINFO = re.compile(r"(?<=://)(?![^/@\s]*:\*\*\*@)[^/@\s]+@")


def mask_text(text: str) -> str:
    """A command line in one text, or a text with one in it."""
    return _USERINFO.sub("(masked)@", _INSIDE.sub(rf"\1{MASK}", text))


def masked_words(words: Iterable[str]) -> list[str]:
    """The words of a command line."""
    shown: list[str] = []
    is_value = False
    for word in words:
        said = _SAYS.fullmatch(word)
        if is_value and not word.startswith("-"):
            shown.append(MASK)
        else:
            shown.append(f"{said[1]}{MASK}" if said else mask_text(word))
        is_value = _FLAG.fullmatch(word) is not None
    return shown


def masked_url(url: str) -> str:
    """An address whose path may be the secret itself: only scheme and host are shown."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return MASK
    is_plain = parts.path in {"", "/"} and not parts.query and not parts.fragment and "@" not in parts.netloc
    return url if is_plain else f"{parts.scheme}://{host}{port}/{MASK}"


def masked_option(words: Iterable[str], flag: str) -> list[str]:
    """A command line where the value of an option is an address of `masked_url`."""
    shown: list[str] = []
    for word in words:
        if shown and shown[-1] == flag:
            shown.append(masked_url(word))
        elif word.startswith(f"{flag}="):
            shown.append(f"{flag}={masked_url(word.partition('=')[2])}")
        else:
            shown.append(word)
    return shown


def without_masked_words(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """A recorded command without what was masked, which would lead nowhere; and the names of what that was."""
    kept: list[str] = []
    lost: list[str] = []
    for word in words:
        if not word.endswith(MASK) or word.endswith(f":{MASK}"):
            kept.append(word)
        elif "=" in word.partition("://")[0]:
            lost.append(word.partition("=")[0])
        elif kept and kept[-1].startswith("-"):
            lost.append(kept.pop())
        else:
            lost.append(word)
    return kept, lost
