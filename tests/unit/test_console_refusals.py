"""Where a page of the console cannot be shown, the reader is told why in their language."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request

from appliance.desk import Forbidden, Gone
from appliance.store.errors import StoreUnavailable
from ui.site import Site


def _said(error: Exception, lang: str) -> tuple[int, str]:
    anything: Any = None  # a refusal needs neither the house nor its doors
    scope = {"type": "http", "path": "/leads", "query_string": b"", "headers": [(b"accept-language", lang.encode())]}
    answer = Site(FastAPI(), anything, anything)._refused(Request(scope), error)
    return answer.status_code, bytes(answer.body).decode()


@pytest.mark.parametrize(
    ("error", "status", "english", "russian"),
    [
        (Forbidden(), 403, "", ""),
        (Gone(), 404, "changed it meanwhile", "уже изменил"),
        (StoreUnavailable("away"), 503, "The database does not answer", "База данных не отвечает"),
        (TimeoutError(), 503, "This page is taking too long", "открывается слишком долго"),
        (ZeroDivisionError(), 500, "This page could not be shown", "Страницу не удалось показать"),
    ],
)
def test_a_page_that_fails_says_so_in_the_readers_language(
    error: Exception, status: int, english: str, russian: str
) -> None:
    for lang, words in (("en", english), ("ru", russian)):
        code, page = _said(error, lang)
        assert code == status and words in page and f'<html lang="{lang}">' in page
        assert type(error).__name__ not in page and "Traceback" not in page
