"""Which national ids are found, how they are written, and which words announce them.

The checks are python-stdnum's: check digits, dates of birth and regions, as each standard has
them. ``written`` is the form that is found without a word near it: one with separators of its
own, or bare where form and check together let fewer than about one in a thousand strings pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from stdnum.ar import cuit
from stdnum.at import vnr
from stdnum.au import tfn
from stdnum.be import nn
from stdnum.bg import egn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.cl import rut
from stdnum.cn import ric
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.ee import ik
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.gr import amka
from stdnum.hr import oib
from stdnum.id import nik
from stdnum.ie import pps
from stdnum.il import idnr as teudat_zehut
from stdnum.in_ import aadhaar, pan
from stdnum.is_ import kennitala
from stdnum.it import codicefiscale
from stdnum.jp import in_ as my_number
from stdnum.kr import rrn
from stdnum.lt import asmens
from stdnum.mx import curp
from stdnum.my import nric
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.pt import nif
from stdnum.ro import cnp
from stdnum.ru import inn
from stdnum.se import personnummer
from stdnum.si import emso
from stdnum.th import pin
from stdnum.tr import tckimlik
from stdnum.ua import rntrc
from stdnum.us import itin
from stdnum.za import idnr as za_id

END = "(?![^\\W_])"
"""The end of a word that is the beginning of others."""


class NationalId(NamedTuple):
    """``words``: a pattern, without regard to ASCII case, of what announces bare digits."""

    country: str
    is_valid: Callable[[str], bool]
    words: str | None = None
    written: str | None = None


_NINO = re.compile("(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]")


def _is_nino(text: str) -> bool:
    """HMRC's NIM39110: prefixes never issued are none; there is no check digit."""
    return bool(_NINO.fullmatch(text.replace(" ", "")))


_ADVERTISED = ("078051120", "457555462", "219099999")


def _is_ssn(text: str) -> bool:
    """What stdnum.us.ssn says of written digits, in a tenth of its time: SSNs are common."""
    digits = text.replace("-", "")
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    is_possible = area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"
    return len(digits) == 9 and is_possible and digits not in _ADVERTISED


