"""Configuration files, judged by the programs they are for."""

import shutil
import subprocess

import pytest
import yaml

from bench.sidebyside import configurations

CHECKERS = {
    "nsd": (configurations.nsd, ["nsd-checkconf"]),
    "knot": (configurations.knot, ["knotc", "conf-check", "-c"]),
    "bind": (configurations.bind, ["named-checkconf"]),
}


def command_for(name, file):
    _, words = CHECKERS[name]
    return ["knotc", "-c", str(file), "conf-check"] if name == "knot" else [*words, str(file)]


@pytest.mark.parametrize("name", CHECKERS)
def test_the_program_takes_its_file(name, tmp_path):
    write, words = CHECKERS[name]
    if not shutil.which(words[0]):
        pytest.skip(f"{words[0]} is not installed")
    zones = {f"z{number}.example": tmp_path / f"z{number}.example.zone" for number in range(3)}
    for file in zones.values():
        file.write_text("@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n")
    config = tmp_path / "config"
    config.write_text(write(tmp_path, 5399, zones))
    done = subprocess.run(command_for(name, config), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ours_asks_for_one_instance():
    assert yaml.safe_load(configurations.bobdns(5399)) == {
        "components": {"auth": {"instances": 1}},
        "listen": ["127.0.0.1@5399"],
    }


def test_powerdns_reads_signatures_only_where_there_are_some(tmp_path):
    assert "gsqlite3-dnssec=no" in configurations.powerdns(tmp_path, 5399, signed=False).splitlines()
    assert "gsqlite3-dnssec=yes" in configurations.powerdns(tmp_path, 5399, signed=True).splitlines()


def test_ours_serves_many_zones_from_their_files(tmp_path):
    assert yaml.safe_load(configurations.bobdns(5399, tmp_path))["data_sources"] == {
        "files": {"type": "master-files", "directory": str(tmp_path)}
    }
