"""The ETA row: by how much the remaining time is wrong, over runs that are replayed through the product's own code.

`python -m benchmarks.harness.eta` replays made runs; `python -m benchmarks.harness.eta DIR ...` replays the
journals of real ones beside them. Every event goes through `Campaign` and `Outlook`, as in a live session, and
`status_view` is asked after each unit. The error is the area between the estimate and the truth over the area
under the truth, from the first unit's end (of the last session) to the run's: 15 % means that an hour that is
left is believed to be between 51 and 69 minutes. Beside it stands the error of one who is told each cost as soon as
it can be known (`eta_told`): a row where that one misses the target is a row where everybody does.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from benchmarks.harness.eta_shapes import events_of, made_runs
from benchmarks.harness.eta_told import Told
from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import Event, SessionStarted, UnitEnded
from pytest_benchrun.core.outlook import Outlook
from pytest_benchrun.core.views import status_view
from pytest_benchrun.store.history import earlier_seconds
from pytest_benchrun.store.journal import JournalReader
from pytest_benchrun.store.rundir import RunDir

LIMIT = 0.15
SEEDS = (1, 2, 3)
FEWEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EtaError:
    """How wrong the estimates of one run were.

    Attributes:
        ours: error of `eta.hours`, 0.1 is 10 %.
        rolling: error of `estimated_remaining_hours`, the mean of the last 10.
        covered: part of the time at which the truth lay in our range.
        told: error of one who is told what can be known; None for a real run, whose costs nobody can tell.
    """

    ours: float
    rolling: float
    covered: float
    told: float | None


def replay(events: Sequence[Event], earlier: Mapping[str, float], told: Told | None = None) -> EtaError | None:
    """Feed the events of a run and ask for the estimate after each unit.

    Returns:
        None for a run that is too short, or that did not come to its end: how long it would have taken is not known.
    """
    campaign = Campaign()
    outlook = Outlook(campaign, earlier)
    start_s = max(_moment_s(event.at) for event in events if isinstance(event, SessionStarted))
    end_s = max(_moment_s(event.at) for event in events if isinstance(event, UnitEnded))
    asked = []
    for event in events:
        campaign.apply(event)
        outlook.on_event(event)
        if told is not None:
            told.on_event(event)
        if isinstance(event, UnitEnded) and _moment_s(event.at) > start_s:
            view = status_view(campaign, results_dir="", now_at=event.at, outlook=outlook)
            eta = view["eta"]
            figures = eta["hours"], view["estimated_remaining_hours"], eta["low_hours"], eta["high_hours"]
            told_s = told.rest_s(event.at) if told is not None else 0.0
            asked.append((_moment_s(event.at), (*((figure or 0.0) * 3600 for figure in figures), told_s)))
    ours = rolling = truth = covered = bound = 0.0
    for (at_s, (our_s, mean_s, low_s, high_s, told_s)), (next_s, _) in pairwise(asked):
        left_s, weight = end_s - at_s, next_s - at_s
        ours += abs(our_s - left_s) * weight
        rolling += abs(mean_s - left_s) * weight
        bound += abs(told_s - left_s) * weight
        truth += left_s * weight
        covered += weight * (low_s <= left_s <= high_s)
    if len(asked) < FEWEST or not truth or campaign.unfinished:
        return None
    return EtaError(
        ours=ours / truth,
        rolling=rolling / truth,
        covered=covered / (asked[-1][0] - asked[0][0]),
        told=None if told is None else bound / truth,
    )


def _moment_s(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def _made_errors() -> Iterator[tuple[str, bool, EtaError]]:
    """Each shape and order: mean over the seeds."""
    found: dict[tuple[str, bool], list[EtaError]] = {}
    for seed in SEEDS:
        for made in made_runs(seed):
            error = replay(events_of(made), made.earlier, Told(made) if not made.earlier else None)
            if error is not None:
                found.setdefault((f"{made.shape}: {made.order}", made.is_known), []).append(error)
    for (name, is_known), errors in found.items():
        yield name, is_known, _mean(errors)


def _mean(errors: Sequence[EtaError]) -> EtaError:
    columns = zip(*((error.ours, error.rolling, error.covered) for error in errors), strict=True)
    ours, rolling, covered = map(statistics.fmean, columns)
    told = [error.told for error in errors if error.told is not None]
    return EtaError(ours=ours, rolling=rolling, covered=covered, told=statistics.fmean(told) if told else None)


def _show(name: str, error: EtaError) -> str:
    verdict = "ok" if error.ours <= LIMIT else "above 15 %"
    told = "" if error.told is None else f"{error.told:.1%}"
    return f"| {name} | {error.ours:.1%} | {told} | {error.rolling:.1%} | {error.covered:.0%} | {verdict} |"


def main() -> int:
    """Print the table; a missed target is a figure, no failure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.harness.eta", description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, metavar="DIR", help="results directory of a real run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to this file")
    options = parser.parse_args()
    print("| run | ours | told | mean of last 10 | truth in our range | target 15 % |\n|---|---|---|---|---|---|")
    figures: dict[str, EtaError] = {}
    known, unknown = [], []
    for name, is_known, error in _made_errors():
        (known if is_known else unknown).append(error)
        figures[name] = error
        print(_show(name, error), flush=True)
    for title, errors in (("**mean**", known), ("**mean where nobody can know**", unknown)):
        figures[title] = _mean(errors)
        print(_show(title, figures[title]))
    for path in options.runs:
        rundir = RunDir(path)
        real = replay(list(JournalReader(rundir)), earlier_seconds(rundir))
        if real is None:
            print(f"| {path}: too short, or not complete | | | | | |")
            continue
        figures[str(path)] = real
        print(_show(str(path), real))
    if options.json:
        options.json.write_text(json.dumps({name: asdict(error) for name, error in figures.items()}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
