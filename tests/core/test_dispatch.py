"""The queue of a session: random workers take, finish, lose and give back; every unit goes out once."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.dispatch import Dispatcher
from pytest_benchrun.core.model import Unit
from tests.stories import make_unit

PHASES = ("prepare", "run", "score")
AFFINITY = {"a1": "a", "a2": "a", "a3": "a", "b1": "b", "b2": "b"}
UNITS = st.lists(st.sampled_from([None, "oak", "elm", "ash"]), max_size=12).map(
    lambda bonds: {f"unit-{number}": bond for number, bond in enumerate(bonds)}
)
HOSTS = {"w0": "near", "w1": "near", "w2": "far"}
EXCLUSIVE = st.sets(st.integers(0, 11)).map(lambda numbers: {f"unit-{number}" for number in numbers})
DEEDS = st.lists(st.tuples(st.sampled_from(["w0", "w1", "w2"]), st.sampled_from(["go on", "lose", "give back"])))


def units(*unit_ids: str, phase: str = "run") -> list[Unit]:
    """Units of one phase; those called `alone` are exclusive."""
    return [replace(make_unit(unit_id), phase=phase, is_exclusive=unit_id.startswith("alone")) for unit_id in unit_ids]


def unit(unit_id: str) -> Unit:
    """One unit of the ordinary phase."""
    return units(unit_id)[0]


class Floor:
    """Workers at a dispatcher: who runs what, and what has come to its end.

    Args:
        bonds: by unit id its affinity.
        phases: of the units, by turns.
        exclusive: ids of those that share their host with no other.

    Attributes:
        running: by worker.
        finished: in the order they ended.
    """

    def __init__(
        self,
        bonds: dict[str, str | None],
        phases: tuple[str, ...] = ("run",),
        exclusive: frozenset[str] | set[str] = frozenset(),
    ) -> None:
        self.bonds = bonds
        self.phases = phases
        self.units = {
            unit_id: replace(make_unit(unit_id), phase=phases[number % len(phases)], is_exclusive=unit_id in exclusive)
            for number, unit_id in enumerate(bonds)
        }
        affinity = {unit_id: bond for unit_id, bond in bonds.items() if bond is not None}
        self.dispatcher = Dispatcher(self.units.values(), phases, affinity)
        self.running: dict[str, str] = {}
        self.finished: list[str] = []

    def do(self, worker: str, deed: str) -> None:
        """Go on with the next unit, die under the one it has, or take one that may not start and give it back."""
        if worker in self.running and deed == "lose":
            self.dispatcher.lose(worker)
            self.dispatcher.put_back(self.units[self.running.pop(worker)])
        else:
            if worker in self.running:
                self.finished.append(self.running.pop(worker))
                self.dispatcher.finish(worker)
            if deed == "give back":
                self._give_back(worker)
            else:
                self._take(worker)
        self._check()

    def run_out(self) -> None:
        """All workers go on until none finds anything."""
        while len(self.dispatcher) or self.running:
            before = len(self.finished), len(self.running)
            for worker in ("w0", "w1", "w2"):
                self.do(worker, "go on")
            assert (len(self.finished), len(self.running)) != before, "units wait that nobody may take"

    def _take(self, worker: str) -> None:
        unit_id = self.dispatcher.take(worker, HOSTS[worker])
        if unit_id is not None:
            self.running[worker] = unit_id

    def _give_back(self, worker: str) -> None:
        before = self.dispatcher.rest()
        unit_id = self.dispatcher.take(worker, HOSTS[worker])
        if unit_id is not None:
            self.dispatcher.put_front(self.units[unit_id], worker)
        assert self.dispatcher.rest() == before, "a unit that did not start has lost its place"

    def _check(self) -> None:
        rest = self.dispatcher.rest()
        assert len(rest) == len(self.dispatcher)
        assert sorted([*rest, *self.running.values(), *self.finished]) == sorted(self.bonds)
        bonds = [self.bonds[unit_id] for unit_id in self.running.values() if self.bonds[unit_id] is not None]
        assert len(set(bonds)) == len(bonds), "two workers have units of one affinity"
        open_phases = {self.units[unit_id].phase for unit_id in [*rest, *self.running.values()]}
        out = {self.units[unit_id].phase for unit_id in self.running.values()}
        earliest = next((phase for phase in self.phases if phase in open_phases), None)
        assert out <= {earliest}, "a phase began before the one before it had ended"
        for host in ("near", "far"):
            here = [unit_id for worker, unit_id in self.running.items() if HOSTS[worker] == host]
            is_shared = any(self.units[unit_id].is_exclusive for unit_id in here) and len(here) > 1
            assert not is_shared, "an exclusive unit has company on its host"


@given(UNITS, DEEDS, st.sampled_from([("run",), PHASES, PHASES[:2]]), EXCLUSIVE)
def test_every_unit_is_handed_out_once_and_one_affinity_never_to_two_workers(
    bonds: dict[str, str | None], deeds: list[tuple[str, str]], phases: tuple[str, ...], exclusive: set[str]
) -> None:
    floor = Floor(bonds, phases, exclusive)
    for worker, deed in deeds:
        floor.do(worker, deed)
    floor.run_out()
    assert sorted(floor.finished) == sorted(bonds)


@given(UNITS)
def test_one_worker_gets_everything_each_affinity_in_one_piece(bonds: dict[str, str | None]) -> None:
    floor = Floor(bonds)
    while len(floor.dispatcher) or floor.running:
        floor.do("w0", "go on")
    order = [floor.bonds[unit_id] for unit_id in floor.finished]
    pieces = [bond for number, bond in enumerate(order) if number == 0 or order[number - 1] != bond]
    assert len(set(pieces)) == len(pieces)


@given(st.lists(st.text(max_size=3), unique=True))
def test_free_units_go_out_in_order(unit_ids: list[str]) -> None:
    dispatcher = Dispatcher(units(*unit_ids))
    workers = ["w0", "w1"]
    taken = [dispatcher.take(workers[number % 2]) for number in range(len(unit_ids))]
    assert taken == unit_ids
    assert dispatcher.take("w0") is None


def test_a_worker_keeps_its_affinity_until_it_is_used_up() -> None:
    dispatcher = Dispatcher(units("a1", "b1", "a2", "b2", "a3"), affinity=AFFINITY)
    assert [dispatcher.take("w0") for _ in range(2)] == ["a1", "a2"]
    assert dispatcher.take("w1") == "b1"
    assert [dispatcher.take("w0") for _ in range(2)] == ["a3", None]
    assert [dispatcher.take("w1") for _ in range(2)] == ["b2", None]


def test_a_worker_without_an_affinity_to_take_gets_free_units() -> None:
    dispatcher = Dispatcher(units("a1", "a2", "free"), affinity=AFFINITY)
    assert dispatcher.take("w0") == "a1"
    assert dispatcher.take("w1") == "free"
    assert dispatcher.take("w1") is None


def test_a_release_frees_the_rest_of_an_affinity_for_others() -> None:
    dispatcher = Dispatcher(units("a1", "a2"), affinity=AFFINITY)
    assert dispatcher.take("w0") == "a1"
    held = dispatcher.take("w1")
    dispatcher.lose("w0")
    assert (held, dispatcher.take("w1")) == (None, "a2")


def test_a_release_of_a_worker_that_holds_nothing_changes_nothing() -> None:
    dispatcher = Dispatcher(units("a1", "free"), affinity=AFFINITY)
    dispatcher.lose("w0")
    assert dispatcher.rest() == ["free", "a1"]


def test_a_unit_of_a_lost_worker_goes_to_the_end() -> None:
    dispatcher = Dispatcher(units("one", "two", "three"))
    assert dispatcher.take("w0") == "one"
    dispatcher.lose("w0")
    dispatcher.put_back(unit("one"))
    assert dispatcher.rest() == ["two", "three", "one"]


def test_the_last_unit_of_an_affinity_can_come_back_after_its_worker_was_lost() -> None:
    dispatcher = Dispatcher(units("a1"), affinity=AFFINITY)
    assert dispatcher.take("w0") == "a1"
    dispatcher.lose("w0")
    dispatcher.put_back(unit("a1"))
    assert dispatcher.take("w1") == "a1"


def test_units_given_back_keep_their_place() -> None:
    dispatcher = Dispatcher(units("one", "two", "a1", "a2", "b1"), affinity=AFFINITY)
    for worker in ("w0", "w1", "w2"):
        before = dispatcher.rest()
        unit_id = dispatcher.take(worker)
        assert unit_id is not None
        dispatcher.put_front(unit(unit_id), worker)
        assert dispatcher.rest() == before


def test_the_only_unit_of_an_affinity_can_be_given_back_after_a_release() -> None:
    dispatcher = Dispatcher(units("a1"), affinity=AFFINITY)
    assert dispatcher.take("w0") == "a1"
    dispatcher.lose("w0")
    dispatcher.put_front(unit("a1"), "w1")
    assert dispatcher.rest() == ["a1"]


def test_an_empty_queue_is_false() -> None:
    assert not Dispatcher(units())
    assert Dispatcher(units("one"))


def test_a_phase_waits_for_the_units_of_the_one_before_it() -> None:
    dispatcher = Dispatcher([*units("late", phase="score"), *units("one", "two")], PHASES)
    assert [dispatcher.take(worker) for worker in ("w0", "w1", "w0")] == ["one", "two", None]
    dispatcher.finish("w0")
    assert dispatcher.take("w0") is None, "two is still out"
    dispatcher.finish("w1")
    assert dispatcher.take("w0") == "late"


def test_a_phase_waits_for_a_unit_that_came_back_with_a_lost_worker() -> None:
    dispatcher = Dispatcher([*units("late", phase="score"), *units("one")], PHASES)
    assert dispatcher.take("w0") == "one"
    dispatcher.lose("w0")
    dispatcher.put_back(unit("one"))
    assert dispatcher.take("w1") == "one"
    assert dispatcher.take("w2") is None
    dispatcher.finish("w1")
    assert dispatcher.take("w2") == "late"


def test_a_phase_that_nobody_named_comes_last() -> None:
    dispatcher = Dispatcher([*units("odd", phase="odd"), *units("late", phase="score")], PHASES)
    assert dispatcher.rest() == ["late", "odd"]


def test_an_exclusive_unit_waits_until_its_host_is_empty_and_holds_the_others_back() -> None:
    dispatcher = Dispatcher(units("one", "alone", "two", "three"))
    assert [dispatcher.take(worker) for worker in ("w0", "w1", "w2")] == ["one", None, None]
    dispatcher.finish("w0")
    assert [dispatcher.take(worker) for worker in ("w0", "w1", "w2")] == [None, "alone", None]
    dispatcher.finish("w1")
    assert [dispatcher.take(worker) for worker in ("w0", "w1", "w2")] == ["two", "three", None]


def test_an_exclusive_unit_leaves_other_hosts_alone() -> None:
    dispatcher = Dispatcher(units("alone", "one", "two"))
    assert dispatcher.take("w0", "near") == "alone"
    assert dispatcher.take("w1", "near") is None
    assert [dispatcher.take(worker, "far") for worker in ("w2", "w3")] == ["one", "two"]


def test_each_host_may_have_an_exclusive_unit() -> None:
    dispatcher = Dispatcher(units("alone1", "alone2", "alone3"))
    assert [dispatcher.take("w0", "near"), dispatcher.take("w2", "far"), dispatcher.take("w1", "near")] == [
        "alone1",
        "alone2",
        None,
    ]


def test_a_host_waits_no_more_for_an_exclusive_unit_that_another_one_took() -> None:
    dispatcher = Dispatcher(units("one", "alone", "two"))
    assert [dispatcher.take("w0", "near"), dispatcher.take("w1", "near")] == ["one", None]
    assert dispatcher.take("w3", "far") == "alone"
    assert dispatcher.take("w2", "near") == "two"


def test_a_host_waits_no_more_for_a_worker_that_was_lost() -> None:
    dispatcher = Dispatcher(units("one", "alone", "a1"), affinity={"alone": "b", "a1": "a"})
    assert [dispatcher.take("w0"), dispatcher.take("w1")] == ["alone", None]
    dispatcher.lose("w0")
    dispatcher.put_back(units("alone")[0])
    assert dispatcher.take("w1") == "a1"
    assert dispatcher.take("w2") is None, "the exclusive unit is next for it"
    dispatcher.lose("w2")
    assert dispatcher.take("w3") is None, "and now for this one"
    dispatcher.finish("w1")
    assert [dispatcher.take("w1"), dispatcher.take("w3")] == [None, "alone"]


def test_an_exclusive_unit_waits_for_its_phase_first() -> None:
    dispatcher = Dispatcher([*units("alone", phase="score"), *units("one", "two")], PHASES)
    assert [dispatcher.take(worker) for worker in ("w0", "w1")] == ["one", "two"]
    dispatcher.finish("w0")
    assert dispatcher.take("w0") is None
    dispatcher.finish("w1")
    assert [dispatcher.take("w1"), dispatcher.take("w0")] == ["alone", None]


def test_an_exclusive_unit_that_did_not_start_lets_the_host_go() -> None:
    dispatcher = Dispatcher(units("alone"))
    assert dispatcher.take("w0") == "alone"
    dispatcher.put_front(units("alone")[0], "w0")
    assert dispatcher.take("w1") == "alone"
