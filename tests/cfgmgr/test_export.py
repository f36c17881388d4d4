"""The configuration as a file again: exactly what is stored, in the words and with the comments of who wrote it."""

from __future__ import annotations

import textwrap

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cfgmgr import api
from cfgmgr import export as exporting
from cfgmgr.current import Current
from cfgmgr.export import export
from cfgmgr.tree import flat
from daemonkit.document import read_text
from tests.cfgmgr.bench import Bench
from tests.cfgmgr.configurations import NORMATIVE, rules, substitute
from tests.cfgmgr.test_documents_by_spec import DOCUMENTS
from tests.cfgmgr.test_rows import right

COMMENTED = textwrap.dedent("""\
    # Our name server.
    auth:
      identity: "ns1"       # as the contract says
      udp_size: 1232        # the default, said all the same

    # Whom we serve.
    templates:
      default: {query_acl: [{action: ACCEPT}]}
    zones:
      # The first customer.
      Example.ORG.: {notify: off}
      example.net:
        notify: off         # never

    stats: {metrics: off}   # no Prometheus here
    """)


def current_of(tree):
    checked = rules().validate(tree)
    assert not checked.findings.errors, checked.findings.errors
    return Current.of(7, checked.values, checked, checked, substitute)


def exported(tmp_path, text, tree):
    file = tmp_path / "bob.yaml"
    file.write_text(text)
    return export(current_of(tree), rules(), file)


def document(text):
    return read_text(text).value


def test_what_is_unchanged_is_the_file_itself(tmp_path):
    done = exported(tmp_path, COMMENTED, document(COMMENTED))
    assert done.commented
    assert done.text == COMMENTED


def test_changes_are_made_in_place_and_comments_stay(tmp_path):
    tree = document(COMMENTED)
    tree["auth"]["identity"] = "ns2"
    tree["zones"]["new.example"] = {"query_acl": [{"action": "REJECT"}]}
    del tree["zones"]["example.net"]
    done = exported(tmp_path, COMMENTED, tree)
    assert done.text == COMMENTED.replace('"ns1"', '"ns2"').replace(
        "  example.net:\n    notify: off         # never\n\n",
        "  new.example: {query_acl: [{action: REJECT}]}\n",
    )


def test_comments_survive_any_later_revision(tmp_path):
    """As far as what they stand at is there."""
    tree = document(COMMENTED)
    tree["auth"] = {"version": "9"}
    tree["listen"] = ["192.0.2.1@53"]
    text = exported(tmp_path, COMMENTED, tree).text
    for comment in (
        "# Our name server.",
        "# Whom we serve.",
        "# The first customer.",
        "# never",
        "# no Prometheus here",
    ):
        assert comment in text
    assert rules().validate(document(text)).values == rules().validate(tree).values


@pytest.mark.parametrize("text", ["- a list\n", "a: [\n", "nonsense: 1\n", "", "# nothing but a comment\n"])
def test_a_file_that_is_not_it_any_more_is_left_alone(tmp_path, text):
    done = exported(tmp_path, text, document(NORMATIVE))
    assert not done.commented
    assert done.text.startswith("# The configuration of bobdns, revision 7.\n")
    assert rules().validate(document(done.text)).values == rules().validate(document(NORMATIVE)).values


def test_without_a_file_it_is_written_plainly(tmp_path):
    assert export(current_of({}), rules(), None).left == ""
    assert not export(current_of({}), rules(), None).commented
    assert not export(current_of({}), rules(), tmp_path / "none").commented


def test_a_long_file_is_written_without_comments(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "MAX_COMMENTED_ROWS", 1)
    tree = document(COMMENTED)
    tree["zones"] |= {"no": {"query_acl": [{"action": "ACCEPT", "from": "192.0.2.0/24"}]}, "1.in-addr.arpa": {}}
    done = exported(tmp_path, COMMENTED, tree)
    assert not done.commented
    assert done.left == (
        f"{tmp_path / 'bob.yaml'} has {len(COMMENTED)} octets and there are 4 zones; "
        "they are kept up to 524288 octets and 1 zones"
    )
    assert "# " not in done.text.partition("\n")[2]
    assert rules().validate(document(done.text)).values == current_of(tree).state


@given(DOCUMENTS, DOCUMENTS)
@settings(max_examples=40, deadline=None)
def test_what_is_exported_is_what_is_stored(tmp_path_factory, first, second):
    """V66."""
    written, stored = right(first).values, right(second)
    file = tmp_path_factory.mktemp("seed") / "bob.yaml"
    file.write_text("# a comment\n" + yaml.safe_dump(flat(written), allow_unicode=True))
    current = Current.of(1, stored.values, stored, stored, substitute)
    text = export(current, rules(), file).text
    assert rules().validate(document(text)).values == stored.values


@given(st.dictionaries(st.text(), st.text() | st.lists(st.text())))
@example({"\x7f\x80\x9f": "a\x85b\u2028c\u2029d\ufeffe\uffff\U0001f600\U0010ffff", "\x85": ['\x00\n\t\r"\\ ']})
def test_texts_of_very_many_rows_are_read_back_as_they_are(rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporting, "MAX_COMMENTED_ROWS", 0)
        assert document(exporting._without_comments({"zones": rows})) == (
            {"zones": rows} if rows else document("zones: {}")
        )


@pytest.mark.asyncio
async def test_it_can_be_asked_for_and_read_again(tmp_path):
    seed = tmp_path / "bob.yaml"
    seed.write_text(COMMENTED)
    async with Bench(tmp_path, "--seed", str(seed)) as bench:
        await bench.change("auth.identity", "other")
        done = await bench.call(api.Export())
        assert (done.revision, done.source) == (2, str(seed))
        seed.write_text(done.text)
        assert (await bench.call(api.Reload())).changes == []
