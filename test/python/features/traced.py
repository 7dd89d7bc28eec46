"""What features tell of traces: all but ids and times."""

import json
import re

import mlflow

# Of what frameworks call their runs.
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Random, measured, or of the machine.
VOLATILE = (
    "mlflow.trace.sizeBytes",
    "mlflow.trace.sizeStats",
    "mlflow.source.name",
    "mlflow.user",
    "mlflow.modelId",
    "mlflow.traceRequestId",
    "mlflow.spanStartTimeNs",
)


def without_uuids(value):
    return json.loads(UUID.sub("<uuid>", json.dumps(value, default=str)))


def described(trace):
    """The trace without ids and times; its spans by their names, each with the name of its parent."""
    info = trace.info
    names = {span.span_id: span.name for span in trace.data.spans}
    sizes = json.loads(info.trace_metadata.get("mlflow.trace.sizeStats", "{}"))
    spans = [
        [
            span.name,
            names.get(span.parent_id, span.parent_id and "elsewhere"),
            span.span_type,
            span.status.status_code.value,
            {key: value for key, value in span.attributes.items() if key not in VOLATILE},
            [[event.name, sorted(event.attributes)] for event in span.events],
            [link.attributes for link in span.links or []],
        ]
        for span in trace.data.spans
    ]
    told = {
        "state": info.state.value,
        "previews": [info.request_preview, info.response_preview],
        "request": info.client_request_id,
        "tags": info.tags,
        "metadata": {key: value for key, value in info.trace_metadata.items() if key not in VOLATILE},
        "spans expected": sizes.get("num_spans"),
        "usage": info.token_usage,
        "spans": sorted(without_uuids(spans), key=json.dumps),
    }
    return without_uuids(told)


def last():
    """The last trace of this process."""
    return mlflow.get_trace(mlflow.get_last_active_trace_id(), flush=True)


def found(text=None, **options):
    """The names of the traces that the search finds in the active experiment."""
    traces = mlflow.search_traces(filter_string=text, return_type="list", flush=True, **options)
    return [trace.info.tags["mlflow.traceName"] for trace in traces]
