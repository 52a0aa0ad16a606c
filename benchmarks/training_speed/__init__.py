"""Rows per second of training, beside TRL's SFTTrainer at its defaults."""
