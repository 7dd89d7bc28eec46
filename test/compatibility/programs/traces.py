"""Traces of clients since 2.14: made, found, tagged, assessed and deleted."""

import os
import time

# Then no trace is overtaken by its own spans.
os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"

import mlflow  # noqa: E402
import requests  # noqa: E402
from harness import experiment, feature, own, refusal, run_features  # noqa: E402

CHAT_USAGE = "mlflow.chat.tokenUsage"
# Of the machine, or of what the trace is long.
VOLATILE = ("mlflow.user", "mlflow.source.", "mlflow.artifactLocation", "mlflow.trace.size", "mlflow.trace_schema")


def plain(items):
    return {key: value for key, value in items.items() if not key.startswith(VOLATILE)}


def id_of(info):
    return getattr(info, "trace_id", None) or info.request_id


def last():
    """The id of the last trace."""
    if hasattr(mlflow, "flush_trace_async_logging"):
        mlflow.flush_trace_async_logging()
    if hasattr(mlflow, "get_last_active_trace_id"):
        return mlflow.get_last_active_trace_id()
    return mlflow.get_last_active_trace().info.request_id


def shown(trace):
    info = trace.info
    names = {span.span_id: span.name for span in trace.data.spans}
    return [
        str(getattr(info, "state", None) or info.status),
        plain(info.tags),
        plain(getattr(info, "trace_metadata", None) or info.request_metadata),
        [getattr(info, "request_preview", None), getattr(info, "response_preview", None)],
        [
            [
                span.name,
                names.get(span.parent_id),
                span.get_attribute("mlflow.spanType"),
                str(span.status.status_code),
                span.inputs,
                span.outputs,
                [event.name for event in span.events],
            ]
            for span in sorted(trace.data.spans, key=lambda span: span.start_time_ns)
        ],
    ]


@mlflow.trace(span_type="LLM", attributes={"temperature": 0.5})
def answer(question):
    if question == "fail":
        raise ValueError("no answer")
    return {"text": f"{question}!", "length": len(question)}


@mlflow.trace(name="ask", span_type="CHAIN")
def ask(question):
    with mlflow.start_span("think") as span:
        span.set_inputs({"question": question})
        span.set_attribute("depth", 2)
    return answer(question)


def asked(name, *questions):
    """The experiment of the name with a trace of each question, and their ids."""
    experiment_id = experiment(own(name))
    ids = []
    for question in questions:
        try:
            ask(question)
        except ValueError:
            pass
        ids.append(last())
    return experiment_id, ids


def found(client, experiment_id, ids, text=None, **options):
    """The ranks of the traces that are found."""
    traces = client.search_traces(experiment_ids=[experiment_id], filter_string=text, **options)
    return [ids.index(id_of(trace.info)) for trace in traces]


@feature
def nested(client):
    _, ids = asked("nested spans", "why", "Wörld " * 200, "fail")
    return [shown(client.get_trace(trace_id)) for trace_id in ids]


@feature
def searches(client):
    experiment_id, ids = asked("searches of traces", "one", "two", "fail", "three")
    client.set_trace_tag(ids[1], "team", "vision")
    pages, token = [], None
    for _ in range(3):
        page = client.search_traces(experiment_ids=[experiment_id], max_results=2, page_token=token)
        pages.append([ids.index(id_of(trace.info)) for trace in page])
        token = page.token
        if not token:
            break
    frame = mlflow.search_traces(experiment_ids=[experiment_id])
    return [
        found(client, experiment_id, ids),
        found(client, experiment_id, ids, order_by=["timestamp_ms ASC"]),
        found(client, experiment_id, ids, "status = 'ERROR'"),
        found(client, experiment_id, ids, "tags.team = 'vision'"),
        found(client, experiment_id, ids, "attributes.name = 'ask' AND attributes.status = 'OK'", max_results=2),
        pages,
        [len(frame), sorted(frame.columns)],
        refusal(found, client, experiment_id, ids, "no_such = 'x'"),
        refusal(found, client, experiment_id, ids, order_by=["no_such ASC"]),
    ]


@feature
def tags(client):
    _, (trace_id,) = asked("tags of traces", "why")
    client.set_trace_tag(trace_id, "kept", "ünï")
    client.set_trace_tag(trace_id, "gone", "x")
    client.set_trace_tag(trace_id, "kept", "new")
    client.delete_trace_tag(trace_id, "gone")
    return [plain(client.get_trace(trace_id).info.tags), refusal(client.delete_trace_tag, trace_id, "gone")]


