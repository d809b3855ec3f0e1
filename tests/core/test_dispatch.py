"""The queue of a session: random workers take, finish, lose and give back; every unit goes out once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_benchrun.core.dispatch import Dispatcher

AFFINITY = {"a1": "a", "a2": "a", "a3": "a", "b1": "b", "b2": "b"}
UNITS = st.lists(st.sampled_from([None, "oak", "elm", "ash"]), max_size=12).map(
    lambda bonds: {f"unit-{number}": bond for number, bond in enumerate(bonds)}
)
DEEDS = st.lists(st.tuples(st.sampled_from(["w0", "w1", "w2"]), st.sampled_from(["go on", "lose", "give back"])))


class Floor:
    """Workers at a dispatcher: who runs what, and what has come to its end.

    Attributes:
        running: by worker.
        finished: in the order they ended.
    """

    def __init__(self, bonds: dict[str, str | None]) -> None:
        self.bonds = bonds
        affinity = {unit_id: bond for unit_id, bond in bonds.items() if bond is not None}
        self.dispatcher = Dispatcher(list(bonds), affinity)
        self.running: dict[str, str] = {}
        self.finished: list[str] = []

    def do(self, worker: str, deed: str) -> None:
        """Go on with the next unit, die under the one it has, or take one that may not start and give it back."""
        if worker in self.running and deed == "lose":
            self.dispatcher.release(worker)
            self.dispatcher.put_back(self.running.pop(worker))
        else:
            if worker in self.running:
                self.finished.append(self.running.pop(worker))
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
        unit_id = self.dispatcher.take(worker)
        if unit_id is not None:
            self.running[worker] = unit_id

    def _give_back(self, worker: str) -> None:
        before = self.dispatcher.rest()
        unit_id = self.dispatcher.take(worker)
        if unit_id is not None:
            self.dispatcher.put_front(unit_id)
        assert self.dispatcher.rest() == before, "a unit that did not start has lost its place"

    def _check(self) -> None:
        rest = self.dispatcher.rest()
        assert len(rest) == len(self.dispatcher)
        assert sorted([*rest, *self.running.values(), *self.finished]) == sorted(self.bonds)
        bonds = [self.bonds[unit_id] for unit_id in self.running.values() if self.bonds[unit_id] is not None]
        assert len(set(bonds)) == len(bonds), "two workers have units of one affinity"


@given(UNITS, DEEDS)
def test_every_unit_is_handed_out_once_and_one_affinity_never_to_two_workers(
    bonds: dict[str, str | None], deeds: list[tuple[str, str]]
) -> None:
    floor = Floor(bonds)
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
    dispatcher = Dispatcher(unit_ids)
    workers = ["w0", "w1"]
    taken = [dispatcher.take(workers[number % 2]) for number in range(len(unit_ids))]
    assert taken == unit_ids
    assert dispatcher.take("w0") is None


def test_a_worker_keeps_its_affinity_until_it_is_used_up() -> None:
    dispatcher = Dispatcher(["a1", "b1", "a2", "b2", "a3"], AFFINITY)
    assert [dispatcher.take("w0") for _ in range(2)] == ["a1", "a2"]
    assert dispatcher.take("w1") == "b1"
    assert [dispatcher.take("w0") for _ in range(2)] == ["a3", None]
    assert [dispatcher.take("w1") for _ in range(2)] == ["b2", None]


def test_a_worker_without_an_affinity_to_take_gets_free_units() -> None:
    dispatcher = Dispatcher(["a1", "a2", "free"], AFFINITY)
    assert dispatcher.take("w0") == "a1"
    assert dispatcher.take("w1") == "free"
    assert dispatcher.take("w1") is None


def test_a_release_frees_the_rest_of_an_affinity_for_others() -> None:
    dispatcher = Dispatcher(["a1", "a2"], AFFINITY)
    assert dispatcher.take("w0") == "a1"
    held = dispatcher.take("w1")
    dispatcher.release("w0")
    assert (held, dispatcher.take("w1")) == (None, "a2")


def test_a_release_of_a_worker_that_holds_nothing_changes_nothing() -> None:
    dispatcher = Dispatcher(["a1", "free"], AFFINITY)
    dispatcher.release("w0")
    assert dispatcher.rest() == ["free", "a1"]


def test_a_unit_of_a_lost_worker_goes_to_the_end() -> None:
    dispatcher = Dispatcher(["one", "two", "three"])
    assert dispatcher.take("w0") == "one"
    dispatcher.release("w0")
    dispatcher.put_back("one")
    assert dispatcher.rest() == ["two", "three", "one"]


def test_the_last_unit_of_an_affinity_can_come_back_after_its_worker_was_lost() -> None:
    dispatcher = Dispatcher(["a1"], AFFINITY)
    assert dispatcher.take("w0") == "a1"
    dispatcher.release("w0")
    dispatcher.put_back("a1")
    assert dispatcher.take("w1") == "a1"


def test_units_given_back_keep_their_place() -> None:
    dispatcher = Dispatcher(["one", "two", "a1", "a2", "b1"], AFFINITY)
    for worker in ("w0", "w1", "w2"):
        before = dispatcher.rest()
        unit_id = dispatcher.take(worker)
        assert unit_id is not None
        dispatcher.put_front(unit_id)
        assert dispatcher.rest() == before


def test_the_only_unit_of_an_affinity_can_be_given_back_after_a_release() -> None:
    dispatcher = Dispatcher(["a1"], AFFINITY)
    assert dispatcher.take("w0") == "a1"
    dispatcher.release("w0")
    dispatcher.put_front("a1")
    assert dispatcher.rest() == ["a1"]


def test_an_empty_queue_is_false() -> None:
    assert not Dispatcher([])
    assert Dispatcher(["one"])
