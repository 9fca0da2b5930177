"""Judges an event by the published schema of OCSF (`data/ocsf-1.8.0.json`), not by our tables."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SCHEMA = json.loads((Path(__file__).parent / "data" / "ocsf-1.8.0.json").read_text("utf-8"))
_CLASSES = {found["uid"]: found for found in SCHEMA["classes"].values()}
_PYTHON = {
    "string_t": str,
    "integer_t": int,
    "long_t": int,
    "boolean_t": bool,
    "float_t": (int, float),
}


def find_faults(event: Mapping[str, Any]) -> list[str]:
    """Everything in which the event is not of its class and profiles."""
    found = _CLASSES.get(event.get("class_uid", 0))
    if found is None:
        return ["class_uid: not in the snapshot"]
    profiles = set(event["metadata"].get("profiles", []))
    faults = [f"profile {name}" for name in profiles - set(found["profiles"])]
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        faults.append("type_uid")
    if event["metadata"]["version"] != SCHEMA["version"]:
        faults.append("metadata.version")
    return faults + list(_judge(event, found, profiles, ""))


def _judge(
    value: Mapping[str, Any], item: Mapping[str, Any], profiles: set[str], place: str
) -> Iterator[str]:
    attributes = {
        name: attribute
        for name, attribute in item["attributes"].items()
        if not attribute.get("profiles") or profiles & set(attribute["profiles"])
    }
    for name, attribute in attributes.items():
        if attribute["requirement"] == "required" and name not in value:
            yield f"{place}{name}: required"
    for rule, names in item.get("constraints", {}).items():
        count = sum(name in value for name in names)
        if not (count >= 1 if rule == "at_least_one" else count == 1):
            yield f"{place}{rule} {names}"
    for name, inner in value.items():
        if name not in attributes:
            yield f"{place}{name}: no such attribute"
        else:
            yield from _judge_attribute(inner, attributes[name], profiles, f"{place}{name}")


def _judge_attribute(
    value: Any, attribute: Mapping[str, Any], profiles: set[str], place: str
) -> Iterator[str]:
    if attribute.get("is_array"):
        if not isinstance(value, list):
            yield f"{place}: not a list"
            return
        for inner in value:
            yield from _judge_one(inner, attribute, profiles, f"{place}[]")
    else:
        yield from _judge_one(value, attribute, profiles, place)


def _judge_one(
    value: Any, attribute: Mapping[str, Any], profiles: set[str], place: str
) -> Iterator[str]:
    if attribute["type"] == "object_t":
        if attribute["object_type"] == "object":  # the schema's own open object
            return
        item = SCHEMA["objects"].get(attribute["object_type"])
        if item is None or not isinstance(value, dict):
            yield f"{place}: not in the snapshot, or no object"
        else:
            yield from _judge(value, item, profiles, f"{place}.")
        return
    base = SCHEMA["types"].get(attribute["type"], attribute["type"])
    base = SCHEMA["types"].get(base, base)
    if not isinstance(value, _PYTHON[base]) or (base != "boolean_t" and isinstance(value, bool)):
        yield f"{place}: not {base}"
    if attribute.get("enum") and str(value) not in attribute["enum"]:
        yield f"{place}: not in the enumeration"
