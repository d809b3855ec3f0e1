"""`benchrun rebuild DIR`: make every view again from the journal; `--salvage` goes on without broken lines."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

from pytest_benchrun.core.campaign import Campaign
from pytest_benchrun.core.errors import DirectoryProblem
from pytest_benchrun.store.journal import JournalReader, cut_torn_tail
from pytest_benchrun.store.lock import RunLock
from pytest_benchrun.store.publisher import views_at_rest
from pytest_benchrun.store.resultsdb import write_results
from pytest_benchrun.store.rundir import RunDir
from pytest_benchrun.store.salvage import finish_salvage, salvage
from pytest_benchrun.store.turncheck import salvage_turns
from pytest_benchrun.store.turnjoin import tidy_turns
from pytest_benchrun.store.turnstats import figures_of
from pytest_benchrun.world.clock import WallClock
from pytest_benchrun.world.process import is_alive, this_process


def rebuild(directory: str, *, is_salvage: bool) -> int:
    """Write every view as the journal's last event leaves it.

    Raises:
        DirectoryProblem: there is no journal, it is damaged, or a live run owns the directory.
    """
    rundir = RunDir(Path(directory))
    if not rundir.has_run():
        message = f"there is no journal in {str(rundir.path)!r}"
        raise DirectoryProblem(message, hint="name the directory given to --bench-results")
    clock = WallClock()
    with ExitStack() as stack:
        lock = RunLock(rundir.lock, is_alive)
        lock.acquire(this_process(clock.now_at()))
        stack.callback(lock.release)
        finish_salvage(rundir, clock.now_at())
        if is_salvage:
            for line in salvage(rundir, clock.now_at()):
                print(f"benchrun: {line}")
        reader = JournalReader(rundir)
        campaign = Campaign.of(reader)
        if reader.torn:
            kept = cut_torn_tail(rundir, reader.torn, clock.now_at())
            print(f"benchrun: the journal's last line was torn and is cut off; its bytes are in {kept.name}")
        _mend_turns(rundir, campaign, clock.now_at(), is_salvage=is_salvage)
        views = views_at_rest(rundir, campaign, figures_of(rundir, campaign))
        for path, data in views.items():
            rundir.disk.write_atomically(path, data)
        made = [path.name for path in views] + _make_results(rundir, campaign)
    print(f"rebuilt {', '.join(made)} of {campaign.run_id} from {reader.seq} events")
    return 0


def _make_results(rundir: RunDir, campaign: Campaign) -> list[str]:
    """The name of the file that was made; nothing when turns stand in the way, which a salvage mends."""
    try:
        write_results(rundir, campaign)
    except DirectoryProblem as error:
        print(f"benchrun: {rundir.results.name} was not made: {error}")
        return []
    return [rundir.results.name]


def _mend_turns(rundir: RunDir, campaign: Campaign, now_at: str, *, is_salvage: bool) -> None:
    """Cut torn ends off and join what workers have left; leave broken lines out when asked."""
    notes = tidy_turns(rundir, sys.maxsize, now_at)
    notes += salvage_turns(rundir, campaign, now_at) if is_salvage else []
    for note in notes:
        print(f"benchrun: {note}")
