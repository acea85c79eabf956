from typing import Final, final

__all__ = [
    "DATAFUSION_MAJOR",
    "AggregateFunction",
    "ScalarFunction",
    "__version__",
    "aggregate_functions",
    "scalar_functions",
]

DATAFUSION_MAJOR: Final[int]
__version__: Final[str]

@final
class ScalarFunction:
    @property
    def name(self) -> str: ...
    def __datafusion_scalar_udf__(self) -> object: ...

@final
class AggregateFunction:
    @property
    def name(self) -> str: ...
    def __datafusion_aggregate_udf__(self) -> object: ...

def scalar_functions(dictionaries: dict[int, bytes]) -> list[ScalarFunction]: ...
def aggregate_functions() -> list[AggregateFunction]: ...
