"""The ways to treat a field; one method a file, all under the contract of ``contract.Method``."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from .aes_siv import AesSiv
from .date_shift import DateShift
from .fpe import Fpe, refuse_ff3
from .generalize_category import GeneralizeCategory
from .generalize_ip import GeneralizeIp
from .generalize_number import GeneralizeNumber
from .generalize_postcode import GeneralizePostcode
from .generalize_time import GeneralizeTime
from .hash_bucket import HashBucket
from .hmac_sha256 import Hmac
from .keep import Keep
from .mask import Mask
from .noise import Noise
from .redact import Redact

Generalize = Annotated[
    GeneralizeNumber | GeneralizeIp | GeneralizeTime | GeneralizePostcode | GeneralizeCategory,
    Field(discriminator="kind"),
]
FieldPolicy = Annotated[
    Hmac | AesSiv | Fpe | Redact | Mask | Generalize | DateShift | HashBucket | Noise | Keep,
    Field(discriminator="method"),
    BeforeValidator(refuse_ff3),
]

__all__ = [
    "AesSiv",
    "DateShift",
    "FieldPolicy",
    "Fpe",
    "GeneralizeCategory",
    "GeneralizeIp",
    "GeneralizeNumber",
    "GeneralizePostcode",
    "GeneralizeTime",
    "HashBucket",
    "Hmac",
    "Keep",
    "Mask",
    "Noise",
    "Redact",
]
