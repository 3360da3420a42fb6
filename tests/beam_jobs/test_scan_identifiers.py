from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.scan_identifiers import IdentifierScanner

from .labelled_texts import near_misses, positives

SCANNER = IdentifierScanner("US")


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("write to ada@example.com, now", "write to [EMAIL], now"),
        ("https://x.org/?mail=ada%40example.com&a=1", "https://x.org/?mail=[EMAIL]&a=1"),
        ("a@b.io and c@d.io", "[EMAIL] and [EMAIL]"),
        ("+1 312 555 0142", "[PHONE]"),
        ("call (312) 555-0142 or +49 30 901820", "call [PHONE] or [PHONE]"),
        ("pay GB82 WEST 1234 5698 7654 32 now please", "pay [IBAN] now please"),
        ("ab12 cd34 DE89 3704 0044 0532 0130 00", "ab12 cd34 [IBAN]"),
        ("card 4111-1111-1111-1111.", "card [CARD]."),
        ("3782 822463 10005", "[CARD]"),
        ("from 203.0.113.7:8080", "from [IP]:8080"),
        ("http://203.0.113.7/25/x", "http://[IP]/x"),
        ("[2001:db8::1]:443", "[[IP]]:443"),
        ("::ffff:203.0.113.7", "[IP]"),
        ("host 10.1.2.3/32, net 10.1.2.0/24", "host [IP], net 10.1.2.0/24"),
        ("ada@example.com from 203.0.113.7", "[EMAIL] from [IP]"),
    ],
)
def test_only_the_identifier_is_redacted(text, redacted):
    assert SCANNER.scan_text(text)[0] == redacted


def test_national_phone_numbers_are_sought_only_with_a_region():
    national, international = "call 312-555-0142", "call +13125550142"
    assert SCANNER.scan_text(national)[1] == {"PHONE"}
    assert IdentifierScanner().scan_text(national) == (national, set())
    assert IdentifierScanner().scan_text(international)[1] == {"PHONE"}


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


def test_bytes_that_are_not_text_survive_around_an_identifier():
    values = pa.array([b"\xff\xfe ada@example.com \x80"], pa.binary())
    assert SCANNER.scan(values)[0].to_pylist() == [b"\xff\xfe [EMAIL] \x80"]


LABELLED = [text for _, text in positives(1, 20) + near_misses(1, 20)]


@given(st.lists(st.one_of(st.sampled_from(LABELLED), st.text(max_size=40)), max_size=10))
@settings(max_examples=100, deadline=None)
def test_the_prefilter_loses_nothing(texts):
    redacted, found = SCANNER.scan(pa.array(texts, pa.string()))
    exact = [SCANNER.scan_text(text) for text in texts]
    assert redacted.to_pylist() == [text for text, _ in exact]
    for kind in {kind for _, kinds in exact for kind in kinds} | set(found):
        assert found[kind] == [i for i, (_, kinds) in enumerate(exact) if kind in kinds]


@given(st.lists(st.sampled_from(LABELLED), min_size=1, max_size=5).map(" / ".join))
@settings(max_examples=100, deadline=None)
def test_nothing_is_left_to_find_in_what_was_redacted(text):
    redacted, _ = SCANNER.scan_text(text)
    assert SCANNER.scan_text(redacted) == (redacted, set())


def test_recall_and_precision_on_labelled_texts():
    """The bounds hold for these generators, where near misses outnumber identifiers."""
    each = 300
    found, false, alarms = Counter(), Counter(), Counter()
    for kind, text in positives(2, each):
        kinds = SCANNER.scan_text(text)[1]
        found[kind] += kind in kinds
        false.update(kinds - {kind})
    for sort, text in near_misses(3, each):
        kinds = SCANNER.scan_text(text)[1]
        false.update(kinds)
        alarms[sort] += bool(kinds)

    assert set(found) == {"EMAIL", "PHONE", "CARD", "IBAN", "IP"}
    for kind, n in found.items():
        assert n / each >= 0.99, kind
        assert n / (n + false[kind]) >= 0.98, kind
    assert max(alarms.values()) / each <= 0.02, alarms
