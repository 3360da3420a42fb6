"""Presidio's part of scanner.py: texts as JSON on stdin, spans and rows a second as JSON out."""

import json
import logging
import sys
import time

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine

RUNS = 5
KINDS = {
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "IP_ADDRESS": "IP",
    "MAC_ADDRESS": "MAC",
    "CREDIT_CARD": "CARD",
    "IBAN_CODE": "IBAN",
    "US_SSN": "NATIONAL_ID",
    "UK_NHS": "NATIONAL_ID",
}


def analyzer() -> AnalyzerEngine:
    """The recognisers that are on by default for English, without the one that asks a model."""
    logging.disable(logging.CRITICAL)
    # The list of public suffixes that the package holds, not one from the network.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    tldextract.extract = tldextract.tldextract.TLD_EXTRACTOR
    engine = SpacyNlpEngine()
    engine.nlp = {"en": spacy.blank("en")}
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    registry.remove_recognizer("SpacyRecognizer")
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])


def rows_per_second(engine: AnalyzerEngine, texts: list[str], entities: list[str] | None) -> float:
    """By the best of several runs."""
    seconds = []
    for _ in range(RUNS):
        start = time.process_time()
        for text in texts:
            engine.analyze(text, language="en", entities=entities)
        seconds.append(time.process_time() - start)
    return len(texts) / min(seconds)


def main() -> None:
    texts, timed = json.load(sys.stdin), int(sys.argv[1])
    engine, entities = analyzer(), [*KINDS]
    answer = {}
    if timed:
        answer["all"] = rows_per_second(engine, texts[:timed], None)
        answer["same"] = rows_per_second(engine, texts[:timed], entities)
    else:
        results = (engine.analyze(text, language="en", entities=entities) for text in texts)
        answer["found"] = [[(KINDS[r.entity_type], r.start, r.end) for r in its] for its in results]
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
