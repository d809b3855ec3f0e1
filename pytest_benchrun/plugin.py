"""The pytest11 door: options, and which parts this process registers; inert without `--bench-results`.

Imported by every pytest session on the machine that has the package, so everything heavy is imported
late, each time with its reason.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_benchrun.hooks.options import PLAN, RESULTS, add_options, has_campaign_file, is_asked_for, refuse_orphans

if TYPE_CHECKING:  # types of fixtures and arguments; importing them would cost every session on the machine
    from pytest_benchrun.core.campaign_file import CampaignFile
    from pytest_benchrun.core.settings import Settings
    from pytest_benchrun.hooks.bench import BenchRun
    from pytest_benchrun.hooks.sandbox import Sandbox
    from pytest_benchrun.store.rundir import RunDir

MARKER_HELP = (
    "benchrun(group=None, phase='run', inputs=(), version=None, exclusive=False, repeat=1, warmup=0, "
    "stuck_timeout=None, boilerplate=None): how the campaign treats the unit; group is a name, or the name of the "
    "parameter whose value is the group; units run phase by phase; a unit runs again when its inputs (files) or its "
    "version change; nothing else of the run runs on the host of an exclusive unit meanwhile; repeat and warmup make "
    "that many units of it, and no statistic counts its warm-ups; stuck_timeout is how long it may be silent, like "
    "'90s', before it is stuck; boilerplate is the folder or git repository (URL@REF) that its sandbox begins with "
    "(pytest-benchrun)"
)
MATRIX_HELP = (
    "benchrun_matrix(name, ...): parametrize with every combination of these parameters of the campaign file's "
    "[matrix] that [[exclude]] leaves, see --bench-config (pytest-benchrun)"
)
_LOOKING_ONLY = ("collectonly", "setuponly", "setupplan", "showfixtures", "show_fixtures_per_test", "cacheshow")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Give pytest our options."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Turn a session that prints the plan into one that only collects, before anybody is configured for more."""
    if is_asked_for(config) and config.getoption(PLAN.dest):
        config.option.collectonly = True
        config.option.xmlpath = None  # a report of tests that did not run would replace the one of those that did
        if config.getoption(PLAN.dest) == "json":
            from pytest_benchrun.hooks.planner import OtherTerminal  # late: only a plan needs it

            config.pluginmanager.register(OtherTerminal(), "benchrun-other-terminal")


def pytest_configure(config: pytest.Config) -> None:
    """Register what this process needs: nothing, the worker's part, or the owner's."""
    config.addinivalue_line("markers", MARKER_HELP)
    config.addinivalue_line("markers", MATRIX_HELP)
    if not is_asked_for(config):
        refuse_orphans(config)
        if has_campaign_file(config):
            _configure_matrix(config)
        return
    from pytest_benchrun.world.garbage import without_garbage_collection  # late: only campaigns need it

    with without_garbage_collection():  # a hundred modules are imported
        _configure_campaign(config)


def _configure_campaign(config: pytest.Config) -> None:
    _configure_collection(config)
    _configure_names(config)
    if hasattr(config, "workerinput"):
        _configure_worker(config)
    elif config.getoption(PLAN.dest):
        _configure_planner(config)
    elif not any(config.getoption(name, default=False) for name in _LOOKING_ONLY):
        _configure_owner(config)
    elif has_campaign_file(config):
        _configure_matrix(config)  # who looks at the tests sees the ids that a run would have


def _configure_collection(config: pytest.Config) -> None:
    """Also where a session of the run only looks, so that it shows the ids that the run has."""
    from pytest_benchrun.hooks.collection import CollectionHooks  # late: only campaigns need it
    from pytest_benchrun.hooks.repeats import RepeatHooks  # late: as above

    config.pluginmanager.register(CollectionHooks(config), "benchrun-collection")
    config.pluginmanager.register(RepeatHooks(), "benchrun-repeats")


def _configure_names(config: pytest.Config) -> None:
    """For the same reason."""
    from pytest_benchrun.hooks.visible import show_names  # late: only campaigns need it

    show_names(config)


