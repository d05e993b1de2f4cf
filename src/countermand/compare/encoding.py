"""The text encoding of an export, and a UTF-8 copy where the file is something else.

Told apart by byte-order mark, by the zero bytes of UTF-16, and by whether the bytes are valid UTF-8;
what is not is Windows-1252, the only other encoding that office programs write by themselves. A file
glued together from both is read line by line.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from countermand.compare.errors import CompareError

BLOCK = 4 << 20
UTF8 = "UTF-8"
UTF8_BOM = "UTF-8 with BOM"
UTF16 = "UTF-16"
UTF32 = "UTF-32"
UTF16_LE = "UTF-16 (little-endian, no BOM)"
UTF16_BE = "UTF-16 (big-endian, no BOM)"
WINDOWS_1252 = "Windows-1252"
MIXED = "UTF-8 and Windows-1252, mixed"

_CODECS = {
    UTF8: "utf-8",
    UTF8_BOM: "utf-8-sig",
    UTF16: "utf-16",
    UTF32: "utf-32",
    UTF16_LE: "utf-16-le",
    UTF16_BE: "utf-16-be",
}
# Five bytes have no character in Windows-1252; browsers read them as control characters, so do we.
_WINDOWS_1252 = {
    byte: bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in range(0x80, 0xA0)
}


def detect(head: bytes) -> str:
    """Name the encoding of a file from its first bytes (the end may be cut within a character)."""
    if head.startswith(codecs.BOM_UTF8):
        return UTF8_BOM
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return UTF32  # its mark begins with that of UTF-16
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return UTF16
    if b"\0" in head:
        return _utf16_without_mark(head)
    return UTF8 if _is_utf8(head) else WINDOWS_1252


def _utf16_without_mark(head: bytes) -> str:
    """UTF-16 text in Latin letters has a zero in every second byte; anything else with zeros is no text."""
    zeros_even, zeros_odd = head[0::2].count(0), head[1::2].count(0)
    half = max(len(head) // 2, 1)
    if zeros_odd > 0.6 * half and zeros_even < 0.05 * half:
        return UTF16_LE
    if zeros_even > 0.6 * half and zeros_odd < 0.05 * half:
        return UTF16_BE
    return ""


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def is_plain(encoding: str) -> bool:
    """Whether DuckDB can read the file as it is."""
    return encoding in (UTF8, UTF8_BOM)


def to_utf8(
    source: Path, target: Path, encoding: str, name: str, advance: Callable[[int], None] = lambda _: None
) -> str:
    """Copy a text file as UTF-8 with `\\n` line ends; returns the encoding that it turned out to have.

    `encoding` is one of this module's names or any that Python knows. Raises CompareError when the bytes
    are not text in that encoding.
    """
    with source.open("rb") as reader, target.open("wb") as writer:
        try:
            if encoding in (UTF8, UTF8_BOM, WINDOWS_1252, MIXED):
                return _lines_to_utf8(reader, writer, encoding, advance)
            for text in _decoded(reader, _CODECS.get(encoding, encoding), advance):
                writer.write(text.encode("utf-8", errors="replace"))
        except LookupError:
            raise CompareError(
                f"{name}: the mapping file asks for the encoding {encoding!r}, which does not exist; "
                "write one such as utf-8, utf-16 or windows-1252."
            ) from None
        except UnicodeError:
            raise CompareError(
                f"{name} is not valid {encoding} text: it is damaged or was cut off; export it again."
            ) from None
    return encoding


def _decoded(reader: BinaryIO, codec: str, advance: Callable[[int], None]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(codec)()
    newlines = _Newlines()
    while block := reader.read(BLOCK):
        advance(len(block))
        yield newlines.fold(decoder.decode(block))
    yield newlines.fold(decoder.decode(b"", final=True), final=True)


class _Newlines:
    """Folds CRLF and lone CR into LF across block borders."""

    def __init__(self) -> None:
        self._held = ""

    def fold(self, text: str, *, final: bool = False) -> str:
        text = self._held + text
        self._held = ""
        if text.endswith("\r") and not final:
            text, self._held = text[:-1], "\r"
        return text.replace("\r\n", "\n").replace("\r", "\n")


def _lines_to_utf8(reader: BinaryIO, writer: BinaryIO, encoding: str, advance: Callable[[int], None]) -> str:
    utf8_beyond_ascii = windows = False
    rest = b""
    while True:
        block = reader.read(BLOCK)
        advance(len(block))
        rest += block
        cut = _last_line_end(rest) if block else len(rest)
        whole, rest = rest[:cut], rest[cut:]
        for piece, is_utf8 in _pieces(whole):
            windows |= not is_utf8
            utf8_beyond_ascii |= is_utf8 and not piece.isascii()
            text = piece.decode("utf-8") if is_utf8 else _windows_1252(piece)
            writer.write(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").encode())
        if not block:
            break
    if not windows:
        return encoding if encoding == UTF8_BOM else UTF8
    return MIXED if utf8_beyond_ascii else WINDOWS_1252


def _last_line_end(text: bytes) -> int:
    """Where the last whole line ends; a CR that ends the block may be half of a CRLF."""
    return text.rfind(b"\n") + 1 or text.rfind(b"\r", 0, len(text) - 1) + 1


def _pieces(whole: bytes) -> Iterator[tuple[bytes, bool]]:
    """The block in one piece where it is valid UTF-8, else line by line."""
    if _valid_utf8(whole):
        yield whole, True
        return
    for line in whole.splitlines(keepends=True):
        yield line, _valid_utf8(line)


def _valid_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _windows_1252(line: bytes) -> str:
    return line.decode("latin-1").translate(_WINDOWS_1252)
