"""Undoes a forgotten keyboard switch: `yfcjc` was meant as `насос`, `фии` as `abb`."""

from __future__ import annotations

# The keys of the standard Russian (ЙЦУКЕН) and US layouts, row by row, as printed on every keyboard sold in Russia.
_LATIN = "`qwertyuiop[]asdfghjkl;'zxcvbnm,./"
_RUSSIAN = "ёйцукенгшщзхъфывапролджэячсмитьбю."
_SHIFTED = '~{}:"<>'  # the keys beside the letters, with Shift or Caps Lock held: they are letters in Russian alone
_TO_RUSSIAN = str.maketrans(_LATIN + _SHIFTED, _RUSSIAN + "ёхъжэбю")
_TO_LATIN = str.maketrans(_RUSSIAN, _LATIN)


def switched(chunk: str) -> str:
    """A lower-case word, without spaces, as the other layout would have typed it.

    Between digits a comma, point, slash or semicolon stays (`0,31k` is `0,31л`); the keys that carry letters in
    Russian alone are letters there too (`60[60` is `60х60`).
    """
    table = _TO_LATIN if any("а" <= letter <= "ё" for letter in chunk) else _TO_RUSSIAN
    return "".join(_key(chunk, place, table) for place in range(len(chunk)))


def _key(chunk: str, place: int, table: dict[int, int]) -> str:
    letter = chunk[place]
    before, after = chunk[place - 1 : place], chunk[place + 1 : place + 2]
    if letter in ",./;" and before.isdigit() and (after.isdigit() or not after):
        return letter
    return letter.translate(table)
