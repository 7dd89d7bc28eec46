"""Traces through the client: exports, several processes, sessions, searches, attachments and traces made by hand."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlparse

import mlflow
import requests
from harness import experiment, feature, refusal, run_features
from mlflow.entities import SpanEvent
from mlflow.entities.trace_location import MlflowExperimentLocation
from mlflow.environment_variables import (
    MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS,
    MLFLOW_ASYNC_TRACE_LOGGING_MAX_SPAN_BATCH_SIZE,
    MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS,
    MLFLOW_ENABLE_ASYNC_TRACE_LOGGING,
    MLFLOW_USE_BATCH_SPAN_PROCESSOR,
)
from mlflow.tracing import (
    get_tracing_context_headers_for_http_request,
    set_tracing_context_from_http_request_headers,
)
from mlflow.tracing.attachments import Attachment
from traced import described, found, last

@mlflow.trace(span_type="TOOL")
def look_up(word):
    return {"word": word, "length": len(word)}


def ask(name, words=("one", "two"), **options):
    """A trace of the name with a span for each word."""

    @mlflow.trace(name=name, span_type="CHAIN")
    def run(words):
        if options:
            mlflow.update_current_trace(**options)
        return [look_up(word) for word in words]

    return run(words)


# Of what is exported in threads, the description of a trace may overtake its spans, and stock then keeps less of it.
MLFLOW_ENABLE_ASYNC_TRACE_LOGGING.set(False)

EXPORTS = {
    "synchronous": {},
    "in threads": {MLFLOW_ENABLE_ASYNC_TRACE_LOGGING: True},
    "each span in a task": {
        MLFLOW_ENABLE_ASYNC_TRACE_LOGGING: True,
        MLFLOW_USE_BATCH_SPAN_PROCESSOR: False,
        MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS: 1,
    },
    "in batches": {
        MLFLOW_ENABLE_ASYNC_TRACE_LOGGING: True,
        MLFLOW_ASYNC_TRACE_LOGGING_MAX_SPAN_BATCH_SIZE: 3,
        MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS: 50,
        MLFLOW_ASYNC_TRACE_LOGGING_MAX_WORKERS: 4,
    },
}


@feature
def exports(_client):
    answers = {}
    for name, settings in EXPORTS.items():
        experiment(f"exports {name}")
        for variable, value in settings.items():
            variable.set(value)
        mlflow.tracing.reset()
        try:
            with ThreadPoolExecutor(3) as threads:
                list(threads.map(lambda number: ask(f"trace {number}", words=["w"] * (number % 3 + 1)), range(6)))
            mlflow.flush_trace_async_logging()
        finally:
            for variable in settings:
                variable.unset()
            MLFLOW_ENABLE_ASYNC_TRACE_LOGGING.set(False)
        traces = mlflow.search_traces(return_type="list")
        answers[name] = sorted([each.info.tags["mlflow.traceName"], described(each)] for each in traces)
    mlflow.tracing.reset()
    return answers


CHILD = """
import json, sys, mlflow
from mlflow.tracing import set_tracing_context_from_http_request_headers
mlflow.set_experiment(experiment_id=sys.argv[1])
with set_tracing_context_from_http_request_headers(json.loads(sys.argv[2])):
    with mlflow.start_span("served", span_type="RETRIEVER") as span:
        span.set_inputs({"asked": True})
        with mlflow.start_span("inner"):
            pass
    # Outside of the context the client forgets spans that wait.
    mlflow.flush_trace_async_logging()
