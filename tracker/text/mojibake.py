"""Finding mojibake, UTF-8 that was decoded with another encoding: ğŸš¨ for 🚨, Ã¼ for ü."""

import re

_READ_AS = ("cp1252", "cp1254", "latin-1")


def _reverse(encoding: str) -> dict[str, int]:
    """Map characters to the bytes that they were decoded from; undefined bytes to themselves."""
    table = {chr(byte): byte for byte in range(0x80, 0xA0)}
    for byte in range(0x80, 0x100):
        try:
            table[bytes([byte]).decode(encoding)] = byte
        except UnicodeDecodeError:
            continue
    return table


_BYTES = {encoding: _reverse(encoding) for encoding in _READ_AS}
# Characters that follow a word in print: after a capital letter alone they prove nothing ("CAFÉ…").
_PRINT = frozenset("“”„‘’‚–—…•™«»\xa0")
# How three or four bytes begin once misread, with a second character that no language uses there.
_BEGINNING = re.compile("(?:[âãï][€ŒŸœžŠŽ™˜†‡‰ƒ±¸\x80-\x9f]|[ðğ][Ÿ\x90-\x9f])")


def find_mojibake(line: str) -> str | None:
    """Describe the mojibake in a line; None if there is none."""
    if line.isascii():
        return None
    for encoding, table in _BYTES.items():
        repaired, sure = _repaired(line, table)
        if sure and not _BEGINNING.search(repaired):
            return (
                f"{shortened(line)} is UTF-8 that was read as {encoding}; it should be {shortened(repaired)}"
            )
    if _BEGINNING.search(line):
        return f"{shortened(line)} is UTF-8 that was read as another encoding, and characters got lost"
    return None


def _repaired(line: str, table: dict[str, int]) -> tuple[str, bool]:
    """Decode again wherever that gives whole characters; return the text, and whether one is beyond doubt."""
    out: list[str] = []
    sure = False
    at = 0
    while at < len(line):
        first = table.get(line[at], 0)
        length = 4 if first >= 0xF0 else 3 if first >= 0xE0 else 2 if first >= 0xC2 else 0
        taken = line[at : at + length]
        try:
            character = bytes(table[c] for c in taken).decode("utf-8") if length else ""
        except (KeyError, UnicodeDecodeError):
            character = ""
        if not character:
            out.append(line[at])
            at += 1
            continue
        out.append(character)
        at += length
        sure = sure or length > 2 or (0xC2 <= first <= 0xC5 and taken[1] not in _PRINT)
    return "".join(out), sure


def shortened(line: str) -> str:
    """Quote the beginning of a line."""
    line = line.strip()
    return repr(line if len(line) <= 60 else line[:59] + "…")


def mojibake_notices(text: str, what: str, then: str) -> list[str]:
    """Name the first garbled line of a text; `then` says what to type. The text itself is not changed."""
    for number, line in enumerate(text.splitlines(), start=1):
        wrong = find_mojibake(line[:2000])
        if wrong is not None:
            where = f"{what}, line {number}" if "\n" in text else what
            return [f"tracker: {where}: {wrong}", f"  {then}"]
    return []
