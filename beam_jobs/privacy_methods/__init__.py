"""The ways to treat a field; one method a file, all under the contract of ``contract.Method``."""

from typing import Annotated

from pydantic import Field

from .generalize_ip import GeneralizeIp
from .generalize_number import GeneralizeNumber
from .generalize_time import GeneralizeTime
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
