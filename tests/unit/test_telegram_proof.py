"""What Telegram signs is believed only as it was signed, by our bot's token, and only while it is fresh."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from appliance.core.telegram_proof import app_account, widget_account

TOKEN = "123456:TEST"
AT = datetime.fromtimestamp(1_700_000_000, UTC)

# printf 'auth_date=1700000000\nfirst_name=Анна\nid=900' | openssl dgst -sha256 -mac HMAC \
#   -macopt hexkey:$(printf '123456:TEST' | openssl dgst -sha256 -hex | cut -d' ' -f2)
WIDGET = {
    "id": "900",
    "first_name": "Анна",
    "auth_date": "1700000000",
    "hash": "bcae1dd91a533b6f61bba2b0b03293317882783d8f65704d1427c5c432d9b48a",
}

# key: printf '123456:TEST' | openssl dgst -sha256 -hmac WebAppData
# printf 'auth_date=1700000000\nquery_id=Q\nuser={"id":900,"first_name":"Анна"}' | openssl dgst -sha256 -mac HMAC \
#   -macopt hexkey:<key>
APP = {
    "query_id": "Q",
    "user": '{"id":900,"first_name":"Анна"}',
    "auth_date": "1700000000",
    "hash": "2b5c1598c6c76fbe86c4753c58046a1247408f034c013d249c97f556c7ef0cb7",
}


def test_a_signed_and_fresh_proof_names_its_account() -> None:
    assert widget_account(WIDGET, token=TOKEN, now=AT) == 900
    assert app_account(urlencode(APP), token=TOKEN, now=AT + timedelta(minutes=4)) == 900


@pytest.mark.parametrize(
    "change",
    [{"id": "901"}, {"auth_date": "1700000001"}, {"hash": "0" * 64}, {"hash": ""}, {"is_admin": "1"}, {"hash": "é"}],
)
def test_a_proof_that_was_touched_is_nothing(change: dict[str, str]) -> None:
    assert widget_account(WIDGET | change, token=TOKEN, now=AT) is None
    assert app_account(urlencode(APP | change), token=TOKEN, now=AT) is None


def test_an_old_proof_one_from_the_future_and_one_of_another_bot_are_nothing() -> None:
    for now in (AT + timedelta(minutes=6), AT - timedelta(minutes=2), datetime(2026, 11, 22, tzinfo=UTC)):
        assert widget_account(WIDGET, token=TOKEN, now=now) is None
        assert app_account(urlencode(APP), token=TOKEN, now=now) is None
    assert widget_account(WIDGET, token="123456:OTHER", now=AT) is None
    assert widget_account(WIDGET, token="", now=AT) is None and app_account(urlencode(APP), token="", now=AT) is None


def test_a_widgets_proof_is_none_for_the_mini_app_and_the_other_way_round() -> None:
    assert app_account(urlencode(WIDGET), token=TOKEN, now=AT) is None
    assert widget_account(APP, token=TOKEN, now=AT) is None


def test_what_is_no_proof_at_all_is_nothing() -> None:
    for rubbish in ("", "hash=", "user=%7B", "auth_date=x&hash=y", "&&&==="):
        assert app_account(rubbish, token=TOKEN, now=AT) is None
    assert widget_account({}, token=TOKEN, now=AT) is None
