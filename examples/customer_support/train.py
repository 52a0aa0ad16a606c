"""The flagship: messy support messages to a JSON ticket, and what the fine-tune bought.

    python examples/customer_support/train.py                        # a CPU, 10 to 14 minutes
    python examples/customer_support/train.py --preset cpu-full      # 6000 rows, all 800 eval rows
    python examples/customer_support/train.py --preset t4            # Mistral-7B in 4 bits, a T4

It makes the data, asks the base model, trains the adapter, asks again, and prints one table. The
run folder then holds the data, the adapter, every raw answer, `report.json`, `report.html` and
`report.png`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.markdown import Markdown
from rich.progress import track

from schemalora.quiet import quiet_libraries

quiet_libraries()
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs as a script

from customer_support.dataset import build_dataset
from customer_support.run import HERE, Arm, Plan, Run, out
from customer_support.ticket import SupportTicket
from schemalora import (
    Contract,
    Example,
    PromptFormat,
    TrainingConfig,
    attribute,
    evaluate,
    format_examples,
    read_predictions,
    write_examples,
)
from schemalora.adapter import Adapter
from schemalora.audit import audit
from schemalora.base_model import find_first_base_model
from schemalora.compliance import comparison_table
from schemalora.environment import commit, machine, package_versions
from schemalora.errors import RunFolderError, SchemaloraError, UsageError
from schemalora.inference import LoadedModel, load, predict
from schemalora.jsonl import atomic_write, write_json
from schemalora.reporting import LearningCurve, write_html, write_plot
from schemalora.training import train


def make_data(run: Run) -> tuple[list[Example], list[Example]]:
    plan = run.plan
    with run.stage("data", f"{plan.train_rows} training rows, {plan.eval_rows} harder eval rows"):
        train_set, eval_set = build_dataset(
            train_count=plan.train_rows, eval_count=plan.eval_rows, seed=plan.seed
        )
        write_examples(run.folder / "train.jsonl", train_set)
        write_examples(run.folder / "eval.jsonl", eval_set)
        result = audit(eval_set, run.contract, against=train_set)
        write_json(run.folder / "audit.json", result.to_dict())
        if result.errors:
            raise SchemaloraError(f"the audit found errors, see {run.folder / 'audit.json'}")
        shared = {one.group for one in train_set} & {one.group for one in eval_set}
        out.print(f"  audit: no errors; templates on both sides: {len(shared)}")
    return train_set, eval_set


def ask(run: Run, arm: Arm, model: LoadedModel, eval_set: list[Example]) -> None:
    """Lets one arm answer every eval row and scores the raw answers."""
    plan = run.plan
    style = plan.training.prompt_style if arm.startswith("lora") else plan.base_prompt_style
    path = run.folder / "predictions" / f"{arm}.jsonl"
    with run.stage(arm, f"{len(eval_set)} eval rows, greedy, {style} prompt"):
        predictions = predict(
            model,
            eval_set,
            contract=run.contract,
            prompt_format=PromptFormat(style=style),
            constrained=arm.endswith("constrained"),
            max_new_tokens=plan.max_new_tokens,
            batch_size=plan.batch_size,
            # What a person would have to check is asked of the adapter only, where it can tell.
            confidence=arm.startswith("lora") and model.packed,
            output=path,
        )
        for _ in track(
            predictions, description="  ", total=len(eval_set), console=out, transient=True
        ):
            pass
        report = evaluate(run.contract, eval_set, read_predictions(path))
        report.save(run.folder / "reports" / f"{arm}.json")
        run.reports[arm] = report


def fit(run: Run, train_set: list[Example], base_model: str) -> Adapter:
    config = run.plan.training.with_base_model(base_model)
    folder = run.folder / "adapter"
    if (folder / "schemalora.json").is_file():
        adapter = Adapter.load(folder)
        # Settings that came later have their defaults in an older adapter.
        if TrainingConfig.from_mapping(adapter.manifest.training, source=str(folder)) != config:
            raise RunFolderError(f"{folder}: was trained with other settings; use another --run")
        return adapter
    what = f"LoRA r={config.rank} on {len(train_set)} rows, {config.epochs:g} epoch(s)"
    with run.stage("train", what):
        records = format_examples(
            run.contract, train_set, prompt_format=PromptFormat(style=config.prompt_style)
        )
        resume = (folder / "checkpoints").is_dir()
        return train(run.contract, records, config, output_dir=folder, resume=resume)


def learning_curve(run: Run) -> LearningCurve | None:
    """The adapter's; None where it took too few steps to draw one."""
    try:
        return LearningCurve.from_training(run.folder / "adapter")
    except UsageError:
        return None


