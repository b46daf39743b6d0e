"""python -m pumpjack_gateway."""

import sys

from pumpjack_gateway.main import main

sys.exit(main())
