"""Journals that a worker left behind: what waits in them, and how it is stored.

A worker empties its own journal. These are for one that has no worker any more: a claim that was
kept when its connection was deleted, the disk of a machine that is gone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pumpjack_cli.output import Output, OutputOption

if TYPE_CHECKING:
    from pumpjack_cli.journals.drain import Drained
    from pumpjack_cli.journals.heir import Tally
    from pumpjack_cli.journals.look import Look

EXAMPLES = {
    "status": """
pumpjack journal status /var/lib/pumpjack/journal
pumpjack journal status .pumpjack/journals/* --output json
""",
    "drain": """
pumpjack journal drain /mnt/journal --database-url postgresql://pj_723b196d1eacad428621_w:secret@db.example/wells
pumpjack journal drain
pumpjack journal drain /mnt/journal --connection permian-ops/pad7 --protocol modbus-tcp
""",
}
DAMAGED = 3
"""Exit code of a drain that stored what could be read of a damaged journal."""
FolderArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="FOLDER…",
        envvar="PUMPJACK_JOURNAL_DIR",
        help="Folder with a journal.db. In a worker's pod its own, when none is given.",
        show_default=False,
        show_envvar=False,
    ),
]


def journal_status(*, folder: FolderArgument, output: OutputOption = Output.text) -> None:
    """Say what waits in journals. Changes nothing, and a worker may have them open.

    Each batch is read and its checksum compared, so a damaged journal tells what could be saved.

    Exit codes: 0 every journal is sound, 1 one is damaged or is none, 2 wrong usage.
    """
    import msgspec

    from pumpjack_cli.journals.look import look

    seen = [look(one) for one in folder]
    if output is Output.json:
        typer.echo(msgspec.json.format(msgspec.json.encode(seen)).decode())
    else:
        typer.echo("\n\n".join("\n".join(_status(one)) for one in seen))
    raise typer.Exit(1 if any(one.damage or one.unreadable for one in seen) else 0)


def journal_drain(
    *,
    folder: FolderArgument,
    database_url: Annotated[
        str,
        typer.Option(
            envvar="PUMPJACK_DATABASE_URL",
            help="The database, as the writer of the connection's tenant.",
        ),
    ],
    connection: Annotated[
        str | None,
        typer.Option(
            metavar="NAMESPACE/NAME", help="Whose it is, of a journal too damaged to tell it."
        ),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="What the connection speaks (modbus-tcp, opcua, mqtt), where the database does "
            "not know it: a new database, or one that was put back to before its first reading."
        ),
    ] = None,
    patience: Annotated[
        str, typer.Option(help="How long a database that takes nothing is tried: 30s, 5m.")
    ] = "1m",
    output: OutputOption = Output.text,
) -> None:
    """Store what waits in journals that have no worker any more, and leave them empty.

    Oldest first, each reading once: also when it is cut off and begun again, when the worker comes
    back and goes on, or when a copy of the journal was drained before. It takes no fence, so a
    worker of the same connection goes on reading. A journal that a worker has open is refused: that
    worker stores it. What can be read of a damaged one is stored, and the damaged file is kept
    beside it.

    The login is the tenant's writer: the key database-url of the Secret pumpjack-stores in its
    namespace. Run it as the user that the worker ran as.

    Exit codes: 0 nothing waits any more, 1 something does (the reason is told), 2 wrong usage,
    3 nothing waits any more and something could not be read.
    """
    import asyncio

    import msgspec

    from pumpjack_cli.journals.drain import drain
    from pumpjack_cli.quiet import quiet_logs
    from pumpjack_core.units import seconds

    quiet_logs()
    patience_s = seconds(patience)
    done: list[Drained] = []
    for one in folder:
        done.append(
            asyncio.run(
                drain(
                    one,
                    database_url,
                    connection_id=connection,
                    protocol=protocol,
                    patience_s=patience_s,
                    progress=_Progress(one).moved,
                    say=lambda line: typer.echo(line, err=True),
                )
            )
        )
        if output is Output.text:
            typer.echo("\n".join(_drained(done[-1])))
    if output is Output.json:
        typer.echo(msgspec.json.format(msgspec.json.encode(done)).decode())
    damaged = any(one.found.damage or one.found.unreadable for one in done)
    raise typer.Exit(DAMAGED if damaged else 0)


class _Progress:
    """A line on stderr now and then."""

    EVERY_S = 2.0

    def __init__(self, folder: Path) -> None:
        import time

        self._now = time.monotonic
        self._folder = folder
        self._told_at = self._now()

    def moved(self, left: int, tally: Tally) -> None:
        """After each transaction."""
        if self._now() - self._told_at >= self.EVERY_S:
            self._told_at = self._now()
            typer.echo(
                f"{self._folder}: {tally.stored:,} readings stored, {left:,} batches wait", err=True
            )


def _status(seen: Look) -> list[str]:
    from pumpjack_core.clock import iso_us

    lines = [
        f"{seen.folder}: {seen.connection_id or 'of an unknown connection'}"
        + (", a worker has it open" if seen.in_use else "")
    ]
    if seen.first_us is None or seen.last_us is None:
        lines.append("  nothing waits in it")
    else:
        lines += [
            f"  {seen.readings:,} readings wait in {seen.batches:,} batches, {seen.bytes:,} bytes",
            f"  received from {iso_us(seen.first_us)} to {iso_us(seen.last_us)}",
        ]
    if seen.journal_id:
        lines.append(f"  journal {seen.journal_id}")
    if seen.damage:
        lines.append(f"  damaged: {seen.damage}; what is counted above can be saved")
    if seen.unreadable:
        lines.append(f"  {seen.unreadable:,} batches cannot be read")
    lines += [f"  {name} is kept of earlier damage" for name in seen.set_aside]
    return lines


def _drained(done: Drained) -> list[str]:
    did = done.did
    lines = [
        f"{done.found.folder}: nothing waits any more; {did.stored:,} readings stored"
        f" ({did.shifted:,} shifted), {did.duplicates + did.known:,} were there,"
        f" {did.quarantined:,} quarantined"
    ]
    if done.found.damage:
        lines.append(
            f"  it was damaged ({done.found.damage}); the damaged file is kept in the folder as "
            "journal.damaged-*.db"
        )
    if done.found.unreadable:
        lines.append(f"  {done.found.unreadable:,} batches could not be read and are not stored")
    return lines
