"""python-zstandard 0.25's buffer types, one-shot and batch calls, on this package's codec.

Change the import and keep the code::

    import zstd_arrow.zstandard as zstandard

The arguments, the results (frames byte for byte), the types of exceptions and their messages are
those of python-zstandard 0.25 with libzstd 1.5.7. The streaming interfaces are not here. Inputs on
which python-zstandard crashes, is wrong or loses data have another outcome here: the page
``docs/python-zstandard.md`` lists them, and what is left out.

>>> compressor = ZstdCompressor(level=3)
>>> frames = compressor.multi_compress_to_buffer([b"one", b"two", b"three"], threads=2)
>>> len(frames)
3
>>> values = ZstdDecompressor().multi_decompress_to_buffer(frames, threads=2)
>>> [value.tobytes() for value in values]
[b'one', b'two', b'three']

A "bytes-like" argument is any object with a C-contiguous buffer. Where it can be written to
(`bytearray`), it is copied before other threads of Python run. Every class can be subclassed except
the four buffer types, and every object can be used by several threads at once.
"""

from __future__ import annotations

import operator
import os
from typing import TYPE_CHECKING, Any, NoReturn, SupportsIndex, TypeVar, cast, overload

from zstd_arrow import _native
from zstd_arrow._native import (
    BufferSegment,
    BufferSegments,
    BufferWithSegments,
    BufferWithSegmentsCollection,
    Dictionary,
    __version__,
)
from zstd_arrow.errors import ZstdError

if TYPE_CHECKING:
    from typing import Self

    from typing_extensions import Buffer

    from zstd_arrow._native import _LevelParameters

__all__ = [
    "BLOCKSIZELOG_MAX",
    "BLOCKSIZE_MAX",
    "CHAINLOG_MAX",
    "CHAINLOG_MIN",
    "COMPRESSION_RECOMMENDED_INPUT_SIZE",
    "COMPRESSION_RECOMMENDED_OUTPUT_SIZE",
    "COMPRESSOBJ_FLUSH_BLOCK",
    "COMPRESSOBJ_FLUSH_FINISH",
    "CONTENTSIZE_ERROR",
    "CONTENTSIZE_UNKNOWN",
    "DECOMPRESSION_RECOMMENDED_INPUT_SIZE",
    "DECOMPRESSION_RECOMMENDED_OUTPUT_SIZE",
    "DICT_TYPE_AUTO",
    "DICT_TYPE_FULLDICT",
    "DICT_TYPE_RAWCONTENT",
    "FLUSH_BLOCK",
    "FLUSH_FRAME",
    "FORMAT_ZSTD1",
    "FORMAT_ZSTD1_MAGICLESS",
    "FRAME_HEADER",
    "HASHLOG_MAX",
    "HASHLOG_MIN",
    "LDM_BUCKETSIZELOG_MAX",
    "LDM_MINMATCH_MAX",
    "LDM_MINMATCH_MIN",
    "MAGIC_NUMBER",
    "MAX_COMPRESSION_LEVEL",
    "MINMATCH_MAX",
    "MINMATCH_MIN",
    "SEARCHLENGTH_MAX",
    "SEARCHLENGTH_MIN",
    "SEARCHLOG_MAX",
    "SEARCHLOG_MIN",
    "STRATEGY_BTLAZY2",
    "STRATEGY_BTOPT",
    "STRATEGY_BTULTRA",
    "STRATEGY_BTULTRA2",
    "STRATEGY_DFAST",
    "STRATEGY_FAST",
    "STRATEGY_GREEDY",
    "STRATEGY_LAZY",
    "STRATEGY_LAZY2",
    "TARGETLENGTH_MAX",
    "TARGETLENGTH_MIN",
    "WINDOWLOG_MAX",
    "WINDOWLOG_MIN",
    "ZSTD_VERSION",
    "BufferSegment",
    "BufferSegments",
    "BufferWithSegments",
    "BufferWithSegmentsCollection",
    "ZstdCompressionDict",
    "ZstdCompressionParameters",
    "ZstdCompressor",
    "ZstdDecompressor",
    "ZstdError",
    "__version__",
    "backend",
    "backend_features",
    "compress",
    "decompress",
    "train_dictionary",
]

_Item = TypeVar("_Item", bound="Buffer")

backend = "rust"
"""What does the work. python-zstandard says "cext", "cffi" or "rust" here."""

backend_features = {"buffer_types", "multi_compress_to_buffer", "multi_decompress_to_buffer"}
"""The optional parts of python-zstandard that are here."""

ZSTD_VERSION = _native.ZSTD_VERSION
"""The version of libzstd."""

MAGIC_NUMBER = 0xFD2FB528
"""What a frame begins with (RFC 8878, section 3.1.1), as a number."""
FRAME_HEADER = b"\x28\xb5\x2f\xfd"
"""What a frame begins with, as bytes."""
CONTENTSIZE_UNKNOWN = 2**64 - 1
"""What stands for the size of content that a frame does not say."""
CONTENTSIZE_ERROR = 2**64 - 2
"""What stands for the size of content where there is no frame."""

