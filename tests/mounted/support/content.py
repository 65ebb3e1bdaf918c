"""The rules of content: what files a reply makes. Written from docs/semantics.md, apart from the C code."""

import json
import re

JSON_TEXT = {"Timeline", "ClipsParam", "UserData", "SubJobMaterials"}


def snake(key):
    key = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", key)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", key).lower()


def number(value):
    """The shortest text that reads back as the same number."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return repr(value)


def with_line_feed(text):
    return (text if text.endswith("\n") else text + "\n").encode()


def files_of(reply):
    """Name -> bytes of every field's file; request_id and job.json change with each reply: not here."""
    files = {}
    for key, value in json.loads(reply)["MediaProducingJob"].items():
        if value is None or value == "":
            continue
        if isinstance(value, (dict, list)):
            files[snake(key) + ".json"] = with_line_feed(json.dumps(value))
        elif key in JSON_TEXT:
            files[snake(key) + ".json"] = with_line_feed(value)
        elif isinstance(value, str):
            files[snake(key)] = with_line_feed(value)
        else:
            files[snake(key)] = with_line_feed(number(value))
    return files
