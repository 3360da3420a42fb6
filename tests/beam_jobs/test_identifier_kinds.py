from random import Random

import pytest
from tfx_vigil.beam_jobs.identifiers import IdentifierScanner
from tfx_vigil.beam_jobs.identifiers.national_id_table import NATIONAL_IDS

from .labelled_secrets import api_key, url_credentials

SCANNER = IdentifierScanner("US")


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("write to ada@example.com, now", "write to [EMAIL], now"),
        ("https://x.org/?mail=ada%40example.com&a=1", "https://x.org/?mail=[EMAIL]&a=1"),
        ("a@b.io and c@d.io", "[EMAIL] and [EMAIL]"),
        (f"{'a' * 70}@example.com", "[EMAIL]"),
        ("jürgen@uni-köln.de", "[EMAIL]"),
        ("+1 312 555 0142", "[PHONE]"),
        ("call (312) 555-0142 or +49 30 901820", "call [PHONE] or [PHONE]"),
        ("(312 555 0142)", "([PHONE])"),
        ("tel:+49-30-901820;ext=5", "tel:[PHONE];ext=5"),
        ("https://x.org/?a=%2B4930901820&b=1", "https://x.org/?a=[PHONE]&b=1"),
        ("+44 (0)20 7946 0958 12", "[PHONE] 12"),
        ("phone: 3125550142", "phone: [PHONE]"),
        ("pay GB82 WEST 1234 5698 7654 32 now please", "pay [IBAN] now please"),
        ("ab12 cd34 DE89 3704 0044 0532 0130 00", "ab12 cd34 [IBAN]"),
        ("gb82west12345698765432", "[IBAN]"),
        ("card 4111-1111-1111-1111.", "card [CARD]."),
        ("3782 822463 10005", "[CARD]"),
        ("from 203.0.113.7:8080", "from [IP]:8080"),
        ("http://203.0.113.7/25/x", "http://[IP]/x"),
        ("[2001:db8::1]:443", "[[IP]]:443"),
        ("::ffff:203.0.113.7", "[IP]"),
        ("host 10.1.2.3/32, net 10.1.2.0/24", "host [IP], net 10.1.2.0/24"),
        ("00:1b:44:11:3A:b7 or 00-1B-44-11-3A-B7", "[MAC] or [MAC]"),
        ("001b.4411.3ab7", "[MAC]"),
        ("ada@example.com from 203.0.113.7", "[EMAIL] from [IP]"),
        ("ftp://ada:pw@h.org/x", "ftp://[URL_CREDENTIALS]@h.org/x"),
        ("redis://:pw1@h:6379", "redis://[URL_CREDENTIALS]@h:6379"),
        ("/v1?api_key=k3y5&page=2", "/v1?api_key=[URL_CREDENTIALS]&page=2"),
        ("password=hunter22", "password=[URL_CREDENTIALS]"),
        ("Authorization: Bearer abcdefgh12345678==", "Authorization: Bearer [API_KEY]"),
    ],
)
def test_only_the_identifier_is_redacted(text, redacted):
    assert SCANNER.scan_text(text)[0] == redacted


@pytest.mark.parametrize(
    "text",
    [
        "logo@2x.png root@localhost @ada 5 @ 3.50",
        "+41 1 or +999 12345678",
        "2024-05-06 10:20:30 or 1714998645123",
        "GB83 WEST 1234 5698 7654 32 and XX89 3704 0044 0532 0130 00",
        "4111 1111 1111 1112, 4111 1111 1111 1111 1 and 4012888888881",
        "v10.2.3.4 lib-1.2.3.4 1.2.3.4.5 256.1.1.1 127.0.0.1 0.0.0.0/0",
        "12-34-56-78-90-12 00:00:00:00:00:00 ff:ff:ff:ff:ff:ff 12:30:45:10",
        "https://h.org:8080/a?token=&monkey=banana",
        "000-12-3456 666-12-3456 123-00-4567 123-45-0000 A123-45-6789 123-45-6789-01",
        "9434765870 and 111222333 and 44051401359",
        "NHS 9434765871, PESEL 44051401358, BSN 111222334",
        "12345678A X1234567A ABCPE12345",
        "sk-1 eyJ AKIA gh-p bearer of news",
    ],
)
def test_what_only_looks_like_an_identifier_stays(text):
    assert SCANNER.scan_text(text) == (text, set())