FORMAT_ZSTD1 = 0
"""Frames as RFC 8878 has them."""
FORMAT_ZSTD1_MAGICLESS = 1
"""Frames without the four bytes of `FRAME_HEADER`."""

DICT_TYPE_AUTO = 0
"""A full dictionary if it begins as one, else raw content."""
DICT_TYPE_RAWCONTENT = 1
"""Raw content, whatever it begins with."""
DICT_TYPE_FULLDICT = 2
"""A full dictionary (RFC 8878, section 5), nothing else."""

MAX_COMPRESSION_LEVEL = 22
"""The highest level: the smallest frames, and the slowest."""
BLOCKSIZELOG_MAX = 17
"""The most bytes of a block's content, as a power of two."""
BLOCKSIZE_MAX = 1 << BLOCKSIZELOG_MAX
"""The most bytes of a block's content: 128 KiB."""

WINDOWLOG_MIN = 10
"""The least `window_log`: the largest distance of a match, as a power of two."""
WINDOWLOG_MAX = 31
"""The greatest `window_log`."""
CHAINLOG_MIN = 6
"""The least `chain_log`: the table of earlier positions, as a power of two."""
CHAINLOG_MAX = 30
"""The greatest `chain_log`."""
HASHLOG_MIN = 6
"""The least `hash_log`: the table of first positions, as a power of two."""
HASHLOG_MAX = 30
"""The greatest `hash_log`."""
SEARCHLOG_MIN = 1
"""The least `search_log`: how many positions are tried, as a power of two."""
SEARCHLOG_MAX = 30
"""The greatest `search_log`."""
MINMATCH_MIN = 3
"""The least `min_match`: bytes of the shortest match that is looked for."""
MINMATCH_MAX = 7
"""The greatest `min_match`."""
SEARCHLENGTH_MIN = MINMATCH_MIN
"""An older name of `MINMATCH_MIN`."""
SEARCHLENGTH_MAX = MINMATCH_MAX
"""An older name of `MINMATCH_MAX`."""
TARGETLENGTH_MIN = 0
"""The least `target_length`: bytes of a match that is good enough to stop at."""
TARGETLENGTH_MAX = 131_072
"""The greatest `target_length`."""
LDM_MINMATCH_MIN = 4
"""The least `ldm_min_match`: bytes of the shortest match at a long distance."""
LDM_MINMATCH_MAX = 4096
"""The greatest `ldm_min_match`."""
LDM_BUCKETSIZELOG_MAX = 8
"""The greatest `ldm_bucket_size_log`."""

STRATEGY_FAST = 1
"""The fastest of libzstd's strategies; each one behind it finds more, and takes longer."""
STRATEGY_DFAST = 2
"""As `STRATEGY_FAST`, with two tables."""
STRATEGY_GREEDY = 3
"""The first good match is taken."""
STRATEGY_LAZY = 4
"""A match one byte further on is looked at too."""
STRATEGY_LAZY2 = 5
"""Matches up to two bytes further on are looked at too."""
STRATEGY_BTLAZY2 = 6
"""As `STRATEGY_LAZY2`, with binary trees."""
STRATEGY_BTOPT = 7
"""The cheapest sequence of matches, with binary trees."""
STRATEGY_BTULTRA = 8
"""As `STRATEGY_BTOPT`, with a better estimate of the cost."""
STRATEGY_BTULTRA2 = 9
"""As `STRATEGY_BTULTRA`, in two passes."""

# For the streaming interfaces, which are not here: programs that name them can be imported.
FLUSH_BLOCK = 0
"""Of the streaming interfaces, which are not here."""
FLUSH_FRAME = 1
"""Of the streaming interfaces, which are not here."""
COMPRESSOBJ_FLUSH_FINISH = 0
"""Of the streaming interfaces, which are not here."""
COMPRESSOBJ_FLUSH_BLOCK = 1
"""Of the streaming interfaces, which are not here."""
COMPRESSION_RECOMMENDED_INPUT_SIZE = BLOCKSIZE_MAX
"""Of the streaming interfaces, which are not here."""
COMPRESSION_RECOMMENDED_OUTPUT_SIZE = 131_591
"""Of the streaming interfaces, which are not here."""
DECOMPRESSION_RECOMMENDED_INPUT_SIZE = BLOCKSIZE_MAX + 3
"""Of the streaming interfaces, which are not here."""
DECOMPRESSION_RECOMMENDED_OUTPUT_SIZE = BLOCKSIZE_MAX
"""Of the streaming interfaces, which are not here."""

