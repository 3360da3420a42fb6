"""National ids that are valid, and near ones with a wrong check digit, drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from stdnum.be import nn
from stdnum.br import cpf
from stdnum.ch import ssn as ahv
from stdnum.cn import ric
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.in_ import aadhaar
from stdnum.it import codicefiscale
from stdnum.mx import curp
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.se import personnummer
from stdnum.us import ssn


class Form(NamedTuple):
    """``#`` is a digit, ``@`` a letter, ``yymmdd`` (or ``ddmmyy``) a date of birth."""

    form: str
    is_valid: Callable[[str], bool]
    texts: tuple[str, ...] = ("{}",)


_SSN = ("{}", "SSN {}", "ssn={}", "his social security number is {}", "note: {}, married")

NATIONAL_IDS = {
    "US SSN": [
        Form("###-##-####", ssn.is_valid, _SSN),
        Form("### ## ####", lambda text: ssn.is_valid(text.replace(" ", "")), _SSN[1:4]),
        Form("#########", ssn.is_valid, _SSN[1:4]),
    ],
    "UK NHS": [
        Form("### ### ####", nhs.is_valid, ("NHS {}", "NHS number: {}", "patient (nhs) {}")),
        Form("##########", nhs.is_valid, ("NHS {}", "NHS no. {}")),
    ],
    "UK NINO": [Form("AB ## ## ## C", bool), Form("JG######D", bool)],
    "BE": [Form("yy.mm.dd-###.##", nn.is_valid), Form("yymmdd#####", nn.is_valid, ("NISS {}",))],
    "BR CPF": [
        Form("###.###.###-##", cpf.is_valid),
        Form("###########", cpf.is_valid, ("CPF {}",)),
    ],
    "CH AHV": [Form("756.####.####.##", ahv.is_valid), Form("756##########", ahv.is_valid)],
    "CN": [Form("11010519yymmdd###X", ric.is_valid), Form("31010619yymmdd####", ric.is_valid)],
    "DE IdNr": [
        Form("## ### ### ###", idnr.is_valid),
        Form("###########", idnr.is_valid, ("Steuer-ID {}", "IdNr: {}")),
    ],
    "ES": [
        Form("########@", dni.is_valid),
        Form("########-@", dni.is_valid),
        Form("X-#######-@", nie.is_valid),
    ],
    "FI": [Form("ddmmyy-###@", hetu.is_valid)],
    "FR NIR": [
        Form("2 yy mm 75 ### ### ##", nir.is_valid),
        Form("1yymm51########", nir.is_valid, ("NIR {}", "no. INSEE: {}")),
    ],
    "IN Aadhaar": [
        Form("#### #### ####", aadhaar.is_valid),
        Form("############", aadhaar.is_valid, ("Aadhaar {}", "aadhaar_no={}")),
    ],
    "IT": [Form("RSSMRAyyA##H501@", codicefiscale.is_valid)],
    "MX": [Form("BOXWyymmddHNERRT##", lambda text: curp.is_valid(text))],
    "NL BSN": [Form("#########", bsn.is_valid, ("BSN {}", "burgerservicenummer: {}"))],
    "NO": [Form("ddmmyy#####", fodselsnummer.is_valid)],
    "PL PESEL": [Form("yymmdd#####", pesel.is_valid, ("PESEL {}", "pesel: {}"))],
    "SE": [Form("yymmdd-####", personnummer.is_valid, ("personnummer {}", "Personnummer: {}"))],
}


def national_id(random: Random, sort: str) -> tuple[str, str]:
    """A text with ``{}`` in place of the id, and the id."""
    form = random.choice(NATIONAL_IDS[sort])
    while not form.is_valid(drawn := _drawn(random, form.form)):
        pass
    return random.choice(form.texts), drawn


def invalid_national_id(random: Random) -> str:
    """One in a form that is found without a word near it, but for its check."""
    sorts = ("BE", "BR CPF", "CH AHV", "DE IdNr", "ES", "FI", "FR NIR", "IN Aadhaar", "IT", "NO")
    form = NATIONAL_IDS[random.choice(sorts)][0]
    while form.is_valid(drawn := _drawn(random, form.form)):
        pass
    return drawn


def _drawn(random: Random, form: str) -> str:
    born = datetime(1950, 1, 1) + timedelta(days=random.randrange(18_000))
    for part, code in (("yy", "%y"), ("mm", "%m"), ("dd", "%d")):
        form = form.replace(part, born.strftime(code))
    signs = {"#": "0123456789", "@": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    return "".join(random.choice(signs[c]) if c in signs else c for c in form)
