"""Claim: the scanner is at least 100 times as fast as Presidio, and finds no less.

On the same 20,000 short texts, a third with an identifier, a third near misses and a third plain:
rows a second of the scanner, of Presidio's analyzer with its pattern recognisers and no model, and
of those for the entities that both know (on the first 1,000 texts, in an environment of its own);
then recall and precision of each such entity. An identifier counts as found, and a span as right,
where a span of the entity meets an identifier of the entity.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
from tfx_vigil.beam_jobs.identifiers import IdentifierScanner

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from beam_jobs.labelled_texts import Labelled, labelled_texts  # noqa: E402

PYTHONS = (f"3.{sys.version_info.minor}", "3.12", "3.11")  # where it can, the one that runs this
ROWS, TIMED_ROWS, RUNS = 20_000, 1_000, 15
BOTH = ("EMAIL", "PHONE", "IP", "MAC", "CARD", "IBAN", "US SSN", "UK NHS")

Found = list[list[tuple[str, int, int]]]


def ours(texts: list[str]) -> tuple[Found, float]:
    """The spans of each text, and rows a second by the best of several runs."""
    scanner, values = IdentifierScanner("US"), pa.array(texts)
    seconds = []
    for _ in range(RUNS):
        start = time.process_time()
        scanner.scan(values)
        seconds.append(time.process_time() - start)
    found = scanner.find(values)
    return [found.get(at, []) for at in range(len(texts))], len(texts) / min(seconds)


def presidio(texts: list[str], timed: int) -> dict:
    answer = subprocess.run(
        [ROOT / ".uv/presidio/bin/python", ROOT / "benchmarks/scanner_presidio.py", str(timed)],
        input=json.dumps(texts),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout)


def kind_of(entity: str) -> str:
    return "NATIONAL_ID" if entity in ("US SSN", "UK NHS") else entity


def accuracy(texts: list[Labelled], found: Found) -> dict[str, tuple[float, float]]:
    """Recall by entity, and precision by kind."""
    planted, hits, spans, right = Counter(), Counter(), Counter(), Counter()
    for each, its in zip(texts, found, strict=True):
        entity = each.sort if each.kind == "NATIONAL_ID" else each.kind
        start = each.text.find(each.identifier)
        end = start + len(each.identifier)
        inside = {kind for kind, begin, stop in its if begin < end and start < stop}
        planted[entity] += 1
        hits[entity] += each.kind in inside
        for kind, begin, stop in its:
            spans[kind] += 1
            right[kind] += kind == each.kind and begin < end and start < stop
    return {
        entity: (hits[entity] / planted[entity], right[kind_of(entity)] / spans[kind_of(entity)])
        for entity in BOTH
    }


def main() -> None:
    make = ROOT / "requirements/environment.sh"
    subprocess.run([make, "presidio", *PYTHONS], check=True)
    texts = labelled_texts(1, ROWS)
    strings = [each.text for each in texts]
    found, rate = ours(strings)
    rates = presidio(strings[:TIMED_ROWS], TIMED_ROWS)
    print(f"scanner                        {rate:9,.0f} rows/s")
    for name, its_rate in (("its recognisers", rates["all"]), ("the same entities", rates["same"])):
        print(f"Presidio, {name:20} {its_rate:9,.0f} rows/s, ratio {rate / its_rate:.0f}")

    us, them = accuracy(texts, found), accuracy(texts, presidio(strings, 0)["found"])
    print(f"{'':10} recall: scanner Presidio   precision: scanner Presidio")
    for entity in BOTH:
        (recall, precision), (its_recall, its_precision) = us[entity], them[entity]
        print(
            f"{entity:10} {recall:15.4f} {its_recall:8.4f} {precision:20.4f} {its_precision:8.4f}"
        )


if __name__ == "__main__":
    main()