# libzstd's bounds of what python-zstandard has no constants for.
_LOWEST_LEVEL = -131_072
_DEFAULT_LEVEL = 3
_MOST_THREADS = 256
_SMALLEST_JOB, _LARGEST_JOB = 1 << 19, 1 << 30
_LARGEST_OVERLAP = 9
_SMALLEST_WINDOW, _LARGEST_WINDOW = 1 << WINDOWLOG_MIN, 1 << WINDOWLOG_MAX
# What a full dictionary begins with; its id follows (RFC 8878, section 5).
_DICTIONARY_MAGIC = b"\x37\xa4\x30\xec"
# What libzstd says of a compressor whose dictionary is malformed.
_MALFORMED = "Allocation error : not enough memory"


def _integer(value: SupportsIndex, bits: int = 32) -> int:
    """`value` as a signed integer of so many bits: TypeError or OverflowError if it is none."""
    number = operator.index(value)
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise OverflowError(f"{number} does not fit into a signed integer of {bits} bits")
    return number


def _bytes_of(data: Buffer) -> bytes:
    """A copy of a bytes-like object."""
    try:
        view = memoryview(data)
    except TypeError:
        name = type(data).__name__
        raise TypeError(f"a bytes-like object is required, not '{name}'") from None
    if not view.c_contiguous:
        raise BufferError("memoryview: underlying buffer is not C-contiguous")
    return view.tobytes()


def _thread_count(threads: int) -> int:
    """Threads as libzstd counts its own: below 0 is one for each CPU."""
    return min(threads if threads >= 0 else os.cpu_count() or 1, _MOST_THREADS)


def _level(level: int) -> int:
    """A compression level as libzstd reads it: the nearest that it has, 0 is the default."""
    return max(_LOWEST_LEVEL, min(level, MAX_COMPRESSION_LEVEL)) or _DEFAULT_LEVEL


# The parameters that have bounds; 0 is libzstd's default, and always allowed.
_BOUNDS = {
    "format": (FORMAT_ZSTD1, FORMAT_ZSTD1_MAGICLESS),
    "window_log": (WINDOWLOG_MIN, WINDOWLOG_MAX),
    "hash_log": (HASHLOG_MIN, HASHLOG_MAX),
    "chain_log": (CHAINLOG_MIN, CHAINLOG_MAX),
    "search_log": (SEARCHLOG_MIN, SEARCHLOG_MAX),
    "min_match": (MINMATCH_MIN, MINMATCH_MAX),
    "target_length": (TARGETLENGTH_MIN, TARGETLENGTH_MAX),
    "strategy": (STRATEGY_FAST, STRATEGY_BTULTRA2),
    "enable_ldm": (0, 2),
    "ldm_hash_log": (HASHLOG_MIN, HASHLOG_MAX),
    "ldm_min_match": (LDM_MINMATCH_MIN, LDM_MINMATCH_MAX),
    "ldm_bucket_size_log": (1, LDM_BUCKETSIZELOG_MAX),
    "ldm_hash_rate_log": (0, 25),
}
_FLAGS = ("write_content_size", "write_checksum", "write_dict_id", "force_max_window")
# The parameters that -1 leaves to libzstd, as 0 does.
_UNSET_BY_MINUS_ONE = ("strategy", "overlap_log", "ldm_hash_rate_log")
# The parameters that a level stands for, in the order of the native functions.
_TABLES = (
    "window_log",
    "chain_log",
    "hash_log",
    "search_log",
    "min_match",
    "target_length",
    "strategy",
)


def _checked(values: dict[str, int]) -> dict[str, int]:
    """Parameters as libzstd stores them: ZstdError where it refuses one."""
    values = values | {name: 0 for name in _UNSET_BY_MINUS_ONE if values[name] == -1}
    for name, (low, high) in _BOUNDS.items():
        if values[name] and not low <= values[name] <= high:
            raise ZstdError(
                "unable to set compression context parameter: Parameter is out of bound"
            )
    job_size = values["job_size"]
    return {
        **values,
        **{name: int(values[name] != 0) for name in _FLAGS},
        "compression_level": _level(values["compression_level"]),
        "job_size": job_size and max(_SMALLEST_JOB, min(job_size, _LARGEST_JOB)),
        "overlap_log": max(0, min(values["overlap_log"], _LARGEST_OVERLAP)),
        "threads": _thread_count(values["threads"]),
    }


class _Parameter:
    """A read-only attribute of `ZstdCompressionParameters`."""

    def __init__(self, doc: str) -> None:
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: ZstdCompressionParameters, owner: type) -> int: ...
    def __get__(self, instance: ZstdCompressionParameters | None, owner: type) -> Self | int:
        return self if instance is None else instance._values[self._name]

    def __set__(self, instance: ZstdCompressionParameters, value: object) -> NoReturn:
        raise AttributeError(f"attribute '{self._name}' is not writable")


