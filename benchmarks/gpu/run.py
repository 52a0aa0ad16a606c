"""What does the preset `t4` cost on a GPU? Mistral-7B's architecture, random weights.

    python benchmarks/gpu/run.py            # the 7B architecture, on a GPU: about ten minutes
    python benchmarks/gpu/run.py --tiny     # the same code on a tiny model, on any machine

Random weights cost what trained ones cost, so memory and speed are those of the real model; the
loss says nothing. The tokenizer is the embedded one (49,152 entries, Mistral's has 32,768), which
makes the embedding and the head half as large again: the memory is an upper bound. Trains with the
preset's own settings for a few optimizer steps and projects the time for 6000 rows x 2 epochs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from schemalora.quiet import quiet_libraries

quiet_libraries()
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

import torch
from benchmarks.result import write_result
from transformers import MistralConfig, MistralForCausalLM

from customer_support.dataset import build_dataset
from customer_support.ticket import SupportTicket
from schemalora import Contract, TrainingConfig, format_examples
from schemalora.base_model import find_base_model, load_tokenizer, preferred_device
from schemalora.training import train

PRESET = ROOT / "examples" / "customer_support" / "presets" / "t4.toml"
STEPS = 24
T4_BYTES = 16 * 10**9


def make_base_model(folder: Path, *, tiny: bool) -> int:
    """Writes a randomly initialised base model and returns its number of parameters."""
    tokenizer = load_tokenizer(find_base_model("embedded"))
    sizes = (
        {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 2}
        if tiny
        else {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
              "num_attention_heads": 32, "num_key_value_heads": 8}
    )  # fmt: skip
    config = MistralConfig(
        vocab_size=len(tokenizer), sliding_window=None, max_position_embeddings=32768,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, **sizes,
    )  # fmt: skip
    torch.manual_seed(0)
    with torch.device("cpu" if tiny else preferred_device()):
        model = MistralForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model.num_parameters()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tiny", action="store_true", help="a tiny model, on any machine")
    tiny = options.parse_args().tiny
    cuda = torch.cuda.is_available()
    if not cuda and not tiny:
        raise SystemExit("error: no GPU here; --tiny runs the same code on any machine")
    contract = Contract.from_model(SupportTicket)
    examples, _ = build_dataset(train_count=6000, eval_count=800, seed=0)
    overrides = [f"max_steps={2 if tiny else STEPS}", "logging_steps=1", "warmup_steps=1"]
    if not cuda:
        overrides.append("optimizer=adamw_8bit")  # the paged one needs a GPU
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parameters = make_base_model(folder / "base", tiny=tiny)
        if cuda:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        config = TrainingConfig.from_toml(
            PRESET, overrides=[f"base_model={folder / 'base'}", *overrides]
        )
        adapter = train(
            contract, format_examples(contract, examples), config, output_dir=folder / "adapter"
        )
        curve = json.loads((adapter.path / "learning_curve.json").read_text())
    rows = (config.max_steps or 0) * config.batch_size * config.gradient_accumulation
    seconds = curve["seconds"]
    tokens_per_row = curve["tokens"] / curve["records"]
    peak = torch.cuda.max_memory_allocated() if cuda else None
    numbers = {
        "parameters": parameters,
        "steps": config.max_steps,
        "rows": rows,
        "seconds": seconds,
        "rows_per_s": rows / seconds,
        "tokens_per_s": rows * tokens_per_row / seconds,
        "projected_hours_6000x2": 12_000 / (rows / seconds) / 3600,
        "peak_allocated_bytes": peak,
        "fits_16_gb": None if peak is None else peak < T4_BYTES,
        "device": torch.cuda.get_device_name() if cuda else "cpu",
    }
    print(json.dumps(numbers, indent=2))
    if not tiny:
        print(write_result("gpu_train_7b", numbers=numbers, config=config.to_dict()))


if __name__ == "__main__":
    main()