print(span.trace_id)
"""


@feature
def other_processes(_client):
    experiment_id = experiment("processes of a trace")
    with mlflow.start_span("caller") as caller:
        headers = get_tracing_context_headers_for_http_request()
        printed = subprocess.run(
            [sys.executable, "-c", CHILD, experiment_id, json.dumps(headers)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        with set_tracing_context_from_http_request_headers({"Traceparent": headers["traceparent"]}):
            with mlflow.start_span("served here"):
                pass
    return [
        sorted(headers),
        printed.strip() == caller.trace_id,
        described(last()),
        found(),
        refusal(lambda: set_tracing_context_from_http_request_headers({}).__enter__()),
    ]


@feature
def sessions(client):
    experiment("sessions of traces")
    for number in range(5):
        ask(
            f"turn {number}",
            session_id=f"session {number % 2}",
            user="ann" if number < 3 else "bob",
            client_request_id=f"request {number}",
            metadata={"version": "1.2", "count": 3},
            tags={"number": str(number)},
        )
    ask("none")
    ask("previews", request_preview="What was asked", response_preview="What was answered", state="ERROR")
    with mlflow.start_span("seen while it runs") as span:
        mlflow.update_current_trace(user="eve")
    mlflow.flush_trace_async_logging()
    sessions = [[each.id, [one.info.tags["mlflow.traceName"] for one in each]] for each in mlflow.search_sessions()]
    return [
        sessions,
        [[each.id, len(each)] for each in mlflow.search_sessions(max_results=1, include_spans=False)],
        found("metadata.`mlflow.trace.user` = 'ann'"),
        found("metadata.mlflow.trace.session = 'session 1'", order_by=["timestamp_ms ASC"]),
        found("trace.client_request_id = 'request 2'"),
        found("status = 'ERROR'"),
        [described(mlflow.get_trace(span.trace_id))],
        [described(each) for each in mlflow.search_traces(return_type="list")],
    ]


@feature
def searches(client):
    experiment("searches of traces")
    with mlflow.start_run() as run:
        for number in range(7):
            ask(f"trace {number}", words=["w" * number], tags={"parity": "even" if number % 2 == 0 else "odd"})
    mlflow.flush_trace_async_logging()
    for trace in mlflow.search_traces(return_type="list", filter_string="tags.parity = 'odd'"):
        name = trace.info.tags["mlflow.traceName"]
        mlflow.log_feedback(trace_id=trace.info.trace_id, name="good", value=name != "trace 3", rationale="seen")
        mlflow.log_expectation(trace_id=trace.info.trace_id, name="words", value=[name])
    frame = mlflow.search_traces(filter_string="tags.parity = 'even'", order_by=["timestamp ASC"])
    columns = [column for column in frame.columns if column not in ("trace", "execution_duration", "request_time")]
    frame = frame[[column for column in columns if column not in ("trace_metadata", "spans")]]
    token, pages = None, []
    while token != "":
        page = client.search_traces(
            locations=[mlflow.get_experiment_by_name("searches of traces").experiment_id],
            max_results=3,
            order_by=["timestamp_ms ASC"],
            page_token=token,
            include_spans=False,
        )
        pages.append([[each.info.tags["mlflow.traceName"], len(each.data.spans)] for each in page])
        token = page.token or ""
    return [
        found(),
        found(order_by=["timestamp ASC"]),
        found(order_by=["name DESC"], max_results=3),
        found("tags.parity = 'odd' AND status = 'OK'", order_by=["timestamp_ms DESC"]),
        found("feedback.good = 'true'"),
        found("feedback.good = 'false'"),
        found("name LIKE 'trace %' AND tags.parity != 'odd'"),
        found("span.name = 'look_up' AND span.type = 'TOOL'", max_results=2),
        found("span.attributes.`mlflow.spanInputs` LIKE '%wwww%'"),
        found(run_id=run.info.run_id, max_results=4),
        found("execution_time_ms < 0"),
        columns,
        frame.to_dict("records"),
        pages,
        refusal(found, "no such = 'thing'"),
        refusal(found, order_by=["no_such ASC"]),
    ]


@feature
def attachments(_client):
    experiment("attachments of traces")
    picture = bytes(range(256))
    with mlflow.start_span("see") as span:
        span.set_inputs({"picture": Attachment(content_type="image/png", content_bytes=picture), "text": "what"})
        encoded = base64.b64encode(picture).decode()
        content = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}}]
        span.set_outputs({"messages": [{"role": "user", "content": content}]})
    trace = last()
    root = trace.data.spans[0]
    urls = [root.inputs["picture"], root.outputs["messages"][0]["content"][0]["image_url"]["url"]]
    answers = []
    for url in map(urlparse, urls):
        answer = requests.get(
            f"{os.environ['MLFLOW_TRACKING_URI']}/ajax-api/3.0/mlflow/get-trace-artifact",
            {"request_id": trace.info.trace_id, "path": url.hostname},
        )
        query = {key: value for key, value in parse_qs(url.query).items() if key != "trace_id"}
        answers.append([url.scheme, query, answer.status_code, answer.headers["content-type"], answer.content == picture])
    return answers


def base64_of(hexadecimal):
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


@feature
def of_javascript(client):
    """The requests of MLflow's JavaScript SDK: the description of a trace, and then its spans as a file of its artifacts."""
    experiment_id = experiment("traces of JavaScript")
    server, number = os.environ["MLFLOW_TRACKING_URI"], uuid.uuid4().hex
    trace_id, start_ns = f"tr-{number}", 1_700_000_000_250_000_000

    def span(name, rank, attributes, parent=None, status="STATUS_CODE_OK"):
        return {
            "trace_id": base64_of(number),
            "span_id": base64_of(f"{rank:016x}"),
            "parent_span_id": parent and base64_of(f"{parent:016x}"),
            "name": name,
            "start_time_unix_nano": start_ns + rank,
            "end_time_unix_nano": start_ns + rank + 1_500_000,
            "status": {"code": status, "message": ""},
            "attributes": {"mlflow.traceRequestId": json.dumps(trace_id), **attributes},
            "events": [{"name": "seen", "time_unix_nano": start_ns, "attributes": {"depth": 1}}],
        }

    info = {
        "trace_id": trace_id,
        "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment_id}},
        "request_preview": '{"question":"why"}',
        "response_preview": '"because"',
        "request_time": "2023-11-14T22:13:20.250Z",
        "execution_duration": "0.123s",
        "state": "OK",
        "trace_metadata": {
            "mlflow.trace_schema.version": "3",
            "mlflow.trace.tokenUsage": '{"input_tokens":1,"output_tokens":2,"total_tokens":3}',
            "mlflow.trace.session": "a",
        },
        "tags": {"mlflow.traceName": "ask"},
        "assessments": [],
    }
    made = requests.post(f"{server}/api/3.0/mlflow/traces", json={"trace": {"trace_info": info}}).json()
    root = urlparse(made["trace"]["trace_info"]["tags"]["mlflow.artifactLocation"]).path
    asked = {"mlflow.spanInputs": '{"question":"why"}', "mlflow.spanOutputs": '"because"', "mlflow.spanType": '"CHAIN"'}
    spans = [span("ask", 1, asked), span("answer", 2, {"mlflow.spanType": '"LLM"'}, 1, "STATUS_CODE_ERROR")]
    file = f"{server}/api/2.0/mlflow-artifacts/artifacts{root}/traces.json"
    put = requests.put(file, json={"spans": spans})
    shown = requests.get(f"{server}/ajax-api/3.0/mlflow/get-trace-artifact", {"request_id": trace_id})
    return [
        put.status_code,
        requests.get(file).json() == shown.json(),
        shown.headers["content-type"],
        described(mlflow.get_trace(trace_id)),
        [described(each) for each in mlflow.search_traces(return_type="list")],
        found("metadata.`mlflow.trace.session` = 'a'"),
        found("span.name = 'answer'"),
    ]


