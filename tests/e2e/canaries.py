"""Identifiers that nobody should ever see again, planted in a demo's logs and searched for."""

import base64
import gzip
import json
import sqlite3
from pathlib import Path
from urllib.parse import quote

import zstandard

KINDS = {
    "email": "canary.kinds@corp.example",
    "phone": "+44 20 7946 0958",
    "ipv4": "203.0.114.77",
    "ipv6": "2001:db8:85a3::8a2e:370:7334",
    "mac": "00:1b:44:11:3a:b7",
    "card": "4539 1488 0343 6467",
    "iban": "DE89 3704 0044 0532 0130 00",
    "ssn": "536-90-4399",
    "url": "https://canary:s3cretWord@db.corp.example/t",
    "api_key": "AKIA" + "IOSFODNN7EXAMPLE",
}
SECRETS = {**KINDS, "url": "s3cretWord"}
"""What must be gone of each kind."""
_TEXT = "; ".join(f"{kind} is {value} here" for kind, value in KINDS.items())
_PLACES = (
    "rider_email",
    "company",
    "note",
    "listed",
    "nested",
    "json_in_text",
    "field_name",
    "request_id",
    "model_version",
    "bad_time",
    "bad_type",
    "bad_body",
    "no_json",
    "no_id",
    "truth_column",
    "truth_extra",
    "truth_id",
    "bad_truth",
)


def at(place: str) -> str:
    """The e-mail address planted at ``place``."""
    assert place in _PLACES
    return f"canary.{place}@corp.example"


def needles() -> dict[str, bytes]:
    """What to search for: every canary plain, URL-encoded, and in base64 at each alignment."""
    found = {}
    for name, text in {**SECRETS, **{place: at(place) for place in _PLACES}}.items():
        value = text.encode()
        found[name] = value
        found[f"{name}, URL-encoded"] = quote(text, safe="").encode()
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + value)
            start, end = (0, 2, 3)[shift], len(encoded) - 4
            found[f"{name}, base64 {shift}"] = encoded[start:end]
    return found


def plant(folder: Path, span: str) -> None:
    """Puts canaries into the logs and the ground truth of a demo's span."""
    path = min((folder / "logs" / span).glob("*.json"))
    records = json.loads(path.read_text())
    requests = [r for r in records if r["reqType"].endswith("request") and _body(r)]
    changes = [
        {"rider_email": at("rider_email"), "rider_phone": KINDS["phone"]},
        {"client_ip": KINDS["ipv4"]},
        {"company": f"Taxi of {at('company')}"},
        {"note": f"{at('note')} {_TEXT}"},
        {"listed": [at("listed"), "a"]},
        {"context": {"user": {"email": at("nested"), "seen": [KINDS["ssn"]]}}},
        {"blob": json.dumps({"user": {"email": at("json_in_text")}})},
        {at("field_name"): 1.0},
    ]
    for record, change in zip(requests, changes, strict=False):
        _edit(record, change)
    for record in records:
        if record["id"] == requests[9]["id"]:
            record["metadata"] = {"X-Model-Version": [at("model_version")]}
    more = [
        {**requests[8], "id": at("request_id")},
        {**requests[10], "occurrenceTime": at("bad_time")},
        {**requests[11], "reqType": at("bad_type")},
        {**requests[12], "bytes": base64.b64encode(at("bad_body").encode()).decode()},
        {**{k: v for k, v in requests[13].items() if k != "id"}, "namespace": at("no_id")},
    ]
    path.write_text(json.dumps(records + more))
    path.with_name("999999-broken-request.json").write_text(f'{{"id": "{at("no_json")}", {_TEXT}')

    truth = folder / "truth" / f"{span}.jsonl"
    lines = truth.read_text().splitlines()
    label = json.loads(lines[0])
    lines[0] = json.dumps({**label, "payment_type": f"by {at('truth_column')}"})
    lines[1] = json.dumps({**json.loads(lines[1]), "rider_email": at("truth_extra")})
    lines += [json.dumps({**label, "request_id": at("truth_id")}), f"{at('bad_truth')}, {_TEXT}"]
    truth.write_text("\n".join(lines) + "\n")


def leaks(place: Path | bytes) -> set[tuple[str, str]]:
    """Which canaries are found below a folder, or in bytes, and in which file."""
    if isinstance(place, bytes):
        return {(name, "") for name, needle in needles().items() if needle in place}
    return {
        (name, str(path))
        for path in place.rglob("*")
        if path.is_file()
        for name, needle in needles().items()
        if any(needle in content for content in _contents(path))
    }


def _contents(path: Path) -> list[bytes]:
    """The file's bytes as they are and unpacked."""
    raw = path.read_bytes()
    contents = [raw]
    if raw[:2] == b"\x1f\x8b":
        contents.append(gzip.decompress(raw))
    elif raw[:4] == b"\x28\xb5\x2f\xfd":
        contents.append(zstandard.ZstdDecompressor().stream_reader(raw).read())
    elif raw[:15] == b"SQLite format 3":
        with sqlite3.connect(path) as database:
            contents.append("\n".join(database.iterdump()).encode())
    return contents


def _body(record: dict) -> dict | None:
    try:
        return json.loads(base64.b64decode(record["bytes"], validate=True))
    except ValueError:
        return None


def _edit(record: dict, change: dict) -> None:
    body = _body(record)
    body["instances"][0].update(change)
    record["bytes"] = base64.b64encode(json.dumps(body).encode()).decode()
