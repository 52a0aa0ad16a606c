"""Sampling, parsing and encoding flagship targets on one core.

    python -m benchmarks.contract_speed.run [--targets 20000] [--repeats 5]

Pydantic's own strict JSON validation is the ceiling of `parse`; the ratio is reported. Each time is
the best of the repeats, since whatever else runs on the machine only ever makes it worse.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from benchmarks.result import write_result

from customer_support.ticket import SupportTicket
from schemalora.contract import Contract
from schemalora.sampling import sample


def best_rate(run: Callable[[], None], count: int, repeats: int) -> float:
    seconds: list[float] = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return count / min(seconds)


def measure(targets: int, repeats: int) -> dict[str, float]:
    contract = Contract.from_model(SupportTicket)
    bare = Contract.from_dict(contract.to_dict())
    values = list(sample(contract, targets, seed=0))
    texts = [contract.encode(value) for value in values]

    def each(act: Callable[[str], object], items: Sequence[str] = texts) -> Callable[[], None]:
        def run() -> None:
            for item in items:
                act(item)

        return run

    def draw() -> None:
        for _ in sample(contract, targets, seed=1):
            pass

    def parse_and_encode() -> None:
        for text in texts:
            contract.encode(contract.parse(text).value)

    def encode() -> None:
        for value in values:
            contract.encode(value)

    def pydantic_alone(text: str) -> object:
        return SupportTicket.model_validate_json(text, strict=True)

    rates = {
        "sampled_per_second": best_rate(draw, targets, repeats),
        "parse_and_encode_per_second": best_rate(parse_and_encode, targets, repeats),
        "parse_per_second": best_rate(each(contract.parse), targets, repeats),
        "encode_per_second": best_rate(encode, targets, repeats),
        "bare_schema_parse_per_second": best_rate(each(bare.parse), targets, repeats),
        "pydantic_strict_json_per_second": best_rate(each(pydantic_alone), targets, repeats),
    }
    rates["parse_to_pydantic_ratio"] = (
        rates["parse_per_second"] / rates["pydantic_strict_json_per_second"]
    )
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    rates = measure(options.targets, options.repeats)
    for name, rate in rates.items():
        print(f"{name:34} {rate:12,.2f}")
    write_result("contract_speed", numbers=dict(rates), config=vars(options))


if __name__ == "__main__":
    main()
