"""The first lines an xdist worker executes: find our package, configure pytest, hand over to `worker.serve`.

xdist sends the source of this file and runs it there as `__channelexec__` with a `channel`. Nothing of
ours or of xdist is imported before pytest has configured itself: it would warn that these modules can
no longer have their assertions rewritten.
"""

from __future__ import annotations

import os
import sys

import pytest

if __name__ == "__channelexec__":
    _channel = channel  # type: ignore[name-defined]  # noqa: F821  # put there by execnet
    _workerinput, _args, _options, _sys_path = _channel.receive()
    if _sys_path is None:
        sys.path.insert(0, os.getcwd())  # noqa: PTH109  # what xdist does for workers that are not local
        os.environ["PYTHONPATH"] = os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])  # noqa: PTH109
    else:
        sys.path[:] = _sys_path
    os.environ["PYTEST_XDIST_TESTRUNUID"] = _workerinput["testrunuid"]
    os.environ["PYTEST_XDIST_WORKER"] = _workerinput["workerid"]
    os.environ["PYTEST_XDIST_WORKER_COUNT"] = str(_workerinput["workercount"])
    # There is no public way to configure without running; xdist takes the same one.
    _config = sys.modules[pytest.Config.__module__]._prepareconfig(_args, None)  # noqa: SLF001
    from pytest_benchrun.engines.worker import serve  # late: see above

    serve(_channel, _config, _workerinput, _options)
