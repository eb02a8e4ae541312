"""Options of one value, given twice: refused, where the parser would silently take the last."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from melange_cloud.errors import InvalidInput


def refuse_twice(option: Any) -> None:
    """Make a parser's option of one value raise InvalidInput when it is given several.

    Its values are gathered as those of a repeatable option would be, and then counted.
    """
    add, consume = option.add_to_parser, option.consume_value

    def add_gathering(parser: Any, ctx: Any) -> None:
        def add_option(**settings: Any) -> Any:
            action = {"store": "append"}.get(settings["action"], settings["action"])
            return parser.add_option(**{**settings, "action": action})

        add(SimpleNamespace(add_option=add_option), ctx)

    def consume_one(ctx: Any, options: Mapping[str, Any]) -> Any:
        given = options.get(option.name)
        if not isinstance(given, list):
            return consume(ctx, options)
        if len(given) > 1 and not ctx.resilient_parsing:
            raise InvalidInput(
                f"{option.opts[0]} is given {len(given)} times, and takes one value",
                hint="leave out all but one of them",
            )
        return consume(ctx, {**options, option.name: given[-1]})

    option.add_to_parser, option.consume_value = add_gathering, consume_one
