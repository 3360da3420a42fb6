"""A keyset document for tests: what it was once, it is for ever."""

PASSPHRASE = "correct horse battery staple"

PLAIN = b"""\
{
 "root": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
 "primary": 3,
 "versions": [
  {
   "version": 1,
   "created": "2025-01-31T09:00:00+00:00",
   "status": "destroyed"
  },
  {
   "version": 2,
   "created": "2025-02-28T09:00:00+00:00",
   "status": "enabled",
   "key": "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
  },
  {
   "version": 3,
   "created": "2025-03-31T09:00:00+00:00",
   "status": "enabled",
   "key": "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8="
  }
 ],
 "sha256": "5a600b132d2d889a52a4851b2aeff1c7d3428c31a736d7ea85d4c9163f12d0a2"
}
"""

ENCRYPTED = b"""\
{
 "kdf": "scrypt",
 "n": 131072,
 "r": 8,
 "p": 1,
 "salt": "asnWppGTZ0eg5yDQphOyBg==",
 "cipher": "AES-256-GCM",
 "nonce": "ZtJ5w2bwbqlYquf+",
 "ciphertext": "\
S/+ShqdlD3jPhREUelNnREMxFCl6qh2arbYACgPxhf4eQ8lgl1JLeQGPf/nSwYf7RC9VbwIkWeJBeGP71IiJ7q/0BL\
j9+TK68LQCNq1kG72ijAod9POwyH+HKi09kkfvPqXBYRVp/0xg8l9aeunql96aATwsFvE4ipetoCTWuJhd3+az/YQn\
8dLdKlcAQtXmIx/gvQKildD5iCH5jKbR8t7p7Bi0Q2w42OfShf31ZT+xJ0eJXQ3kTJ+5eay8JlFtGUUf48yyeSJ7cP\
Rxt9Nc7Y/SZmZMzMG5YPCnbr3HxBUdFfyW72L23ZGBfbaPjdZInZ3aiZ7JtXMGF8n7pulgPtNjEJFKVyBNhHDGkNRO\
EGEj/w+xWBESirCFPbgNqjSVvBkkdKMISiPpL89yawecNihg0DCQ95yWWYIMNbtmtBSVyxCGNW6u+qB0lK+AdDk2Bi\
MCdLQAlTfqVE87UOH/YKADpShQDh96x16J+fvmx5SlG4y9g/QvTiiRAXnmMuu0BW7FJjLG22k6y8+x9CuetibL1S9o\
PplS7KQQH6lxTy5nI1azEfigQIH+r/6psmFxVzYpguEYB3lVyU55NdlSBwDeSFWbVbXOM3iPDiCwbdLU+IyJhlWZa7\
UNRc1NrfOel11xFic1RkOM/ZKzjwwt7MtfH47v9mPaHWTp/93zSlSMSlICEDQkt9HQOWcYAow50l6HB43y8lKkZdqw\
BvSWONnDmxiIIHY/VC5TS1pXtTPSF6krdnM8TPqd3RvdzODymbz3Mno="
}
"""
