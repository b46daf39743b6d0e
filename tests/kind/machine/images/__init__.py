"""Images for a machine that reaches no image registry, of Debian's packages.

python -m tests.kind.machine.images base       what ours are built on: Python, and little else
python -m tests.kind.machine.images servers    PostgreSQL with TimescaleDB, Valkey and mosquitto

Each makes the image where it is missing, and prints its name. deploy/kind/images.sh calls it; with
a registry nothing here is used. Sources: debian/trixie.
"""
