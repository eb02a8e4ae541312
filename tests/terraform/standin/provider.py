"""A stand-in for a Terraform provider: it serves a real provider's schema and keeps no cloud.

Terraform runs it as it runs any provider (plugin protocol 6, gRPC over a socket with TLS both
ways). Against the schema Terraform itself finds misspelt, missing and mistyped arguments; beyond
it this stand-in knows some values the clouds admit and some changes that replace a resource.
What a cloud would compute is made up, the same for the same resource.

Usage: provider.py SCHEMA, run by terraform.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import facts
import msgpack
import plugin
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

UNKNOWN = msgpack.ExtType(0, b"\x00")
NESTING = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}


class Provider(rpc.ProviderServicer):
    """One provider; what it has seen of resources lives as long as the process."""

    def __init__(self, schemas: dict[str, Any]) -> None:
        self.schemas = schemas
        self.world = facts.World()

    def GetProviderSchema(self, request, context):
        return pb.GetProviderSchema.Response(
            provider=_schema(self.schemas["provider"]),
            resource_schemas=_schemas(self.schemas["resource_schemas"]),
            data_source_schemas=_schemas(self.schemas["data_source_schemas"]),
        )

    def ValidateProviderConfig(self, request, context):
        return pb.ValidateProviderConfig.Response()

    def ConfigureProvider(self, request, context):
        self.world.configure(_decoded(request.config))
        return pb.ConfigureProvider.Response()

    def ValidateResourceConfig(self, request, context):
        wrong = facts.wrong_values(request.type_name, _decoded(request.config))
        return pb.ValidateResourceConfig.Response(diagnostics=[_error(text) for text in wrong])

    def ValidateDataResourceConfig(self, request, context):
        return pb.ValidateDataResourceConfig.Response()

    def UpgradeResourceState(self, request, context):
        state = pb.DynamicValue(json=request.raw_state.json)
        return pb.UpgradeResourceState.Response(upgraded_state=state)

    def ReadResource(self, request, context):
        self.world.saw(request.type_name, _decoded(request.current_state))
        return pb.ReadResource.Response(new_state=request.current_state)

    def PlanResourceChange(self, request, context):
        prior, new = _decoded(request.prior_state), _decoded(request.proposed_new_state)
        if new is None:
            return pb.PlanResourceChange.Response(planned_state=_encoded(None))
        known = prior or {}
        replaced = [
            name
            for name in facts.replacing(request.type_name)
            if prior is not None and known.get(name) != new.get(name)
        ]
        if replaced and "id" in new:
            new["id"] = None
        state = _computed(
            self._block(request.type_name),
            new,
            lambda _, value: UNKNOWN if value is None else value,
        )
        state = facts.bumped(request.type_name, prior, state, UNKNOWN)
        return pb.PlanResourceChange.Response(
            planned_state=_encoded(state),
            requires_replace=[
                pb.AttributePath(steps=[pb.AttributePath.Step(attribute_name=name)])
                for name in replaced
            ],
            legacy_type_system=True,
        )

    def ApplyResourceChange(self, request, context):
        new = _decoded(request.planned_state)
        if new is not None:
            kind = request.type_name
            seed = json.dumps(new, sort_keys=True, default=str)
            new = facts.named(kind, new, UNKNOWN, seed)
            new = _filled(self._block(kind), new, lambda n, t: self.world.value(kind, n, t, seed))
            self.world.saw(kind, new)
        return pb.ApplyResourceChange.Response(new_state=_encoded(new), legacy_type_system=True)

    def ReadDataSource(self, request, context):
        kind, config = request.type_name, _decoded(request.config)
        block = self.schemas["data_source_schemas"][kind]["block"]
        state = self.world.data(kind, config)
        seed = json.dumps(config, sort_keys=True, default=str)
        state = _computed(block, state, lambda _, value: UNKNOWN if value is None else value)
        state = _filled(block, state, lambda n, t: self.world.value(kind, n, t, seed))
        state = {
            n: _shaped(v, block["attributes"].get(n, {}).get("type")) for n, v in state.items()
        }
        return pb.ReadDataSource.Response(state=_encoded(state))

    def StopProvider(self, request, context):
        return pb.StopProvider.Response()

    def _block(self, kind: str) -> dict[str, Any]:
        return self.schemas["resource_schemas"][kind]["block"]


def _computed(block, value, change):
    """``value`` with ``change(name, current)`` in every computed attribute, nested ones too."""
    if not isinstance(value, dict):
        return value
    result = dict(value)
    for name, attribute in block.get("attributes", {}).items():
        if attribute.get("computed"):
            result[name] = change(name, result.get(name))
    for name, nested in block.get("block_types", {}).items():
        inner = result.get(name)
        if isinstance(inner, list):
            result[name] = [_computed(nested["block"], item, change) for item in inner]
        elif isinstance(inner, dict):
            result[name] = _computed(nested["block"], inner, change)
    return result


def _filled(block, value, make):
    """``value`` with ``make(name, type)`` where it is unknown."""
    if not isinstance(value, dict):
        return value
    result = dict(value)
    for name, attribute in block.get("attributes", {}).items():
        if result.get(name) == UNKNOWN:
            result[name] = make(name, attribute["type"])
    for name, nested in block.get("block_types", {}).items():
        inner = result.get(name)
        if isinstance(inner, list):
            result[name] = [_filled(nested["block"], item, make) for item in inner]
        elif isinstance(inner, dict):
            result[name] = _filled(nested["block"], inner, make)
    return result


def _shaped(value, of):
    """Objects in lists with all the attributes of their type."""
    if isinstance(value, list) and isinstance(of, list) and of[1][0] == "object":
        return [dict.fromkeys(of[1][1]) | item for item in value]
    return value


def _schemas(found):
    return {name: _schema(schema) for name, schema in found.items()}


def _schema(schema):
    return pb.Schema(version=schema.get("version", 0), block=_block(schema.get("block", {})))


def _block(block):
    attributes = [
        pb.Schema.Attribute(
            name=name,
            type=json.dumps(attribute["type"]).encode(),
            required=attribute.get("required", False),
            optional=attribute.get("optional", False),
            computed=attribute.get("computed", False),
        )
        for name, attribute in sorted(block.get("attributes", {}).items())
    ]
    nested = [
        pb.Schema.NestedBlock(
            type_name=name,
            block=_block(inner["block"]),
            nesting=NESTING[inner["nesting_mode"]],
            min_items=inner.get("min_items", 0),
            max_items=inner.get("max_items", 0),
        )
        for name, inner in sorted(block.get("block_types", {}).items())
    ]
    return pb.Schema.Block(attributes=attributes, block_types=nested)


def _decoded(value):
    if value.msgpack:
        return msgpack.unpackb(
            value.msgpack, ext_hook=lambda code, data: UNKNOWN, strict_map_key=False
        )
    return json.loads(value.json) if value.json else None


def _encoded(value):
    return pb.DynamicValue(msgpack=msgpack.packb(value))


def _error(text: str):
    return pb.Diagnostic(severity=pb.Diagnostic.ERROR, summary="Invalid value", detail=text)


if __name__ == "__main__":
    document = json.loads(Path(sys.argv[1]).read_text())
    (served,) = document["provider_schemas"].values()
    plugin.serve(Provider(served))
