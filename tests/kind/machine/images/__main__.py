"""python -m tests.kind.machine.images: see the package."""

from __future__ import annotations

import argparse
import sys

from tests.kind.machine import steps
from tests.kind.machine.images.debian_image import DEBIAN_IMAGES, made


def main() -> None:
    """Print the name of an image that is there then; what is done goes to the standard error."""
    parser = argparse.ArgumentParser(prog="python -m tests.kind.machine.images")
    parser.add_argument("which", choices=sorted(DEBIAN_IMAGES))
    try:
        print(made(parser.parse_args().which))
    except steps.Impossible as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
