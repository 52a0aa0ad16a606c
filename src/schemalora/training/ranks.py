"""What one process of several does for all, under torchrun or `accelerate launch`."""

# accelerate is typed in part only:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object

from schemalora.errors import SchemaloraError

_T = TypeVar("_T")


def on_main_process(action: Callable[[], _T]) -> _T:
    """Runs an action in the main process alone; every process gets its result, or its error.

    All processes must call it; they wait for each other. In a run of one process it is a call.

    Args:
        action: what to do; its result must be picklable.

    Raises:
        SchemaloraError: the action raised one; the other processes raise its message.
    """
    state = PartialState()
    if state.num_processes == 1:
        return action()
    outcome: list[Any] = [None, None]
    problem: SchemaloraError | None = None
    if state.is_main_process:
        try:
            outcome[0] = action()
        except SchemaloraError as error:
            problem = error
            outcome[1] = str(error)
    broadcast_object_list(outcome)
    if problem is not None:
        raise problem
    if outcome[1] is not None:
        raise SchemaloraError(outcome[1])
    return cast(_T, outcome[0])


def all_processes_agree(verdict: bool) -> bool:
    """Whether the verdict of every process is yes; all processes must call it."""
    if PartialState().num_processes == 1:
        return verdict
    verdicts: Any = gather_object([verdict])
    return all(verdicts)


def is_main_process() -> bool:
    """Whether this process is the only one, or the first of several."""
    return bool(PartialState().is_main_process)


def process_count() -> int:
    """How many processes train together."""
    count: Any = PartialState().num_processes
    return count
