"""Where secrets come from, and how they roll over."""

from __future__ import annotations

import base64
import ipaddress
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.cookie_format import MAX_AGE, MAX_AHEAD, MAX_SECRETS, VALID
from auth.cookie_secrets import FILE_NAME, CookieSecrets, read_secrets
from auth.cookies import CookieJar
from auth.errors import CookieSecretError
from tests.kit.cookies import CLIENT, OLD_SECRET, SECRET

ADDRESS = memoryview(ipaddress.ip_address("192.0.2.1").packed)
MASTER = bytes(range(32))
DAY = 86400


def options(*files, rollover=float(DAY)):
    return {"secret_files": [{"path": str(file), "version": ""} for file in files], "rollover": rollover}


def write(path, octets, mode=0o600):
    path.write_text(base64.b64encode(octets).decode() + "\n")
    path.chmod(mode)
    return path


def given_cookie(secrets: CookieSecrets, now: int, sent: bytes = CLIENT) -> tuple[int, bytes]:
    jar = CookieJar()
    secrets.install(jar, now)
    assert jar.since <= now < jar.until
    jar.attach(memoryview(sent), ADDRESS)
    return jar.check(0, len(sent), 0, 4, now), bytes(jar.cookie)


@given(st.integers(0, 2**33), st.integers(-MAX_AHEAD, MAX_AGE), st.integers(7200, 36 * DAY))
def test_over_every_roll_over_a_young_cookie_stays_valid(made, age, rollover):
    secrets = CookieSecrets(master=MASTER, rollover=rollover)
    _, cookie = given_cookie(secrets, made)
    found, _ = given_cookie(CookieSecrets(master=MASTER, rollover=rollover), made + age, cookie)
    assert found == VALID


@given(st.integers(0, 2**33), st.integers(7200, 36 * DAY))
def test_the_keys_change_where_they_are_said_to(now, rollover):
    secrets = CookieSecrets(master=MASTER, rollover=rollover)
    keys, since, until = secrets.at(now)
    assert since <= now < until
    assert 1 <= len(keys) <= MAX_SECRETS
    assert secrets.at(since)[0] == secrets.at(until - 1)[0] == keys
    assert secrets.at(until)[0] != keys != secrets.at(since - 1)[0]
    following = secrets.next_rollover(now)
    assert following is not None
    assert secrets.at(following)[0][0] != keys[0] == secrets.at(following - 1)[0][0]


def test_an_old_secret_is_forgotten_an_hour_after_the_roll_over():
    secrets = CookieSecrets(master=MASTER, rollover=DAY)
    (old,), _, _ = secrets.at(DAY // 2)
    assert old in secrets.at(DAY + MAX_AGE - 1)[0]
    assert old not in secrets.at(DAY + MAX_AGE)[0]


def test_secrets_of_files_do_not_roll_over():
    secrets = CookieSecrets((SECRET, OLD_SECRET))
    assert secrets.at(0)[0] == secrets.at(2**40)[0]
    assert secrets.next_rollover(0) is None


def test_secrets_do_not_show_themselves():
    shown = repr(CookieSecrets((SECRET,), MASTER))
    assert "e5" not in shown
    assert repr(MASTER) not in shown


def test_our_own_is_made_once_and_kept(tmp_path):
    first, second = (read_secrets(options(), tmp_path) for _ in range(2))
    assert first == second
    assert first.at(0) != CookieSecrets.passing().at(0)
    file = tmp_path / FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_files_are_used_in_their_order(tmp_path):
    files = [write(tmp_path / "new", SECRET), write(tmp_path / "old", OLD_SECRET)]
    assert read_secrets(options(*files), tmp_path) == CookieSecrets((SECRET, OLD_SECRET))
    assert not (tmp_path / FILE_NAME).exists()


@pytest.mark.parametrize(
    ("octets", "mode", "reason"),
    [
        (SECRET[:15], 0o600, "it has 15 octets, and not 16"),
        (base64.b64decode(SECRET.hex()), 0o600, "it has 24 octets, and not 16: is it in hexadecimal?"),
        (SECRET, 0o644, "everybody may use it"),
        (b"", 0o600, "it is empty"),
    ],
)
def test_a_file_that_is_no_secret_is_refused(tmp_path, octets, mode, reason):
    files = [write(tmp_path / "right", SECRET), write(tmp_path / "wrong", octets, mode)]
    with pytest.raises(CookieSecretError, match=reason) as caught:
        read_secrets(options(*files), tmp_path)
    assert (caught.value.index, caught.value.file) == (1, str(files[1]))
    assert SECRET.hex() not in str(caught.value)


def test_our_own_that_is_damaged_is_not_replaced(tmp_path):
    file = tmp_path / FILE_NAME
    write(file, b"short")
    with pytest.raises(CookieSecretError, match="it has 5 octets, and not 32") as caught:
        read_secrets(options(), tmp_path)
    assert caught.value.index is None
    assert base64.b64decode(file.read_text()) == b"short"


def test_where_no_file_can_be_made_it_is_said(tmp_path):
    with pytest.raises(CookieSecretError, match="No such file or directory"):
        read_secrets(options(), tmp_path / "absent")
