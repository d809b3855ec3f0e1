"""`--bench-db`: which database gets the run at its end; checked before any unit runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_benchrun.core.campaign_file import CampaignFile
from pytest_benchrun.core.dburl import VARIABLE, sqlite_path
from pytest_benchrun.hooks.options import DB
from pytest_benchrun.store.dbplace import check_database


def read_db(config: pytest.Config, file: CampaignFile) -> str | None:
    """The address of the database, or the absolute path of its file; None for none.

    What is typed comes before the campaign file, that before the configuration file, that before the environment.

    Raises:
        UsageProblem: it is no address, its folder is missing, or what it needs is not installed.
    """
    typed = config.getoption(DB.dest)
    here = config.invocation_params.dir
    beside = config.inipath.parent if config.inipath else config.rootpath
    found = (
        (DB.flag, typed, here),
        (f"{file.path}, [campaign] db", file.options.get("db"), beside),
        (DB.ini or "", config.getini(DB.ini or ""), beside),
        (VARIABLE, os.environ.get(VARIABLE), here),
    )
    for what, url, folder in found:
        if url is None or (not url and what != DB.flag):
            continue
        path = sqlite_path(url, what)
        address = url if path is None else str(folder / Path(path).expanduser())
        check_database(address, what)
        return address
    return None
