"""Write a model directory that `vllm serve --load-format dummy` starts from, without any hub.

A Llama of eight layers and 31 million random weights: its steps take some 10 ms on a core, so that
the engine limits it. With two layers the front end did: it fell behind and sent tokens in bunches,
whose times say nothing. And a tokenizer of one token a word that round-trips exactly
("w17 w903" <-> ids), which `vllm bench serve` needs. Run it by a Python that has tokenizers (vLLM
brings it): python tiny_model.py DIR
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

VOCABULARY = 1024
HEAD_DIM = 64  # vLLM's attention on CPUs wants a multiple of 32


def main(folder: Path) -> None:
    """Write config.json and the tokenizer's files."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder.mkdir(parents=True, exist_ok=True)
    specials = ["<s>", "</s>", "<unk>"]
    words = [*specials, *(f"w{number}" for number in range(len(specials), VOCABULARY))]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(specials)
    tokenizer.save(str(folder / "tokenizer.json"))
    about_tokenizer = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "model_max_length": 32768,
        "clean_up_tokenization_spaces": False,
    }
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 8 * HEAD_DIM,
        "intermediate_size": 2048,
        "num_hidden_layers": 8,
        "num_attention_heads": 8,
        "num_key_value_heads": 2,
        "head_dim": HEAD_DIM,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": 32768,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "hidden_act": "silu",
        "bos_token_id": 0,
        "eos_token_id": 1,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(about_tokenizer), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
