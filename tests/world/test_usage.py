"""CPU time, memory and I/O of real processes, between bounds that hold on a busy machine too."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_benchrun.core.usage import Usage
from pytest_benchrun.world.usage import Meter, meter_for
from tests.store.faulty import fork, wait

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
MB = 1024 * 1024
SPIN = "import time\nwhile time.process_time() < {s}: pass\n"


@pytest.fixture
def meter() -> Iterator[Meter]:
    made = Meter(short_ns=0)
    yield made
    made.close()


def used(meter: Meter) -> Usage:
    found = meter.used()
    assert found is not None
    return found


def python(code: str) -> None:
    subprocess.run([sys.executable, "-S", "-c", code], check=True)


def is_in_memory(path: Path) -> bool:
    device = path.stat().st_dev
    name = f" {os.major(device)}:{os.minor(device)} "
    lines = Path("/proc/self/mountinfo").read_text("utf-8").splitlines()
    return any(name in line and " - tmpfs " in line for line in lines)


def test_cpu_time_of_the_process_and_of_what_it_waited_for_are_told_apart(meter: Meter) -> None:
    meter.begin()
    python(SPIN.format(s=0.2))
    found = used(meter)
    assert found.cpu_s is not None
    assert found.cpu_children_s is not None
    assert found.cpu_children_s > 0.2 > found.cpu_s
    meter.begin()
    assert used(meter).cpu_children_s == 0.0


def test_a_peak_is_that_of_its_own_unit(meter: Meter) -> None:
    meter.begin()
    large = bytearray(64 * MB)
    del large
    first = used(meter).peak_rss_bytes
    meter.begin()
    second = used(meter).peak_rss_bytes
    assert first is not None
    assert second is not None
    assert first - second > 60 * MB


def test_a_peak_of_children_is_told_only_where_it_is_theirs(meter: Meter) -> None:
    def peaks(*megabytes: int) -> list[int | None]:
        found = []
        for size in megabytes:
            meter.begin()
            python(f"bytearray({size * MB})")
            found.append(used(meter).peak_rss_children_bytes)
        return found

    own = bytearray(64 * MB)
    del own
    # larger than what any other test of this process has waited for
    large, small = peaks(700, 10)
    assert large is None or large > 700 * MB
    assert small is None


def test_a_child_has_no_peak_of_ours(tmp_path: Path) -> None:
    """The kernel counts for a child what its parent had when it was started."""
    code = (
        "import subprocess, sys\n"
        "from pytest_benchrun.world.usage import Meter\n"
        "meter = Meter(0)\n"
        f"kept = bytearray({100 * MB})\n"
        "meter.begin()\n"
        "subprocess.run(['true'], check=True)\n"
        "print(meter.used().peak_rss_children_bytes)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert said.stdout == "None\n"


def test_what_lives_below_counts_only_for_what_it_does_meanwhile(meter: Meter) -> None:
    code = f"{SPIN.format(s=0.3)}bytearray({100 * MB})\nprint('done', flush=True)\ninput()\n"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    meter.begin()
    with subprocess.Popen([sys.executable, "-S", "-c", code], **pipes) as process:  # type: ignore[call-overload]  # as kwargs
        assert process.stdout.readline() == b"done\n"
        first = used(meter)
        meter.begin()
        second = used(meter)
        meter.begin()
        process.communicate(b"\n")
    third = used(meter)
    assert first.cpu_children_s is not None
    assert first.cpu_children_s > 0.25
    assert first.peak_rss_children_bytes is not None
    assert first.peak_rss_children_bytes > 100 * MB
    for later in (second, third):
        assert later.cpu_children_s is not None
        assert later.cpu_children_s < 0.1


def test_bytes_written_to_storage_are_those_of_the_whole_tree(meter: Meter, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    code = f"import os\nf = open({out!r}, 'wb', 0)\nf.write(bytes({8 * MB}))\nos.fsync(f.fileno())"
    meter.begin()
    python(code)
    written = used(meter).write_bytes
    if is_in_memory(tmp_path):
        pytest.skip("temporary files are in memory here")
    assert written is not None
    assert 8 * MB <= written < 64 * MB


def test_a_short_unit_has_none_and_none_means_none() -> None:
    meter = meter_for("auto")
    assert meter is not None
    meter.begin()
    assert meter.used() is None
    meter.close()
    assert meter_for("off") is None
    always = meter_for("on")
    assert always is not None
    assert always.used() is None  # nothing has begun
    always.begin()
    assert always.used() is not None
    always.close()


def test_a_forked_child_says_nothing(meter: Meter) -> None:
    meter.begin()
    assert wait(fork(lambda: 0 if meter.used() is None else 1)) == 0


def test_descriptors_that_a_unit_closed_cost_its_figures_only(meter: Meter, tmp_path: Path) -> None:
    for descriptor in (meter._io, meter._children):  # noqa: SLF001  # what a unit does that closes every number
        os.close(descriptor)
    with (tmp_path / "a").open("w+b"), (tmp_path / "b").open("w+b"):  # they have the numbers now
        meter.begin()
        found = used(meter)
        assert (found.read_bytes, found.write_bytes) == (None, None)
        assert found.cpu_s is not None
    assert [(tmp_path / name).read_bytes() for name in "ab"] == [b"", b""]
    with suppress(OSError):
        meter.close()
