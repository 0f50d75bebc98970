"""What schemathesis cannot know of Hexmile: bytes of uploads, and names of what is there."""

import json
import os
import pathlib
import sqlite3
import urllib.request

import schemathesis
from hypothesis import strategies as st

SERVER = os.environ["HEXMILE_SERVER"]
SEALED = pathlib.Path(os.environ["HEXMILE_SEALED"]).read_bytes()
MEDIA_TYPE = "application/vnd.hexmile.trace"


def framed(payload):
    """A payload as an upload has it: behind its length, before a signature."""
    return len(payload).to_bytes(4, "little") + payload + bytes(64)


def flipped(at):
    """A true trace with one bit turned."""
    changed = bytearray(SEALED)
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


UPLOADS = st.one_of(
    st.binary(max_size=512),
    st.binary(max_size=512).map(framed),
    st.integers(0, len(SEALED) * 8 - 1).map(flipped),
    st.integers(0, len(SEALED)).map(lambda end: SEALED[:end]),
    st.lists(st.just(SEALED), min_size=1, max_size=66).map(b"".join),
)
schemathesis.openapi.media_type(MEDIA_TYPE, UPLOADS)


@schemathesis.serializer(MEDIA_TYPE)
def upload(context, value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def fetch(path):
    with urllib.request.urlopen(SERVER + path) as answer:
        return json.load(answer)


def known():
    """Path parameters by name, of what the server holds."""
    epochs = [str(epoch["number"]) for epoch in fetch("/v1/epochs")["epochs"]]
    scores = fetch(f"/v1/epochs/{epochs[0]}/scores?limit=5")["scores"]
    # No route lists traces: their ids are their senders' alone.
    with sqlite3.connect(f"file:{os.environ['HEXMILE_SQLITE']}?mode=ro", uri=True) as store:
        traces = [row[0] for row in store.execute("SELECT lower(hex(trace_id)) FROM trace LIMIT 5")]
    names = {
        "number": epochs,
        "account_id": [score["account_id"] for score in scores],
        "trace_id": traces,
        "h3": os.environ["HEXMILE_CELLS"].split(),
    }
    assert all(names.values()), names
    return names


KNOWN = known()


@schemathesis.hook
def before_call(context, case, **kwargs):
    """Of every two valid requests, one is for something that is there."""
    if case.meta is None or case.meta.generation.mode.is_negative:
        return
    for name, values in KNOWN.items():
        if name in case.path_parameters:
            draw = sum(str(case.path_parameters[name]).encode())
            if draw % 2 == 0:
                case.path_parameters[name] = values[draw // 2 % len(values)]
