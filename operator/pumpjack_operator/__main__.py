"""python -m pumpjack_operator."""

from pumpjack_operator.main import main

main()
