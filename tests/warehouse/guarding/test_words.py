import pytest
from sqlglot.tokenizer_core import Token, TokenType

from headrace_server.model.errors import InvalidQueryError
from headrace_server.warehouse.guarding.words import written


def test_words_are_told_where_they_begin() -> None:
    tokens = [
        Token(TokenType.SELECT, "SELECT", 1, 6, 0, 5),
        Token(TokenType.STRING, "it's", 1, 20, 13, 19),
        Token(TokenType.COMMA, ",", 1, 21, 20, 20),
    ]
    assert written("SELECT /*c*/ 'it''s',", tokens, {}) == ("SELECT 'it''s',", [0, 7, 14])
    assert written("SELECT /*c*/ 'it''s',", tokens, {1: ""}) == ("SELECT ,", [0, 7, 7])


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (TokenType.VAR, "a'b"),
        (TokenType.VAR, "a;"),
        (TokenType.VAR, "a--"),
        (TokenType.BYTE_STRING, r"E'a\'"),
        (TokenType.UNICODE_STRING, "U&'a"),
        (TokenType.HEX_STRING, "x'zz'"),
    ],
)
def test_a_word_that_the_database_might_read_otherwise_is_refused(
    kind: TokenType, text: str
) -> None:
    with pytest.raises(InvalidQueryError, match="cannot be read"):
        written(text, [Token(kind, text, 1, len(text), 0, len(text) - 1)], {})
