"""The privacy policy: which field is treated how."""

from __future__ import annotations

from typing import Literal

import phonenumbers
from pydantic import Field, field_validator, model_validator

from .parameters import Parameters
from .privacy_methods import FieldPolicy, Keep, Redact
from .privacy_methods.contract import Method, Pseudonym


class PrivacyConfig(Parameters):
    """Parameters of the pseudonymization.

    Attributes:
      fields: the treatment of each field that holds personal data.
      default: what happens to fields not listed: ``keep`` them, ``redact`` (leave them out), or
        ``error``, which fails the job and names all of them.
      keyset: path of the keyset file (see ``keysets``); needed by keyed methods. The launcher and
        the workers read the same path; the key itself is in no graph, artifact or log.
      domain: the pseudonymization domain; needed by keyed methods. Equal values have equal
        pseudonyms within a domain and unlinkable ones across domains.
      undeclared: what happens when a kept text value holds an identifier (see
        ``scan_identifiers``): ``redact`` the identifier, or ``fail`` the job once all are counted.
      scan_exempt: kept fields that are not scanned, such as opaque ids.
      phone_region: the region (ISO 3166-1 alpha-2) in whose national form phone numbers are also
        sought; None seeks international ones, with a ``+``, only.
    """

    fields: dict[str, FieldPolicy] = {}
    default: Literal["keep", "redact", "error"] = "keep"
    keyset: str | None = None
    domain: str | None = Field(default=None, min_length=1, pattern=r"^[^\x00]*$")
    undeclared: Literal["redact", "fail"] = "redact"
    scan_exempt: tuple[str, ...] = ("log_request_id",)
    phone_region: str | None = None

    @field_validator("phone_region")
    @classmethod
    def _known_region(cls, region: str | None) -> str | None:
        if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"{region!r} is no region: use one like 'US' or 'DE'")
        return region

    @model_validator(mode="after")
    def _keyed_methods_have_keys(self) -> PrivacyConfig:
        if self.needs_key and not (self.keyset and self.domain):
            raise ValueError("a field with a keyed method (hmac) needs keyset and domain")
        return self

    @property
    def needs_key(self) -> bool:
        return any(policy.is_keyed for policy in self.fields.values())

    @property
    def subject_fields(self) -> dict[str, Pseudonym]:
        """The fields whose raw values say whose row it is."""
        return {name: m for name, m in self.fields.items() if m.role == "subject_id"}

    def method_of(self, field: str) -> Method | None:
        """The field's method; None for a field that the policy should list and does not."""
        if field in self.fields:
            return self.fields[field]
        return {"keep": Keep(), "redact": Redact(leave="nothing"), "error": None}[self.default]
