"""Texts labelled with the kind of identifier in them, generated from a seed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from random import Random

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from stdnum import iban, luhn

_TEMPLATES = (
    "{}",
    "please write to {} today",
    "contact: {}.",
    "({})",
    'note="{}"',
    "a={}&b=1",
    "first {}, then 17",
    "Fahrt für {} – später",
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


def positives(seed: int, each: int) -> list[tuple[str, str]]:
    """``each`` texts of every kind, as (kind, text)."""
    random = Random(seed)
    return [
        (kind, random.choice(_TEMPLATES).format(make(random)))
        for kind, make in _POSITIVE.items()
        for _ in range(each)
    ]


def near_misses(seed: int, each: int) -> list[tuple[str, str]]:
    """``each`` texts of every sort that looks like an identifier and is none."""
    random = Random(seed)
    return [
        (sort, random.choice(_TEMPLATES).format(make(random)))
        for sort, make in _NEAR_MISS.items()
        for _ in range(each)
    ]


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


def _us_phone(random: Random) -> str:
    line = f"{random.choice(['312', '415', '212'])}555{random.randrange(100, 200):04d}"
    form = random.choice(["({}) {}-{}", "{}-{}-{}", "{}.{}.{}", "{} {} {}"])
    return form.format(line[:3], line[3:6], line[6:])


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
    return str(IPv4Address(random.randrange(0x01000000, 0x7F000000))) + random.choice(["", ":443"])


def _ipv6(random: Random) -> str:
    address = IPv6Address((0x20010DB8 << 96) + random.getrandbits(96))
    return random.choice([str(address), address.exploded, f"[{address}]:443", "2001:db8::1f"])


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


_POSITIVE: dict[str, Callable[[Random], str]] = {
    "EMAIL": _email,
    "PHONE": lambda random: random.choice([_phone, _us_phone])(random),
    "CARD": lambda random: _card_number(random, True),
    "IBAN": lambda random: _iban_number(random, True),
    "IP": lambda random: random.choice([_ipv4, _ipv6])(random),
}
_NEAR_MISS: dict[str, Callable[[Random], str]] = {
    "uuid": lambda random: str(uuid.UUID(int=random.getrandbits(128))),
    "hash": lambda random: f"{random.getrandbits(160):040x}",
    "epoch": _epoch,
    "time": _time,
    "version": _version,
    "coordinates": _coordinates,
    "bare digits": lambda random: "1" + _digits(random, random.randrange(5, 18)),
    "card with a wrong check digit": lambda random: _card_number(random, False),
    "iban with wrong check digits": lambda random: _iban_number(random, False),
    "mac address": lambda random: ":".join(f"{random.randrange(256):02x}" for _ in range(6)),
    "network or loopback": lambda random: random.choice(["10.0.0.0/8", "127.0.0.1", "::1", "::"]),
    "no e-mail": lambda random: random.choice(
        ["root@localhost", "@ada", "logo@2x.png", "5 @ 3.50"]
    ),
    "social security number": lambda random: f"{_digits(random, 3)}-{_digits(random, 2)}-6789",
    "postal code": lambda random: f"{_digits(random, 5)}-{_digits(random, 4)}",
    "amount": lambda random: f"{random.randrange(10**9):,}.{_digits(random, 2)}",
    "article number": lambda random: f"40{_digits(random, 11)}",
    "path": lambda random: f"/data/2024/05/06/part-{_digits(random, 5)}-of-{_digits(random, 5)}",
    "pseudonym": lambda random: f"v1.{random.getrandbits(128):032x}",
    "scope": lambda random: random.choice(["std::cafe", "Abc::Dad", "a::b", "12:30:45:10"]),
}
