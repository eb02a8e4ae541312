"""JSON Schema of the documents, from the models that define them."""

from __future__ import annotations

from typing import Any

from melange_cloud.documents import Document
from melange_cloud.plan import Plan
from melange_cloud.prices.book import PriceBook
from melange_cloud.profiles.document import Profile
from melange_cloud.service import Service
from melange_cloud.workload.document import Workload

DOCUMENTS: dict[str, type[Document]] = {
    "service": Service,
    "workload": Workload,
    "profile": Profile,
    "prices": PriceBook,
    "plan": Plan,
}


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a document by name."""
    schema = DOCUMENTS[name].model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
