"""Dictionaries: native, with signatures in the stub beside this file."""

from zstd_arrow._native import Dictionary, train_dictionary

__all__ = ["Dictionary", "train_dictionary"]
