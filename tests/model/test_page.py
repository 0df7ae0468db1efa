from headrace_server.model.page import DEFAULT_PAGE_SIZE, Page, PageRequest


def test_no_size_means_the_default() -> None:
    assert PageRequest().limit == DEFAULT_PAGE_SIZE == 100
    assert PageRequest(size=7).limit == 7


def test_a_page_without_more_has_no_next_token() -> None:
    assert Page(("a",)).next_token == ""
