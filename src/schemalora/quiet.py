"""For programs with an output of their own: other libraries' chatter is turned off."""

from __future__ import annotations

import logging
import os
import warnings


def quiet_libraries() -> None:
    """Silences progress bars and deprecation notes that are not the user's to act on.

    Only programs call this (the command line, the flagship's script), never the library: what a
    user's own process prints is the user's choice. Call it before transformers is imported.
    """
    # bitsandbytes says on import that it found no CPU kernels on a hub.
    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # TRL and PEFT still pass arguments that transformers has renamed.
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=UserWarning, module="peft|trl|transformers|torch")