@feature
def by_hand(client):
    experiment("traces made by hand")
    logged = mlflow.log_trace(
        name="logged",
        request={"q": 1},
        response="r",
        attributes={"a": "b"},
        tags={"t": "v"},
        start_time_ms=1_700_000_000_000,
        execution_time_ms=1500,
    )
    root = mlflow.start_span_no_context(
        "root", span_type="AGENT", inputs={"x": 1}, tags={"k": "v"}, metadata={"m": "w"}, start_time_ns=10**18
    )
    child = mlflow.start_span_no_context("child", parent_span=root, attributes={"n": [1, 2.5, None, "ü"]})
    child.add_event(SpanEvent("seen", attributes={"depth": 2, "why": "because"}))
    child.record_exception(ValueError("no"))
    child.end(status="ERROR")
    root.end(outputs={"y": {"deep": [True]}}, end_time_ns=10**18 + 1_234_567_890)
    mlflow.flush_trace_async_logging()
    times = [mlflow.get_trace(logged).info, mlflow.get_trace(root.trace_id).info]
    with mlflow.start_span("target") as target:
        mlflow.add_trace(mlflow.get_trace(logged), target=target)
    whole = last()
    mlflow.add_trace(whole.to_dict())
    return [
        [[info.request_time, info.execution_duration] for info in times],
        described(mlflow.get_trace(logged)),
        described(mlflow.get_trace(root.trace_id)),
        described(whole),
        described(last()),
        # Two of them began at the same time.
        sorted(found()),
    ]


