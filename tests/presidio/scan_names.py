"""Scans texts with a names model, in Presidio's own environment: JSON in, JSON out."""

import json
import sys

import pyarrow as pa
import spacy
from tfx_vigil.beam_jobs.identifiers import IdentifierScanner
from tfx_vigil.beam_jobs.identifiers.names import NamesError

_PATTERNS = [
    {"label": "PERSON", "pattern": "Ada Lovelace"},
    {"label": "GPE", "pattern": "Chicago"},
    {"label": "ORG", "pattern": "ACME"},
]


def main(model):
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(_PATTERNS)
    nlp.to_disk(model)
    try:
        IdentifierScanner(names_model="no_such_model")
    except NamesError as error:
        missing = str(error)
    values = [value.encode("utf-8", "surrogateescape") for value in json.load(sys.stdin)]
    scanned, found = IdentifierScanner("US", model).scan(pa.array(values, pa.large_binary()))
    texts = [value.decode("utf-8", "surrogateescape") for value in scanned.to_pylist()]
    print(json.dumps({"texts": texts, "found": found, "missing": missing}))


if __name__ == "__main__":
    main(*sys.argv[1:])
