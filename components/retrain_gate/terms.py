"""Rules that are put together: any of several, all of them, at least so many."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, model_validator

from ...beam_jobs.parameters import Parameters


class Term(Parameters):
    """One rule, or ``any`` or ``all`` of several terms, or at least ``n_of`` the terms in ``of``.

    Attributes:
      name: what reports call it.
      comment: why it is there, for whoever reads the decision.
    """

    RULES: ClassVar[type[Parameters]]

    name: str | None = None
    comment: str | None = None
    any: list[Any] | None = Field(None, min_length=1)
    all: list[Any] | None = Field(None, min_length=1)
    n_of: int | None = Field(None, ge=1)
    of: list[Any] | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _says_one_thing(self) -> Term:
        if (self.n_of is None) != (self.of is None):
            raise ValueError("n_of and of go together: n_of says how many of the terms in of")
        if self.of and self.n_of > len(self.of):
            raise ValueError(f"n_of is {self.n_of}, but there are only {len(self.of)} terms in of")
        ways = [way for way in ("any", "all", "of") if getattr(self, way)]
        ways += [rule for rule in self.RULES.model_fields if getattr(self, rule)]
        if len(ways) != 1:
            found = ", ".join(ways) or "nothing"
            rules = ", ".join(self.RULES.model_fields)
            raise ValueError(f"give one of any, all, n_of with of, {rules}; found {found}")
        return self

    @property
    def terms(self) -> list[Any]:
        """The terms it puts together; none where it is a single rule."""
        return self.any or self.all or self.of or []

    @property
    def needed(self) -> int:
        """How many of its terms must hold."""
        return 1 if self.any else self.n_of or len(self.terms)
