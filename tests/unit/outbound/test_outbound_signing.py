"""Signatures as the Standard Webhooks specification has them."""

from __future__ import annotations

import pytest

from countermand.outbound.signing import key_of, signed

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_message_is_signed_as_the_specification_shows() -> None:
    """The example that its own libraries are tested with."""
    headers = signed(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_of_id_time_and_body_is_signed() -> None:
    of = {
        signed(SECRET, message_id, seconds, body)["webhook-signature"]
        for message_id in ("a", "b")
        for seconds in (1, 2)
        for body in (b"x", b"y")
    }
    assert len(of) == 8


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "must begin with whsec_"),
        ("whsec_not base64!", "must be base64"),
        ("whsec_dG9vIHNob3J0", "must hold a key of 24 to 64 bytes"),
        ("whsec_" + "QUFB" * 30, "must hold a key of 24 to 64 bytes"),
        ("", "must begin with whsec_"),
    ],
)
def test_a_secret_that_is_none_is_refused_without_being_repeated(secret: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        key_of(secret)
    assert not secret or secret.removeprefix("whsec_") not in str(caught.value)
