"""Asks NVIDIA's management library (NVML) for the graphics cards; the driver brings it, nothing has to be installed.

Function names and structures are those of NVIDIA's `nvml.h` (NVML API reference).
"""

from __future__ import annotations

import ctypes
from typing import Any

_LIBRARY = "libnvidia-ml.so.1"
_NAME = 96  # NVML_DEVICE_NAME_V2_BUFFER_SIZE


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class _Rates(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


def cards(library: str = _LIBRARY) -> list[tuple[str, int, int, int]] | None:
    """(name, memory, free memory, percent busy) of each card, bytes; None where there is no driver that answers."""
    try:
        nvml = ctypes.CDLL(library)
        if nvml.nvmlInit_v2():
            return None
    except (OSError, AttributeError):
        return None
    try:
        count = ctypes.c_uint(0)
        if nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)):
            return None
        found = (_card(nvml, number) for number in range(count.value))
        return [card for card in found if card is not None]
    finally:
        nvml.nvmlShutdown()


def _card(nvml: Any, number: int) -> tuple[str, int, int, int] | None:
    """None for a card that does not tell its memory, as some with a shared one."""
    device, memory, rates = ctypes.c_void_p(), _Memory(), _Rates()
    name = ctypes.create_string_buffer(_NAME)
    if nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(number), ctypes.byref(device)):
        return None
    if nvml.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)) or not memory.total:
        return None
    nvml.nvmlDeviceGetName(device, name, ctypes.c_uint(_NAME))
    busy = 0 if nvml.nvmlDeviceGetUtilizationRates(device, ctypes.byref(rates)) else int(rates.gpu)
    return name.value.decode(errors="replace"), int(memory.total), int(memory.free), busy
