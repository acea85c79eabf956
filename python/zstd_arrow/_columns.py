"""Whole columns through zstd: native functions, with signatures in the stub beside this file."""

from zstd_arrow._native import compress, decompress, decompressed_size, frame_info

__all__ = ["compress", "decompress", "decompressed_size", "frame_info"]
