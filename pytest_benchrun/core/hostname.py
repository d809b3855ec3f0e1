"""Names of hosts that people type, and that a program gets as an argument."""

from __future__ import annotations

import re
from ipaddress import IPv6Address

_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
_SCOPE = re.compile(r"[A-Za-z0-9._-]{1,32}")


def ssh_destination(name: str) -> str | None:
    """A host as `ssh` takes it: `[v6]` without its brackets.

    What could be an option, end a word of a shell, or be more than a host, is none: the name also reaches the
    commands of `~/.ssh/config`, as in `ProxyCommand`.

    Args:
        name: `name`, `user@name`, an address, `user@[v6]`, or an alias of `~/.ssh/config`.

    Returns:
        None when it is none of them.
    """
    user, at, host = name.rpartition("@")
    if at and not _USER.fullmatch(user):
        return None
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        is_host = _is_v6(host)
    else:
        is_host = bool(_NAME.fullmatch(host)) or _is_v6(host)
    return f"{user}{at}{host}" if is_host else None


def _is_v6(text: str) -> bool:
    address, percent, scope = text.partition("%")
    if percent and not _SCOPE.fullmatch(scope):
        return False
    try:
        IPv6Address(address)
    except ValueError:
        return False
    return True