def test_national_phone_numbers_are_sought_only_with_a_region():
    national, international = "call 312-555-0142", "call +13125550142"
    assert SCANNER.scan_text(national)[1] == {"PHONE"}
    assert IdentifierScanner().scan_text(national) == (national, set())
    assert IdentifierScanner().scan_text(international)[1] == {"PHONE"}


# Examples of the standards and of python-stdnum's docs; ( ) around what needs a word before it.
EXAMPLES = {
    "AR": ["20-05536168-2"],
    "AT": ["SVNR (1237 010180)"],
    "AU": ["TFN (123 456 782)"],
    "BE": ["85.07.30-033.28"],
    "BG": ["ЕГН (7523169263)"],
    "BR": ["390.533.447-05", "cpf=(39053344705)"],
    "CA": ["SIN (123-456-782)"],
    "CH": ["756.9217.0769.85", "7569217076985"],
    "CL": ["12.531.909-2"],
    "CN": ["360426199101010071"],
    "CZ": ["710319/2745"],
    "DE": ["36 574 261 809", "Steuer-IdNr. (36574261809)"],
    "DK": ["CPR (211062-5629)"],
    "EE": ["isikukood (36805280109)"],
    "ES": ["54362315K", "X-2482300-W"],
    "FI": ["131052-308T"],
    "FR": ["2 95 10 99 126 111 93", "NIR: (295109912611193)"],
    "GB": ["NHS (943-476-5870)", "JG103759A", "JG 10 37 59 A"],
    "GR": ["ΑΜΚΑ (01013099997)"],
    "HR": ["OIB (33392005961)"],
    "ID": ["NIK (3171011708450001)"],
    "IE": ["PPS No. (6433435F)"],
    "IL": ["teudat zehut (39337423)"],
    "IN": ["2341 2341 2346", "Aadhaar (234123412346)", "ACUPA7085R"],
    "IS": ["kennitala (120174-3399)"],
    "IT": ["RCCMNL83S18D969H"],
    "JP": ["マイナンバー (123456789018)"],
    "KR": ["971013-9019902"],
    "LT": ["asmens kodas (33309240064)"],
    "MX": ["BOXW310820HNERXN09"],
    "MY": ["770305-02-1234"],
    "NL": ["BSN (111222333)"],
    "NO": ["151086 95088", "15108695088"],
    "PL": ["PESEL (44051401359)"],
    "PT": ["NIF (501964843)"],
    "RO": ["CNP (1630615123457)"],
    "RU": ["ИНН (500100732259)"],
    "SE": ["personnummer (880320-0016)"],
    "SI": ["EMŠO (0101006500006)"],
    "TH": ["1-2345-45678-78-1"],
    "TR": ["TC kimlik no (17291716060)"],
    "UA": ["РНОКПП (1759013776)"],
    "US": ["536-90-4399", "ssn=(536904399)", "536 90 4399", "912-90-3456"],
    "ZA": ["SA ID (7503305044089)"],
}


@pytest.mark.parametrize("text", [text for texts in EXAMPLES.values() for text in texts])
def test_national_ids_of_each_country_are_found(text):
    announced = "(" in text
    plain = text.translate({ord("("): None, ord(")"): None})
    expected = text[: text.index("(")] + "[NATIONAL_ID]" if announced else "[NATIONAL_ID]"
    assert SCANNER.scan_text(plain)[0] == expected
    assert set(EXAMPLES) == {each.country for each in NATIONAL_IDS}


def test_a_word_far_away_announces_nothing():
    assert SCANNER.scan_text("NHS " + "x " * 20 + "9434765870")[1] == set()
    assert SCANNER.scan_text("since 123456782")[1] == set()


@pytest.mark.parametrize("make", [api_key, url_credentials])
def test_secrets_are_redacted_whole(make):
    kind = {api_key: "API_KEY", url_credentials: "URL_CREDENTIALS"}[make]
    random = Random(5)
    for _ in range(200):
        text, secret = make(random)
        assert SCANNER.scan_text(text.format(secret))[0] == text.format(f"[{kind}]")


def test_a_private_key_cut_short_is_redacted_to_the_end():
    begin = "-----BEGIN " + "PRIVATE KEY-----"
    assert SCANNER.scan_text(f"key: {begin}\nabc")[0] == "key: [API_KEY]"
