from typing import Self, TypeAlias, final

from typing_extensions import Buffer

from zstd_arrow._typing import (
    ArrowArrayExportable,
    ArrowStreamExportable,
    ForeignBuffer,
    ForeignCollection,
    ForeignDictionary,
)

__all__ = ["Dictionary", "train_dictionary"]

# What is taken where a dictionary is needed.
_AnyDictionary: TypeAlias = Dictionary | Buffer | ForeignDictionary

@final
class Dictionary:
    def __new__(cls, data: Buffer, *, raw_content: bool = False) -> Self: ...
    @property
    def id(self) -> int: ...
    def __len__(self) -> int: ...
    def __bytes__(self) -> bytes: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __getnewargs_ex__(self) -> tuple[tuple[bytes], dict[str, bool]]: ...

def train_dictionary(
    column: ArrowArrayExportable | ArrowStreamExportable | ForeignBuffer | ForeignCollection,
    size: int = 112640,
    level: int = 3,
) -> Dictionary: ...
