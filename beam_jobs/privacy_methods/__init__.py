"""The ways to treat a field; one method a file, all under the contract of ``contract.Method``."""

from typing import Annotated

from pydantic import Field

from .generalize import GeneralizeIp, GeneralizeNumber, GeneralizeTime
from .hmac_sha256 import Hmac
from .keep import Keep
from .redact import Redact

Generalize = Annotated[
    GeneralizeNumber | GeneralizeIp | GeneralizeTime, Field(discriminator="kind")
]
FieldPolicy = Annotated[Hmac | Redact | Generalize | Keep, Field(discriminator="method")]

__all__ = [
    "FieldPolicy",
    "GeneralizeIp",
    "GeneralizeNumber",
    "GeneralizeTime",
    "Hmac",
    "Keep",
    "Redact",
]
