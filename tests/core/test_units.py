"""Durations and sizes."""

from __future__ import annotations

import pytest

from pumpjack_core.errors import ManifestError
from pumpjack_core.units import seconds, size_bytes


@pytest.mark.parametrize(("text", "s"), [("500ms", 0.5), ("1s", 1), ("5m", 300), ("24h", 86_400)])
def test_a_duration_is_seconds(text, s):
    assert seconds(text) == s


@pytest.mark.parametrize(("text", "n"), [("4Ki", 4096), ("1Gi", 2**30), ("2Ti", 2**41)])
def test_a_size_is_bytes(text, n):
    assert size_bytes(text) == n


@pytest.mark.parametrize("text", ["", "1", "s", "1.5s", "-1s", "1 s", "1d", "1S"])
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(ManifestError, match="500ms"):
        seconds(text)


@pytest.mark.parametrize("text", ["", "1", "1G", "1GB", "-1Gi"])
def test_what_is_no_size_is_refused_with_an_example(text):
    with pytest.raises(ManifestError, match="512Mi"):
        size_bytes(text)
