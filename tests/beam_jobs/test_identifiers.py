from collections import Counter
from functools import partial

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.domain_keys import DomainKeys
from tfx_vigil.beam_jobs.identifiers import IdentifierScanner
from tfx_vigil.beam_jobs.identifiers.names import NamesError
from tfx_vigil.beam_jobs.privacy_methods import Hmac

from .labelled_texts import SORTS, labelled_texts, near_misses, positives

SCANNER = IdentifierScanner("US")
KEYS = DomainKeys(bytes(32), bytes(range(32)), 7, "riders")
PSEUDONYMS_OF = partial(Hmac().operate, keys=KEYS)
BINARY = pa.large_binary()
POSITIVES = positives(1, 20)
LABELLED = [each.text for each in POSITIVES + near_misses(1, 20)]


def test_find_tells_where_each_identifier_is():
    (spans,) = SCANNER.find(pa.array(["plain", "x 203.0.113.7 a@b.io"])[1:]).values()
    assert [tuple(span) for span in spans] == [("IP", 2, 13), ("EMAIL", 14, 20)]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()])
def test_scan_keeps_type_and_order_and_tells_where_it_found_what(kind):
    texts = ["plain", "a@b.io", "", "x 203.0.113.7 a@b.io", "22:30:15 or 1714998645123"]
    values = pa.array(texts, kind)
    redacted, found = SCANNER.scan(values)
    assert redacted.type == kind
    assert redacted.cast(pa.string()).to_pylist() == [
        "plain",
        "[EMAIL]",
        "",
        "x [IP] [EMAIL]",
        "22:30:15 or 1714998645123",
    ]
    assert found == {"EMAIL": [1, 3], "IP": [3]}


def test_with_keys_an_identifier_becomes_its_pseudonym_in_a_declared_field():
    values = pa.array([b"ask ada@example.com", b"\xff+13125550142, ada@example.com"], BINARY)
    declared = Hmac().operate(pa.array(["ada@example.com", "+13125550142"]), KEYS).to_pylist()
    ada, phone = (pseudonym.encode() for pseudonym in declared)
    scanned, found = SCANNER.scan(values, PSEUDONYMS_OF)
    assert scanned.to_pylist() == [
        b"ask [EMAIL:%s]" % ada,
        b"\xff[PHONE:%s], [EMAIL:%s]" % (phone, ada),
    ]
    assert found == {"EMAIL": [0, 1], "PHONE": [1]}
    assert SCANNER.scan(scanned, PSEUDONYMS_OF) == (scanned, {})


def test_labels_are_passed_over_but_hide_nothing():
    label = "[EMAIL:v1.1234567890123456789012345678901a]"
    assert SCANNER.scan_text(f"[IP] {label}") == (f"[IP] {label}", set())
    assert SCANNER.scan_text("[EMAIL:a@b.io]")[0] == "[EMAIL:[EMAIL]]"
    assert SCANNER.scan_text("[PHONE] 3125550142")[1] == set()


def test_bytes_that_are_not_text_survive_around_an_identifier():
    values = pa.array([b"\xff\xfe ada@example.com \x80"], pa.binary())
    assert SCANNER.scan(values)[0].to_pylist() == [b"\xff\xfe [EMAIL] \x80"]


def test_a_chain_of_identifiers_that_hide_one_another_goes_as_a_whole():
    chain = "+4930901820" * 50
    assert SCANNER.scan_text(chain) == ("[PHONE]", {"PHONE"})
    assert SCANNER.scan(pa.array([chain]))[0].to_pylist() == ["[PHONE]"]


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(LABELLED).map(str.encode))))
@settings(max_examples=100, deadline=None)
def test_any_bytes_can_be_scanned_and_a_second_scan_finds_nothing(values):
    scanned, _ = SCANNER.scan(pa.array(values, BINARY), PSEUDONYMS_OF)
    assert SCANNER.scan(scanned, PSEUDONYMS_OF) == (scanned, {})


@given(st.lists(st.one_of(st.sampled_from(LABELLED), st.text(max_size=40)), max_size=10))
@settings(max_examples=100, deadline=None)
def test_the_hints_lose_nothing(texts):
    found = SCANNER.find(pa.array(texts, pa.string()))
    for at, text in enumerate(texts):
        assert found.get(at, []) == SCANNER.find_in_text(text)


@given(st.lists(st.sampled_from(LABELLED), min_size=1, max_size=5).map(" / ".join))
@settings(max_examples=100, deadline=None)
def test_nothing_is_left_to_find_in_what_was_redacted(text):
    redacted, _ = SCANNER.scan_text(text)
    assert SCANNER.scan_text(redacted) == (redacted, set())


WORDS = st.text("abc äöж,;()\n\t\x00", max_size=20)


@given(st.sampled_from(POSITIVES), WORDS, WORDS)
@settings(max_examples=300, deadline=None)
def test_every_planted_identifier_is_found(planted, before, after):
    text = f"{before} {planted.text} {after}"
    assert planted.identifier not in SCANNER.scan_text(text)[0]


def test_recall_and_precision_on_labelled_texts():
    """The bounds hold for these generators, with a near miss for each identifier."""
    texts = labelled_texts(2, 9000)
    found = SCANNER.find(pa.array([each.text for each in texts]))
    of_sort, hits, spans, false, alarms = (Counter() for _ in range(5))
    for at, each in enumerate(texts):
        of_sort[each.sort] += 1
        for span in found.get(at, []):
            spans[span.kind] += 1
            false[span.kind] += span.kind != each.kind
            alarms[each.sort] += each.kind is None
            hits[each.sort] += each.text[span.start : span.end] == each.identifier

    assert set(spans) == set(SORTS.values())
    assert {sort: hits[sort] / of_sort[sort] for sort in SORTS if hits[sort] < of_sort[sort]} == {}
    assert {kind: n for kind, n in false.items() if n / spans[kind] > 0.01} == {}
    assert {sort: n for sort, n in alarms.items() if n / of_sort[sort] > 0.02} == {}


def test_names_need_presidio_and_say_so():
    with pytest.raises(NamesError, match="names_model 'en_core_web_sm' needs Presidio"):
        IdentifierScanner(names_model="en_core_web_sm")
