"""Traces as people have them: the formats that are read, and what is said about the others."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from traces import TRACES, needs_traces

from melange_cloud.errors import InvalidInput
from melange_cloud.workload.document import Workload
from melange_cloud.workload.trace import TraceOptions, workload_from_trace
from melange_cloud.workload.trace_columns import ColumnChoice

ONE_BUCKET = {"input_edges": (100,), "output_edges": (100,)}


def made(
    folder: Path, text: str | bytes, name: str = "t.csv", skip: bool = False, **columns: str
) -> Workload:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    choice = ColumnChoice(**columns)
    return workload_from_trace(path, TraceOptions(columns=choice, skip_bad_rows=skip, **ONE_BUCKET))


@pytest.mark.parametrize(
    "text",
    [
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,1,2\n"
        "2023-11-16 18:17:05.9799600,3,4\n",  # Azure: ten-millionths of a second
        "timestamp_ms,input_tokens,output_tokens\n0,1,2\n2000,3,4\n",  # Mooncake, FAST'25
        "timestamp,input_length,output_length,hash_ids\n0,1,2,\n2000,3,4,\n",  # Mooncake: ms
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
        "5,GPT-4,1,2,3,API log\n7,ChatGPT,3,4,7,API log\n",  # BurstGPT: seconds
        "arrived_at,num_prefill_tokens,num_decode_tokens\n0.5,1,2\n2.5,3,4\n",  # Vidur
        "created,prompt_tokens,completion_tokens\n1700000000,1,2\n1700000002,3,4\n",  # epoch, s
        "ts,prompt_tokens,completion_tokens\n1700000000000,1,2\n1700000002000,3,4\n",  # epoch, ms
        "arrivalTimeNs,promptTokens,completionTokens\n0,1,2\n2000000000,3,4\n",
        "time,input_len,output_len\n2024-03-31T00:59:59Z,1,2\n2024-03-31T03:00:01+02:00,3,4\n",
        "input_tokens|output_tokens|timestamp_s\n1|2|0\n3|4|2\n",
        "\ufeffinput_tokens;output_tokens;note;timestamp_s\n1;2;a, b, c, d;0\n3;4;;2\n",
        "\n\ninput_tokens;output_tokens;timestamp_s\n1;2;0\n\n3;4;2\n\n",
        "\ufeffinput_tokens\toutput_tokens\ttimestamp_s\r\n1\t2\t0\r\n3\t4\t2",
        'timestamp_s,"input_tokens","output_tokens",prompt\n0,1,"2","a, b\nc ""d"""\n2,3.0,4,\n',
        "2024-01-01 00:00:00,1,2\n2024-01-01 00:00:02,3,4\n",  # no header: in this order
    ],
)
def test_csv_as_its_sources_write_it(text: str, tmp_path: Path) -> None:
    workload = made(tmp_path, text)
    assert (workload.requests, workload.rate) == (2, pytest.approx(1.0))
    assert workload.shares == [[1.0]]


