"""Numbers that arrive as text: regular expressions of those within a range, for the event contract."""

from __future__ import annotations

MAX_LENGTH = 32
"""Characters of a number as text, blanks around it included."""
END = r"(?!\n)$"
"""The end of the text in every dialect: in some, ``$`` alone also matches before a last line feed."""
NUMBER = rf"^ *[+-]?[0-9]+(?:\.[0-9]+)? *{END}"
"""Any number as text: decimal digits, no exponent, blanks around it allowed."""


def pattern(minimum: float, maximum: float, *, excludes_minimum: bool = False, is_integer: bool = False) -> str:
    """The pattern of the numbers from ``minimum`` to ``maximum``, both whole; leading zeros are allowed.

    Raises ValueError for a range that the contract does not need: one that lies below zero, or a lower limit above
    zero of a number that is not whole.
    """
    if minimum != int(minimum) or maximum != int(maximum) or maximum <= 0:
        raise ValueError(f"There is no pattern for numbers from {minimum} to {maximum}: limits are whole, one above 0.")
    if minimum > 0 and not (is_integer and minimum == 1):
        raise ValueError(f"There is no pattern for numbers from {minimum} on: 0, 1 (whole numbers) or below 0.")
    is_positive = minimum > 0 or (minimum == 0 and excludes_minimum)
    not_zero = r"(?![0.]+ *$)" if is_positive else ""
    branches = [rf"\+?{not_zero}0*(?:{_magnitude(int(maximum), is_integer=is_integer)})"]
    # Zero may have a minus sign, as in JSON.
    if not is_positive:
        branches.append(rf"-0*(?:{_magnitude(int(-minimum), is_integer=is_integer)})")
    return rf"^ *(?:{'|'.join(branches)}) *{END}"


def _magnitude(limit: int, *, is_integer: bool) -> str:
    """The digits of the numbers from 0 to ``limit``."""
    fraction, no_fraction = ("", "") if is_integer else (r"(?:\.[0-9]+)?", r"(?:\.0+)?")
    digits = str(limit)
    below = [rf"[0-9]{{1,{len(digits) - 1}}}"] if len(digits) > 1 else []
    for place, digit in enumerate(digits):
        if digit != "0":
            rest = len(digits) - place - 1
            below.append(f"{digits[:place]}[0-{int(digit) - 1}]" + (f"[0-9]{{{rest}}}" if rest else ""))
    return f"(?:{'|'.join(below)}){fraction}|{digits}{no_fraction}" if below else f"{digits}{no_fraction}"
