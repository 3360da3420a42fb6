"""The privacy policy: which field is treated how."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import chain
from typing import Annotated, Literal, NamedTuple

import phonenumbers
from pydantic import AfterValidator, Field, field_validator, model_validator

from .parameters import Parameters
from .privacy_annotations import read_tags
from .privacy_methods import FieldPolicy, Keep, Redact
from .privacy_methods.contract import Method, Pseudonym

_NEVER_KEPT = ("direct_identifier", "subject_id")


def _role_suits(method: Method) -> Method:
    is_found_again = isinstance(method, Pseudonym) and method.is_labelled
    if method.role == "subject_id" and not is_found_again:
        raise ValueError(
            "role subject_id needs a pseudonym that names its key version, by which the person is "
            f"found again and nobody else: use hmac or aes_siv, not {method.method}"
        )
    if method.role in _NEVER_KEPT and isinstance(method, Keep):
        raise ValueError(f"a {method.role} cannot be kept: use a method like hmac or redact")
    return method


Rule = Annotated[FieldPolicy, AfterValidator(_role_suits)]


class Given(NamedTuple):
    """A method and the rule that gave it: ``field``, ``pattern ...``, ``annotation ...``."""

    rule: str
    method: Method


class PrivacyConfig(Parameters):
    """Parameters of the pseudonymization.

    A field is treated by the first rule that is about it: of ``fields``, then ``patterns``, then
    ``annotations``. A field without a rule fails the job, which names all of them, unless there
    is a ``default``.

    Each rule may state a ``role``. ``direct_identifier``: points to a person by itself.
    ``quasi_identifier``: does so together with others; risk is measured over these.
    ``sensitive``: what must not become known of a person. ``subject_id``: the person whose row
    it is, by whom the rights of data subjects are exercised; needs a pseudonym.

    Attributes:
      fields: rules by the field's name.
      patterns: rules by a shell pattern of names (``user_*``), the first that matches counts.
      annotations: rules by a tag that ``schema_file`` gives a field, the first counts.
      schema_file: a TFMD schema.pbtxt; features are tagged as ``annotation { tag: "PII" }``. The
        job reads it when it starts.
      default: what happens to fields without a rule: ``keep`` them, ``redact`` (leave them out)
        or, as without a default, ``error``.
      spared: fields that are kept where they have no rule, whatever the default.
      keyset: source of the keyset, a path, ``env:NAME`` or ``vault:MOUNT/KEY`` (see ``keysets``);
        needed by keyed methods. The launcher and the workers load the same source; the key itself
        is in no graph, artifact or log.
      domain: the pseudonymization domain; needed by keyed methods. Equal values have equal
        pseudonyms within a domain and unlinkable ones across domains.
      undeclared: what happens when a kept text value holds an identifier (see
        ``identifiers``): ``redact`` the identifier, ``pseudonymize`` it in place as the hmac
        method does, so that it joins with declared fields, or ``fail`` the job once all are
        counted.
      scan_exempt: kept fields that are not scanned.
      phone_region: the region (ISO 3166-1 alpha-2) in whose national form phone numbers are also
        sought; None seeks international ones, with a ``+``, only.
      names_model: a spaCy model, an installed package or a folder, with which Presidio also finds
        names of people and places (see ``identifiers.names``).
      min_group_rows: smaller groups of rows are named nowhere, only counted.
    """

    fields: dict[str, Rule] = {}
    patterns: dict[str, Rule] = {}
    annotations: dict[str, Rule] = {}
    schema_file: str | None = None
    default: Literal["keep", "redact", "error"] | None = None
    spared: tuple[str, ...] = ()
    keyset: str | None = None
    domain: str | None = Field(default=None, min_length=1, pattern=r"^[^\x00]*$")
    undeclared: Literal["redact", "pseudonymize", "fail"] = "redact"
    scan_exempt: tuple[str, ...] = ()
    phone_region: str | None = None
    names_model: str | None = None
    min_group_rows: int = Field(default=10, ge=1)

    @field_validator("phone_region")
    @classmethod
    def _known_region(cls, region: str | None) -> str | None:
        if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"{region!r} is no region: use one like 'US' or 'DE'")
        return region

    @model_validator(mode="after")
    def _is_complete(self) -> PrivacyConfig:
        if self.needs_key and not (self.keyset and self.domain):
            keyed = sorted({method.method for method in self.methods if method.is_keyed})
            what = f"a field with a keyed method ({', '.join(keyed)})"
            what = what if keyed else "undeclared: pseudonymize"
            raise ValueError(f"{what} needs keyset and domain")
        if bool(self.annotations) != bool(self.schema_file):
            raise ValueError("annotations and schema_file need each other: give both or neither")
        return self

    @property
    def needs_key(self) -> bool:
        is_any_keyed = any(method.is_keyed for method in self.methods)
        return is_any_keyed or self.undeclared == "pseudonymize"

    @property
    def rules(self) -> dict[str, dict[str, Method]]:
        """The rules by the attribute that holds them."""
        return {"fields": self.fields, "patterns": self.patterns, "annotations": self.annotations}

    @property
    def methods(self) -> Iterator[Method]:
        """Of all rules."""
        return chain.from_iterable(rules.values() for rules in self.rules.values())

    def prepare(self) -> None:
        """Reads the files that the policy names; what they hold is pickled with it from then on.

        Raises:
          ValueError: names the file that cannot be used.
        """
        self.tags  # noqa: B018
        for method in self.methods:
            method.prepare()

    @cached_property
    def tags(self) -> dict[str, frozenset[str]]:
        """The tags that ``schema_file`` gives fields, as it was when first asked.

        Raises:
          ValueError: the file cannot be read.
        """
        return read_tags(self.schema_file) if self.schema_file else {}

    def rules_about(self, field: str) -> Iterator[Given]:
        """All rules that match the field, the one that counts first."""
        yield from self.rules_by_name(field)
        tags = self.tags.get(field, ())
        yield from (
            Given(f"annotation {tag}", method)
            for tag, method in self.annotations.items()
            if tag in tags
        )

    def rules_by_name(self, field: str) -> Iterator[Given]:
        """The same as far as the name alone tells, without ``schema_file``."""
        if field in self.fields:
            yield Given("field", self.fields[field])
        yield from (
            Given(f"pattern {pattern}", method)
            for pattern, method in self.patterns.items()
            if fnmatchcase(field, pattern)
        )

    def method_of(self, field: str) -> Method | None:
        """The field's method; None for a field that the policy should have a rule for."""
        given = self.given(field)
        return given and given.method

    def given(self, field: str) -> Given | None:
        """The field's method and its rule, ``spared`` and ``default`` among them."""
        if given := next(self.rules_about(field), None):
            return given
        if field in self.spared:
            return Given("spared", Keep())
        if self.default == "keep":
            return Given("default", Keep())
        return Given("default", Redact(leave="nothing")) if self.default == "redact" else None

    @property
    def subject_fields(self) -> dict[str, Pseudonym]:
        """The fields with role ``subject_id`` that the policy or its schema names."""
        return self.subject_fields_among([*self.fields, *self.tags])

    def subject_fields_among(self, columns: Iterable[str]) -> dict[str, Pseudonym]:
        """Those of ``columns`` with role ``subject_id``, by whatever rule."""
        methods = {name: self.method_of(name) for name in columns}
        return {
            name: method
            for name, method in methods.items()
            if method is not None and method.role == "subject_id"
        }
