"""The program: standard output kept for results, and the one place where errors are printed."""

from __future__ import annotations

import contextlib
import os
import sys

from melange_cloud.allocation.deadline import abandoned
from melange_cloud.errors import EXIT_INTERRUPTED, EXIT_OK, EXIT_OUTSIDE, InvalidInput, MelangeError
from melange_cloud.names import is_text, shorten
from melange_cloud.output.remarks import write_remark
from melange_cloud.output.stdout import help_is_a_result, keep_for_results, prints_to_stderr


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every error ends as one message and its exit code."""
    try:
        _run(arguments)
    finally:
        _leave_solvers_behind(sys.exc_info()[1])


def _leave_solvers_behind(ended: BaseException | None) -> None:
    """End at once where a solver did not stop: C++ aborts a program that ends beside its thread."""
    if not abandoned():
        return
    code = ended.code if isinstance(ended, SystemExit) else EXIT_OK
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code if isinstance(code, int) else EXIT_OK)


def _run(arguments: list[str] | None) -> None:
    # we use no pydantic plugins, and looking for some reads the metadata of every package
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    # --debug may stand anywhere, as users put it behind the command that failed
    words = [word for word in given if word != "--debug"]
    keep_for_results()
    try:
        _refuse_what_is_no_text(words)
        with prints_to_stderr():
            from melange_cloud.cli.app import build_command

            command = build_command(words)
        with help_is_a_result():
            command(args=words, prog_name="melange-cloud")
    except MelangeError as error:
        if debug:
            raise
        write_remark(f"error: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        write_remark("interrupted")
        sys.exit(EXIT_INTERRUPTED)
    except OSError as error:
        # the disk or the network where no message of its own is made: no bug, and said as it is
        if debug:
            raise
        what = "" if error.filename is None else f"{shorten(str(error.filename), 200)}: "
        write_remark(f"error: {what}{error.strerror or error}")
        sys.exit(EXIT_OUTSIDE)
    except Exception as error:
        if debug:
            raise
        write_remark(
            f"error: unexpected {type(error).__name__}: {error}\n"
            "  this is a bug in melange-cloud; run again with --debug and report what it prints"
        )
        sys.exit(EXIT_OUTSIDE)


def _refuse_what_is_no_text(words: list[str]) -> None:
    """Arguments in another encoding could be neither printed nor written to a document."""
    for place, word in enumerate(words, 1):
        if not is_text(word):
            raise InvalidInput(
                f"argument {place} is not text in the encoding of this shell: "
                f"{shorten(ascii(word), 100)}",
                hint="give it in UTF-8; a file with such a name must be renamed",
            )
