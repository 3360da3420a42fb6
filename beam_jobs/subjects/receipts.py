"""Receipts: what was asked for a person, what was done and what could not be, signed for good.

    <history_root>/subjects/receipts/000001.json      Receipt
    <history_root>/subjects/receipts/000001.sig       its Ed25519 signature, 64 bytes
    <history_root>/subjects/receipts/public_key.pem

They are numbered from 1 and only ever added. Each holds the SHA-256 of the file before it, so that
none can be changed, left out or put in unseen; only that the newest ones are missing is beyond
them: note the newest one's digest elsewhere (``Receipts.head``). Anybody can check one::

    openssl pkeyutl -verify -pubin -inkey public_key.pem -rawin -in 000001.json -sigfile 000001.sig

The signing key comes from the keyset, so it is the same in all key versions. Receipts hold no raw
data: a person is a tag (see ``marks``). Reference: RFC 8032 (Ed25519).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from apache_beam.io.filesystems import FileSystems
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from ..domain_keys import DomainKeys
from ..reports import Document, Report
from .whole_files import read_bytes, write_bytes

Request = Literal["access", "erase", "export", "lift", "rectify", "restrict"]

_NAME = re.compile(r"(\d{6})\.json$")
_PUBLIC_KEY = "public_key.pem"


class ReceiptError(RuntimeError):
    """A receipt was changed, is missing or is signed by another key; the message names it."""


class Held(Document):
    """``rows`` of the person that were found in one place, and what was done to them there."""

    place: str
    rows: int
    done: str


class AffectedModel(Document):
    """A model that learned from spans that held the person; ``span`` pushed it."""

    model: str
    span: str
    learned_from: list[str]
    in_service: bool


class Receipt(Report):
    """What came of one request.

    Attributes:
      subject: the person's tag.
      previous: SHA-256 of the file of the receipt before; None for the first.
      files, rows: how many were searched.
      held: where rows of the person were.
      recomputed: the documents that were made anew without the person.
      models: those that learned from the person; to be replaced by ``deadline``.
      without_rows: places that were considered and hold nobody's rows.
      not_done: what could not be done, and why.
    """

    number: int
    time: datetime
    request: Request
    subject: str
    previous: str | None
    files: int
    rows: int
    held: list[Held] = []
    recomputed: list[str] = []
    models: list[AffectedModel] = []
    deadline: datetime | None = None
    without_rows: list[str] = []
    not_done: list[str] = []


class Receipts:
    """The receipts of the history at ``history_root``, on any filesystem Beam knows."""

    def __init__(self, history_root: str):
        self.root = f"{history_root.rstrip('/')}/subjects/receipts"

    def numbers(self) -> list[int]:
        matches = FileSystems.match([f"{self.root}/*.json"])[0].metadata_list
        return sorted(int(m[1]) for match in matches if (m := _NAME.search(match.path)))

    def all(self) -> Iterator[Receipt]:
        """Every receipt, the oldest first; ``verify`` tells whether they can be believed."""
        return (self.read(number) for number in self.numbers())

    def read(self, number: int) -> Receipt:
        path = self._path(number)
        try:
            return Receipt.model_validate_json(read_bytes(path))
        except ValueError:
            raise ReceiptError(f"{path} is no receipt: restore it from its copy") from None

    def head(self) -> tuple[int, str | None]:
        """Number and SHA-256 of the newest receipt; 0 and None where there is none."""
        numbers = self.numbers()
        if not numbers:
            return 0, None
        return numbers[-1], _digest(read_bytes(self._path(numbers[-1])))

    def append(self, receipt: Receipt, key: Ed25519PrivateKey) -> Receipt:
        """Signs ``receipt`` and adds it; its number and ``previous`` are set here.

        One writer at a time. Killed before the end it leaves no receipt, or a whole one.

        Raises:
          ReceiptError: the earlier receipts were signed with another key.
        """
        self._share(key.public_key())
        number, digest = self.head()
        receipt = receipt.model_copy(update={"number": number + 1, "previous": digest})
        content = receipt.model_dump_json(indent=1).encode()
        write_bytes(self._path(receipt.number, "sig"), key.sign(content))
        write_bytes(self._path(receipt.number), content)
        return receipt

    def verify(self, trusted: Ed25519PublicKey | None = None) -> int:
        """Checks numbers, chain and signatures; returns how many receipts there are.

        Args:
          trusted: the key that must have signed; the one beside the receipts where None, which
            somebody who replaced all of them could have replaced too.

        Raises:
          ReceiptError: names the first receipt that is missing, changed or not signed.
        """
        numbers = self.numbers()
        if not numbers:
            return 0
        public = trusted or self._public_key()
        previous = None
        for expected, number in enumerate(numbers, 1):
            path = self._path(expected)
            if number != expected:
                raise ReceiptError(f"{path} is missing")
            content = read_bytes(path)
            try:
                public.verify(read_bytes(self._path(number, "sig")), content)
            except (InvalidSignature, OSError):
                raise ReceiptError(
                    f"{path}: its signature does not fit: it was changed, or signed with "
                    "another key"
                ) from None
            receipt = self.read(number)
            if (receipt.number, receipt.previous) != (number, previous):
                raise ReceiptError(f"{path} does not follow the receipt before it")
            previous = _digest(content)
        return len(numbers)

    def _path(self, number: int, suffix: str = "json") -> str:
        return f"{self.root}/{number:06d}.{suffix}"

    def _public_key(self) -> Ed25519PublicKey:
        return load_pem_public_key(read_bytes(f"{self.root}/{_PUBLIC_KEY}"))

    def _share(self, public: Ed25519PublicKey) -> None:
        path = f"{self.root}/{_PUBLIC_KEY}"
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        if not FileSystems.exists(path):
            write_bytes(path, pem)
        elif read_bytes(path) != pem:
            raise ReceiptError(
                f"{path}: the receipts here were signed with the key of another keyset or domain: "
                "use that one, or archive the folder and begin a new one"
            )


def signing_key(keys: DomainKeys) -> Ed25519PrivateKey:
    """The key that signs receipts, the same for all versions of ``keys``."""
    return Ed25519PrivateKey.from_private_bytes(keys.lasting("receipts"))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
