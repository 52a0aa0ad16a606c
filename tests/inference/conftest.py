"""Small models with the embedded model's tokenizer: random weights are the hardest case."""

from typing import Literal

import pytest
import torch
from peft import LoraConfig, get_peft_model
from pydantic import BaseModel, Field
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from schemalora.adapter import AdapterManifest
from schemalora.base_model import find_base_model, load_tokenizer
from schemalora.contract import Contract
from schemalora.formatting import PromptFormat, encode_prompt, template_hash
from schemalora.records import Message
from schemalora.tokenizer_pin import tokenizer_hash

VOCABULARY = 49152
_SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "tie_word_embeddings": False,
}


def _llama():
    return LlamaForCausalLM(LlamaConfig(**_SMALL))


def _mistral_with_a_window():
    # A window far shorter than the prompt: what falls out of it must be out of sight.
    return MistralForCausalLM(MistralConfig(**_SMALL, sliding_window=7))


def _gemma_with_windows_and_soft_caps():
    config = Gemma2Config(**_SMALL, head_dim=8, sliding_window=7, query_pre_attn_scalar=8)
    return Gemma2ForCausalLM(config)


def _qwen_with_normed_heads():
    return Qwen3ForCausalLM(Qwen3Config(**_SMALL, head_dim=8))


def _gpt2_with_absolute_positions():
    config = GPT2Config(
        vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, n_positions=512, eos_token_id=2
    )
    return GPT2LMHeadModel(config)


ARCHITECTURES = {
    maker.__name__.removeprefix("_"): maker
    for maker in (
        _llama,
        _mistral_with_a_window,
        _gemma_with_windows_and_soft_caps,
        _qwen_with_normed_heads,
        _gpt2_with_absolute_positions,
    )
}


def random_model(architecture="llama", *, seed=0):
    torch.manual_seed(seed)
    model = ARCHITECTURES[architecture]().eval()
    # Logits with some contrast, so that greedy decoding wanders instead of repeating one token.
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, 0.3)
    return model


@pytest.fixture(scope="session")
def tokenizer():
    return load_tokenizer(find_base_model("embedded"))


@pytest.fixture(scope="session")
def llama():
    return random_model()


MESSAGES = (
    "I was charged twice for order ORD-12345, please refund one of them.",
    "",
    "Where is my package with the wireless headphones? Three weeks, and nothing at all.",
    "cancel",
    "word " * 60,
    "I want my money back for ORD-77777 and for ORD-77778!",
)


@pytest.fixture(scope="session")
def prompts(tokenizer):
    """Token ids of prompts that share a system message and are of very different lengths."""
    system = Message(role="system", content="Answer in SupportTicket JSON.")
    return [
        encode_prompt(tokenizer, [system, Message(role="user", content=text)]) for text in MESSAGES
    ]


class Answer(BaseModel):
    """A contract that random weights can satisfy under the constraint."""

    kind: Literal["refund", "cancel", "other"]
    urgent: bool
    number: int | None = Field(ge=0, le=99)


@pytest.fixture(scope="session")
def contract():
    return Contract.from_model(Answer)


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory, tokenizer):
    """A base model on disk: random weights, the embedded model's tokenizer."""
    folder = tmp_path_factory.mktemp("base")
    random_model(seed=3).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def adapter_folder(tmp_path_factory, tokenizer, base_folder, contract):
    """An adapter on disk whose weights change what the base model says."""
    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(5)
    tuned = get_peft_model(random_model(seed=3), LoraConfig(r=4, init_lora_weights=False))
    tuned.save_pretrained(folder)
    AdapterManifest(
        contract=contract,
        prompt_format=PromptFormat().to_dict(),
        base_model=str(base_folder),
        base_model_revision=None,
        tokenizer_hash=tokenizer_hash(tokenizer),
        template_hash=template_hash(tokenizer),
    ).save(folder)
    return folder
