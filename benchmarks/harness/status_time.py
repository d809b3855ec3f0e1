"""What `benchrun status` takes beside a start of Python: wall time, as people wait for it.

`python -m benchmarks.harness.status_time` makes the status of a run of 100,000 units and asks for it in fresh
processes, in turn with `python -c pass`.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

from benchmarks.harness.eta_shapes import Made, events_of
from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.events import UnitEnded, UnitStarted
from pytest_benchrun.core.model import Unit
from pytest_benchrun.core.views import status_view

UNITS = 100_000
ROUNDS = 31
LIMIT = 3.0
COMMAND = "import sys; from pytest_benchrun.cli import main; sys.exit(main())"
"""What the `benchrun` script does, which may not be on the path."""


def make_status(folder: Path) -> None:
    """The status of a run of 100,000 units, half of which have ended."""
    ids = [f"bench.py::test_it[{number}]" for number in range(UNITS)]
    rows = [(Unit(unit_id=unit_id, function="bench.py::test_it", group=unit_id), 1.0) for unit_id in ids]
    campaign = Campaign()
    ended = 0
    for event in events_of(Made(shape="flat", order="as collected", rows=rows)):
        if isinstance(event, UnitStarted | UnitEnded) and ended >= UNITS // 2:
            break
        ended += isinstance(event, UnitEnded)
        campaign.apply(event)
    view = status_view(campaign, results_dir=str(folder), now_at=campaign.last_at)
    (folder / "status.json").write_bytes(orjson.dumps(view, option=orjson.OPT_INDENT_2))


def wall_ms(command: list[str]) -> float:
    """Milliseconds that a command takes; it must succeed."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return (time.perf_counter() - started) * 1000


def main() -> int:
    """Print the table; a missed target is a figure, no failure."""
    with tempfile.TemporaryDirectory() as name:
        make_status(Path(name))
        ask = [sys.executable, "-c", COMMAND, "status", name]
        wall_ms(ask)  # compiles what is not compiled
        pairs = [(wall_ms([sys.executable, "-c", "pass"]), wall_ms(ask)) for _ in range(ROUNDS)]
    python_ms, status_ms = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratios = sorted(status / python for python, status in pairs)
    ratio = statistics.median(ratios)
    low, high = ratios[ROUNDS // 4], ratios[-ROUNDS // 4]
    print("| `python -c pass` | `benchrun status` | ratio (quartiles) | target 3 |\n|---|---|---|---|")
    verdict = "ok" if ratio <= LIMIT else "missed"
    print(f"| {python_ms:.1f} ms | {status_ms:.1f} ms | {ratio:.2f} ({low:.2f} to {high:.2f}) | {verdict} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
