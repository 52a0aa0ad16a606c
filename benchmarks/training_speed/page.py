"""The table of training speed, from its result file."""

from __future__ import annotations

from typing import Any

from benchmarks.tables import RESULTS, not_measured, origin, read
from schemalora.compliance.tables import markdown_table


def training_speed() -> str:
    """Rows per second of every arm, and how the losses of the two that count agree."""
    result = read(RESULTS / "training_speed.json")
    if result is None:
        return not_measured("training_speed")
    numbers, config = result["numbers"], result["config"]
    table = markdown_table(
        [
            "",
            "rows/s",
            "tokens/s",
            "times TRL",
            "rows per CPU s",
            "peak memory",
            "loss off by",
            "steps",
        ],
        [
            [
                row["arm"],
                f"{row['rows_per_s']:.2f}",
                f"{row['tokens_per_s']:.0f}",
                f"{row['speed_up']:.2f}",
                f"{row['rows_per_cpu_s']:.2f}",
                f"{row['peak_rss_gib']:.1f} GiB",
                _loss(row),
                str(row["steps"]),
            ]
            for row in numbers["arms"]
        ],
    )
    ratio, cpu, loss = numbers["speed_up"], numbers["speed_up_cpu_seconds"], numbers["losses"]
    interval = "" if ratio["ci95"] is None else f" [{ratio['ci95'][0]:.2f}, {ratio['ci95'][1]:.2f}]"
    best = max(row["speed_up"] for row in numbers["arms"] if "schemalora" not in row["arm"])
    return (
        f"{table}\n\n"
        "*Times TRL* is taken within the blocks that ran both; lines with fewer steps ran in fewer "
        "blocks, on a machine whose speed changes, so it is not the quotient of the first column. "
        f"The best of TRL's lines has {best:.2f}; beside it, {ratio['ratio'] / best:.1f} times "
        "remain.\n\n"
        f"The same batches: {ratio['ratio']:.2f}{interval} times the rows per second of TRL at its "
        f"defaults (geometric mean and 95% interval over {ratio['n']} blocks, in turn), "
        f"{cpu['ratio']:.2f} times by CPU seconds. In {loss['steps_with_the_same_rows']} of "
        f"{loss['steps']} steps both fed the same rows in the same order; the losses of a step "
        f"differ by {loss['loss_difference_mean']:.4f} on average and by "
        f"{loss['loss_difference_max']:.4f} at most, means {loss['loss_mean_baseline']:.4f} and "
        f"{loss['loss_mean_other']:.4f}.\n\n"
        f"Base model `{config['base_model']}` in bfloat16, batches of {config['batch_size']}, "
        f"{numbers['tokens_per_row']:.0f} tokens a row, {numbers['threads']} threads. Measured at "
        f"{origin(result)}."
    )


def _loss(row: dict[str, Any]) -> str:
    """How far a step's loss is from that of TRL at its defaults, on average; 0 for itself."""
    difference = row.get("loss_difference_mean")
    return "other batches" if difference is None else f"{difference:.4f}"
