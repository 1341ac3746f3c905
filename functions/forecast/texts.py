"""How many parts of a text message are billed.

Source: 3GPP TS 23.038 (the default alphabet of GSM and its extension) and TS 23.040 (messages that
are put together): 160 letters alone, 153 in each of several; 70 and 67 in UCS-2.
"""

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO_EACH = frozenset("\f^{}\\[~]|€")


def parts_of(text: str) -> int:
    """The parts that a provider bills, one at least."""
    if set(text) <= _GSM | _TWO_EACH:
        length, alone, each = sum(2 if one in _TWO_EACH else 1 for one in text), 160, 153
    else:
        length, alone, each = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if length <= alone else -(-length // each)
