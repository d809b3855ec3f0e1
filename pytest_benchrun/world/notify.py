"""Tells a URL: http and https by the standard library, other services through apprise, an extra."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Mapping

import orjson

from pytest_benchrun.core.errors import UsageProblem

WITHIN_S = 5.0

Notify = Callable[[str, Mapping[str, object]], None]
"""Takes a line for people and what it is about; may raise anything, and takes seconds at most."""


def notifier_of(url: str) -> Notify:
    """What tells `url`.

    Raises:
        UsageProblem: it needs an extra that is not installed, or names no service.
    """
    scheme = url.partition(":")[0].lower()
    if scheme in {"http", "https"}:
        return lambda text, incident: _post(url, text, incident)
    try:
        import apprise  # an extra: only other services than webhooks need it
    except ImportError:
        problem = f"--bench-notify with {scheme + '://'!r} needs apprise, which is not installed"
        raise UsageProblem(
            problem, hint='pip install "pytest-benchrun[notify]", or name a webhook: https://...'
        ) from None
    service = apprise.Apprise()
    if not service.add(url):
        problem = f"--bench-notify: apprise knows no service for {scheme + '://'!r}"
        raise UsageProblem(problem, hint="see what `apprise --details` lists, or name a webhook: https://...")
    return lambda text, _: _tell(service, text)


def _post(url: str, text: str, incident: Mapping[str, object]) -> None:
    data = orjson.dumps({"text": text, "incident": incident})
    headers = {"Content-Type": "application/json", "User-Agent": "pytest-benchrun"}
    request = urllib.request.Request(url, data, headers)  # noqa: S310  # http and https alone come here
    with urllib.request.urlopen(request, timeout=WITHIN_S):  # noqa: S310  # as above
        pass


def _tell(service: object, text: str) -> None:
    if not service.notify(body=text, title="benchrun"):  # type: ignore[attr-defined]  # apprise has no annotations
        message = "the service did not take it"
        raise OSError(message)
