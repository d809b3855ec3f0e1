"""Campaign files on the disk: TOML and YAML, and every file that is neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_benchrun.core.campaign_file import read_document
from pytest_benchrun.core.errors import UsageProblem
from pytest_benchrun.world.config_file import load_config_file

TOML = '[campaign]\nname = "nmr"\n[matrix]\nsize = [1, 2.5, true]\n[parameters]\n"ä" = "ö"\n'
YAML = "campaign: {name: nmr}\nmatrix:\n  size: [1, 2.5, true]\nparameters:\n  ä: ö\n"
DOCUMENT = {"campaign": {"name": "nmr"}, "matrix": {"size": [1, 2.5, True]}, "parameters": {"ä": "ö"}}


def write(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


@pytest.mark.parametrize(("name", "content"), [("a.toml", TOML), ("a.yaml", YAML), ("a.yml", YAML)])
@pytest.mark.parametrize("begin", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_toml_and_yaml_say_the_same_however_an_editor_writes_them(
    tmp_path: Path, name: str, content: str, begin: bytes, newline: str
) -> None:
    path = write(tmp_path, name, begin + content.replace("\n", newline).encode("utf-8"))
    assert load_config_file(path) == DOCUMENT


@pytest.mark.parametrize(("name", "content"), [("a.toml", ""), ("a.yaml", ""), ("a.yaml", "# nothing\n---\n")])
def test_a_file_that_says_nothing_is_an_empty_table(tmp_path: Path, name: str, content: str) -> None:
    assert load_config_file(write(tmp_path, name, content)) == {}


@pytest.mark.parametrize(
    ("name", "content", "problem", "hint"),
    [
        ("a.json", "{}", "a.json' is neither a .toml nor a .yaml file", "--bench-config=campaign.toml"),
        ("a", "", "a' is neither a .toml nor a .yaml file", "--bench-config=campaign.toml"),
        ("a.toml", b"\xff\xfe", "a.toml' cannot be read: 'utf-8' codec can't decode", "--bench-config=campaign.toml"),
        ("a.toml", "name = nmr", "a.toml is no TOML: Invalid value (at line 1, column 8)", "text stands in quotes"),
        ("a.toml", "[a]\n[a]\n", "a.toml is no TOML: Cannot declare ('a',) twice", "mend that line"),
        ("a.toml", "a = " + "[" * 5000, "a.toml is no TOML", "mend that line"),
        ("a.yaml", "a: [1", "a.yaml is no YAML: while parsing a flow sequence", "mend that line"),
        ("a.yaml", "a: !!python/object:os.system x", "a.yaml is no YAML: could not determine a constructor", "mend"),
        ("a.yaml", "day: 2026-13-41", "a.yaml is no YAML: month must be in 1..12", "mend that line"),
        ("a.yaml", "[" * 5000, "a.yaml is no YAML", "mend that line"),
        ("a.yaml", "a: 1\n---\nb: 2\n", "a.yaml is no YAML: expected a single document", "mend that line"),
        ("a.yaml", "- a\n- b\n", "a.yaml holds no table but list", "campaign, matrix, exclude and parameters"),
        ("a.yaml", "nmr", "a.yaml holds no table but str", "campaign, matrix, exclude and parameters"),
        ("a.yaml", "a: \x01", "a.yaml is no YAML: unacceptable character", "mend that line"),
    ],
)
def test_what_is_no_campaign_file_is_refused_with_the_cure(
    tmp_path: Path, name: str, content: str | bytes, problem: str, hint: str
) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(UsageProblem) as error:
        load_config_file(path)
    assert problem in error.value.problem
    assert hint in error.value.hint
    assert "\n" not in error.value.problem


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"nowhere\.toml' cannot be read: No such file or directory"):
        load_config_file(tmp_path / "nowhere.toml")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").mkdir()
    with pytest.raises(UsageProblem, match=r"a\.toml' cannot be read: Is a directory"):
        load_config_file(tmp_path / "a.toml")


def test_a_yaml_table_that_holds_itself_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.yaml", "parameters: &a\n  x: *a\n")
    with pytest.raises(UsageProblem, match="nested more than 20 deep"):
        read_document(load_config_file(path), "a.yaml")


@pytest.mark.parametrize("text", ["day: 2026-11-21", "x: !!set {a, b}", "x: !!binary aGk=", 'x: "\\ud800"'])
def test_yaml_values_that_json_has_not_are_refused(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, "a.yaml", f"parameters:\n  {text}\n")
    with pytest.raises(UsageProblem, match="is neither text, number, true, false, list nor table"):
        read_document(load_config_file(path), "a.yaml")
