"""One block of one arm, in a process of its own, since the allocator is set once for a process.

    python -m benchmarks.training_speed.block SPEC.json RESULT.json

Both engines get the same records, base model, dtype, LoRA settings, batch, schedule and seed. TRL
gets them as token ids and labels, which it takes as they are: its own tokenisation would end each
row in one token more, the newline that this chat template writes after the end token.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from schemalora.quiet import quiet_libraries

quiet_libraries()

import torch
from datasets import Dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

from benchmarks.training_speed.clock import NAME, StepClock
from schemalora import Contract, TrainingConfig
from schemalora.allocator import keep_pages
from schemalora.base_model import find_base_model, load_model, load_tokenizer, torch_dtype_of
from schemalora.formatting import encode_completion, encode_prompt
from schemalora.records import TrainingRecord, read_records
from schemalora.training import train


@dataclass(frozen=True, kw_only=True)
class Block:
    """What one process trains on, and how."""

    arm: str
    engine: Literal["trl", "schemalora"]
    records: str
    """The file of all training records."""
    contract: str
    """The saved contract."""
    first: int
    """Index of the first row."""
    rows: int
    training: dict[str, Any]
    """Settings of `TrainingConfig`; of these, TRL gets all that change the result."""
    sft: dict[str, Any] = field(default_factory=dict[str, Any])
    """For TRL: settings of `SFTConfig` beyond those, or away from its defaults."""
    attention: str | None = None
    """For TRL: attention of the model; None is transformers' default."""
    keep_pages: bool = False
    """For TRL: whether the allocator is told to keep its pages."""
    gpu_memory_gib: float | None = None
    """The most that PyTorch may take of the GPU; beyond it the process runs out of memory."""


def run_schemalora(
    block: Block, records: Sequence[TrainingRecord], contract: Contract, folder: Path
) -> dict[str, Any]:
    watched = {"logging_steps": 1, "report_to": [NAME]}
    config = TrainingConfig.from_mapping({**block.training, **watched}, source=block.arm)
    train(contract, records, config, output_dir=folder / "adapter")
    return {}


def _autocast(config: TrainingConfig) -> dict[str, Any]:
    """TRL's default is autocast to bfloat16; to float16 weights, as on a T4, it has to be told."""
    in_float16 = torch_dtype_of(config.dtype) == torch.float16
    return {"bf16": False, "fp16": True} if in_float16 else {}


def run_trl(block: Block, records: Sequence[TrainingRecord], folder: Path) -> dict[str, Any]:
    if block.keep_pages:
        keep_pages()
    config = TrainingConfig.from_mapping(block.training, source=block.arm)
    base_model = find_base_model(config.base_model)
    tokenizer = load_tokenizer(base_model)
    model = load_model(
        base_model,
        dtype=config.dtype,
        quantization=config.quantization,
        attention=block.attention,
    )
    prompts = [encode_prompt(tokenizer, one.prompt) for one in records]
    answers = [encode_completion(tokenizer, one.completion[0]["content"]) for one in records]
    pairs = list(zip(prompts, answers, strict=True))
    dataset = Dataset.from_dict(
        {
            "input_ids": [prompt + answer for prompt, answer in pairs],
            "labels": [[-100] * len(prompt) + answer for prompt, answer in pairs],
        }
    )
    arguments = SFTConfig(
        output_dir=str(folder / "trl"),
        seed=config.seed,
        max_steps=config.max_steps or -1,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=config.warmup_steps,
        logging_steps=1,
        report_to=[NAME],
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),  # else TRL refuses its own default, bf16
        **{**_autocast(config), **config.trl, **block.sft},
    )
    lora = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=(
            "all-linear"
            if config.target_modules == ("all-linear",)
            else list(config.target_modules)
        ),
        task_type="CAUSAL_LM",
    )
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=dataset,
        processing_class=tokenizer,
        peft_config=lora,
    )
    trainer.train()
    return {
        key: str(getattr(arguments, key))
        for key in ("gradient_checkpointing", "bf16", "optim", "loss_type")
    }


def run(block: Block) -> dict[str, Any]:
    """Trains one block and tells what each step cost."""
    records = list(read_records(block.records))[block.first : block.first + block.rows]
    contract = Contract.load(block.contract)
    clock = StepClock.register()
    if block.gpu_memory_gib is not None:
        whole = torch.cuda.get_device_properties(0).total_memory / 2**30
        torch.cuda.set_per_process_memory_fraction(min(1.0, block.gpu_memory_gib / whole))
    with tempfile.TemporaryDirectory() as name:
        if block.engine == "schemalora":
            settings = run_schemalora(block, records, contract, Path(name))
        else:
            settings = run_trl(block, records, Path(name))
    trained = [one for one in clock.model.parameters() if one.requires_grad]
    cuda = torch.cuda.is_available()
    return {
        "arm": block.arm,
        "first": block.first,
        "steps": [asdict(step) for step in clock.steps],
        "peak_rss_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        "peak_gpu_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2) if cuda else None,
        "peak_gpu_reserved_gib": (
            round(torch.cuda.max_memory_reserved() / 2**30, 2) if cuda else None
        ),
        "threads": torch.get_num_threads(),
        "attention": clock.attention,
        "trained_parameters": sum(one.numel() for one in trained),
        "trained_dtype": str(trained[0].dtype).removeprefix("torch."),
        "settings": settings,
    }


def main() -> None:
    spec, result = map(Path, sys.argv[1:])
    outcome = run(Block(**json.loads(spec.read_text(encoding="utf-8"))))
    result.write_text(json.dumps(outcome), encoding="utf-8")


if __name__ == "__main__":
    main()
