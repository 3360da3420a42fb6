import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest
from tfx_vigil.beam_jobs.domain_keys import DomainKeys
from tfx_vigil.beam_jobs.subjects.receipts import Held, Receipt, ReceiptError, Receipts, signing_key

TIME = datetime(2026, 3, 1, 9, 30, tzinfo=timezone.utc)
KEY = signing_key(DomainKeys(b"r" * 32, b"1" * 32, 1, "taxi"))


def receipt(**changes) -> Receipt:
    known = {
        "number": 0,
        "time": TIME,
        "request": "erase",
        "subject": "ab" * 16,
        "previous": None,
        "files": 3,
        "rows": 100,
        "held": [Held(place="span 2014", rows=4, done="erased")],
    }
    return Receipt(**{**known, **changes})


@pytest.fixture
def receipts(tmp_path):
    receipts = Receipts(str(tmp_path))
    for _ in range(3):
        receipts.append(receipt(), KEY)
    return receipts


def file(receipts, name) -> Path:
    return Path(receipts.root, name)


def test_receipts_are_numbered_chained_and_found_to_be_whole(receipts):
    assert [r.number for r in receipts.all()] == [1, 2, 3]
    assert receipts.verify() == receipts.verify(KEY.public_key()) == 3
    first, second = receipts.read(1), receipts.read(2)
    assert first.previous is None
    assert second.previous != first.previous
    assert receipts.head()[0] == 3


def test_no_receipts_are_no_fault(tmp_path):
    receipts = Receipts(str(tmp_path))
    assert (receipts.verify(), receipts.head(), list(receipts.all())) == (0, (0, None), [])


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_changed_receipt_is_named(receipts, number):
    changed = file(receipts, f"{number:06d}.json")
    changed.write_text(changed.read_text().replace('"rows": 4', '"rows": 3'))
    with pytest.raises(ReceiptError, match=f"00000{number}.json: its signature does not fit"):
        receipts.verify()


@pytest.mark.parametrize("name", ["000001", "000002"])
def test_a_receipt_left_out_is_named(receipts, name):
    for suffix in ("json", "sig"):
        file(receipts, f"{name}.{suffix}").unlink()
    with pytest.raises(ReceiptError, match=rf"{name}\.json is missing"):
        receipts.verify()


def test_a_receipt_put_in_anothers_place_is_named(receipts):
    for suffix in ("json", "sig"):
        shutil.copy(file(receipts, f"000001.{suffix}"), file(receipts, f"000002.{suffix}"))
    with pytest.raises(ReceiptError, match=r"000002\.json does not follow"):
        receipts.verify()


def test_a_receipt_without_its_signature_is_named(receipts):
    file(receipts, "000002.sig").unlink()
    with pytest.raises(ReceiptError, match=r"000002\.json: its signature"):
        receipts.verify()


def test_the_key_is_the_keysets_own_and_no_other_may_go_on(receipts):
    later = signing_key(DomainKeys(b"r" * 32, b"2" * 32, 2, "taxi"))
    assert receipts.append(receipt(), later).number == 4
    other = signing_key(DomainKeys(b"x" * 32, b"1" * 32, 1, "taxi"))
    with pytest.raises(ReceiptError, match=r"public_key\.pem: .*another keyset or domain"):
        receipts.append(receipt(), other)
    with pytest.raises(ReceiptError, match=r"000001\.json: its signature"):
        receipts.verify(other.public_key())


def test_a_signature_left_by_a_killed_writer_is_written_over(receipts):
    file(receipts, "000004.sig").write_bytes(b"left")
    receipts.append(receipt(), KEY)
    assert receipts.verify() == 4


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_openssl_agrees(receipts):
    command = [
        "openssl",
        *("pkeyutl", "-verify", "-pubin", "-rawin"),
        *("-inkey", file(receipts, "public_key.pem")),
        *("-in", file(receipts, "000002.json"), "-sigfile", file(receipts, "000002.sig")),
    ]
    assert subprocess.run(command, check=False).returncode == 0
