"""Check digits of numbers that people are known by."""

from __future__ import annotations


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it (ISO/IEC 7812-1).

    Examples
    --------
    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def mod_97(account: str) -> bool:
    """Whether the check digits of an IBAN, in capitals and without blanks, are right (ISO 13616).

    Examples
    --------
    >>> mod_97("GB82WEST12345698765432"), mod_97("GB82WEST12345698765433")
    (True, False)
    """
    return int("".join(str(int(char, 36)) for char in account[4:] + account[:4])) % 97 == 1
