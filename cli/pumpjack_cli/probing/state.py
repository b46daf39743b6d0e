"""Where an adapter that only visits a device keeps what it must keep."""

from __future__ import annotations

from pathlib import Path

from pumpjack_cli.local.datadir import DataDir
from pumpjack_core.config import Connection

NONE = "None"


def state_folder(connection: Connection, data_dir: Path, temporary: Path) -> Path:
    """The folder for Surroundings.state.

    With OPC UA's security it is the worker's own: a device that was told to trust our certificate
    would not know another one, and whom the worker trusts is said there too. It is made where it
    is missing, so that the certificate can be trusted before the worker runs. Else a folder that
    goes with this look.
    """
    opcua = connection.spec.opcua
    if opcua is None or opcua.security == NONE:
        return temporary / "state"
    data = DataDir(data_dir)
    data.prepare()
    return data.device_state(connection.connection_id)
