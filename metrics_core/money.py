"""Money: decimal text to exact integer minor units of its currency, and back to major units where it leaves."""

from __future__ import annotations

import re

from metrics_core.labels import NONE
from metrics_core.rejects import Reason, Refused

#: digits after the point of currencies that do not have two (ISO 4217, list one)
_EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
         "XOF", "XPF"), 0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip
#: the most digits after the point that any currency has
FINEST_EXPONENT = 4
#: sums of a million such amounts still fit 64 bits, the widest integer that MessagePack has
_LARGEST_MINOR = 10**12

_DECIMAL = re.compile(r"(\d{1,16})(?:\.(\d+))?", re.ASCII)


def currency_of(text: str | None) -> str:
    """The currency as it is shown: its code in capitals, ``none`` where there is none."""
    return text.strip().upper() or NONE if text else NONE


def exponent_of(currency: str) -> int:
    """Digits after the point; two where ISO 4217 says nothing else."""
    return _EXPONENTS.get(currency, 2)


def minor_units(amount: str | int, exponent: int) -> int:
    """An amount of 0 or more in units of 10 ** -exponent. Raises Refused where it is no decimal, is negative, is
    finer than the currency, or beyond what is counted."""
    match = _DECIMAL.fullmatch(str(amount))
    if match is None:
        raise Refused(Reason.INVALID_VALUE, f"not a decimal of 0 or more: {str(amount)[:64]!r}")
    whole, fraction = match.group(1), (match.group(2) or "").rstrip("0")
    if len(fraction) > exponent:
        raise Refused(Reason.INVALID_VALUE, f"{str(amount)[:64]!r} has more than {exponent} digits after the point")
    minor = int(whole + fraction.ljust(exponent, "0"))
    if minor >= _LARGEST_MINOR * 10**exponent:
        raise Refused(Reason.INVALID_VALUE, f"{str(amount)[:64]!r} is more than is counted")
    return minor


def signed_minor_units(amount: str | int, exponent: int) -> int:
    """An amount of either sign in units of 10 ** -exponent. Raises Refused as ``minor_units`` does."""
    text = str(amount)
    return -minor_units(text[1:], exponent) if text.startswith("-") else minor_units(text, exponent)


def rescaled(finest: int, currency: str) -> int:
    """Minor units of a currency from units of 10 ** -FINEST_EXPONENT, half a unit rounded up."""
    unit: int = 10 ** (FINEST_EXPONENT - exponent_of(currency))
    return (finest + unit // 2) // unit


def major_units(minor: int, currency: str) -> int | float:
    """The amount in major units, as it leaves the program."""
    exponent = exponent_of(currency)
    return minor / 10**exponent if exponent else minor