class ZstdCompressionParameters:
    """What libzstd can be told about compressing, one by one.

    All are integers, and all can be left out: 0 (-1 for `strategy`, `overlap_log` and
    `ldm_hash_rate_log`) is libzstd's choice, by the level and the size of each item. Every one is
    an attribute afterwards, as libzstd stores it.

    Parameters
    ----------
    format : int
        `FORMAT_ZSTD1` or `FORMAT_ZSTD1_MAGICLESS`.
    compression_level : int
        -131072 to 22, a value outside is clamped; 0 is 3. For what the others leave open.
    window_log : int
        10 to 31: how far back matches are looked for, log2 of bytes.
    hash_log, chain_log : int
        6 to 30: the sizes of two tables, log2 of entries.
    search_log : int
        1 to 30: attempts at a match, log2.
    min_match : int
        3 to 7: the shortest match, in bytes.
    target_length : int
        0 to 131072: a length in bytes whose meaning depends on the strategy.
    strategy : int
        `STRATEGY_FAST` (1) to `STRATEGY_BTULTRA2` (9).
    write_content_size, write_checksum, write_dict_id : int
        0 or not: what a frame carries. `ZstdCompressor` writes the dictionary's id by default,
        this class does not.
    job_size : int
        Bytes for each of libzstd's threads, clamped to 512 KiB to 1 GiB.
    overlap_log : int
        0 to 9, clamped: how much of the window a job sees of the one before it.
    force_max_window : int
        0 or not: the window as large as its log says.
    enable_ldm : int
        Long-distance matching: 0 libzstd's choice, 1 on, 2 off.
    ldm_hash_log : int
        6 to 30: the size of its table, log2 of bytes.
    ldm_min_match : int
        4 to 4096: its shortest match, in bytes.
    ldm_bucket_size_log : int
        1 to 8: entries of its table with the same hash, log2.
    ldm_hash_rate_log : int
        0 to 25: how many positions it leaves out, log2.
    threads : int
        libzstd's own threads within one item, up to 256; below 0 one for each CPU.

    Raises
    ------
    ZstdError
        A value out of bounds.
    TypeError, OverflowError
        A value that is no integer, or none of 32 bits.

    Examples
    --------
    >>> parameters = ZstdCompressionParameters(compression_level=9, write_checksum=1)
    >>> parameters.compression_level, parameters.window_log
    (9, 0)
    """

    __slots__ = ("_values",)

    _values: dict[str, int]

    format = _Parameter("`FORMAT_ZSTD1` or `FORMAT_ZSTD1_MAGICLESS`.")
    compression_level = _Parameter("The level, for what the other parameters leave open.")
    window_log = _Parameter("How far back matches are looked for, log2 of bytes.")
    hash_log = _Parameter("The size of the first table, log2 of entries.")
    chain_log = _Parameter("The size of the second table, log2 of entries.")
    search_log = _Parameter("Attempts at a match, log2.")
    min_match = _Parameter("The shortest match, in bytes.")
    target_length = _Parameter("A length in bytes whose meaning depends on the strategy.")
    strategy = _Parameter("One of the `STRATEGY_*` constants.")
    write_content_size = _Parameter("1 if frames carry the content's size.")
    write_checksum = _Parameter("1 if a checksum follows the content.")
    write_dict_id = _Parameter("1 if frames carry the dictionary's id.")
    job_size = _Parameter("Bytes for each of libzstd's threads.")
    overlap_log = _Parameter("How much of the window a job sees of the one before it.")
    force_max_window = _Parameter("1 if the window is as large as its log says.")
    enable_ldm = _Parameter("Long-distance matching: 0 libzstd's choice, 1 on, 2 off.")
    ldm_hash_log = _Parameter("The size of its table, log2 of bytes.")
    ldm_min_match = _Parameter("Its shortest match, in bytes.")
    ldm_bucket_size_log = _Parameter("Entries of its table with the same hash, log2.")
    ldm_hash_rate_log = _Parameter("How many positions it leaves out, log2.")
    threads = _Parameter("libzstd's own threads in one item; 0 is none.")

    def __init__(
        self,
        format: int = FORMAT_ZSTD1,
        compression_level: int = 0,
        window_log: int = 0,
        hash_log: int = 0,
        chain_log: int = 0,
        search_log: int = 0,
        min_match: int = 0,
        target_length: int = 0,
        strategy: int = -1,
        write_content_size: int = 1,
        write_checksum: int = 0,
        write_dict_id: int = 0,
        job_size: int = 0,
        overlap_log: int = -1,
        force_max_window: int = 0,
        enable_ldm: int = 0,
        ldm_hash_log: int = 0,
        ldm_min_match: int = 0,
        ldm_bucket_size_log: int = 0,
        ldm_hash_rate_log: int = -1,
        threads: int = 0,
    ) -> None:
        self._values = _checked(
            {
                "format": _integer(format),
                "compression_level": _integer(compression_level),
                "window_log": _integer(window_log),
                "hash_log": _integer(hash_log),
                "chain_log": _integer(chain_log),
                "search_log": _integer(search_log),
                "min_match": _integer(min_match),
                "target_length": _integer(target_length),
                "strategy": _integer(strategy),
                "write_content_size": _integer(write_content_size),
                "write_checksum": _integer(write_checksum),
                "write_dict_id": _integer(write_dict_id),
                "job_size": _integer(job_size),
                "overlap_log": _integer(overlap_log),
                "force_max_window": _integer(force_max_window),
                "enable_ldm": _integer(enable_ldm),
                "ldm_hash_log": _integer(ldm_hash_log),
                "ldm_min_match": _integer(ldm_min_match),
                "ldm_bucket_size_log": _integer(ldm_bucket_size_log),
                "ldm_hash_rate_log": _integer(ldm_hash_rate_log),
                "threads": _integer(threads),
            }
        )

    @staticmethod
    def from_level(
        level: int,
        /,
        *,
        source_size: int = 0,
        dict_size: int = 0,
        **parameters: int,
    ) -> ZstdCompressionParameters:
        """The parameters that a level stands for.

        `window_log`, `chain_log`, `hash_log`, `search_log`, `min_match`, `target_length` and
        `strategy` come from the level; `compression_level` itself does not. They are fixed from
        then on, while a compressor that is told the level alone chooses them anew for the size of
        each item: the frames are not the same.

        Parameters
        ----------
        level : int
            Any; libzstd clamps it.
        source_size, dict_size : int
            The bytes of an item and of the dictionary, 0 where they are not known.
        **parameters : int
            Parameters of the class, in the place of those of the level.

        Raises
        ------
        ZstdError, TypeError, OverflowError
            As the class does; OverflowError for a negative size too.

        Examples
        --------
        >>> parameters = ZstdCompressionParameters.from_level(3, window_log=17)
        >>> parameters.window_log, parameters.strategy == STRATEGY_DFAST
        (17, True)
        """
        of_level = _native.parameters_of_level(level, source_size, dict_size)
        tables = dict(zip(_TABLES, of_level, strict=True))
        return ZstdCompressionParameters(**{**tables, **parameters})

    def estimated_compression_context_size(self) -> int:
        """The bytes of memory that libzstd takes to compress with these parameters.

        Raises
        ------
        ZstdError
            With `threads`: libzstd has no estimate for its own threads.
        """
        return _native.estimate_context_size(self._values)


