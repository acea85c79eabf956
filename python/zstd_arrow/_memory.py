"""Memory that waits for the next call: native, with signatures in the stub beside this file."""

from zstd_arrow._native import idle_memory, set_idle_limit

__all__ = ["idle_memory", "set_idle_limit"]
