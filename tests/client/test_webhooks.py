from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from headrace_client.webhooks import signed_headers, token_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  # the standard's example


def test_the_example_of_the_standard() -> None:
    sent_at = datetime.fromtimestamp(1614265330, UTC)
    headers = signed_headers(
        SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", sent_at, b'{"test": 2432232314}'
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_the_published_library_takes_it() -> None:
    now = datetime.now(UTC)
    headers = signed_headers(SECRET, "msg_1", now, "{}\u00e4".encode())
    Webhook(SECRET).verify("{}\u00e4", headers, json_parse=False)
    late = signed_headers(SECRET, "msg_1", now - timedelta(hours=1), b"{}")
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b"{}", late)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_a", "whsec_ä"])
def test_what_is_no_secret(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        signed_headers(secret, "msg_1", datetime.now(UTC), b"")


def test_what_no_header_can_hold() -> None:
    with pytest.raises(ValueError, match="message id"):
        signed_headers(SECRET, "a\nb", datetime.now(UTC), b"")
    with pytest.raises(ValueError, match="secret"):
        token_headers("", "msg_1")
    assert token_headers("whtok_x", "msg_1")["x-webhook-token"] == "whtok_x"