# An argument that was not given, where None is an error.
_ABSENT: Any = object()


class ZstdCompressionDict:
    """A dictionary: what is common to many small items, kept once.

    Parameters
    ----------
    data : bytes-like
        A trained dictionary or any content; copied. It is checked when it is used, not here. No
        bytes are no dictionary.
    dict_type : int
        One of the `DICT_TYPE_*` constants.

    Raises
    ------
    TypeError, BufferError
        `data` is not bytes-like, or not contiguous.
    ValueError
        There is no such `dict_type`.

    Examples
    --------
    >>> dictionary = ZstdCompressionDict(b"what all items begin with: ")
    >>> dictionary.dict_id(), len(dictionary)
    (0, 27)
    >>> frame = ZstdCompressor(dict_data=dictionary).compress(b"what all items begin with: 1")
    >>> ZstdDecompressor(dict_data=dictionary).decompress(frame)
    b'what all items begin with: 1'
    """

    __slots__ = ("_d", "_data", "_dict_type", "_digest", "_k", "_loaded")

    def __init__(self, data: Buffer, dict_type: int = DICT_TYPE_AUTO) -> None:
        dict_type = operator.index(dict_type)
        self._data = _bytes_of(data)
        if dict_type not in (DICT_TYPE_AUTO, DICT_TYPE_RAWCONTENT, DICT_TYPE_FULLDICT):
            raise ValueError(
                f"invalid dictionary load mode: {dict_type}; must use DICT_TYPE_* constants"
            )
        self._dict_type = dict_type
        self._k = 0
        self._d = 0
        self._digest: _LevelParameters | None = None
        self._loaded: Dictionary | None = None

    @property
    def k(self) -> int:
        """The segment size that `train_dictionary` chose; 0 for another dictionary."""
        return self._k

    @property
    def d(self) -> int:
        """The dmer size that `train_dictionary` chose; 0 for another dictionary."""
        return self._d

    def __len__(self) -> int:
        return len(self._data)

    def as_bytes(self) -> bytes:
        """The bytes, as they are stored in a file."""
        return self._data

    def dict_id(self) -> int:
        """The id that the bytes carry; 0 if they are not those of a full dictionary."""
        if len(self._data) < 8 or not self._data.startswith(_DICTIONARY_MAGIC):
            return 0
        return int.from_bytes(self._data[4:8], "little")

    def precompute_compress(
        self,
        level: int = 0,
        compression_params: ZstdCompressionParameters = _ABSENT,
    ) -> None:
        """Prepares the dictionary for a level or for parameters; compressors made later use them.

        They go before the compressor's own where libzstd has it so: for items that are small
        compared to the dictionary.

        Parameters
        ----------
        level : int
            The level; 0 is none.
        compression_params : ZstdCompressionParameters
            The parameters, in the place of a level.

        Raises
        ------
        ValueError
            Neither is given, or both.
        ZstdError
            The dictionary is malformed.
        """
        level = _integer(level)
        given = compression_params is not _ABSENT
        if given and not isinstance(compression_params, ZstdCompressionParameters):
            name = type(compression_params).__name__
            raise TypeError(
                f"precompute_compress() argument 2 must be ZstdCompressionParameters, not {name}"
            )
        if level and given:
            raise ValueError("must only specify one of level or compression_params")
        if not level and not given:
            raise ValueError("must specify one of level or compression_params")
        try:
            loaded = self._load()
        except ValueError:
            raise ZstdError("unable to precompute dictionary") from None
        if loaded is None and self._dict_type == DICT_TYPE_FULLDICT:
            raise ZstdError("unable to precompute dictionary")
        if given:
            digest = tuple(compression_params._values[name] for name in _TABLES)
            self._digest = cast("_LevelParameters", digest)
        else:
            self._digest = _native.parameters_of_level(level, 0, len(self._data))

    def _load(self) -> Dictionary | None:
        """The native dictionary, None without bytes: ValueError if it is malformed."""
        if self._loaded is None and self._data:
            full = self._dict_type == DICT_TYPE_FULLDICT
            if full and not self._data.startswith(_DICTIONARY_MAGIC):
                raise ValueError("not a full dictionary")
            raw = self._dict_type == DICT_TYPE_RAWCONTENT
            self._loaded = Dictionary(self._data, raw_content=raw)
        return self._loaded


