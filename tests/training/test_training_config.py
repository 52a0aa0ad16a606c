from __future__ import annotations

from pathlib import Path

import pytest

from schemalora.errors import UsageError
from schemalora.training import TrainingConfig


def write(folder: Path, text: str) -> Path:
    path = folder / "run.toml"
    path.write_text(text)
    return path


def test_a_file_is_read(tmp_path: Path):
    path = write(
        tmp_path,
        """
        [data]
        anything = "else"
        [training]
        base_model = "embedded"
        rank = 8
        learning_rate = 1
        target_modules = ["q_proj"]
        trl = { neftune_noise_alpha = 5 }
        """,
    )
    config = TrainingConfig.from_toml(path)
    assert (config.rank, config.learning_rate, config.target_modules) == (8, 1.0, ("q_proj",))
    assert isinstance(config.learning_rate, float)
    assert config.trl == {"neftune_noise_alpha": 5}


def test_tables_of_others_and_tables_of_its_own_stand_beside_the_settings(tmp_path: Path):
    path = write(
        tmp_path,
        """
        training.base_model = "embedded"
        [training.trl]
        adam_beta2 = 0.9
        [training_data]
        [training2]
        [training_7b]
        [pretraining]
        rows = 3
        [[evaluation]]
        arm = "lora"
        """,
    )
    assert TrainingConfig.from_toml(path).trl == {"adam_beta2": 0.9}


def test_overrides_win(tmp_path: Path):
    path = write(tmp_path, '[training]\nbase_model = "embedded"\nrank = 8\n')
    config = TrainingConfig.from_toml(
        path,
        overrides=["rank=4", "base_model=./here", "dora=true", "epochs=2", "peft.lora_bias=true",
                   'target_modules=["a","b"]'],
    )  # fmt: skip
    assert (config.rank, config.base_model, config.dora, config.epochs) == (4, "./here", True, 2.0)
    assert config.peft == {"lora_bias": True}
    assert config.target_modules == ("a", "b")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[training]\nrank = 8\n", "the key 'base_model' is missing"),
        ('[training]\nbase_model = "e"\nlearning_rat = 1\n', "did you mean 'learning_rate'"),
        ('[training]\nbase_model = "e"\nrnk = 8\n', "unknown key 'rnk'; did you mean 'rank'"),
        ('[training]\nbase_model = "e"\nmax_steps = 0\n', "must be greater than 0"),
        ('[training]\nbase_model = "e"\ndevelopment_rows = -1\n', "must not be negative"),
        ('[training]\nbase_model = "e"\ndropout = 1.0\n', "less than 1"),
        ('[training]\nbase_model = "e"\nlearning_rate = inf\n', "must be a finite number"),
        ('[training]\nbase_model = "e"\nweight_decay = nan\n', "must be a finite number"),
        ('[training]\nbase_model = "e"\nepochs = nan\n', "must be a finite number"),
        ('[training]\nbase_model = "e"\npatience = 2\n', "needs development_rows"),
        ('[training]\nbase_model = "e"\nrank = "8"\n', "rank must be int, not '8'"),
        ('[training]\nbase_model = "e"\nrank = true\n', "rank must be int"),
        ('[training]\nbase_model = "e"\ndora = 1\n', "dora must be bool"),
        ('[training]\nbase_model = "e"\ntarget_modules = [1]\n', "list of strings"),
        ('[training]\nbase_model = "e"\nrank = 0\n', "must be greater than 0"),
        ('[training]\nbase_model = "e"\ndtype = "int8"\n', "unknown .known: auto, bfloat16"),
        ("[data]\n", r"run.toml: the table \[training\] is missing"),
        ("[trainings]\n", r"did you mean \[training\]"),
        ('rank = 64\n[training]\nbase_model = "e"\n', r"toml: the key 'rank' .* line \[training\]"),
        ('trl = {}\n[training]\nbase_model = "e"\n', r"write \[training.trl\]"),
        ('[training]\nbase_model = "e"\n[trl]\nadam_beta2 = 0.9\n', r"write \[training.trl\]"),
        ('[training]\nbase_model = "e"\n[peft]\nbias = "all"\n', r"write \[training.peft\]"),
        (
            '[training]\nbase_model = "e"\n[trainnig]\nepochs = 3\n',
            r"toml: .*\[trainnig\]; did you",
        ),
        (f'[training]\nbase_model = "e"\nepochs = {"9" * 400}\n', "epochs is too large"),
        (f'[training]\nbase_model = "e"\nrank = {"9" * 5000}\n', "toml: not TOML"),
        ("[training\n", "not TOML"),
    ],
)
def test_what_cannot_be_right_is_refused(text: str, reason: str, tmp_path: Path):
    with pytest.raises(UsageError, match=reason):
        TrainingConfig.from_toml(write(tmp_path, text))


def test_a_byte_order_mark_is_no_matter_and_other_encodings_are_named(tmp_path: Path):
    path = tmp_path / "train.toml"
    path.write_text('[training]\nbase_model = "ä"\n', encoding="utf-8-sig")
    assert TrainingConfig.from_toml(path).base_model == "ä"
    path.write_text('[training]\nbase_model = "ä"\n', encoding="latin-1")
    with pytest.raises(UsageError, match=r"train.toml: not UTF-8 \(byte 25\)"):
        TrainingConfig.from_toml(path)


def test_a_missing_file_and_a_bad_override(tmp_path: Path):
    with pytest.raises(UsageError, match="cannot be read"):
        TrainingConfig.from_toml(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="written key=value"):
        TrainingConfig(base_model="e").with_overrides(["rank"])
    with pytest.raises(UsageError, match="epochs is no table"):
        TrainingConfig(base_model="e").with_overrides(["epochs.x=1"])


def test_a_config_survives_its_dict():
    config = TrainingConfig(base_model="e", rank=4, report_to=("tensorboard",), max_steps=3)
    assert TrainingConfig.from_mapping(config.to_dict(), source="test") == config


def test_every_preset_of_the_flagship_is_valid():
    presets = Path(__file__).parents[2] / "examples" / "customer_support" / "presets"
    paths = sorted(presets.glob("*.toml"))
    assert {path.stem for path in paths} == {"cpu", "cpu-full", "t4"}
    for path in paths:
        assert TrainingConfig.from_toml(path).base_model
