"""What a unit has used, as its metrics."""

from __future__ import annotations

from pytest_benchrun.core.model import Metric
from pytest_benchrun.core.usage import NAMES, Usage, metrics_of, own_first, without_usage


def test_a_figure_that_nobody_knows_is_no_metric() -> None:
    assert metrics_of(Usage()) == {}
    assert metrics_of(Usage(cpu_s=0.0)) == {"cpu_s": Metric(value=0.0, unit="s", better="lower")}
    assert metrics_of(Usage(read_bytes=7)) == {"read_bytes": Metric(value=7, unit="bytes", better="lower")}


def test_the_peak_of_programs_counts_where_it_is_larger_or_alone() -> None:
    name = "peak_rss_children_bytes"
    assert metrics_of(Usage(), 5)[name].value == 5
    assert metrics_of(Usage(peak_rss_children_bytes=9), 5)[name].value == 9
    assert metrics_of(Usage(peak_rss_children_bytes=3), 5)[name].value == 5


def test_what_units_measure_themselves_is_shown_before_what_they_use() -> None:
    assert own_first(dict.fromkeys(sorted([*NAMES, "zeal"])))[0] == "zeal"
    assert own_first({}) == []
    assert without_usage(dict.fromkeys([*NAMES, "zeal"], 1)) == {"zeal": 1}