def train_dictionary(
    dict_size: int,
    samples: list[bytes],
    k: int = 0,
    d: int = 0,
    f: int = 0,
    split_point: float = 0.0,
    accel: int = 0,
    notifications: int = 0,
    dict_id: int = 0,
    level: int = 0,
    steps: int = 0,
    threads: int = 0,
) -> ZstdCompressionDict:
    """A dictionary of at most `dict_size` bytes, trained on a list of `bytes`.

    By the fast cover algorithm of libzstd's dictionary builder, which searches for what is 0. The
    result is the same for any number of threads but 0.

    Parameters
    ----------
    dict_size : int
        The most bytes of the dictionary, at least 256.
    samples : list of bytes
        What to learn from: 100 times `dict_size`, say.
    k : int
        The segment size, in bytes.
    d : int
        The dmer size: 6 or 8.
    f : int
        The log2 of the table of frequencies.
    split_point : float
        The share of the samples that are learned from; the rest tests the result.
    accel : int
        1 to 10: faster, and less exact.
    notifications : int
        How much libzstd writes to standard error.
    dict_id : int
        The id, of which the lowest 32 bits count; 0 is one that follows from the content.
    level : int
        The level that results are compared at.
    steps : int
        How many values of `k` are tried. Where `steps` and `threads` are both 0: 4, with `d` 8
        and `level` 3 where they are 0.
    threads : int
        Below 0 one for each CPU.

    Raises
    ------
    TypeError
        `samples` is not a list.
    ValueError
        A sample is not `bytes`.
    ZstdError
        libzstd cannot train on them; its reason is in the message.

    Examples
    --------
    >>> samples = [b"user %d asks for page %d" % (i, i * i % 50) for i in range(1000)]
    >>> dictionary = train_dictionary(1024, samples)
    >>> len(dictionary) <= 1024, dictionary.dict_id() != 0
    (True, True)
    """
    if not isinstance(samples, list):
        name = type(samples).__name__
        raise TypeError(f"train_dictionary() argument 2 must be list, not {name}")
    d, level, steps, threads = map(_integer, (d, level, steps, threads))
    if not steps and not threads:
        d, level, steps = d or 8, level or _DEFAULT_LEVEL, 4
    data, chosen_k, chosen_d = _native.train_on_items(
        _integer(dict_size, 64),
        samples,
        k=k,
        d=d,
        f=f,
        split_point=split_point,
        accel=accel,
        notifications=notifications,
        dict_id=operator.index(dict_id) % 2**32,
        level=level,
        steps=steps,
        threads=threads if threads >= 0 else os.cpu_count() or 1,
    )
    dictionary = ZstdCompressionDict(data)
    dictionary._k = chosen_k
    dictionary._d = chosen_d
    return dictionary


