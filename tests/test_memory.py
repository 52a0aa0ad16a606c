"""What is free is what the kernel says, within a container's limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemalora import memory


def test_free_memory_is_part_of_the_machines() -> None:
    assert 0 < memory.free_memory() <= memory.machine_memory()


@pytest.mark.parametrize(
    ("limit", "free"), [("3000\n", 2000), ("500\n", 0), ("max\n", memory.free_memory)]
)
def test_a_containers_limit_counts(
    limit: str, free: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "memory.max").write_text(limit)
    (tmp_path / "memory.current").write_text("1000\n")
    before = memory.free_memory()
    monkeypatch.setattr(memory, "_CONTAINER", tmp_path)
    found = memory.free_memory()
    if isinstance(free, int):
        assert found == free
    else:
        assert abs(found - before) < before / 2
