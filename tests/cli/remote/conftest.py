"""A gateway and its field, as the tests of the gateway have them."""

from tests.gateway.commands.conftest import (  # noqa: F401 - fixtures
    commands_database,
    field,
    gateway,
)
