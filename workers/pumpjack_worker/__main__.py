"""python -m pumpjack_worker."""

from pumpjack_worker.main import main

main()
