from __future__ import annotations

from pathlib import Path

import pytest

from daemonkit.paths import directories
from datasrc.errors import Missing
from loadzone.cli import main
from loadzone.errors import Failed, LoadError, NotFound, Refused, UsageFault
from loadzone.target import Selection, choose

CONFIG = """
data_sources:
  one: {type: database, url: "sqlite:///{state_dir}/one.sqlite"}
  two: {type: database, url: "sqlite:///{state_dir}/two.sqlite"}
  files: {type: master-files, directory: "{state_dir}/zones"}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "bob.yaml"
    file.write_text(CONFIG)
    return file


def test_without_a_configuration_it_is_the_database_of_every_suite(tmp_path):
    target = choose(Selection(state_dir=tmp_path))
    assert (target.name, target.url) == ("main", f"sqlite:///{tmp_path}/zones.sqlite")
    assert target.directories == directories(tmp_path)


def test_a_url_is_taken_as_it_is(tmp_path):
    assert choose(Selection(database="memory:", run_dir=tmp_path)).url == "memory:"


def test_of_several_databases_one_is_chosen_by_name(config, tmp_path):
    target = choose(Selection(config=config, state_dir=tmp_path, source="two"))
    assert (target.name, target.url) == ("two", f"sqlite:///{tmp_path}/two.sqlite")


@pytest.mark.parametrize(
    ("source", "error", "reason"),
    [
        (None, UsageFault, "several data sources to load into, choose with --source: one, two"),
        ("three", NotFound, "there is no data source 'three'; there are one, two, files"),
        ("files", Refused, "files is a directory of master files: put the file into {state}/zones"),
    ],
)
def test_what_cannot_be_chosen_is_said(config, tmp_path, source, error, reason):
    with pytest.raises(error) as caught:
        choose(Selection(config=config, state_dir=tmp_path, source=source))
    assert reason.format(state=tmp_path) in str(caught.value)


@pytest.mark.parametrize("text", ["", "listen: []\n", "# nothing\n"])
def test_a_configuration_without_data_sources_has_those_of_every_suite(config, tmp_path, text):
    config.write_text(text)
    assert choose(Selection(config=config, state_dir=tmp_path)).url == f"sqlite:///{tmp_path}/zones.sqlite"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "line 2, column 1"),
        ("- a", "not a map of options"),
        ("data_sources: 1", "data_sources is not a map"),
        ("data_sources: {a: 1}", "data_sources.a has no type that is known"),
        ("data_sources: {a: {type: x}}", "data_sources.a has no type that is known"),
        ("data_sources: {a: {type: [x]}}", "data_sources.a has no type that is known"),
        ("data_sources: {a: {type: database}}", "data_sources.a has no url"),
        ("data_sources: {a: {type: master-files, url: x}}", "data_sources.a has no directory"),
        ("data_sources: {a: {type: master-files, directory: /x}}", "no data source of type database"),
        ("data_sources: {}", "no data source of type database"),
        ("data_sources: {1: {type: database, url: x}}", "data_sources.1 has a name that is no text"),
        ("data_sources:", "data_sources is not a map"),
    ],
)
def test_a_configuration_that_does_not_say_where_is_a_usage_fault(config, tmp_path, text, reason):
    config.write_text(text + "\n")
    with pytest.raises(UsageFault) as caught:
        choose(Selection(config=config, state_dir=tmp_path))
    assert reason in str(caught.value)


def test_a_configuration_that_is_no_text_is_a_usage_fault(config, tmp_path):
    config.write_bytes(b"\x00\xff")
    with pytest.raises(UsageFault):
        choose(Selection(config=config, state_dir=tmp_path))


def test_a_configuration_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(NotFound):
        choose(Selection(config=tmp_path / "none", state_dir=tmp_path))
    with pytest.raises(Failed):
        choose(Selection(config=tmp_path, state_dir=tmp_path))


def test_the_state_directory_is_made_when_it_is_written_not_before(tmp_path):
    state = tmp_path / "a/b"
    target = choose(Selection(state_dir=state))
    assert not state.exists()
    target.make().close()
    assert (state.stat().st_mode & 0o777, sorted(path.name for path in state.iterdir())) == (0o750, ["zones.sqlite"])


def test_other_directories_are_not_made(tmp_path):
    config = tmp_path / "bob.yaml"
    config.write_text(f"data_sources: {{a: {{type: database, url: 'sqlite:///{tmp_path}/x/z.sqlite'}}}}")
    with pytest.raises(Missing):
        choose(Selection(config=config, state_dir=tmp_path / "state")).make()


@pytest.mark.parametrize("sibling", ["state-old", "state.d/x"])
def test_a_database_beside_the_state_directory_is_not_in_it(tmp_path, sibling):
    """Its name begins like that of the state directory, which is neither made nor wanted for it."""
    (tmp_path / sibling).mkdir(parents=True)
    url = f"sqlite:///{tmp_path / sibling}/z.sqlite"
    config = tmp_path / "bob.yaml"
    config.write_text(f"data_sources: {{a: {{type: database, url: '{url}'}}}}")
    target = choose(Selection(config=config, state_dir=tmp_path / "state"))
    target.make().close()
    target.open().close()
    assert (tmp_path / sibling / "z.sqlite").exists()
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+pysqlite"])
def test_a_database_below_the_state_directory_is_in_it_however_its_url_is_written(tmp_path, scheme):
    config = tmp_path / "bob.yaml"
    config.write_text(f"data_sources: {{a: {{type: database, url: '{scheme}:///{{state_dir}}/z.sqlite?timeout=1'}}}}")
    target = choose(Selection(config=config, state_dir=tmp_path / "state"))
    with pytest.raises(Missing, match="its directory is not there yet"):
        target.open()
    target.make().close()
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("option", ["--config", "--state-dir", "--run-dir", "--database", "--source"])
def test_a_check_refuses_what_says_where_to_write(monkeypatch, capsys, option):
    monkeypatch.setattr("sys.argv", ["loadzone", "--check", option, "x", "example.org", "z"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert f"--check writes nothing: it cannot be combined with {option}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["example.org"],
        ["--all", ".", "example.org", "z"],
        ["--check", "--force", "example.org", "z"],
        ["--check", "--incremental", "example.org", "z"],
        ["--database", "memory:", "--config", "x", "example.org", "z"],
        ["--database", "memory:", "--state-dir", "x", "example.org", "z"],
        ["example.org", "-", "more"],
        ["--source"],
    ],
)
def test_a_wrong_command_line_is_exit_code_2(monkeypatch, capsys, arguments):
    monkeypatch.setattr("sys.argv", ["loadzone", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    assert err.startswith(("Usage: loadzone", "Error: Option '--source' requires"))


def test_every_load_error_has_an_exit_code():
    assert {error.__name__: int(error.exit_code) for error in LoadError.__subclasses__()} == {
        "UsageFault": 2,
        "NotFound": 3,
        "BadZone": 1,
        "Refused": 5,
        "Failed": 1,
    }
