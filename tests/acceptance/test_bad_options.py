"""A wrong option or setting: one message that names it and what would be right, exit 4, nothing made."""

from __future__ import annotations

import pytest

from tests.acceptance.suite import Suite, assert_refused

GREEN = """
    import pytest

    @pytest.mark.parametrize("molecule", ["water", "ammonia"])
    @pytest.mark.parametrize("basis", range(3))
    def test_it(molecule, basis):
        pass
"""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--bench-group-by=molecul"], ["'molecul'", "known: basis, molecule", "--bench-group-by=molecule"]),
        (["-n2", "--bench-group-by=molecul"], ["'molecul'", "known: basis, molecule", "--bench-group-by=molecule"]),
        (["--bench-max-failures=ten"], ["--bench-max-failures", "'ten'", "-> "]),
        (["--bench-max-failures=-1"], ["--bench-max-failures", "'-1'", "-> "]),
        (["--bench-max-failures=101%"], ["--bench-max-failures", "'101%'", "-> "]),
        (["--bench-max-consecutive-failures=0"], ["--bench-max-consecutive-failures", "'0'", "-> "]),
        (["--bench-durability=maybe"], ["--bench-durability", "maybe", "fsync", "flush"]),
        (["--bench-resume=banana"], ["--bench-resume", "banana", "all", "unfinished"]),
        (["--bench-resume", "--bench-fresh"], ["--bench-resume", "--bench-fresh", "-> "]),
        (["--bench-resume"], ["no run to resume", "-> "]),
        (["-n2", "--bench-resume"], ["no run to resume", "-> "]),
        (["-n2", "--dist=each"], ["--dist=each", "-> "]),
    ],
    ids=" ".join,
)
def test_a_wrong_option_is_named_and_leaves_no_directory(suite: Suite, options: list[str], said: list[str]) -> None:
    suite.write("test_it.py", GREEN)
    assert_refused(suite.run(*options), *said)
    assert not suite.results.exists()
    assert suite.marks() == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("bench_max_failures = ten", "'ten'"),
        ("bench_max_consecutive_failures = 0", "'0'"),
        ("bench_durability = maybe", "'maybe'"),
        ("bench_group_by = molecul", "--bench-group-by=molecule"),
    ],
)
def test_a_wrong_setting_in_the_configuration_file_is_named_too(suite: Suite, line: str, said: str) -> None:
    suite.write("test_it.py", GREEN)
    suite.append("pytest.ini", f"{line}\n")
    assert_refused(suite.run(), said, "-> ")
    assert not suite.results.exists()


def test_resume_without_a_value_leaves_the_path_behind_it_to_pytest(suite: Suite) -> None:
    suite.write("test_it.py", GREEN)
    assert suite.run("test_it.py").code == 0
    ended = suite.run("--bench-resume", "test_it.py")
    assert ended.code == 0, ended.output
    assert "nothing to do" in ended.output
