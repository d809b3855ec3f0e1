"""How long the run will still take: what is left, shared by the workers that live, and a range."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_benchrun.core.model import COMPLETED, Unit
from pytest_benchrun.core.outlook import BY_HISTORY, BY_PARAMETERS, MOST_EXPECTED, MOST_MEASURED, Outlook, Rest
from tests.fakes import moment
from tests.stories import SKIPPED, Story, make_unit


def _rest(outlook: Outlook, story: Story) -> Rest:
    rest = outlook.rest(story.at)
    assert rest is not None
    assert rest.low_s <= rest.likely_s <= rest.high_s
    return rest


def _on_two_workers(*units: Unit | str) -> Story:
    story = Story().begin(*units, worker=None)
    story.worker_up("gw0")
    story.worker_up("gw1")
    return story


def _units(count: int, kind: str = "a", start: int = 0) -> list[str]:
    return [f"it[{kind}-{n}]" for n in range(start, start + count)]


def _measured(story: Story, unit_ids: list[str], seconds: float) -> None:
    for unit_id in unit_ids:
        story.run(unit_id, seconds=seconds)


def test_nothing_is_known_before_anything_was_measured() -> None:
    story = Story().begin("a", "b", "c")
    assert Outlook(story.campaign).rest(story.at) is None
    story.run("a", SKIPPED, 0.1)
    assert Outlook(story.campaign).rest(story.at) is None


def test_a_run_without_open_units_is_over() -> None:
    story = Story().begin("a")
    story.run("a", seconds=5.0)
    rest = _rest(Outlook(story.campaign), story)
    assert (rest.low_s, rest.likely_s, rest.high_s) == (0.0, 0.0, 0.0)


def test_what_is_left_is_the_sum_of_what_each_unit_costs() -> None:
    cheap = [make_unit(f"it[h2-{n}]", molecule="h2") for n in range(12)]
    dear = [make_unit(f"it[c60-{n}]", molecule="c60") for n in range(12)]
    story = Story().begin(*cheap, *dear)
    _measured(story, [unit.unit_id for unit in cheap[:8]], 1.0)
    _measured(story, [unit.unit_id for unit in dear[:8]], 100.0)
    rest = _rest(Outlook(story.campaign), story)
    assert rest.likely_s == pytest.approx(404.0, rel=0.1)
    assert rest.method == BY_PARAMETERS


def test_a_unit_in_flight_has_done_a_part_of_its_work() -> None:
    story = Story().begin(*_units(12))
    _measured(story, _units(10), 100.0)
    story.start("it[a-10]")
    before = _rest(Outlook(story.campaign), story).likely_s
    story.clock.advance(60.0)
    assert _rest(Outlook(story.campaign), story).likely_s == pytest.approx(before - 60.0, rel=0.02)


def test_a_unit_that_takes_too_long_tells_of_its_kind_before_it_ends() -> None:
    dear = [make_unit(f"it[c60-{n}]", molecule="c60") for n in range(5)]
    cheap = [make_unit(f"it[h2-{n}]", molecule="h2") for n in range(20)]
    story = Story().begin(*cheap, *dear)
    _measured(story, [unit.unit_id for unit in cheap], 1.0)
    story.start(dear[0].unit_id)
    early = _rest(Outlook(story.campaign), story).likely_s
    story.clock.advance(200.0)
    assert early < 60.0
    assert _rest(Outlook(story.campaign), story).likely_s > 4 * early


def test_between_two_looks_the_time_that_passes_is_taken_off() -> None:
    story = Story().begin(*_units(1000))
    _measured(story, _units(100), 10.0)
    outlook = Outlook(story.campaign)
    first = _rest(outlook, story)
    story.clock.advance(0.3)
    assert _rest(outlook, story).likely_s == pytest.approx(first.likely_s - 0.3, abs=1e-6)


def test_what_is_heard_later_counts() -> None:
    story = Story().begin(*_units(40))
    outlook = Outlook(story.campaign)
    _measured(story, _units(10), 1.0)
    assert _rest(outlook, story).likely_s == pytest.approx(30.0, rel=0.1)
    for unit_id in _units(20, start=10):
        story.run(unit_id, seconds=4.0)
        outlook.on_event(story.events[-1])
    story.clock.advance(60.0)
    assert _rest(outlook, story).likely_s == pytest.approx(30.0, rel=0.3)


def test_an_earlier_run_is_known_unit_by_unit_and_scaled_to_this_one() -> None:
    story = Story().begin(*_units(20))
    earlier = {unit_id: 10.0 * (n + 1) for n, unit_id in enumerate(_units(20))}
    rest = _rest(Outlook(story.campaign, earlier), story)
    assert rest.method == BY_HISTORY
    assert rest.likely_s == pytest.approx(2100.0)
    for unit_id in _units(10):
        story.run(unit_id, seconds=earlier[unit_id] * 3)
    rest = _rest(Outlook(story.campaign, earlier), story)
    assert rest.likely_s == pytest.approx(3 * 1550.0, rel=0.2)


def test_workers_share_what_is_left_and_the_longest_unit_bounds_it() -> None:
    story = _on_two_workers(*_units(3))
    earlier = dict(zip(_units(3), [10.0, 10.0, 500.0], strict=True))
    assert _rest(Outlook(story.campaign, earlier), story).likely_s == pytest.approx(510.0)


def test_phases_wait_for_each_other() -> None:
    units = [replace(make_unit(f"it[{n}]"), phase="run" if n < 1 else "score") for n in range(2)]
    story = _on_two_workers(*units)
    earlier = {"it[0]": 100.0, "it[1]": 50.0}
    assert _rest(Outlook(story.campaign, earlier), story).likely_s == pytest.approx(150.0)


def test_an_exclusive_unit_runs_alone() -> None:
    units = [make_unit("it[0]"), replace(make_unit("it[1]"), is_exclusive=True), make_unit("it[2]")]
    story = _on_two_workers(*units)
    earlier = dict.fromkeys(("it[0]", "it[1]", "it[2]"), 100.0)
    assert _rest(Outlook(story.campaign, earlier), story).likely_s == pytest.approx(300.0)


def test_of_many_units_some_are_learnt_from() -> None:
    story = Story().begin(*_units(2 * MOST_MEASURED + 10))
    _measured(story, _units(2 * MOST_MEASURED), 2.0)
    outlook = Outlook(story.campaign)
    assert _rest(outlook, story).likely_s == pytest.approx(20.0, rel=0.05)
    assert len(outlook._measured or ()) <= MOST_MEASURED  # noqa: SLF001  # the promise is about memory


def test_of_many_open_units_some_speak_for_those_beside_them() -> None:
    costs = {"h2": 1.0, "c60": 99.0}
    units = [make_unit(f"it[{a}-{n}]", molecule=a) for n in range(3 * MOST_EXPECTED // 4) for a in costs]
    story = Story().begin(*units)
    for unit in units[:40]:
        story.run(unit.unit_id, seconds=costs[str(unit.params["molecule"])])
    rest = _rest(Outlook(story.campaign), story)
    assert rest.likely_s == pytest.approx((len(units) - 40) * 50.0, rel=0.03)


def test_a_hostile_history_is_only_a_bad_estimate() -> None:
    story = Story().begin(*_units(4))
    story.run("it[a-0]", seconds=1.0)
    earlier = {"it[a-0]": 0.0, "it[a-1]": 1e308, "gone": 5.0}
    assert _rest(Outlook(story.campaign, earlier), story).at == moment(1.0)


def test_a_unit_that_takes_a_moment_longer_than_the_others_tells_nothing() -> None:
    story = _on_two_workers(*_units(12))
    for first, second in ((0, 1), (2, 3), (4, 5)):
        story.start(f"it[a-{first}]", "gw0")
        story.start(f"it[a-{second}]", "gw1")
        story.clock.advance(1.0)
        story.end(f"it[a-{first}]", COMPLETED, 1.0)
        story.clock.advance(0.01)
        if second == 5:
            assert _rest(Outlook(story.campaign), story).likely_s == pytest.approx(3.0, rel=0.1)
        story.end(f"it[a-{second}]", COMPLETED, 1.01)
