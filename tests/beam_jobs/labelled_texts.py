"""Texts labelled with the identifier in them, generated from a seed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from random import Random
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from stdnum import iban, luhn

from .labelled_national_ids import NATIONAL_IDS, invalid_national_id, national_id
from .labelled_secrets import api_key, url_credentials

_TEMPLATES = (
    "{}",
    "please write to {} today",
    "contact: {}.",
    "({})",
    'note="{}"',
    "server [{}]:443",
    "a={}&b=1",
    "first {}, then 17",
    "Fahrt für {} – später",
)
_PHRASES = (
    "the driver was late",
    "please refund my ride",
    "Fahrt pünktlich, danke",
    "payment failed",
    "asked twice for the phone number",
    "airport to hotel",
    "ok",
    "no e-mail given",
    "Chicago Loop",
    "card declined - try later",
)
_REGIONS = ("US", "DE", "GB", "FR", "IN", "BR", "JP", "NG", "AU", "MX")
_NAMES = ("ada", "j.doe", "mary-ann", "x_y", "jürgen", "li+news", "o'neil", "42")
_HOSTS = ("example.com", "mail.example.co.uk", "uni-köln.de", "a.io", "xn--bcher-kva.ch")
# Prefix and length of what the large networks issue now.
_CARDS = (("4", 16), ("52", 16), ("2345", 16), ("37", 15), ("6011", 16), ("36", 14), ("3530", 16))

_TIME_FORMATS = (
    "%Y-%m-%dT%H:%M:%S.%f+00:00",
    "%Y-%m-%d %H:%M:%S",
    "%Y%m%d %H%M%S",
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%H:%M:%S",
    "%a %b %d %H:%M:%S +0200 %Y",
)
_VERSION_FORMATS = (
    "{}.{}.{}",
    "v{}.{}.{}.{}",
    "lib-{}.{}.{}.{}",
    "{0}.{1}.{2}.{3}.{0}",
    "256.{}.{}.{}",
    "Chrome/{}.{}.{}.{} Safari/537.36",
)
_PART_NUMBERS = (
    "PN-{:03d}-12-{:04d}",
    "{:03d}-00-{:04d}",
    "{:03d}-12-{:04d}-01",
    "{:03d}-12-{:04d}5",
    "666-{:03d}-{:04d}",
    "{:03d}-7-{:04d}",
    "A{:03d}-12-{:04d}",
)
_FILE_NAMES = (
    "IMG_2024{0}_{0}12.jpg",
    "scan-{0}-{0}.pdf",
    "icon@{1}x.png",
    "10.2.{0}.3.tar.gz",
    "/data/2024/05/06/part-{0}-of-{0}",
    "report_{0}.{0}.csv",
    "s3://a/b/{0}/{0}.parquet",
)
_NO_SECRETS = (
    "https://example.com/?token=&page={}",
    "sk-1",
    "skip_live_{}",
    "bearer of {}",
    "http://example.com:8080/{}",
    "eyJ",
    "monkey={}",
    "git@host:{}/x.git",
)


class Labelled(NamedTuple):
    """A text with one identifier of ``kind``, or a near miss of some ``sort`` with none."""

    sort: str
    text: str
    kind: str | None = None
    identifier: str = ""


def positives(seed: int, each: int) -> list[Labelled]:
    """``each`` texts of every sort of identifier."""
    random = Random(seed)
    return [_positive(random, sort) for sort in SORTS for _ in range(each)]


def near_misses(seed: int, each: int) -> list[Labelled]:
    """``each`` texts of every sort that looks like an identifier and is none."""
    random = Random(seed)
    return [
        Labelled(sort, random.choice(_TEMPLATES).format(make(random)))
        for sort, make in _NEAR_MISS.items()
        for _ in range(each)
    ]


def labelled_texts(seed: int, n: int) -> list[Labelled]:
    """``n`` texts in random order: a third has an identifier, a third are near misses, and a third
    are plain.

    Each kind comes equally often, and each of its sorts; so does each sort of near miss.
    """
    random = Random(seed)
    kinds = sorted(set(SORTS.values()))
    of = {kind: [sort for sort, its in SORTS.items() if its == kind] for kind in kinds}
    third = n // 3
    texts = [_positive(random, random.choice(of[kinds[i % len(kinds)]])) for i in range(third)]
    texts += random.sample(near_misses(seed, -(-third // len(_NEAR_MISS))), third)
    texts += [Labelled("plain", _plain(random)) for _ in range(n - 2 * third)]
    random.shuffle(texts)
    return texts


def _positive(random: Random, sort: str) -> Labelled:
    kind = SORTS[sort]
    if kind == "NATIONAL_ID":
        text, identifier = national_id(random, sort)
    elif sort in _WITH_TEXT:
        text, identifier = _WITH_TEXT[sort](random)
    else:
        text, identifier = "{}", _PLAIN[sort](random)
    around = "{}" if text != "{}" else random.choice(_TEMPLATES)
    return Labelled(sort, around.format(text).format(identifier), kind, identifier)


def _plain(random: Random) -> str:
    text = "; ".join(random.sample(_PHRASES, k=random.randrange(1, 4)))
    return random.choice(["{}", "{}.", "{}!", "status=ok {}", "{} (2 of 14)"]).format(text)


def _digits(random: Random, n: int) -> str:
    return "".join(random.choices("0123456789", k=n))


def _letters(random: Random, n: int) -> str:
    return "".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=n))


def _email(random: Random) -> str:
    at = random.choice(["@", "@", "@", "%40"])
    return f"{random.choice(_NAMES)}{random.randrange(1000)}{at}{random.choice(_HOSTS)}"


def _phone(random: Random) -> str:
    region = random.choice(_REGIONS)
    kind = random.choice([PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE])
    example = phonenumbers.example_number_for_type(region, kind)
    while True:
        number = phonenumbers.PhoneNumber(
            country_code=example.country_code,
            national_number=example.national_number // 1000 * 1000 + random.randrange(1000),
        )
        if phonenumbers.is_valid_number(number):
            break
    form = random.choice([PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL])
    return phonenumbers.format_number(number, form)


def _us_digits(random: Random) -> str:
    return f"{random.choice(['312', '415', '212'])}555{random.randrange(100, 200):04d}"


def _us_phone(random: Random) -> str:
    line = _us_digits(random)
    form = random.choice(["({}) {}-{}", "{}-{}-{}", "{}.{}.{}", "{} {} {}"])
    return form.format(line[:3], line[3:6], line[6:])


def _called(random: Random) -> tuple[str, str]:
    return random.choice(["call {}", "phone: {}", "tel. {} (home)"]), _us_digits(random)


def _card_number(random: Random, valid: bool) -> str:
    prefix, length = random.choice(_CARDS)
    body = prefix + _digits(random, length - 1 - len(prefix))
    check = int(luhn.calc_check_digit(body))
    if not valid:
        check = (check + random.randrange(1, 10)) % 10
    number = body + str(check)
    gap = random.choice(["", " ", "-"])
    if length == 16:
        return gap.join(number[i : i + 4] for i in range(0, 16, 4))
    return gap.join([number[:4], number[4:10], number[10:]])


def _iban_number(random: Random, valid: bool) -> str:
    country, letters, digits = random.choice([("DE", 0, 18), ("GB", 4, 14), ("SA", 0, 20)])
    bban = _letters(random, letters) + _digits(random, digits)
    check = int(iban.calc_check_digits(f"{country}00{bban}"))
    if not valid:
        check = (check + random.randrange(1, 90)) % 97
    number = f"{country}{check:02d}{bban}"
    return random.choice([number, iban.format(number), number.lower()])


def _ipv4(random: Random) -> str:
    return str(IPv4Address(random.randrange(0x01000000, 0x7F000000)))


def _ipv6(random: Random) -> str:
    address = IPv6Address((0x20010DB8 << 96) + random.getrandbits(96))
    return random.choice([str(address), address.exploded, "2001:db8::1f"])


def _mac(random: Random) -> str:
    address = f"{random.getrandbits(47) | 0xA0:012x}"
    gap = random.choice([":", ":", "-"])
    address = gap.join(address[i : i + 2] for i in range(0, 12, 2))
    return random.choice([address, address.upper()])


def _moment(random: Random) -> datetime:
    return datetime(2013, 1, 1) + timedelta(microseconds=random.randrange(6 * 10**14))


def _epoch(random: Random) -> str:
    return str(int(_moment(random).timestamp() * random.choice([1, 10**3, 10**6])))


def _time(random: Random) -> str:
    return _moment(random).strftime(random.choice(_TIME_FORMATS))


def _version(random: Random) -> str:
    return random.choice(_VERSION_FORMATS).format(*(random.randrange(200) for _ in range(4)))


def _coordinates(random: Random) -> str:
    return f"{random.uniform(-90, 90):.7f}, {random.uniform(-180, 180):.9f}"


def _price(random: Random) -> str:
    amount = random.uniform(1, 10**6)
    return random.choice(["${:,.2f}", "{:.2f} EUR", "€ {:,.2f}", "{:.2f}", "USD {:,.0f}"]).format(
        amount
    )


def _part_number(random: Random) -> str:
    """Like a US SSN, in a form or of a number that none has."""
    area, serial = random.randrange(100, 666), random.randrange(1, 10_000)
    return random.choice(_PART_NUMBERS).format(area, serial)


def _id(random: Random) -> str:
    return random.choice(
        [
            f"ord_{_digits(random, 12)}",
            f"INV-{_digits(random, 4)}-{_digits(random, 6)}",
            f"trip#{_digits(random, 9)}",
            f"{_letters(random, 3)}{_digits(random, 9)}",
            f"sku {_digits(random, 4)}-{_letters(random, 2)}",
            f"0x{random.getrandbits(48):012x}",
        ]
    )


def _file_name(random: Random) -> str:
    return random.choice(_FILE_NAMES).format(_digits(random, 4), random.randrange(1, 4))


def _no_secret(random: Random) -> str:
    return random.choice(_NO_SECRETS).format("".join(random.choices("abcdefghij", k=8)))


SORTS = {
    "EMAIL": "EMAIL",
    "PHONE": "PHONE",
    "US PHONE": "PHONE",
    "PHONE AFTER A WORD": "PHONE",
    "CARD": "CARD",
    "IBAN": "IBAN",
    "IPV4": "IP",
    "IPV6": "IP",
    "MAC": "MAC",
    "API KEY": "API_KEY",
    "URL CREDENTIALS": "URL_CREDENTIALS",
} | dict.fromkeys(NATIONAL_IDS, "NATIONAL_ID")
_PLAIN: dict[str, Callable[[Random], str]] = {
    "EMAIL": _email,
    "PHONE": _phone,
    "US PHONE": _us_phone,
    "CARD": lambda random: _card_number(random, True),
    "IBAN": lambda random: _iban_number(random, True),
    "IPV4": _ipv4,
    "IPV6": _ipv6,
    "MAC": _mac,
}
_WITH_TEXT: dict[str, Callable[[Random], tuple[str, str]]] = {
    "PHONE AFTER A WORD": _called,
    "API KEY": api_key,
    "URL CREDENTIALS": url_credentials,
}
_NEAR_MISS: dict[str, Callable[[Random], str]] = {
    "uuid": lambda random: str(uuid.UUID(int=random.getrandbits(128))),
    "hash": lambda random: f"{random.getrandbits(160):040x}",
    "epoch": _epoch,
    "time": _time,
    "version": _version,
    "coordinates": _coordinates,
    "price": _price,
    "id": _id,
    "file name": _file_name,
    "part number": _part_number,
    "bare digits": lambda random: "1" + _digits(random, random.randrange(5, 18)),
    "card with a wrong check digit": lambda random: _card_number(random, False),
    "iban with wrong check digits": lambda random: _iban_number(random, False),
    "national id with a wrong check": invalid_national_id,
    "network or loopback": lambda random: random.choice(["10.0.0.0/8", "127.0.0.1", "::1", "::"]),
    "no e-mail": lambda random: random.choice(
        ["root@localhost", "@ada", "logo@2x.png", "5 @ 3.50"]
    ),
    "no secret": _no_secret,
    "postal code": lambda random: f"{_digits(random, 5)}-{_digits(random, 4)}",
    "amount": lambda random: f"{random.randrange(10**9):,}.{_digits(random, 2)}",
    "article number": lambda random: f"40{_digits(random, 11)}",
    "pseudonym": lambda random: f"v1.{random.getrandbits(128):032x}",
    "scope": lambda random: random.choice(["std::cafe", "Abc::Dad", "a::b", "12:30:45:10"]),
}
