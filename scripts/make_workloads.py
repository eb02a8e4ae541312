"""Make the bundled workloads in melange_cloud/workload/bundled/.

    python scripts/make_workloads.py TRACES

TRACES is a folder with the public traces named below, which are not part of this project. Without
it only `arena` and `mixed-80-20` are made: the first is computed, the second mixes it with the
`long-document` that is already bundled.
"""

from __future__ import annotations

import argparse
import math
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist

from melange_cloud.documents import write_text
from melange_cloud.workload.document import Workload
from melange_cloud.workload.grid import INPUT_EDGES, OUTPUT_EDGES
from melange_cloud.workload.store import load_workload
from melange_cloud.workload.trace import TraceOptions, workload_from_trace

BUNDLED = Path(__file__).parents[1] / "melange_cloud" / "workload" / "bundled"

AZURE = (
    "Azure LLM inference trace of 16 November 2023, {service} ({file}, "
    "github.com/Azure/AzurePublicDataset, CC-BY-4.0; Patel et al., Splitwise, ISCA 2024)"
)
AZURE_FILES = {
    "azure-conversation": ("conversation", "AzureLLMInferenceTrace_conv.csv"),
    "azure-code": ("code completion", "AzureLLMInferenceTrace_code.csv"),
}
ARXIV_FILE = "vidur_arxiv_summarization_lengths.csv"
ARXIV = (
    "request lengths of arXiv summarization with the Llama 2 tokenizer "
    "(arxiv_summarization_stats_llama2_tokenizer_filtered_v2.csv, github.com/microsoft/vidur, MIT)"
)

ARENA_MEAN_INPUT = 69.5
ARENA_MEAN_OUTPUT = 214.5
"""Mean prompt and response tokens of LMSYS-Chat-1M (Zheng et al., arXiv 2309.11998)."""
ARENA_SIGMA = 1.0
ARENA_LONGEST = 2000
"""Both lengths are cut here: almost nothing is longer, but every model would have to serve it."""
ARENA_SHARE = 0.8
"""Share of chat in the mixed workload (Griggs et al., arXiv 2404.14527)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("traces", type=Path, nargs="?", help="folder of the public traces")
    parser.add_argument(
        "--out",
        type=Path,
        default=BUNDLED,
        help="folder for the workloads; by default where they are bundled",
    )
    arguments = parser.parse_args()
    made = from_traces(arguments.traces) if arguments.traces else []
    documents = next((w for w in made if w.name == "long-document"), None)
    made += computed(documents or load_workload("long-document", Path()))
    for workload in made:
        write_text(arguments.out / f"{workload.name}.json", workload.to_json())
        print(arguments.out / f"{workload.name}.json")


def from_traces(folder: Path) -> list[Workload]:
    """The workloads counted from traces: azure-conversation, azure-code and long-document."""
    azure = [
        workload_from_trace(
            folder / file, name=name, provenance=AZURE.format(service=service, file=file)
        )
        for name, (service, file) in AZURE_FILES.items()
    ]
    return [*azure, long_document(folder / ARXIV_FILE)]


def computed(documents: Workload) -> list[Workload]:
    """The workloads that follow from parameters and the long documents."""
    chat = arena()
    return [chat, mixed(chat, documents)]


def long_document(path: Path) -> Workload:
    """Summaries of papers. Outputs above the grid are counted into its last column."""
    counted = workload_from_trace(path, TraceOptions(extend=True), name="long-document")
    requests = counted.requests or 0
    shares = [
        [*row[: len(OUTPUT_EDGES) - 1], sum(row[len(OUTPUT_EDGES) - 1 :])] for row in counted.shares
    ]
    clipped = round(requests * sum(row[-1] for row in counted.shares))
    notes = [
        f"{clipped:,} of {requests:,} outputs ({clipped / requests:.1%}) were longer than "
        f"{OUTPUT_EDGES[-1]} tokens (at most {counted.output_tokens[-1]}) and are counted as "
        f"{OUTPUT_EDGES[-1]}",
        "its source keeps only requests of at most 4096 tokens, input and output together: "
        "longer papers are missing",
    ]
    return counted.model_copy(
        update={
            "provenance": ARXIV,
            "output_tokens": list(OUTPUT_EDGES),
            "shares": shares,
            "notes": notes,
        }
    )


def arena() -> Workload:
    """Chat: independent lognormal lengths with published means. Not counted from any dataset."""
    inputs, input_cut = _lognormal(ARENA_MEAN_INPUT, INPUT_EDGES)
    outputs, output_cut = _lognormal(ARENA_MEAN_OUTPUT, OUTPUT_EDGES)
    return Workload(
        name="arena",
        source="synthetic",
        provenance=(
            "computed: independent lognormal input and output lengths with the mean prompt "
            f"({ARENA_MEAN_INPUT}) and response ({ARENA_MEAN_OUTPUT}) tokens of LMSYS-Chat-1M "
            f"(Zheng et al., arXiv 2309.11998) and sigma {ARENA_SIGMA:g}, an assumption"
        ),
        input_tokens=list(INPUT_EDGES),
        output_tokens=list(OUTPUT_EDGES),
        shares=[[i * o for o in outputs] for i in inputs],
        notes=[
            "synthetic: the dataset's lengths were not counted; their correlation is unknown",
            f"cut at {ARENA_LONGEST} input and {ARENA_LONGEST} output tokens and scaled to 1, "
            f"which leaves out {input_cut:.3%} of inputs and {output_cut:.1%} of outputs: one "
            "request in a million of 16000 tokens would rule out any model with a context of 4096",
        ],
    )


def mixed(chat: Workload, documents: Workload) -> Workload:
    """80% chat, 20% long documents, as the paper mixes them."""
    rest = 1 - ARENA_SHARE
    return Workload(
        name="mixed-80-20",
        source="synthetic",
        provenance=(
            f"{ARENA_SHARE:.0%} {chat.name}, {rest:.0%} {documents.name} (Griggs et al., arXiv "
            f"2404.14527). {chat.name}: {chat.provenance}. "
            f"{documents.name}: {documents.provenance}"
        ),
        input_tokens=chat.input_tokens,
        output_tokens=chat.output_tokens,
        shares=[
            [ARENA_SHARE * c + rest * d for c, d in zip(chat_row, document_row, strict=True)]
            for chat_row, document_row in zip(chat.shares, documents.shares, strict=True)
        ],
        notes=[f"{w.name}: {note}" for w in (chat, documents) for note in w.notes],
    )


def _lognormal(mean: float, edges: tuple[int, ...]) -> tuple[list[float], float]:
    """Shares between edges of a lognormal cut at ARENA_LONGEST, and the share that was cut."""
    logarithm = NormalDist(math.log(mean) - ARENA_SIGMA**2 / 2, ARENA_SIGMA)
    below = [0.0, *(logarithm.cdf(math.log(min(edge, ARENA_LONGEST))) for edge in edges)]
    shares = [(high - low) / below[-1] for low, high in pairwise(below)]
    return shares, 1 - below[-1]


if __name__ == "__main__":
    main()
