"""Secrets never reach a log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from pumpjack_core import log

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


@pytest.fixture(autouse=True)
def _logging_of_this_test_only() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "text",
    [
        "connect to postgresql://pj_x_w:hunter2@db:5432/pumpjack failed",
        "rediss://:hunter2@redis:6379/0",
        "postgresql://pj_x_w:@hunter2@p@db:5432/pumpjack",
        f"Authorization: Bearer {TOKEN}",
    ],
)
def test_passwords_and_tokens_are_hidden_in_any_text(text):
    shown = log.redact(text)
    assert "hunter2" not in shown
    assert TOKEN not in shown


@pytest.mark.parametrize("key", ["token", "password", "Authorization"])
def test_a_field_with_a_secret_name_is_hidden_whatever_it_holds(key, capsys):
    log.configure(level="INFO", json=True)
    log.get_logger("test").info("sign-in", **{key: "hunter2"})
    said = capsys.readouterr().err
    assert "sign-in" in said
    assert "hunter2" not in said
