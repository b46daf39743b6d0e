"""Alarms after ISA-18.2, as the gateway shows them, takes actions on them, and sends them on."""