def _configure_worker(config: pytest.Config) -> None:
    import platform  # late: only workers of a campaign need it
    from pathlib import Path  # late: as above

    import orjson  # late: as above

    from pytest_benchrun.core.campaign_file import from_json  # late: as above
    from pytest_benchrun.engines.wire import WORKER_INPUT  # late: as above
    from pytest_benchrun.hooks import hookspecs  # late: as above
    from pytest_benchrun.hooks.bench import GIVES_BENCH  # late: as above
    from pytest_benchrun.hooks.guard import UnitGuard  # late: as above
    from pytest_benchrun.hooks.matrix import MatrixHooks  # late: as above
    from pytest_benchrun.hooks.settings import read_resources, read_stuck_settings, read_turn_settings  # late: as above
    from pytest_benchrun.hooks.stuck import Place, StuckTimer  # late: as above
    from pytest_benchrun.hooks.unit import UnitHooks, keep_turns  # late: as above
    from pytest_benchrun.store.rundir import RunDir  # late: as above
    from pytest_benchrun.world.usage import meter_for  # late: as above

    config.addinivalue_line("norecursedirs", _pattern_of(config))
    told = config.workerinput.get(WORKER_INPUT)  # type: ignore[attr-defined]  # set by xdist
    if told is None:
        return  # the controller only looks, or does not have the plugin
    config.pluginmanager.add_hookspecs(hookspecs)
    file = from_json(orjson.loads(told["file"]))
    config.pluginmanager.register(MatrixHooks(file, raises=False), "benchrun-matrix")
    rundir = RunDir(Path(told["results_dir"]))
    worker = config.workerinput["workerid"]  # type: ignore[attr-defined]  # as above
    place = Place(run_id=told["run_id"], rundir=rundir, worker=worker, host=platform.node(), is_owner=False)
    stuck = StuckTimer(place, read_stuck_settings(config, file))
    config.pluginmanager.register(stuck, "benchrun-stuck")
    hooks = UnitHooks(
        place,
        file.parameters,
        show_result=None,
        late_error=lambda _: None,
        guard=UnitGuard.registered(config, told["run_id"], rundir, worker),
        turns=keep_turns(rundir, read_turn_settings(config, file), worker, is_owner=False),
        stuck=stuck,
    )
    hooks.meter = meter_for(read_resources(config, file))
    config.stash[GIVES_BENCH] = hooks
    _give_sandboxes(config, file, rundir)
    config.pluginmanager.register(hooks, "benchrun-unit")


def _give_sandboxes(config: pytest.Config, file: CampaignFile, rundir: RunDir) -> None:
    from pytest_benchrun.core.errors import BenchrunError  # late: only campaigns need it
    from pytest_benchrun.hooks.sandbox import SANDBOXES, SandboxSettings  # late: as above
    from pytest_benchrun.hooks.settings import read_sandbox_keep  # late: as above

    try:
        config.stash[SANDBOXES] = SandboxSettings(rundir, read_sandbox_keep(config, file))
    except BenchrunError as error:
        raise pytest.UsageError(str(error)) from error


def _configure_matrix(config: pytest.Config) -> None:
    """Without a run, tests that are parametrized from the campaign file are ordinary tests."""
    from pytest_benchrun.core.errors import BenchrunError  # late: only projects with a campaign file need it
    from pytest_benchrun.hooks import hookspecs  # late: as above
    from pytest_benchrun.hooks.matrix import MatrixHooks  # late: as above
    from pytest_benchrun.hooks.settings import read_campaign_file  # late: as above

    config.pluginmanager.add_hookspecs(hookspecs)
    try:
        is_worker = hasattr(config, "workerinput")  # of a controller that does not collect, and has no part of ours
        hooks = MatrixHooks(read_campaign_file(config), raises=not is_worker, is_alone=is_worker)
    except BenchrunError as error:
        raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(hooks, "benchrun-matrix")


def _settings_of(config: pytest.Config) -> Settings:
    """The settings of the session; the matrix is registered with them."""
    from pytest_benchrun.core.errors import BenchrunError  # late: only campaigns need what follows
    from pytest_benchrun.hooks import hookspecs  # late: as above
    from pytest_benchrun.hooks.matrix import MatrixHooks  # late: as above
    from pytest_benchrun.hooks.settings import read_settings  # late: as above

    config.pluginmanager.add_hookspecs(hookspecs)
    try:
        settings = read_settings(config)
    except BenchrunError as error:
        raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(MatrixHooks(settings.file, raises=True), "benchrun-matrix")
    config.addinivalue_line("norecursedirs", _pattern_of(config))
    return settings


def _configure_planner(config: pytest.Config) -> None:
    from pytest_benchrun.hooks.planner import Planner  # late: only a plan needs it

    config.pluginmanager.register(Planner(config, _settings_of(config)), "benchrun-planner")


