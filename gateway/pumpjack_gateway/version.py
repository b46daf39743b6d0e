"""Which version this is: told by OpenAPI and to the screens."""

VERSION = "0.1.0"
