import pytest

from headrace_server.core.storage.paths import ancestors, below, normal_path
from headrace_server.model.errors import InvalidFieldError


@pytest.mark.parametrize(
    ("path", "normal"),
    [("/mnt/share", "/mnt/share"), ("/mnt/share/", "/mnt/share"), ("/a.b/..c/ d", "/a.b/..c/ d")],
)
def test_a_path_of_a_tenant(path: str, normal: str) -> None:
    assert normal_path(path, "folder_path") == normal


@pytest.mark.parametrize("path", ["", "/", "//", "mnt", "./mnt", "C:/mnt"])
def test_a_path_that_is_not_absolute_or_the_root(path: str) -> None:
    with pytest.raises(InvalidFieldError, match="local_path: must be an absolute path"):
        normal_path(path, "local_path")


@pytest.mark.parametrize("path", ["/a//b", "//a", "/a//", "/a/../b", "/..", "/a/.", "/./a"])
def test_a_path_with_other_spellings(path: str) -> None:
    with pytest.raises(InvalidFieldError, match="must hold no '//'"):
        normal_path(path, "local_path")


def test_what_holds_a_path() -> None:
    assert ancestors("/a/b c/d") == ["/a/b c/d", "/a/b c", "/a"]
    assert ancestors(f"/a/{'b' * 300}/c") == ["/a"]


def test_what_is_below_a_folder() -> None:
    assert [below("/a/b/c", folder) for folder in ("/a", "/a/b", "/a/b/c")] == ["b/c", "c", ""]
    assert below("a/b", "") == "a/b"
