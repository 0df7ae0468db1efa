"""In which encoding text is."""

import codecs
import re

from headrace_server.files.sniffing.findings import Finding
from headrace_server.model.errors import InvalidFieldError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: lines with bytes beyond ASCII, of which so much is shown to the statistics
_TELLING = re.compile(rb"[^\r\n]*[\x80-\xff][^\r\n]*[\r\n]*")
_TELLING_BYTES = 32 << 10
#: by far the commonest of those that only statistics tell: it wins ties
_COMMON = "cp1252"
_TIE = 0.97
_WIDE_SHARE = 0.3


def sniff_encoding(sample: bytes) -> Finding[str]:
    """Name the Python codec that decodes the sample, which may end within a character.

    Marks and valid UTF-8 are proof; of other bytes the statistics of languages decide.
    """
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return Finding(name, 1.0)
    if b"\0" in sample:
        wide = _wide_without_mark(sample)
        return Finding(wide, 0.9) if wide else Finding("latin-1", 0.0)  # rather no text at all
    if decodes(sample, "utf-8"):
        return Finding("utf-8", 1.0)
    return _by_statistics(sample)


def decodes(sample: bytes, encoding: str) -> bool:
    """Tell whether a codec takes the sample, but for a character that it cuts."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeError:
        return False
    return True


def check_encoding(name: str) -> None:
    """Raise InvalidFieldError for a name that is no encoding of text."""
    try:
        text = codecs.lookup(name)._is_text_encoding  # noqa: SLF001  # as str.encode asks
    except (LookupError, ValueError):
        text = False
    if not text:
        raise InvalidFieldError.of("encoding", f"{name!r} is no known encoding, such as utf-8")


def decode(sample: bytes, encoding: str) -> str:
    """Decode a sample, leaving out a character that it cuts; what is undecodable shows as U+FFFD.

    The encoding is known to exist: see `check_encoding`.
    """
    text: str = codecs.getincrementaldecoder(encoding)(errors="replace").decode(sample)
    return text.removeprefix("\ufeff")


def _wide_without_mark(sample: bytes) -> str | None:
    """Text of wide units has NULs in always the same places of most units."""
    pairs = len(sample) // 2 or 1
    for odd, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        telling = sample[odd::2].count(b"\0") / pairs > _WIDE_SHARE
        if telling and b"\0" not in sample[1 - odd :: 2] and decodes(sample, name):
            return name
    return None


def _by_statistics(sample: bytes) -> Finding[str]:
    import chardet  # noqa: PLC0415  # slow to import, and seldom needed

    telling = b"".join(_TELLING.findall(sample))[:_TELLING_BYTES]
    shown = (telling + sample)[:_TELLING_BYTES]
    confidences = {
        codecs.lookup(each["encoding"]).name: each["confidence"]
        for each in chardet.detect_all(shown, ignore_threshold=True)
        if each["encoding"] and decodes(sample, each["encoding"])
    }
    likeliest = max(confidences, key=confidences.__getitem__, default="latin-1")
    best = confidences.get(likeliest, 0.0)
    if confidences.get(_COMMON, 0.0) >= best * _TIE and decodes(sample, _COMMON):
        likeliest = _COMMON
    text = decode(shown, likeliest)
    rivals = (each for name, each in confidences.items() if decode(shown, name) != text)
    total = best + max(rivals, default=0.0)
    return Finding(likeliest, round(best / total, 2) if total else 0.0)
