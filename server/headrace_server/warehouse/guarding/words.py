"""The words of a query: how deep they lie, and how they are written for the database.

What runs is written from the words that were read, not from what came: whatever the database would
read otherwise than we did, such as a comment or the end of a string, is not there any more.
"""

import re
from collections.abc import Mapping, Sequence

from sqlglot.tokenizer_core import Token, TokenType

from headrace_server.model.errors import InvalidQueryError
from headrace_server.warehouse.guarding.quotes import quoted

#: how deep parentheses and CASE may be nested
_DEEPEST = 100
_OPEN = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSED = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
#: words in quotes, with what they must look like to be taken as they are; None: quoted anew
_QUOTED: dict[TokenType, re.Pattern[str] | None] = {
    TokenType.STRING: None,
    TokenType.HEREDOC_STRING: None,
    TokenType.IDENTIFIER: None,
    TokenType.NATIONAL_STRING: re.compile(r"[nN]'(?:[^']|'')*'"),
    TokenType.BYTE_STRING: re.compile(r"[eE]'(?:[^'\\]|\\.|'')*'", re.DOTALL),
    TokenType.UNICODE_STRING: re.compile(r"[uU]&'(?:[^']|'')*'"),
    TokenType.BIT_STRING: re.compile(r"[bB]'[01]*'|0[bB][01]+"),
    TokenType.HEX_STRING: re.compile(r"[xX]'[0-9A-Fa-f]*'|0[xX][0-9A-Fa-f]+"),
}
#: what no other word holds
_MARKS = re.compile(r"""['"`;\\]|--|/\*|\*/""")


def check_depth(tokens: Sequence[Token]) -> None:
    """Raise InvalidQueryError where parentheses are nested too deep to be read."""
    depth = 0
    for token in tokens:
        depth += (token.token_type in _OPEN) - (token.token_type in _CLOSED)
        if depth > _DEEPEST:
            raise refusal(f"must not be nested deeper than {_DEEPEST} levels", token)


def written(sql: str, tokens: Sequence[Token], changes: Mapping[int, str]) -> tuple[str, list[int]]:
    """Write words for the database; `changes` says what stands in place of some, by their number.

    Returns the text, and where each word begins in it. Raises InvalidQueryError.
    """
    pieces: list[str] = []
    starts: list[int] = []
    length = 0
    for number, token in enumerate(tokens):
        gap = _gap(sql, tokens[number - 1], token) if number else ""
        piece = changes.get(number)
        if piece is None:
            piece = _word(sql, token)
        starts.append(length + len(gap))
        pieces += (gap, piece)
        length += len(gap) + len(piece)
    return "".join(pieces), starts


def _gap(sql: str, before: Token, token: Token) -> str:
    """What parts two words: nothing where nothing did, unless they would be read as one."""
    between = sql[before.end + 1 : token.start]
    if between:
        return "\n" if "\n" in between else " "
    parted = before.token_type in {TokenType.DOT, TokenType.COMMA, TokenType.L_PAREN}
    return " " if token.token_type in _QUOTED and not parted else ""


def _word(sql: str, token: Token) -> str:
    text = sql[token.start : token.end + 1]
    if token.token_type not in _QUOTED:
        if _MARKS.search(text):
            raise refusal(f"{text!r} cannot be read", token)
        return text
    form = _QUOTED[token.token_type]
    if form is None:
        return quoted(token.text, '"' if token.token_type == TokenType.IDENTIFIER else "'")
    if not form.fullmatch(text):
        raise refusal("the string cannot be read: write it in plain quotes", token)
    return text


def refusal(description: str, token: Token | None) -> InvalidQueryError:
    """The error at a word."""
    if token is None:
        return InvalidQueryError.at(description, None, None)
    column = token.col - (token.end - token.start)
    return InvalidQueryError.at(description, token.line, max(1, column))
