"""Devices that are asked: whose turn it is, what is refused, an adapter over a line of them."""
