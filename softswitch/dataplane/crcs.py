"""Hashes whose parameters controllers may set (`HashAlgorithm.crc16_custom`, `crc32_custom`)."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from softswitch.dataplane import native
from softswitch.dataplane.handle import PipelineHandle
from softswitch.model import CrcInfo

_WORD = (1 << 32) - 1


@dataclass(frozen=True)
class CrcParameters:
    """Numbers of as many bits as the CRC has; more are cut off."""

    polynomial: int
    initial: int
    final_xor: int
    data_reflected: bool
    remainder_reflected: bool


class Crc:
    """One call of hash(). Until it is set it is the standard CRC of its width."""

    def __init__(self, handle: PipelineHandle, info: CrcInfo) -> None:
        self.info = info
        self._handle = handle

    def set(self, parameters: CrcParameters) -> None:
        words = np.array([int(value) & _WORD for value in astuple(parameters)], np.uint32)
        with self._handle.use() as pipeline:
            native.check(native.library().ss_pipeline_set_crc(pipeline, self.info.index, words.ctypes.data))

    def read(self) -> CrcParameters:
        words = np.zeros(5, np.uint32)
        with self._handle.use() as pipeline:
            native.check(native.library().ss_pipeline_get_crc(pipeline, self.info.index, words.ctypes.data))
        polynomial, initial, final_xor, data, remainder = words.tolist()
        return CrcParameters(polynomial, initial, final_xor, bool(data), bool(remainder))
