"""Names of people and places, found by Presidio's analyzer with a spaCy model.

Both have to be installed beside tfx-vigil (``pip install presidio-analyzer``, and a model such as
``en_core_web_sm``); nothing of it is downloaded or imported unless a model is given. What is found
and what is missed is the model's: no check is possible, each value is read by itself, a second
scan may find more, and a value costs milliseconds instead of microseconds.

Reference: Presidio's SpacyRecognizer, entities PERSON and LOCATION.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from .kind import HIDDEN, Span

_KINDS = {"PERSON": "NAME", "LOCATION": "PLACE"}
_ENTITIES = {
    "PER": "PERSON",
    "PERSON": "PERSON",
    "GPE": "LOCATION",
    "LOC": "LOCATION",
    "LOCATION": "LOCATION",
}
_NOT_FOR_MODELS = re.compile(f"[{HIDDEN}\ud800-\udfff]")
_APART = re.compile(rf"[^\s{HIDDEN}](?:[^{HIDDEN}]*[^\s{HIDDEN}])?")


class NamesError(RuntimeError):
    """Presidio or its model is missing."""


def require(model: str) -> None:
    """Raises NamesError unless presidio-analyzer and the spaCy model are installed."""
    if find_spec("presidio_analyzer") is None:
        raise NamesError(
            f"privacy.names_model {model!r} needs Presidio: install presidio-analyzer in this "
            "environment and on the workers, or leave names_model out"
        )
    if not (Path(model).is_dir() or (model.isidentifier() and find_spec(model))):
        raise NamesError(
            f"privacy.names_model: there is no spaCy model {model!r}: install it, or name the "
            "folder of one"
        )


class NameFinder:
    """Finds names in texts, with a model that is loaded once.

    Raises:
      NamesError: see ``require``.
    """

    def __init__(self, model: str):
        require(model)
        import spacy
        from presidio_analyzer import AnalyzerEngine, BatchAnalyzerEngine, RecognizerRegistry
        from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
        from presidio_analyzer.predefined_recognizers import SpacyRecognizer

        nlp = spacy.load(model)
        labels = {label for labels in nlp.pipe_labels.values() for label in labels}
        entities = NerModelConfiguration(
            model_to_presidio_entity_mapping=_ENTITIES,
            labels_to_ignore=sorted(labels - {*_ENTITIES}),
        )
        engine = SpacyNlpEngine([{"lang_code": nlp.lang, "model_name": model}], entities)
        engine.nlp = {nlp.lang: nlp}
        recognizer = SpacyRecognizer(nlp.lang, [*_KINDS])
        registry = RecognizerRegistry([recognizer], supported_languages=[nlp.lang])
        analyzer = AnalyzerEngine(registry, engine, supported_languages=[nlp.lang])
        self._language = nlp.lang
        self._analyzer = BatchAnalyzerEngine(analyzer)

    def find(self, texts: list[str]) -> list[list[Span]]:
        """The spans of each text, in order and apart; none has a ``HIDDEN`` in it."""
        readable = [_NOT_FOR_MODELS.sub(" ", text) for text in texts]
        results = self._analyzer.analyze_iterator(
            readable, self._language, batch_size=256, entities=[*_KINDS]
        )
        return [_spans(*each) for each in zip(texts, results, strict=True)]


def _spans(text: str, results: list) -> list[Span]:
    spans, end = [], 0
    for result in sorted(results, key=lambda result: (result.start, -result.end)):
        for part in _APART.finditer(text, max(end, result.start), result.end):
            spans.append(Span(_KINDS[result.entity_type], *part.span()))
            end = part.end()
    return spans
