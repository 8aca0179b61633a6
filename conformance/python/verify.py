"""Checks statements with a library for RFC 9901 that was not written here (`sd-jwt`).

Usage: verify.py CASES.json

Each case is a statement with the disclosures that some reader holds, the key of its author, and what must come
of it. See ../README.md for what this proves.
"""

import json
import sys

from jwcrypto.jwk import JWK
from sd_jwt.verifier import SDJWTVerifier

STATEMENT_TYPE = "truceline+sd-jwt"
VERDICTS = ("accept", "reject", "never_show")


class Unlike(Exception):
    """The library says something else than what the case expects."""


def verified_payload(case):
    """What the library makes of a statement; raises whatever it raises when it refuses."""

    def key_of_author(_issuer, header):
        if header.get("typ") != STATEMENT_TYPE or header.get("alg") != case["alg"]:
            raise ValueError(f"the header is {header}")
        return JWK(**case["jwk"])

    return SDJWTVerifier(case["sd_jwt"], key_of_author).get_verified_payload()


def check(case):
    """Raises Unlike when the library does not do with the case what it must."""
    must = case["must"]
    if must not in VERDICTS:
        raise Unlike(f"`must` is {must!r}, which is none of {VERDICTS}")
    try:
        payload = verified_payload(case)
    except Exception as error:  # The library raises its own, jwcrypto's and the standard library's.
        if must == "accept":
            raise Unlike(f"refused: {error!r}") from error
        return f"refused ({type(error).__name__})"
    if must == "reject":
        raise Unlike(f"accepted, as {payload}")

    expected = case.get("expect")
    if expected is not None and payload != expected:
        raise Unlike(f"the payload is {payload}, not {expected}")
    hidden = case.get("hidden_values") or []
    if must == "never_show" and not hidden:
        raise Unlike("nothing is named in `hidden_values`")
    shown = json.dumps(payload, ensure_ascii=False)
    for value in hidden:
        # As JSON writes it inside a string, so that quotes and line ends do not hide a match.
        if json.dumps(value, ensure_ascii=False)[1:-1] in shown:
            raise Unlike(f"shows {value!r}")
    return "accepted" if must == "accept" else "accepted without the value"


def main(arguments):
    if len(arguments) != 1:
        print("usage: verify.py CASES.json", file=sys.stderr)
        return 2
    with open(arguments[0], encoding="utf-8") as file:
        cases = json.load(file)["cases"]
    missing = set(VERDICTS) - {case["must"] for case in cases}
    if missing:
        print(f"verify.py: no case that must {', '.join(sorted(missing))}", file=sys.stderr)
        return 1

    wrong = 0
    for case in cases:
        try:
            print(f"  {case['name']}: {check(case)}")
        except Unlike as error:
            wrong += 1
            print(f"  {case['name']}: WRONG: {error}")
    print(f"{len(cases) - wrong} of {len(cases)} statements judged as they must be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
