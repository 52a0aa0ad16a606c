"""Every exception schemalora raises on purpose.

    SchemaloraError
    ├── UsageError                wrong use: an argument, a path or a file that cannot be right
    │   ├── RecordError           a JSONL row that cannot be read (file and line)
    │   ├── MissingExtraError     a stage whose optional packages are not installed
    │   └── RunFolderError        a run folder that already holds a run, or holds none
    ├── SchemaError               a model or schema that cannot become a contract (path and reason)
    ├── SamplingError             no valid instance was found within the bound
    ├── RenderError               a renderer failed (renderer, target, seed)
    ├── PairingError              predictions and examples, or two reports, that do not match
    ├── AdapterMismatchError      an adapter used with another contract, prompt or base model
    ├── BaseModelError            a base model that cannot be found or loaded
    ├── PreflightError            training data that would not teach what it should
    ├── ExtractionError           a completion that does not satisfy its contract
    ├── ServerError               a model server that is down, slow, or answers rubbish
    └── TrainingError             training stopped (loss not finite, disk full, SIGTERM)

The command line prints the message of any of them as one line and exits with 2; a finding or a
failed gate is a result, not an exception, and exits with 1.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path


class SchemaloraError(Exception):
    """Base of every error raised on purpose; its message says what to do."""


class UsageError(SchemaloraError):
    """An argument, a path or a file that cannot be right."""


class RecordError(UsageError):
    """A row of a JSONL file that cannot be read.

    Attributes:
        path: the file.
        line: 1-based line number, or None where the whole file is meant.
    """

    def __init__(self, path: str | Path, line: int | None, reason: str) -> None:
        self.path = Path(path)
        self.line = line
        place = f"{path}:{line}" if line is not None else str(path)
        super().__init__(f"{place}: {reason}")


class MissingExtraError(UsageError):
    """A stage needs packages that come with an extra.

    Attributes:
        extra: the extra to install, as in `pip install 'schemalora[train]'`.
    """

    def __init__(self, stage: str, extra: str, package: str) -> None:
        self.extra = extra
        super().__init__(
            f"{stage} needs the package {package!r}: pip install 'schemalora[{extra}]'"
        )


class RunFolderError(UsageError):
    """A run folder that already holds a run, or that holds none."""


class SchemaError(SchemaloraError):
    """A model or schema that cannot become a contract.

    Attributes:
        path: where in the value the schema is at fault, such as `$.entities.order_id`.
        reason: why, and what to do.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{reason} @ {path}")


class SamplingError(SchemaloraError):
    """No valid instance was found within the bound (contradictory bounds, a strict validator)."""


class RenderError(SchemaloraError):
    """A renderer failed; the message names the renderer, the target and the seed."""


class PairingError(SchemaloraError):
    """Predictions and examples, or two reports, that do not belong together."""


class AdapterMismatchError(SchemaloraError):
    """An adapter used with another contract, prompt format, tokenizer, template or base model."""


class BaseModelError(SchemaloraError):
    """A base model that cannot be found or loaded."""


class PreflightError(SchemaloraError):
    """Training data that would not teach what it should."""


class TrainingError(SchemaloraError):
    """Training stopped: the loss is not finite, the disk is full, or SIGTERM came."""


class ExtractionError(SchemaloraError):
    """A completion that does not satisfy its contract.

    Attributes:
        completion: what the model wrote, raw.
        violations: what is wrong with it, each with a kind and a path.
    """

    def __init__(self, completion: str, violations: Sequence[object]) -> None:
        self.completion = completion
        self.violations = tuple(violations)
        first = f": {self.violations[0]}" if self.violations else ""
        super().__init__(f"the completion does not satisfy the contract{first}")


class ServerError(SchemaloraError):
    """A model server that is down, slow, or answers rubbish; rows that were done are kept."""


@contextmanager
def naming(path: str | Path) -> Generator[None]:
    """Has errors about what a file holds name the file."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    except SchemaError as error:
        raise SchemaError(error.path, f"{path}: {error.reason}") from error
