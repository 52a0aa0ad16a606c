"""What is noted beside a number, what is silenced, and what is asked for before it is imported."""

from __future__ import annotations

import logging
import os
import platform
import subprocess
import warnings
from importlib import metadata
from pathlib import Path

import pytest

from schemalora.environment import PACKAGES, commit, machine, package_versions
from schemalora.errors import MissingExtraError
from schemalora.extras import require_extra
from schemalora.quiet import quiet_libraries


def test_versions_are_those_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = package_versions()
    assert versions.pop("python") == platform.python_version()
    assert versions == {name: metadata.version(name) for name in versions}
    assert {"schemalora", "pydantic"} <= versions.keys() <= set(PACKAGES)
    monkeypatch.setattr("schemalora.environment.PACKAGES", ("pydantic", "no-such-package"))
    assert package_versions().keys() == {"python", "pydantic"}


def test_the_machine_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    found = machine()
    assert found.keys() == {"system", "processor", "cores", "memory_gib"}
    assert found["cores"] == os.cpu_count()
    memory = found["memory_gib"]
    assert memory is None or (isinstance(memory, float) and memory > 0)
    assert platform.node() not in str(found["system"])

    def unreadable(*_arguments: object, **_options: object) -> str:
        raise FileNotFoundError("/proc/cpuinfo")

    monkeypatch.setattr(Path, "read_text", unreadable)
    monkeypatch.delattr(os, "sysconf")
    assert machine()["processor"] == platform.processor()
    assert machine()["memory_gib"] is None


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_commit_tells_whether_files_differ_from_it(tmp_path: Path) -> None:
    assert commit(tmp_path) is None
    assert commit(tmp_path / "missing") is None
    git(tmp_path, "init", "-q")
    assert commit(tmp_path) is None  # nothing is committed
    (tmp_path / "a.txt").write_text("a", encoding="utf-8")
    git(tmp_path, "add", "a.txt")
    git(tmp_path, "commit", "-q", "-m", "a")
    head = commit(tmp_path)
    assert head
    assert len(head) == 12
    assert git(tmp_path, "rev-parse", "HEAD").startswith(head)
    (tmp_path / "untracked.txt").write_text("b", encoding="utf-8")
    assert commit(tmp_path) == head
    (tmp_path / "a.txt").write_text("b", encoding="utf-8")
    assert commit(tmp_path) == f"{head}-dirty"


def test_what_does_not_count_does_not_make_a_commit_dirty(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for name in ("code.txt", "out/results.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a", encoding="utf-8")
        git(tmp_path, "add", name)
    git(tmp_path, "commit", "-q", "-m", "a")
    head = commit(tmp_path)
    (tmp_path / "out/results.txt").write_text("b", encoding="utf-8")
    assert commit(tmp_path) == f"{head}-dirty"
    assert commit(tmp_path, besides=["out"]) == head
    assert commit(tmp_path / "out", besides=["out"]) == head
    (tmp_path / "code.txt").write_text("b", encoding="utf-8")
    assert commit(tmp_path / "out", besides=["out"]) == f"{head}-dirty"


def test_programs_are_quiet_and_keep_what_the_user_set(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"TOKENIZERS_PARALLELISM": "true"}
    monkeypatch.setattr(os, "environ", environ)
    logger = logging.getLogger("bitsandbytes")
    monkeypatch.setattr(logger, "level", logging.NOTSET)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        quiet_libraries()
        warnings.warn("renamed", FutureWarning, stacklevel=1)
        warnings.warn_explicit("renamed", UserWarning, "trainer.py", 1, module="trl.trainer")
        assert not shown
        warnings.warn_explicit("look here", UserWarning, "mine.py", 1, module="mine")
        assert [str(one.message) for one in shown] == ["look here"]
    assert environ.pop("TOKENIZERS_PARALLELISM") == "true"
    assert environ.pop("TRANSFORMERS_VERBOSITY") == "error"
    assert set(environ.values()) == {"1"}
    assert logger.level == logging.CRITICAL


def test_a_stage_asks_for_its_packages_by_the_extra_that_brings_them() -> None:
    require_extra("contracts", "train", "pydantic", "json")
    with pytest.raises(MissingExtraError, match=r"drawing needs .*'no_such_package'.*\[report\]"):
        require_extra("drawing", "report", "json", "no_such_package")
