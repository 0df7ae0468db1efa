"""What names of columns say of tables: words, abbreviations, plurals, prefixes, marks of keys."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

#: words that mark a key and say nothing of what it is the key of
_MARKS = frozenset(
    [
        *("code", "fk", "guid", "id", "ident", "identifier", "ids", "key"),
        *("no", "nr", "num", "number", "pk", "ref", "sk", "uuid"),
    ]
)
#: fewer names have nothing in common that means anything
_LEAST_NAMES = 3
#: the least that two words have to have in common
_LEAST_PREFIX, _LEAST_LETTERS = 3, 2
_LEAST_ALIKE = 0.75


@dataclass(frozen=True, slots=True)
class Name:
    """A name taken apart."""

    #: what it speaks of, in singular; empty for a bare "id"
    words: tuple[str, ...]
    #: words that mark it as a key
    marks: tuple[str, ...] = ()


class Names:
    """The names of a schema; each is understood by the others."""

    def __init__(
        self, tables: Mapping[str, Sequence[str]], keys: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Take the columns of each table; `keys` are the columns that are unique."""
        split = {table: split_words(table) for table in tables}
        shared = _shared_prefix(list(split.values()))
        self.tables = {table: _singular_all(words[shared:]) for table, words in split.items()}
        self._vocabulary = {word for words in self.tables.values() for word in words}
        self._marks = _MARKS | _usual_marks(list(keys))
        self.columns = {
            (table, column): name
            for table, columns in tables.items()
            for column, name in zip(columns, self._columns(columns), strict=True)
        }

    def _columns(self, columns: Sequence[str]) -> list[Name]:
        split = [split_words(column) for column in columns]
        shared = _shared_prefix(split)
        return [self._name(words[shared:]) for words in split]

    def _name(self, words: Sequence[str]) -> Name:
        parts = [part for word in words for part in self._unglued(word)]
        marks = tuple(part for part in parts if part in self._marks)
        return Name(_singular_all([part for part in parts if part not in self._marks]), marks)

    def _unglued(self, word: str) -> Sequence[str]:
        """Part "custkey", where some table's name has a word like "cust"."""
        if word in self._marks or word in self._vocabulary:
            return (word,)
        for mark in sorted(self._marks, key=len, reverse=True):
            rest = word.removesuffix(mark)
            if rest not in ("", word) and any(alike(rest, known) for known in self._vocabulary):
                return (rest, mark)
        return (word,)

    def pointing(self, table: str, column: str, to_table: str) -> float:
        """How clearly a column's name names a table, 0 to 1; what stands before may be a role."""
        return _ending_alike(self.columns[table, column].words, self.tables[to_table])

    def pointing_at_column(self, table: str, column: str, to_table: str, to_column: str) -> float:
        """How far two columns are named alike, 0 to 1; bare marks say nothing."""
        name, other = self.columns[table, column], self.columns[to_table, to_column]
        if not name.words or not other.words:
            return 0.0
        return _ending_alike(name.words, other.words)


@lru_cache(maxsize=100_000)
def _ending_alike(words: tuple[str, ...], named: tuple[str, ...]) -> float:
    """How well the end of a name fits another name or its end, by the share that is fitted."""
    best = 0.0
    for first in range(len(words)):
        for other in range(len(named)):
            likeness = alike("".join(words[first:]), "".join(named[other:]))
            share = (len(words) - first + len(named) - other) / (len(words) + len(named))
            best = max(best, likeness * (0.6 + 0.4 * share))
    return best


@lru_cache(maxsize=100_000)
def alike(one: str, other: str) -> float:
    """How far two words may stand for the same thing, 0 to 1: equal, cut short, or abbreviated."""
    if one == other:
        return 1.0
    short, long = sorted((one, other), key=len)
    ratio = len(short) / len(long)
    if len(short) >= _LEAST_PREFIX and long.startswith(short):
        return 0.7 + 0.3 * ratio
    if len(short) >= _LEAST_LETTERS and short[0] == long[0] and _is_abbreviation(short, long):
        return 0.5 + 0.3 * ratio
    pairs, others = _pairs(one), _pairs(other)
    common = 2 * sum((pairs & others).values()) / max(1, pairs.total() + others.total())
    return 0.8 * common if common >= _LEAST_ALIKE else 0.0


def _is_abbreviation(short: str, long: str) -> bool:
    """Whether the letters stand in the word in their order, the consonants being kept."""
    letters = iter(long)
    in_order = all(letter in letters for letter in short)
    consonants = [letter for letter in short[1:] if letter not in "aeiou"]
    return in_order and len(consonants) == len(short) - 1


def _pairs(word: str) -> Counter[str]:
    return Counter(word[at : at + 2] for at in range(len(word) - 1))


def split_words(name: str) -> list[str]:
    """Part a name at marks, at digits and where small letters turn to capitals; in lower case."""
    plain = unicodedata.normalize("NFKC", name)
    words: list[str] = []
    for alnum, group in groupby(plain, key=str.isalnum):
        if alnum:
            words += _humps("".join(group))
    return [word.lower() for word in words]


def _humps(text: str) -> list[str]:
    starts = [
        at
        for at in range(1, len(text))
        if (text[at].isdigit() != text[at - 1].isdigit())
        or (text[at].isupper() and not text[at - 1].isupper())
        or (text[at].isupper() and text[at + 1 : at + 2].islower())
    ]
    return [text[a:b] for a, b in zip([0, *starts], [*starts, len(text)], strict=True)]


def _singular_all(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(singular, words))


def singular(word: str) -> str:
    """The singular of an English plural; other words stay, or lose an s on both sides alike."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word.removesuffix(ending) + instead
    plural = word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word[:-1] if plural and len(word) > _LEAST_PREFIX else word


def _shared_prefix(names: Sequence[Sequence[str]]) -> int:
    """1 where all names begin with the same word and go on behind it, else 0."""
    if len(names) < _LEAST_NAMES:
        return 0
    first = names[0][0] if names[0] else ""
    return int(all(len(name) > 1 and name[0] == first for name in names))


def _usual_marks(keys: Sequence[tuple[str, str]]) -> set[str]:
    """Words that end the names of keys in many tables, whatever the language."""
    ends = {(words[-1], table) for table, words in _split(keys) if len(words) > 1}
    least = max(_LEAST_NAMES, len({table for table, _ in keys}) / 2)
    counts = Counter(word for word, _ in ends)
    return {word for word, count in counts.items() if count >= least and not word.isdigit()}


def _split(keys: Sequence[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    return [(table, split_words(column)) for table, column in keys]
