"""JUnit XML from a run's events, as pytest's own `--junitxml` has it (family xunit2).

pytest writes its file at the end of a session; from the journal it can be made at any time, also of a run
that was killed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event, LateError, RestSkipped, UnitEnded, UnitResult, UnitStarted
from pytest_benchrun.core.model import Outcome, Unit, UnitStatus
from pytest_benchrun.core.moments import parse
from pytest_benchrun.core.records import UnitRecord

MESSAGE_LENGTH = 500
"""How much of an error pytest puts into the `message` attribute; the text of the element has the rest."""

_MARK = "E "  # how pytest marks the lines of the error itself; the indentation of the source follows
_HAS_NO_LINE = re.compile(r"file .+, line \d+\n")
_DOCTEST = (": DocTestFailure", ": UnexpectedException")
"""A fixture that is not there, and a doctest: pytest has no line of the error's own and takes all."""

_SURE = 900  # of a message that the journal has cut at 1,000 characters, so many are surely its own

# What XML 1.0 cannot hold (its section 2.2), and DEL, which pytest leaves out too.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\u007e\u0080-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(events: Iterable[Event], *, is_live: bool) -> str:
    """The XML document of all units: ended ones by their last attempt, the others with why they have none.

    Args:
        events: of the run, in the journal's order.
        is_live: whether its owner lives: a unit in flight goes on then, else it was killed.
    """
    told = _Told(is_live=is_live)
    for event in events:
        told.apply(event)
    cases = [case for record in told.campaign.records.values() for case in told.cases(record)]
    count = {tag: sum(len(case.findall(tag)) for case in cases) for tag in ("error", "failure", "skipped")}
    campaign = told.campaign
    suite = ET.Element(
        "testsuite",
        name="pytest",
        errors=str(count["error"]),
        failures=str(count["failure"]),
        skipped=str(count["skipped"]),
        tests=str(len(cases)),
        time=f"{campaign.wall_s:.3f}",
        timestamp=parse(campaign.created.at).isoformat(timespec="microseconds") if campaign.created else "",
        hostname=escape(campaign.session.owner.host) if campaign.session else "",
    )
    suite.extend(cases)
    suites = ET.Element("testsuites", name="pytest tests")
    suites.append(suite)
    return '<?xml version="1.0" encoding="utf-8"?>' + ET.tostring(suites, encoding="unicode")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One `testcase`: of a unit, or of a fixture that failed after its unit had ended."""

    name: str
    elapsed_s: float | None
    properties: list[tuple[str, str]]
    result: ET.Element | None

    def to_xml(self) -> ET.Element:
        *classnames, name = names_of(self.name)
        seconds = f"{self.elapsed_s or 0.0:.3f}"
        case = ET.Element("testcase", classname=escape(".".join(classnames)), name=escape(name), time=seconds)
        if self.properties:
            properties = ET.SubElement(case, "properties")
            for key, value in self.properties:
                ET.SubElement(properties, "property", name=escape(key), value=escape(value))
        if self.result is not None:
            case.append(self.result)
        return case


class _Told:
    """What the events so far tell, with the details that the state does not keep."""

    def __init__(self, *, is_live: bool) -> None:
        self.campaign = Campaign()
        self._is_live = is_live
        self._said: dict[str, UnitEnded | UnitResult] = {}
        self._late: dict[str, list[LateError]] = {}
        self._rest_reason = ""

    def apply(self, event: Event) -> None:
        """Take one event in."""
        self.campaign.apply(event)
        match event:
            case UnitStarted():
                self._said.pop(event.unit_id, None)
                self._late.pop(event.unit_id, None)
            case UnitEnded() | UnitResult():
                self._said[event.unit_id] = event
            case LateError():
                self._late.setdefault(event.unit_id, []).append(event)
            case RestSkipped():
                self._rest_reason = event.reason

    def cases(self, record: UnitRecord) -> list[ET.Element]:
        """The test cases of a unit: its own, and one for each late error of a fixture that it was the last to use."""
        name = self._nodeid(record.unit.unit_id)
        said = self._said.get(record.unit.unit_id)
        if said is None or record.status is UnitStatus.PENDING:
            case = self._case_without_result(name, record)
        else:
            properties = self._properties(record.unit, said.attempt)
            for metric_name, metric in said.outcome.metrics.items():
                value = "" if metric.value is None else str(metric.value)
                properties.append((f"bench.metric.{metric_name}", value))
            case = _Case(name=name, elapsed_s=said.elapsed_s, properties=properties, result=result_of(said.outcome))
        late = [
            _Case(name=name, elapsed_s=None, properties=[], result=_error("teardown", error.message, error.detail))
            for error in self._late.get(record.unit.unit_id, ())
        ]
        return [one.to_xml() for one in (case, *late)]

    def _case_without_result(self, name: str, record: UnitRecord) -> _Case:
        if record.status is UnitStatus.RUNNING:
            reason = "it is running" if self._is_live else "the run was killed while it ran"
            result = _element("error", f"benchrun: {reason}", f"benchrun: {reason}")
            attempt = record.attempts
        else:
            reason, attempt = self._reason_not_started(), 0
            result = _skipped(reason, f"{name.partition('::')[0]}:0: {reason}")
        properties = self._properties(record.unit, attempt)
        return _Case(name=name, elapsed_s=None, properties=properties, result=result)

    def _reason_not_started(self) -> str:
        if self.campaign.held_back:
            return self._rest_reason
        stop = self.campaign.stop
        if stop is not None:
            return f"benchrun: {stop.reason}"
        return "benchrun: not started yet" if self._is_live else "benchrun: not started before the run ended"

    def _properties(self, unit: Unit, attempt: int) -> list[tuple[str, str]]:
        run_id = self.campaign.run_id
        return [("bench.run_id", run_id), ("bench.group", unit.group), ("bench.attempt", str(attempt))]

    def _nodeid(self, unit_id: str) -> str:
        """The id that pytest has: units of one name are numbered `#2`, `#3` by us."""
        first, mark, number = unit_id.rpartition("#")
        return first if mark and number.isdecimal() and first in self.campaign.records else unit_id


def result_of(outcome: Outcome) -> ET.Element | None:
    """What stands in the test case for an outcome; None for one that passed."""
    kind, message, detail = outcome.kind, outcome.message or "", outcome.detail
    if outcome.status is UnitStatus.COMPLETED:
        return ET.Element("skipped", type="pytest.xfail", message=escape(message)) if kind == "xfail" else None
    if outcome.status is UnitStatus.SKIPPED:
        place = re.match(r".*?:\d+: ", detail or "")
        reason = detail[place.end() :] if detail and place else message
        return _skipped(reason, detail or message)
    if outcome.status is UnitStatus.INTERRUPTED:
        return _element("error", f"benchrun: interrupted: {message}", detail or message)
    if kind in {"setup", "teardown"}:
        return _error(kind, message, detail)
    return _element("failure", shortened(whole_message(message, detail)), detail or message)


def _error(kind: str, message: str, detail: str | None) -> ET.Element:
    said = f'failed on {kind} with "{whole_message(message, detail)}"'
    return _element("error", shortened(said), detail or message)


def _skipped(reason: str, text: str) -> ET.Element:
    element = ET.Element("skipped", type="pytest.skip", message=escape(reason))
    element.text = escape(text)
    return element


def _element(tag: str, message: str, text: str) -> ET.Element:
    element = ET.Element(tag, message=escape(message))
    element.text = escape(text)
    return element


def whole_message(message: str, detail: str | None) -> str:
    """The error's text with all its lines, found again in its traceback; `message` where it is not there.

    Args:
        message: its first line, perhaps cut.
        detail: what pytest prints for it; None when there is nothing.
    """
    if detail is None:
        return message
    if _HAS_NO_LINE.match(detail) or detail.endswith(_DOCTEST):
        return detail
    lines = detail.split("\n")
    end = len(lines)
    while end:  # from the end: of a chain of errors the last one counts
        start = end - 1
        while start and lines[start].startswith(_MARK) and lines[start - 1].startswith(_MARK):
            start -= 1
        for first in range(start, end):
            text = lines[first].removeprefix("E").lstrip(" ")
            if lines[first].startswith(_MARK) and _begins(text, message):
                return "\n".join(
                    [text, *_marked(lines[first + 1 :], lines[first].removesuffix(text), is_alone=first == 0)]
                )
        end = start
    first_line = lines[0].strip()
    if _begins(first_line, message):
        return detail
    # without a traceback pytest prints the text alone, and names the kind of error before it only in the message
    kind = message.removesuffix(first_line)
    return kind + detail if kind.endswith(": ") else message


def _marked(lines: list[str], mark: str, *, is_alone: bool) -> Iterator[str]:
    """The further lines of an error; where it stands alone (`--tb=line`) only its first one is marked."""
    for line in lines:
        if not line.startswith(mark) and not (is_alone and not line[: len(mark)].strip()):
            return
        yield line[len(mark) :]


def _begins(text: str, message: str) -> bool:
    return text == message or (len(message) > _SURE and text.startswith(message[:_SURE]))


def shortened(message: str) -> str:
    """What pytest 9.2 and newer leave of a long message: whole lines as far as they fit, and how many follow."""
    lines = message.splitlines() or [""]
    kept: list[str] = []
    size = 0
    for line in lines:
        if kept and size + len(line) + 1 > MESSAGE_LENGTH:
            break
        kept.append(line)
        size += len(line) + 1
    text = "\n".join(kept)
    left = len(lines) - len(kept)
    if not left and len(text) <= MESSAGE_LENGTH:
        return message
    if len(text) > MESSAGE_LENGTH:
        text = text[:MESSAGE_LENGTH] + "..."
    note = f"+{left} more line{'s' if left > 1 else ''}" if left else "truncated"
    return f"{text}\n[{note}; full report in element text]"


def names_of(nodeid: str) -> list[str]:
    """Folders and file, classes, function: the parts of the class name, then the name with its parameters."""
    path, separator, rest = nodeid.partition("::")
    head, bracket, params = rest.partition("[")
    names = [re.sub(r"\.py$", "", path.replace("/", "."))]
    if separator:
        names += head.split("::")
    names[-1] += bracket + params
    return names


def escape(text: str) -> str:
    """`text` with what XML cannot hold written as `#xHEX`, for the eyes of people."""
    return _ILLEGAL.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"#x{code:02X}" if code <= 0xFF else f"#x{code:04X}"  # noqa: PLR2004  # one byte