def _configure_owner(config: pytest.Config) -> None:
    import os  # late: only campaigns need what follows
    from pathlib import Path  # late: as above

    from pytest_benchrun import __version__  # late: as above
    from pytest_benchrun.hooks.progress import ProgressHooks  # late: as above
    from pytest_benchrun.hooks.recorder import Recorder  # late: as above
    from pytest_benchrun.hooks.terminal import SteadyTerminal  # late: as above
    from pytest_benchrun.store.rundir import RunDir  # late: as above

    settings = _settings_of(config)
    _give_sandboxes(config, settings.file, RunDir(Path(settings.results_dir)))
    recorder = Recorder(config, settings, __version__)
    dist = config.getoption("dist", "no")
    is_distributed = dist != "no" and bool(config.getoption("tx", None))
    if is_distributed and dist == "each":
        problem = "--dist=each runs every unit once a worker: a campaign runs every unit once"
        raise pytest.UsageError(f"{problem}\n  -> --dist=load, loadscope, loadfile, loadgroup or worksteal")
    config.pluginmanager.register(recorder, "benchrun-recorder")
    config.pluginmanager.register(ProgressHooks(config, recorder), "benchrun-progress")
    config.pluginmanager.register(SteadyTerminal(config, recorder), "benchrun-terminal")
    if settings.hosts.names:
        from pytest_benchrun.hooks.hosts import HostHooks  # late: only campaigns that look at other hosts

        config.pluginmanager.register(HostHooks(recorder), "benchrun-hosts")
    if recorder.settings.has_github and os.environ.get("GITHUB_ACTIONS") == "true":
        from pytest_benchrun.hooks.github import GithubHooks  # late: only where GitHub Actions runs us

        config.pluginmanager.register(GithubHooks(recorder), "benchrun-github")
    if recorder.settings.log_file is not None:
        from pytest_benchrun.hooks.runlog import LogHooks  # late: only campaigns with a log

        config.pluginmanager.register(LogHooks(config, recorder, recorder.settings.log_file), "benchrun-log")
    if is_distributed:
        from pytest_benchrun.engines.xdist import XdistEngine  # late: needs xdist, and only with workers

        if config.option.maxworkerrestart is None:
            # xdist's default would end a long campaign after four crashes a worker; crash loops are our rule
            config.option.maxworkerrestart = "1000000"
        config.pluginmanager.register(XdistEngine(config, recorder, dist), "benchrun-xdist")
    else:
        from pytest_benchrun.engines.bare import BareEngine  # late: only campaigns without workers

        config.pluginmanager.register(BareEngine(recorder), "benchrun-bare")


def _pattern_of(config: pytest.Config) -> str:
    """The results directory as a pattern for `norecursedirs`: what units keep there is no test."""
    import glob  # late: only campaigns need it
    from pathlib import Path  # late: as above

    return glob.escape(str(config.invocation_params.dir / Path(config.getoption(RESULTS.dest))))


@pytest.fixture
def benchrun(request: pytest.FixtureRequest) -> Generator[BenchRun]:
    """The unit seen from inside: its turns, metrics, artifacts, checkpoint, parameters; see `BenchRun`.

    Without `--bench-results` it does nothing, and the test passes as an ordinary one.
    """
    from pytest_benchrun.hooks.bench import GIVES_BENCH, BenchRun  # late: only tests that use the fixture

    giver = request.config.stash.get(GIVES_BENCH, None)
    if giver is not None:
        bench = giver.bench(request.node)
        yield bench
        bench.programs.end()
        return
    callspec = getattr(request.node, "callspec", None)
    matrix = request.config.pluginmanager.getplugin("benchrun-matrix")
    bench = BenchRun(
        unit_id=request.node.nodeid,
        params=callspec.params if callspec else {},
        config=matrix.parameters if matrix is not None else {},
        attempt=1,
        find_folder=lambda: request.getfixturevalue("tmp_path"),
    )
    yield bench
    bench.programs.end()


@pytest.fixture
def benchrun_sandbox(request: pytest.FixtureRequest, benchrun: BenchRun) -> Generator[Sandbox]:
    """A working directory of the unit's own, filled from the mark's `boilerplate=`; removed when the unit has ended.

    `benchrun.command` runs programs in it. See `Sandbox` and `--bench-sandbox-keep`.
    """
    from pytest_benchrun.hooks.sandbox import sandbox  # late: only tests that use the fixture

    yield from sandbox(request, benchrun)