@feature
def functions(_client):
    """Generators, coroutines, failures, and what is not to be seen."""
    experiment("functions that are traced")

    @mlflow.trace(output_reducer=lambda chunks: "".join(chunks))
    def stream(text):
        yield from text

    @mlflow.trace
    async def wait(seconds):
        await asyncio.sleep(seconds)
        return look_up("waited")

    @mlflow.trace
    def fail():
        look_up("before")
        raise ValueError("no such word")

    answers = [list(stream("abc")), described(last()), asyncio.run(wait(0)), described(last())]
    try:
        fail()
    except ValueError as error:
        answers += [str(error), described(last())]
    mlflow.tracing.disable()
    ask("disabled")
    mlflow.tracing.enable()

    @mlflow.trace(sampling_ratio_override=0.0)
    def never():
        return 1

    never()

    def hide(span):
        span.set_inputs({key: "hidden" for key in span.inputs})

    with mlflow.tracing.configure(span_processors=[hide]):
        ask("masked")
    with mlflow.tracing.context(metadata={"from": "context"}, tags={"also": "tags"}):
        ask("in context")
    return [*answers, found(), [described(each) for each in mlflow.search_traces(return_type="list")]]


@feature
def places(client):
    """Traces of another experiment than the active one, of models, and of deleted experiments."""
    other, own = experiment("other place of traces"), experiment("own place of traces")
    mlflow.tracing.set_destination(MlflowExperimentLocation(other))
    ask("elsewhere")
    mlflow.tracing.reset()
    model = mlflow.create_external_model(name="traced")
    mlflow.set_active_model(model_id=model.model_id)
    ask("of a model")
    mlflow.clear_active_model()
    answers = [
        found(locations=[other]),
        found(locations=[own]),
        found(locations=[other, own], order_by=["timestamp ASC"]),
        found(locations=[own], model_id=model.model_id),
        last().info.trace_metadata["mlflow.modelId"] == model.model_id,
    ]
    client.delete_experiment(other)
    answers.append(found(locations=[other, own]))
    trace_id = last().info.trace_id
    client.set_trace_tag(trace_id, "k", "v")
    mlflow.set_trace_tag(trace_id, "long", "x" * 9000)
    answers.append(len(client.get_trace(trace_id).info.tags["long"]))
    mlflow.delete_trace_tag(trace_id, "long")
    answers.append(refusal(client.delete_trace_tag, trace_id, "long"))
    answers.append(refusal(client.set_trace_tag, trace_id, "k" * 300, "v"))
    answers.append(client.delete_traces(own, trace_ids=[trace_id]))
    answers.append(mlflow.get_trace(trace_id, silent=True))
    return answers


run_features()
