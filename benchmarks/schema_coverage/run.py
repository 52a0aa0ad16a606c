"""How many real models each tool can make instances of: every model class of openai and mcp.

    python -m benchmarks.schema_coverage.run [--every 1] [--seconds 5] [--tools ...] [--path DIR]

The packages and the other tools are optional: what is not installed is said in the result, not
counted as a failure. A model counts as done when a tool gives 20 distinct instances, or stops
finding new ones, within the limit of processor time, and the model reads each of them.
"""

from __future__ import annotations

import argparse
import collections
import importlib.util
import signal
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from pydantic import BaseModel

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from benchmarks.result import write_result
from benchmarks.schema_coverage.corpora import model_classes
from benchmarks.schema_coverage.tools import OBJECTS, TOOLS, WANTED

from schemalora.errors import SchemaError

PACKAGES = ("openai", "mcp", "mcp_types")
NEEDS = {
    "jsf": "jsf",
    "polyfactory": "polyfactory",
    "hypothesis_jsonschema": "hypothesis_jsonschema",
}


class OutOfTimeError(BaseException):
    """Not an Exception, so that no tool catches it."""


def _out_of_time(signum: int, frame: FrameType | None) -> None:
    raise OutOfTimeError


def outcome_of(tool: str, model: type[BaseModel], seconds: float) -> str:
    """`done`, `exhausted`, `invalid`, `refused`, `timeout` or `error`."""
    texts: set[str] = set()
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        for text in TOOLS[tool](model):
            if tool not in OBJECTS:
                model.model_validate_json(text)
            texts.add(text)
            if len(texts) >= WANTED:
                return "done"
    except OutOfTimeError:
        return "timeout"
    except SchemaError:
        return "refused"
    except ValueError:
        return "invalid"
    except Exception:
        return "error"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return "exhausted" if texts else "error"


def count(tool: str, models: Sequence[type[BaseModel]], seconds: float) -> dict[str, int]:
    outcomes = collections.Counter(outcome_of(tool, model, seconds) for model in models)
    return dict(sorted(outcomes.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take every n-th model class")
    parser.add_argument("--seconds", type=float, default=5.0, help="time limit of one model")
    parser.add_argument("--tools", nargs="*", default=list(TOOLS))
    parser.add_argument("--packages", nargs="*", default=list(PACKAGES))
    parser.add_argument("--path", help="a folder with the packages, searched last")
    options = parser.parse_args()
    if options.path:
        sys.path.append(options.path)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGVTALRM, _out_of_time)
    numbers: dict[str, dict[str, object]] = {}
    for package in options.packages:
        if importlib.util.find_spec(package) is None:
            numbers[package] = {"missing": "not installed"}
            continue
        models = model_classes(package)[:: options.every]
        numbers[package] = {"models": len(models)}
        for tool in options.tools:
            if tool in NEEDS and importlib.util.find_spec(NEEDS[tool]) is None:
                numbers[package][tool] = "not installed"
                continue
            numbers[package][tool] = count(tool, models, options.seconds)
            print(package, len(models), tool, numbers[package][tool], flush=True)
    config = {"every": options.every, "seconds": options.seconds, "wanted": WANTED}
    write_result("schema_coverage", numbers=numbers, config=config)


if __name__ == "__main__":
    main()