class ZstdCompressor:
    """Compresses single items and batches of them, every item to a frame of its own.

    Parameters
    ----------
    level : int
        At most 22; 0 is 3.
    dict_data : ZstdCompressionDict, optional
        The dictionary. That it is malformed is noticed on use.
    compression_params : ZstdCompressionParameters, optional
        In the place of the level, which is not looked at then, of the flags and of the threads.
    write_checksum : bool, optional
        Whether a checksum of the content follows it; not by default.
    write_content_size : bool, optional
        Whether the frame carries the content's size, by default.
    write_dict_id : bool, optional
        Whether the frame carries the dictionary's id, by default.
    threads : int
        libzstd's own threads within one item; below 0 one for each CPU. 1 and more give other
        frames than 0 for items of 512 KiB and more.

    Raises
    ------
    ValueError
        A level over 22, or `compression_params` beside a flag or threads.
    TypeError, OverflowError
        Another type, or an integer of more than 32 bits.

    Examples
    --------
    >>> compressor = ZstdCompressor(level=9, write_checksum=True)
    >>> decompress(compressor.compress(b"foo"))
    b'foo'
    """

    __slots__ = ("_dictionary", "_native")

    def __init__(
        self,
        level: int = _DEFAULT_LEVEL,
        dict_data: ZstdCompressionDict | None = None,
        compression_params: ZstdCompressionParameters | None = None,
        write_checksum: bool | None = None,
        write_content_size: bool | None = None,
        write_dict_id: bool | None = None,
        threads: int = 0,
    ) -> None:
        level, threads = _integer(level), _integer(threads)
        if level > MAX_COMPRESSION_LEVEL:
            raise ValueError(f"level must be less than {MAX_COMPRESSION_LEVEL + 1}")
        if dict_data is not None and not isinstance(dict_data, ZstdCompressionDict):
            raise TypeError("dict_data must be zstd.ZstdCompressionDict")
        if compression_params is None:
            compression_params = ZstdCompressionParameters(
                compression_level=level,
                write_checksum=bool(write_checksum),
                write_content_size=write_content_size is None or bool(write_content_size),
                write_dict_id=write_dict_id is None or bool(write_dict_id),
                threads=threads,
            )
        elif not isinstance(compression_params, ZstdCompressionParameters):
            raise TypeError("compression_params must be zstd.ZstdCompressionParameters")
        else:
            for name, given in (
                ("write_checksum", write_checksum is not None),
                ("write_content_size", write_content_size is not None),
                ("write_dict_id", write_dict_id is not None),
                ("threads", threads != 0),
            ):
                if given:
                    raise ValueError(f"cannot define compression_params and {name}")
        self._dictionary: Dictionary | None = None
        # None if the dictionary is malformed, which is said when something is compressed.
        self._native: _native.ItemCompressor | None = None
        digest: _LevelParameters | None = None
        if dict_data is not None and len(dict_data):
            digest = dict_data._digest
            try:
                self._dictionary = dict_data._load()
            except ValueError:
                return
        self._native = _native.ItemCompressor(compression_params._values, self._dictionary, digest)

    def memory_size(self) -> int:
        """The bytes that this object holds between calls: its own and its dictionary's.

        libzstd's contexts are not among them: they belong to the package, not to one compressor.
        """
        return self.__sizeof__() + len(self._dictionary or b"")

    def compress(self, data: Buffer) -> bytes:
        """A frame of `data`, which is bytes-like.

        Raises
        ------
        ZstdError
            libzstd cannot compress it; its reason is in the message.
        TypeError, BufferError
            It is not bytes-like, or not contiguous.

        Examples
        --------
        >>> ZstdCompressor().compress(b"foo").startswith(FRAME_HEADER)
        True
        """
        if self._native is None:
            _bytes_of(data)
            raise ZstdError(f"cannot compress: {_MALFORMED}")
        return self._native.compress(data)

    def multi_compress_to_buffer(
        self,
        data: BufferWithSegments | BufferWithSegmentsCollection | list[_Item],
        threads: int = 0,
    ) -> BufferWithSegmentsCollection:
        """A frame for every item of a batch, in order.

        Parameters
        ----------
        data : BufferWithSegments, BufferWithSegmentsCollection or list of bytes-like
            The items.
        threads : int
            Threads to share the items; below 0 one for each CPU, 0 and 1 are one. The result is
            the same for any.

        Returns
        -------
        BufferWithSegmentsCollection
            For each item the frame that `compress` makes of it.

        Raises
        ------
        TypeError
            Other data, or an item that is not bytes-like or not contiguous.
        ValueError
            There is no item, or all are empty.
        ZstdError
            libzstd cannot compress an item; its number and the reason are in the message.

        Examples
        --------
        >>> frames = ZstdCompressor().multi_compress_to_buffer([b"foo", b"", b"bar"], threads=-1)
        >>> [decompress(frame) for frame in frames]
        [b'foo', b'', b'bar']
        """
        if self._native is None:
            raise ZstdError(f"error compressing item 0: {_MALFORMED}")
        return self._native.compress_items(data, threads)