@feature
def by_hand(client):
    experiment_id = experiment(own("traces by hand"))
    root = client.start_trace("root", inputs={"x": 1}, tags={"k": "v"}, experiment_id=experiment_id)
    trace_id = getattr(root, "trace_id", None) or root.request_id
    span = client.start_span("child", trace_id, root.span_id, inputs=[1, 2], attributes={"a": "b"})
    client.end_span(trace_id, span.span_id, outputs={"y": None}, status="ERROR")
    client.set_trace_tag(trace_id, "while", "it runs")
    client.end_trace(trace_id, outputs="done", attributes={"c": 3})
    if hasattr(mlflow, "flush_trace_async_logging"):
        mlflow.flush_trace_async_logging()
    return shown(client.get_trace(trace_id))


@feature
def of_runs(client):
    experiment_id = experiment(own("traces of runs"))
    with mlflow.start_run() as run:
        ask("why")
    ids = [last()]
    return [
        found(client, experiment_id, ids, run_id=run.info.run_id),
        mlflow.get_trace(ids[0]).info.request_metadata.get("mlflow.sourceRun") == run.info.run_id,
    ]


@feature
def spans_file(_client):
    """As the web UI asks for the spans."""
    _, (trace_id,) = asked("files of spans", "why")
    uri = f"{os.environ['MLFLOW_TRACKING_URI']}/ajax-api/2.0/mlflow/get-trace-artifact"
    answer = requests.get(uri, {"request_id": trace_id})
    return [answer.status_code, sorted(span["name"] for span in answer.json()["spans"])]


@feature
def deletion(client):
    experiment_id, ids = asked("deletion of traces", "one", "two", "three")
    newest = int(time.time() * 1000) + 1000
    answers = [client.delete_traces(experiment_id, max_timestamp_millis=newest, max_traces=1)]
    answers.append(found(client, experiment_id, ids))
    answers.append(client.delete_traces(experiment_id, max_timestamp_millis=newest))
    answers.append(found(client, experiment_id, ids))
    return answers


@feature
def sessions(client):
    experiment_id = experiment(own("sessions of traces"))

    @mlflow.trace
    def turn(session):
        span = mlflow.get_current_active_span()
        span.set_attribute(CHAT_USAGE, {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3})
        mlflow.update_current_trace(
            tags={"t": "v"}, metadata={"mlflow.trace.session": session, "mlflow.trace.user": "ann"}
        )

    ids = []
    for session in ["a", "b", "a"]:
        turn(session)
        ids.append(last())
    return [
        shown(mlflow.get_trace(ids[0])),
        found(client, experiment_id, ids, "metadata.`mlflow.trace.session` = 'a'"),
        found(client, experiment_id, ids, "metadata.mlflow.trace.user != 'ann'"),
    ]


@feature
def assessments(_client):
    _, (trace_id,) = asked("assessments of traces", "why")
    source = mlflow.entities.AssessmentSource(source_type="HUMAN", source_id="ann")
    mlflow.log_feedback(trace_id=trace_id, name="good", value=True, source=source, rationale="because")
    expected = mlflow.log_expectation(trace_id=trace_id, name="answer", value={"text": "why!"}, source=source)
    found = mlflow.get_trace(trace_id).info.assessments
    mlflow.delete_assessment(trace_id=trace_id, assessment_id=expected.assessment_id)
    left = mlflow.get_trace(trace_id).info.assessments

    def told(one):
        value = one.feedback or one.expectation
        return [one.name, value.value, one.source.source_type, one.source.source_id, one.rationale]

    return [sorted(map(told, found), key=str), [told(one) for one in left]]


@feature
def other_processes(_client):
    from mlflow.tracing.distributed import (
        get_tracing_context_headers_for_http_request,
        set_tracing_context_from_http_request_headers,
    )

    experiment(own("processes of a trace"))
    with mlflow.start_span("caller"):
        headers = get_tracing_context_headers_for_http_request()
        with set_tracing_context_from_http_request_headers(headers):
            with mlflow.start_span("served"):
                pass
    return shown(mlflow.get_trace(last()))


@feature
def searched_sessions(_client):
    experiment(own("sessions that are searched"))

    @mlflow.trace
    def turn(session):
        mlflow.update_current_trace(session_id=session, user="ann")

    for session in ["a", "b", "a"]:
        turn(session)
    last()
    return [[session.id, len(session)] for session in mlflow.search_sessions()]


run_features()
