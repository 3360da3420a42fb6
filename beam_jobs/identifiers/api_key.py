"""API keys, tokens and private keys that their issuers mark by a prefix.

Found by form alone: prefix, alphabet and least length as published. Of a private key the whole
PEM block is found, or what there is of it. Not found: keys without a mark (most hexadecimal ones,
AWS secret keys).

Reference: the issuers' docs; RFC 7519 (JWT), RFC 7468 (PEM), RFC 6750 (Bearer).
"""

from __future__ import annotations

import re

from .kind import HIDDEN, Kind, by_pattern

_FORMS = (
    "(?:AKIA|ASIA)[A-Z2-7]{16}",  # AWS
    "gh[opsru]_[A-Za-z0-9]{36}",  # GitHub
    "github_pat_[A-Za-z0-9_]{60}",
    "glpat-[A-Za-z0-9_-]{20}",  # GitLab
    "AIza[A-Za-z0-9_-]{35}",  # Google
    r"ya29\.[A-Za-z0-9_-]{20}",
    "GOCSPX-[A-Za-z0-9_-]{28}",
    "xox[abeoprs]-[A-Za-z0-9-]{10}",  # Slack
    "hooks\\.slack\\.com/services/T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/[A-Za-z0-9]{20}",
    "[rs]k_(?:live|test)_[A-Za-z0-9]{16}",  # Stripe
    "whsec_[A-Za-z0-9]{24}",
    "sk-[A-Za-z0-9_-]{32}",  # OpenAI, Anthropic
    "npm_[A-Za-z0-9]{36}",
    "pypi-[A-Za-z0-9_-]{50}",
    r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",  # SendGrid
    "hf_[A-Za-z]{34}",  # Hugging Face
    "dop_v1_[0-9a-f]{64}",  # DigitalOcean
    "dapi[0-9a-f]{32}",  # Databricks
    "shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",  # Shopify
    r"hv[bs]\.[A-Za-z0-9_-]{24}",  # Vault
    "[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",  # Telegram
    "AccountKey=[A-Za-z0-9+/]{86}==",  # Azure
    r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.",  # JWT
)
_FORM = "(?:" + "|".join(_FORMS) + ")"
_KEY = re.compile(rf"(?<![A-Za-z0-9_-]){_FORM}[A-Za-z0-9_-]*")
_PREFIXES = (
    r"AKIA|ASIA|gh[opsru]_|github_pat_|glpat-|AIza|ya29\.|GOCSPX-|xox[a-z]-|hooks\.slack|k_live_"
    r"|k_test_|whsec_|sk-|npm_|pypi-|SG\.|hf_|dop_v1_|dapi|shp[acps]|hv[bs]\.|:AA|AccountKey=|eyJ"
)
_TOKEN = re.compile(r"\bBearer[ +](?P<span>[A-Za-z0-9._~+/-]{16,}=*)", re.IGNORECASE)
_BEGIN = "-----BEGIN [A-Z ]*PRIVATE KEY-----"
_PEM = re.compile(rf"{_BEGIN}(?:[^{HIDDEN}]*?-----END [A-Z ]*PRIVATE KEY-----|[^{HIDDEN}]*)")


def private_key() -> Kind:
    return by_pattern("API_KEY", _BEGIN, _PEM)


def api_key() -> Kind:
    return by_pattern("API_KEY", _PREFIXES, _KEY)


def bearer() -> Kind:
    return by_pattern("API_KEY", "(?i)bearer[ +]", _TOKEN, lambda match: len(match["span"]))
