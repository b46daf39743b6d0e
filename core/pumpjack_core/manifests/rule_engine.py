"""The engine of CEL rules, without the command line that its package imports as well.

That one brings prompt_toolkit and pygments: 0.6 s and 23 MB at each start of ours. An empty module
stands in its place, which nobody looks at.
"""

from __future__ import annotations

import sys
from types import ModuleType

sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))

import cel  # noqa: E402

__all__ = ["cel"]
