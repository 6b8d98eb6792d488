"""Headers of FITS: cards of 80 characters, `KEYWORD = value / comment`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

__all__ = ["Header"]

Value = str | int | float | bool | None
_COMMENTS = ("COMMENT", "HISTORY", "")


class Header(Mapping[str, Value]):
    """The cards of an HDU as a mapping from keywords to values. Of a keyword that comes again the first counts; COMMENT and HISTORY
    are their lines. ``text`` has the cards as they are, for instance for ``astropy.io.fits.Header.fromstring``.

    >>> from collapsar import Header
    >>> cards = ["BITPIX  =                   16", "OBJECT  = 'M 31 ''core''' / name", "COMMENT dark", "END"]
    >>> header = Header("".join(card.ljust(80) for card in cards))
    >>> header["BITPIX"], header["object"], header["COMMENT"], len(header)
    (16, "M 31 'core'", 'dark', 3)
    """

    __slots__ = ("_values", "text")
    text: str
    _values: dict[str, Value]

    def __init__(self, text: str = "") -> None:
        self.text = text
        self._values = {}
        cards = [text[at : at + 80] for at in range(0, len(text), 80)]
        last = None
        for card in cards:
            keyword = card[:8].rstrip()
            if keyword == "END":
                break
            if keyword == "CONTINUE" and last is not None:
                self._continue(last, _value(card[8:]))
                continue
            if keyword in _COMMENTS or card[8:10] != "= " and keyword != "HIERARCH":
                self._comment(keyword, card[8:].rstrip())
                continue
            value = card[10:]
            if keyword == "HIERARCH":
                keyword, _, value = card[9:].partition("=")
                keyword = keyword.strip()
            last = keyword.upper()
            self._values.setdefault(last, _value(value))

    def _continue(self, keyword: str, more: Value) -> None:
        there = self._values.get(keyword)
        if isinstance(there, str) and isinstance(more, str):
            self._values[keyword] = there.removesuffix("&") + more

    def _comment(self, keyword: str, line: str) -> None:
        if keyword:
            there = self._values.get(keyword)
            self._values[keyword] = line if there is None else f"{there}\n{line}"

    def __getitem__(self, keyword: str) -> Value:
        return self._values[keyword.upper()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return "\n".join(self.text[at : at + 80].rstrip() for at in range(0, len(self.text), 80)).rstrip()


def _value(text: str) -> Value:
    text = text.strip()
    if text.startswith("'"):
        out, at = [], 1
        while at < len(text):
            if text[at] != "'":
                out.append(text[at])
            elif text[at + 1 : at + 2] == "'":
                out.append("'")
                at += 1
            else:
                break
            at += 1
        return "".join(out).rstrip()
    word = text.partition("/")[0].strip()
    if word in ("T", "F"):
        return word == "T"
    try:
        return int(word)
    except ValueError:
        pass
    try:
        return float(word.upper().replace("D", "E"))
    except ValueError:
        return word or None
