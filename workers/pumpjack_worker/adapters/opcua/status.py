"""Status codes of OPC UA as quality: OPC 10000-8, section 6.3.2, and OPC 10000-4, section 7.39."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pumpjack_core.quality import Level, Reason, quality
from pumpjack_core.readings import Int16s

UInt32s = NDArray[np.uint32]

CODE_MASK = 0xFFFF0000
"""The code itself; below it stand bits of information."""
SEVERITY_SHIFT = 30
_DATA_VALUE_INFO, _INFO_MASK, _OVERFLOW = 0x0400, 0x0C00, 0x0080

_BAD = {
    0x80050000: Reason.COMM_FAILURE,  # BadCommunicationError
    0x800A0000: Reason.COMM_FAILURE,  # BadTimeout
    0x800D0000: Reason.COMM_FAILURE,  # BadServerNotConnected
    0x80310000: Reason.COMM_FAILURE,  # BadNoCommunication
    0x80320000: Reason.COMM_FAILURE,  # BadWaitingForInitialData
    0x808A0000: Reason.COMM_FAILURE,  # BadNotConnected
    0x80330000: Reason.CONFIG_ERROR,  # BadNodeIdInvalid
    0x80340000: Reason.CONFIG_ERROR,  # BadNodeIdUnknown
    0x80350000: Reason.CONFIG_ERROR,  # BadAttributeIdInvalid
    0x80740000: Reason.CONFIG_ERROR,  # BadTypeMismatch
    0x80890000: Reason.CONFIG_ERROR,  # BadConfigurationError
    0x803C0000: Reason.OUT_OF_RANGE,  # BadOutOfRange
    0x808B0000: Reason.DEVICE_BAD,  # BadDeviceFailure
    0x808C0000: Reason.SENSOR_FAILURE,  # BadSensorFailure
    0x808D0000: Reason.OUT_OF_SERVICE,  # BadOutOfService
}
_UNCERTAIN = {
    0x408F0000: Reason.LAST_KNOWN,  # UncertainNoCommunicationLastUsableValue
    0x40900000: Reason.LAST_KNOWN,  # UncertainLastUsableValue
    0x40910000: Reason.LOCAL_OVERRIDE,  # UncertainSubstituteValue: put in by hand
    0x40940000: Reason.OUT_OF_RANGE,  # UncertainEngineeringUnitsExceeded
}
_GOOD = {
    0x00960000: Reason.LOCAL_OVERRIDE,  # GoodLocalOverride
}


def quality_of(status: int) -> int:
    """Quality of one status code."""
    code, severity = status & CODE_MASK, status >> SEVERITY_SHIFT
    if severity == 0:
        return quality(Level.GOOD, _GOOD.get(code, Reason.NONE))
    if severity == 1:
        return quality(Level.UNCERTAIN, _UNCERTAIN.get(code, Reason.DEVICE_UNCERTAIN))
    return quality(Level.BAD, _BAD.get(code, Reason.DEVICE_BAD))


def qualities_of(status: UInt32s) -> Int16s:
    """Quality of each status code."""
    if not status.any():
        return np.zeros(len(status), np.int16)
    codes, where = np.unique(status, return_inverse=True)
    table = np.array([quality_of(int(code)) for code in codes], np.int16)
    return table[where]


def overflows(status: UInt32s) -> NDArray[np.bool_]:
    """Which say that the server's queue was full and values before them were lost."""
    full: NDArray[np.bool_] = (status & _INFO_MASK) == _DATA_VALUE_INFO
    full &= status & _OVERFLOW != 0
    return full