@pytest.mark.parametrize(
    "text",
    [
        '{"timestamp": 0, "input_length": 1, "output_length": 2, "hash_ids": [1, 2]}\n'
        '{"timestamp": 2000, "input_length": 3, "output_length": 4, "hash_ids": []}\n',
        '{"created": 1700000000, "usage": {"prompt_tokens": 1, "completion_tokens": 2}}\n\n'
        '{"usage": {"completion_tokens": 4, "prompt_tokens": "3"}, "created": 1700000002}',
        '{"time": "2024-01-01T00:00:00Z", "gen_ai.usage.input_tokens": 1, '
        '"gen_ai.usage.output_tokens": 2, "text": "\u2028"}\n'
        '{"time": "2024-01-01T00:00:02Z", "gen_ai.usage.input_tokens": 3, '
        '"gen_ai.usage.output_tokens": 4.0}\n',
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_jsonl_as_its_sources_write_it(text: str, compressed: bool, tmp_path: Path) -> None:
    # whether a file is gzipped is seen in its first bytes, whatever its name
    workload = made(tmp_path, gzip.compress(text.encode()) if compressed else text, "t.jsonl")
    assert (workload.requests, workload.rate) == (2, pytest.approx(1.0))


def test_names_that_differ_only_in_case_are_not_mistaken(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,A,b\n7,8,9\n")
    (tmp_path / "t.jsonl").write_text('{"A": 8, "a": 7, "b": 9}\n')
    for name in ("t.csv", "t.jsonl"):
        for column, edge in (("a", 0), ("A", 1)):
            picked = ColumnChoice(input_tokens=column, output_tokens="b")
            options = TraceOptions(columns=picked, input_edges=(7, 8), output_edges=(9,))
            workload = workload_from_trace(tmp_path / name, options)
            assert workload.shares[edge] == [1.0], (name, column)


@pytest.mark.parametrize("name", ["a[1]*?.csv", "it's.csv", "s3:x.csv", "a b;--.csv", "é.csv.gz"])
def test_file_names_are_taken_literally(name: str, tmp_path: Path) -> None:
    (tmp_path / "a1xx.csv").write_text("input_tokens,output_tokens\n99,99\n99,99\n")
    data = b"input_tokens,output_tokens\n1,2\n"
    assert made(tmp_path, gzip.compress(data) if name.endswith(".gz") else data, name).requests == 1


def test_columns_given_by_number_without_a_header(tmp_path: Path) -> None:
    workload = made(tmp_path, "9,x,50,60\n", input_tokens="3", output_tokens="4")
    assert 'input "3", output "4"' in workload.provenance


def test_no_rate_when_all_requests_came_at_once(tmp_path: Path) -> None:
    text = "timestamp_s,input_tokens,output_tokens\n5,1,2\n5,3,4\n"
    assert made(tmp_path, text).rate is None


def test_time_unit_is_as_given(tmp_path: Path) -> None:
    text = "timestamp,input_tokens,output_tokens\n0,1,2\n1000,3,4\n"
    assert made(tmp_path, text, time_unit="ms").rate == pytest.approx(2)
    assert made(tmp_path, text, time_unit="s").rate == pytest.approx(0.002)
    assert made(tmp_path, text, timestamp="none").rate is None


BAD_VALUES = ["0", "-3", "abc", "", "1.5", "nan", "inf", "1e99", "0x10", "99999999999999999999"]


@pytest.mark.parametrize("value", BAD_VALUES)
@pytest.mark.parametrize("side", [0, 1])
def test_a_row_that_is_no_request_stops_or_is_skipped_and_noted(
    value: str, side: int, tmp_path: Path
) -> None:
    row = [value, "7"] if side == 0 else ["7", value]
    text = f"input_tokens,output_tokens\n1,2\n{','.join(row)}\n3,4\n"
    with pytest.raises(InvalidInput) as caught:
        made(tmp_path, text)
    assert ": 1 of 3 rows (33.3%) is not a request" in str(caught.value)
    assert "\n  row 2: " in str(caught.value)
    assert "--skip-bad-rows" in str(caught.value)
    workload = made(tmp_path, text, skip=True)
    assert workload.requests == 2
    assert workload.notes == ["1 of 3 rows (33.3%) is not a request, and left out"]


def test_a_request_without_a_time_is_none_where_there_are_times(tmp_path: Path) -> None:
    text = "timestamp_s,input_tokens,output_tokens\n0,1,2\nnan,5,6\n,7,8\n2,3,4\n"
    with pytest.raises(InvalidInput, match=r'2 of 4 rows \(50%\)(.|\n)*row 2: .*timestamp "nan"'):
        made(tmp_path, text)
    workload = made(tmp_path, text, skip=True)
    assert (workload.requests, workload.rate) == (2, pytest.approx(1.0))


def test_lines_of_another_shape_stop_or_are_skipped_and_noted(tmp_path: Path) -> None:
    text = "input_tokens,output_tokens\n1,2\n5\n6,7,8\n3,4\n"
    with pytest.raises(InvalidInput, match="2 lines are malformed; see line 3"):
        made(tmp_path, text)
    assert made(tmp_path, text, skip=True).notes == [
        "2 of 4 rows (50%) are not requests, and left out"
    ]
    jsonl = '{"input_tokens": 1, "output_tokens": 2}\nnot json\n[1, 2]\n{}\n{"input_tokens": 3'
    with pytest.raises(InvalidInput, match="4 of 5 rows"):
        made(tmp_path, jsonl, "t.jsonl")
    assert made(tmp_path, jsonl, "t.jsonl", skip=True).requests == 1


def test_an_open_quote_is_never_skipped_for_it_swallows_rows(tmp_path: Path) -> None:
    text = 'input_tokens,output_tokens,x\n1,2,a\n3,4,"a\n' + "5,6,a\n" * 9
    with pytest.raises(InvalidInput, match=r"line 3.*quote"):
        made(tmp_path, text, skip=True)


GZIPPED = gzip.compress(
    b"input_tokens,output_tokens\n" + b"".join(b"%d,7\n" % n for n in range(1, 90)),
    mtime=0,  # the parameter of a test: the same in every process that collects it
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (" \n\r\n", "is empty"),
        ("input_tokens,output_tokens\n", "holds no requests"),
        ("a,b\nx,y\n", "no column is known to hold the input tokens"),
        ("input_tokens,b\n1,2\n", "no column is known to hold the output tokens"),
        ("input_tokens\n5\n", "separator of its columns cannot be told"),
        ("0,5;10\n1,5;20\n", "separator of its columns cannot be told"),
        (
            "time_s;input_tokens;output_tokens\n0,5;1;2\n",
            'column "time_s" holds numbers with a decimal comma (0,5)',
        ),
        ("1,2,3,4\n", "no header; its columns are numbered 1 to 4"),
        ("prompt_tokens,input_tokens,output_tokens\n1,2,3\n", "more than one column may hold"),
        ("input_tokens,input_tokens,output_tokens\n1,2,3\n", "more than one column may hold"),
        ("timestamp,input_tokens,output_tokens\n0,1,2\n", "the unit of the numbers in column"),
        ('[{"input_tokens": 1}]', "is a JSON array"),
        (b'\xef\xbb\xbf{"input_tokens": 1, "output_tokens": 2}', "byte order mark"),
        (b"\x00\x01\x02\xff" * 100, "is not a text file"),
        ("input_tokens,output_tokens\n1,2\n".encode("utf-16"), "is not a text file"),
        (b"input_tokens,output_tokens,x\n1,2,caf\xe9\n", "is not a text file"),
        (b"PAR1\x15\x04\x15\x00", "is not a text file"),
        (GZIPPED[: len(GZIPPED) // 2], "is a damaged gzip file"),
        (GZIPPED + b"more", "gzip"),
        ("input_tokens,output_tokens\r\n1,2\n3,4\r\n", "line ends are mixed"),
        ("input_tokens,output_tokens\nx,2\n", "1 of 1 row (100%) is not a request"),
    ],
)
def test_what_is_no_trace_is_said_in_one_message(
    text: str | bytes, said: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput) as caught:
        made(tmp_path, text)
    assert said in str(caught.value)
    assert "t.csv" in str(caught.value)


def test_all_rows_skipped_leaves_no_workload(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no requests: none of its 2 rows is one"):
        made(tmp_path, "input_tokens,output_tokens\nx,2\n0,1\n", skip=True)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"input_tokens": "inputtokens"}, 'no column "inputtokens"; did you mean "input_tokens"?'),
        ({"timestamp": "zzz"}, "its columns: input_tokens, output_tokens, when"),
        ({"input_tokens": "output_tokens"}, "cannot be the same column"),
        ({"timestamp": "when", "time_unit": "s"}, "holds dates"),
    ],
)
def test_wrong_choices_of_columns(columns: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        made(tmp_path, "input_tokens,output_tokens,when\n1,2,2024-01-01\n", **columns)
    assert said in str(caught.value)


def test_missing_files_directories_and_pipes(tmp_path: Path) -> None:
    for path, said in (
        (tmp_path / "none.csv", "does not exist"),
        (tmp_path, "is a directory"),
        (Path("/dev/null"), "is a device, not a trace"),
        (Path("nul\0byte"), "is not a path"),
    ):
        with pytest.raises(InvalidInput, match=said):
            workload_from_trace(path)


@needs_traces
def test_a_long_context_trace_stops_and_extends() -> None:
    path = TRACES / "mooncake_conversation_trace.csv"
    with pytest.raises(InvalidInput) as caught:
        workload_from_trace(path)
    assert "2,823 of 12,031 requests (23.5%) are larger than the size grid" in str(caught.value)
    assert "the edge 126195 would hold them" in str(caught.value)
    workload = workload_from_trace(path, TraceOptions(extend=True))
    assert workload.input_tokens[-1] == 126195
    assert round(sum(workload.shares[-1]) * 12031) == 2823
    assert "126195" in workload.notes[0]
    # the trace covers an hour
    assert workload.rate == pytest.approx(12031 / 3537, rel=1e-3)
