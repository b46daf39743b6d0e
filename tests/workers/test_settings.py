"""What a worker is told by its environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumpjack_core.errors import ManifestError
from pumpjack_worker.settings import read

NEEDED = {
    "PUMPJACK_CONFIG_DIR": "/etc/pumpjack",
    "PUMPJACK_JOURNAL_DIR": "/var/lib/pumpjack",
    "PUMPJACK_DATABASE_URL": "postgresql://w@db/pumpjack",
    "PUMPJACK_REDIS_URL": "redis://redis:6379",
}


def test_the_needed_settings_are_enough():
    settings = read(NEEDED)
    assert settings.config_dir == Path("/etc/pumpjack")
    assert settings.drain_s == 10.0


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_setting_is_named(name):
    with pytest.raises(ManifestError, match=name):
        read({key: value for key, value in NEEDED.items() if key != name})


@pytest.mark.parametrize("name", NEEDED)
def test_an_empty_setting_is_none(name):
    with pytest.raises(ManifestError, match=name):
        read({**NEEDED, name: ""})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUMPJACK_DRAIN_S", "soon"),
        ("PUMPJACK_DRAIN_S", "nan"),
        ("PUMPJACK_DRAIN_S", "-1"),
        ("PUMPJACK_LOG_LEVEL", "LOUD"),
        ("PUMPJACK_REDIS_URL", "valkey.example:6379"),
    ],
)
def test_a_wrong_value_is_named(name, value):
    with pytest.raises(ManifestError, match=f"{name}.*{value}"):
        read({**NEEDED, name: value})


def test_secrets_are_where_they_are_mounted_or_nowhere():
    assert read(NEEDED).secrets_dir is None
    given = read({**NEEDED, "PUMPJACK_SECRETS_DIR": "/run/secrets/device"})
    assert given.secrets_dir == Path("/run/secrets/device")