NATIONAL_IDS = (
    NationalId("AR", cuit.is_valid, "cui[tl]", "(?:20|23|24|27)-[0-9]{8}-[0-9]"),
    NationalId("AT", vnr.is_valid, "svnr|sv-?nummer|sozialversicherungs|versicherungsnummer"),
    NationalId("AU", tfn.is_valid, "tfn|tax file"),
    NationalId(
        "BE",
        nn.is_valid,
        "rijksregister|registre national|insz|niss|nrn",
        r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}",
    ),
    NationalId("BG", egn.is_valid, f"egn{END}|ЕГН|егн"),
    NationalId("BR", cpf.is_valid, "cpf", r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}"),
    NationalId("CA", sin.is_valid, f"sin{END}|social insurance|nas{END}|assurance sociale"),
    NationalId("CH", ahv.is_valid, "ahv|avs", r"756(?:[0-9]{10}|\.[0-9]{4}\.[0-9]{4}\.[0-9]{2})"),
    NationalId("CL", rut.is_valid, f"rut{END}", r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-[0-9K]"),
    NationalId("CN", ric.is_valid, "身份证", "[1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9X]"),
    NationalId("CZ", rc.is_valid, "rodn", "[0-9]{6}/[0-9]{4}"),
    NationalId(
        "DE", idnr.is_valid, f"steuer|idnr|id-nr|tax id|tin{END}", "[1-9][0-9](?: [0-9]{3}){3}"
    ),
    NationalId("DK", cpr.is_valid, "cpr|personnummer"),
    NationalId("EE", ik.is_valid, "isikukood|personal code"),
    NationalId("ES", dni.is_valid, "dni|nif", "[0-9]{8}-?[A-Z]"),
    NationalId("ES", nie.is_valid, None, "[XYZ]-?[0-9]{7}-?[A-Z]"),
    NationalId("FI", hetu.is_valid, "hetu|henkil", "[0-3][0-9][01][0-9]{3}[-+A][0-9]{3}[0-9A-Y]"),
    NationalId(
        "FR",
        nir.is_valid,
        f"nir{END}|insee|s.{{1,2}}cu",
        "[12378] [0-9]{2} [0-9]{2} [0-9][0-9AB] [0-9]{3} [0-9]{3} [0-9]{2}",
    ),
    NationalId("GB", nhs.is_valid, "nhs|national health"),
    NationalId("GB", _is_nino, None, "[A-Z]{2}(?:[0-9]{6}| [0-9]{2} [0-9]{2} [0-9]{2} )[A-D]"),
    NationalId("GR", amka.is_valid, "amka|ΑΜΚΑ|αμκα"),
    NationalId("HR", oib.is_valid, "oib"),
    NationalId("ID", nik.is_valid, f"nik{END}|ktp{END}"),
    NationalId("IE", pps.is_valid, f"pps(?:n|s?no)?{END}"),
    NationalId("IL", teudat_zehut.is_valid, "teudat|תעודת זהות|ת.ז"),
    NationalId("IN", aadhaar.is_valid, "aadhaar|aadhar|uidai", "[2-9][0-9]{3} [0-9]{4} [0-9]{4}"),
    NationalId("IN", pan.is_valid, None, "[A-Z]{3}P[A-Z][0-9]{4}[A-Z]"),
    NationalId("IS", kennitala.is_valid, "kennitala"),
    NationalId(
        "IT",
        codicefiscale.is_valid,
        None,
        "[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]",
    ),
    NationalId("JP", my_number.is_valid, "my ?number|マイナンバー|個人番号"),
    NationalId("KR", rrn.is_valid, "주민", "[0-9]{6}-[0-9]{7}"),
    NationalId("LT", asmens.is_valid, "asmens"),
    NationalId("MX", curp.is_valid, None, "[A-Z]{4}[0-9]{6}[HM][A-Z]{5}[0-9A-Z][0-9]"),
    NationalId("MY", nric.is_valid, "nric|mykad", "[0-9]{6}-[0-9]{2}-[0-9]{4}"),
    NationalId("NL", bsn.is_valid, "bsn|burgerservice|sofi"),
    NationalId(
        "NO",
        fodselsnummer.is_valid,
        "f.{1,2}dsels",
        "[0-7][0-9](?:[048][1-9]|[159][0-2])[0-9]{2} ?[0-9]{5}",
    ),
    NationalId("PL", pesel.is_valid, "pesel"),
    NationalId("PT", nif.is_valid, f"nif{END}|contribuinte"),
    NationalId("RO", cnp.is_valid, f"cnp{END}"),
    NationalId("RU", inn.is_valid, f"inn{END}|ИНН|инн"),
    NationalId("SE", personnummer.is_valid, "personnummer|personnr|samordningsnummer"),
    NationalId("SI", emso.is_valid, "em(?:s|š|Š)o|jmbg"),
    NationalId("TH", pin.is_valid, "บัตรประชาชน", "[1-8]-[0-9]{4}-[0-9]{5}-[0-9]{2}-[0-9]"),
    NationalId("TR", tckimlik.is_valid, "kimlik|tckn"),
    NationalId("UA", rntrc.is_valid, "РНОКПП|рнокпп|ІПН|іпн"),
    NationalId(
        "US",
        _is_ssn,
        r"ssn|social sec|soc\.? sec",
        "[0-9]{3}(?:-[0-9]{2}-| [0-9]{2} )[0-9]{4}",
    ),
    NationalId("US", itin.is_valid, "itin|taxpayer", "9[0-9]{2}-[0-9]{2}-[0-9]{4}"),
    NationalId("ZA", za_id.is_valid, "rsa id|south african id|sa id"),
)