def conclude(run: Run, base_model: str) -> None:
    """Writes and prints what was measured."""
    table = comparison_table(run.reports, baseline="base")
    (run.folder / "report.json").write_bytes((run.folder / "reports" / "lora.json").read_bytes())
    with atomic_write(run.folder / "report.md") as file:
        file.write(table)
    write_plot(run.reports, run.folder / "report.png")
    verdict = attribute(run.reports) if len(run.reports) == len(get_args(Arm)) else None
    write_html(
        run.reports,
        run.folder / "report.html",
        attribution=verdict,
        learning_curve=learning_curve(run),
    )
    write_json(
        run.folder / "run.json",
        {
            "format_version": 1,
            "preset": run.plan.path.stem,
            "base_model": base_model,
            "training": run.plan.training.to_dict(),
            "data": {
                "train_rows": run.plan.train_rows,
                "eval_rows": run.plan.eval_rows,
                "seed": run.plan.seed,
            },
            "seconds": {name: stage.seconds for name, stage in run.stages.items()},
            "stages": run.stages_as_json(),
            "versions": dict(package_versions()),
            "machine": machine(),
            "commit": commit(HERE),
        },
    )
    out.print(Markdown(table) if out.is_terminal else table)
    if verdict is not None:
        out.print(verdict.to_markdown())
    total = sum(stage.seconds for stage in run.stages.values())
    out.print(f"{total:.0f} s in all; open {run.folder / 'report.html'}")


def main(
    preset: Annotated[str, typer.Option(help="A name in presets/, or a TOML file.")] = "cpu",
    run_folder: Annotated[
        Path | None, typer.Option("--run", help="A new folder; runs/ and the preset's name if not.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="Override a training setting.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run.")
    ] = False,
) -> None:
    """Train the flagship and print what it bought."""
    path = Path(preset) if preset.endswith(".toml") else HERE / "presets" / f"{preset}.toml"
    plan = Plan.load(path, overrides or [])
    run_folder = run_folder or Path("runs") / path.stem
    if run_folder.exists() and any(run_folder.iterdir()) and not resume:
        raise RunFolderError(
            f"{run_folder}: already holds a run; give --run another folder, or --resume"
        )
    run = Run(folder=run_folder, plan=plan, contract=Contract.from_model(SupportTicket))
    run.go_on()

    wanted = plan.training.base_model
    base_model = find_first_base_model(*plan.training.base_models).name
    note = "" if base_model == wanted else f" (the hub does not answer: no {wanted})"
    out.print(f"[bold]base model[/bold]: {base_model}{note}")

    train_set, eval_set = make_data(run)
    base = load(base_model, quantization=plan.training.quantization)
    for arm in plan.arms:
        if arm.startswith("base"):
            ask(run, arm, base, eval_set)
    del base
    adapter = fit(run, train_set, base_model)
    lora = load(adapter, quantization=plan.training.quantization)
    for arm in plan.arms:
        if arm.startswith("lora"):
            ask(run, arm, lora, eval_set)
    conclude(run, base_model)


if __name__ == "__main__":
    try:
        typer.run(main)
    except SchemaloraError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