class ZstdDecompressor:
    """Decompresses single frames and batches of them.

    What is told here holds for single frames and for batches.

    Parameters
    ----------
    dict_data : ZstdCompressionDict, optional
        The dictionary that frames were made with.
    max_window_size : int
        The largest window that a frame may ask for where its content's size is not known: 1024 to
        2**31, in bytes; 0 is libzstd's 128 MiB.
    format : int
        `FORMAT_ZSTD1` or `FORMAT_ZSTD1_MAGICLESS`.

    Raises
    ------
    ZstdError
        A window or format out of bounds, or a malformed dictionary.
    TypeError, OverflowError
        Another type, or an integer of more bits.

    Examples
    --------
    >>> ZstdDecompressor().decompress(compress(b"foo"))
    b'foo'
    """

    __slots__ = ("_dictionary", "_magicless", "_max_window_size")

    def __init__(
        self,
        dict_data: ZstdCompressionDict | None = None,
        max_window_size: int = 0,
        format: int = FORMAT_ZSTD1,
    ) -> None:
        max_window_size, format = _integer(max_window_size, 64), _integer(format)
        if dict_data is not None and not isinstance(dict_data, ZstdCompressionDict):
            raise TypeError("dict_data must be zstd.ZstdCompressionDict")
        if max_window_size and not _SMALLEST_WINDOW <= max_window_size <= _LARGEST_WINDOW:
            raise ZstdError("unable to set max window size: Parameter is out of bound")
        if format not in (FORMAT_ZSTD1, FORMAT_ZSTD1_MAGICLESS):
            raise ZstdError("unable to set decoding format: Parameter is out of bound")
        self._max_window_size = max_window_size
        self._magicless = format == FORMAT_ZSTD1_MAGICLESS
        self._dictionary = self._load(dict_data)

    @staticmethod
    def _load(dict_data: ZstdCompressionDict | None) -> Dictionary | None:
        if dict_data is None:
            return None
        try:
            loaded = dict_data._load()
        except ValueError:
            raise ZstdError("could not create decompression dict") from None
        if loaded is None and dict_data._dict_type == DICT_TYPE_FULLDICT:
            raise ZstdError("could not create decompression dict")
        return loaded

    def memory_size(self) -> int:
        """The bytes that this object holds between calls: its own and its dictionary's.

        libzstd's contexts are not among them: they belong to the package, not to one decompressor.
        """
        return self.__sizeof__() + len(self._dictionary or b"")

    def decompress(
        self,
        data: Buffer,
        max_output_size: int = 0,
        read_across_frames: bool = False,
        allow_extra_data: bool = True,
    ) -> bytes:
        """The content of the frame that `data` begins with.

        Parameters
        ----------
        data : bytes-like
            The frame.
        max_output_size : int
            The most bytes of content, for a frame whose header does not say its size; not looked
            at for others.
        read_across_frames : bool
            Not supported, as in python-zstandard.
        allow_extra_data : bool
            Whether other bytes may follow the frame; they are ignored.

        Raises
        ------
        ZstdError
            It is not a whole and sound frame, its size is not known, or other bytes follow it.
        TypeError, BufferError
            `data` is not bytes-like, or not contiguous.

        Examples
        --------
        >>> frame = ZstdCompressor(write_content_size=False).compress(b"foo")
        >>> ZstdDecompressor().decompress(frame, max_output_size=100)
        b'foo'
        """
        if read_across_frames:
            raise ZstdError("ZstdDecompressor.read_across_frames=True is not yet implemented")
        return _native.decompress_item(
            data,
            self._dictionary,
            max_output_size,
            bool(allow_extra_data),
            self._magicless,
            self._max_window_size,
        )

    def multi_decompress_to_buffer(
        self,
        frames: BufferWithSegments | BufferWithSegmentsCollection | list[_Item],
        decompressed_sizes: Buffer | None = None,
        threads: int = 0,
    ) -> BufferWithSegmentsCollection:
        """The content of every item of a batch, in order.

        Parameters
        ----------
        frames : BufferWithSegments, BufferWithSegmentsCollection or list of bytes-like
            The items. Every frame of an item is decompressed, one behind the other.
        decompressed_sizes : bytes-like, optional
            A native unsigned 64-bit integer for each item: the size of its content, or 0 to read
            it from the frame.
        threads : int
            Threads to share the items; below 0 one for each CPU, 0 and 1 are one. The result is
            the same for any.

        Returns
        -------
        BufferWithSegmentsCollection
            The content of each item.

        Raises
        ------
        TypeError
            Other frames, or an item that is not bytes-like or not contiguous.
        ValueError
            Not as many sizes as items, or the size of an item is not known.
        ZstdError
            An item is not sound, not as large as it was said to be, or ends in other bytes. The
            number of the first such item is in the message.

        Examples
        --------
        >>> frames = [compress(b"foo"), compress(b"bar!")]
        >>> values = ZstdDecompressor().multi_decompress_to_buffer(frames, threads=-1)
        >>> [value.tobytes() for value in values]
        [b'foo', b'bar!']
        """
        return _native.decompress_items(
            frames,
            decompressed_sizes,
            self._dictionary,
            self._magicless,
            self._max_window_size,
            threads,
        )


def compress(data: Buffer, level: int = _DEFAULT_LEVEL) -> bytes:
    """A frame of `data`: `ZstdCompressor(level).compress(data)`.

    Examples
    --------
    >>> decompress(compress(b"foo", level=19))
    b'foo'
    """
    return ZstdCompressor(level).compress(data)


def decompress(data: Buffer, max_output_size: int = 0) -> bytes:
    """The content of a frame: `ZstdDecompressor().decompress(data, max_output_size)`."""
    return ZstdDecompressor().decompress(data, max_output_size)
