"""What is wrong with a process picture."""

from pumpjack_core.errors import ManifestError


class PictureError(ManifestError):
    """A picture or its template cannot be used; says why."""
