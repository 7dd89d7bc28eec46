"""Assessments of traces through the client: feedback, expectations, issues, evaluations, datasets made of traces."""

import contextlib
import json
import sys

import mlflow
from harness import experiment, feature, refusal, run_features
from mlflow.entities import AssessmentError, AssessmentSource, Expectation, Feedback
from mlflow.genai import scorer
from mlflow.genai.datasets import create_dataset
from mlflow.tracing.client import TracingClient

HUMAN = AssessmentSource(source_type="human", source_id="ann")
JUDGE = AssessmentSource(source_type="AI_JUDGE", source_id="judge")


@mlflow.trace(name="answer", span_type="LLM")
def answer(question):
    return {"reply": f"{question}?", "length": len(question)}


def asked(question, session=None):
    """The id of a new trace."""

    @mlflow.trace(name="ask")
    def ask(question):
        if session:
            mlflow.update_current_trace(metadata={"mlflow.trace.session": session})
        return answer(question)

    ask(question)
    mlflow.flush_trace_async_logging()
    return mlflow.get_last_active_trace_id()


def described(assessment):
    value = assessment.feedback or assessment.expectation or assessment.issue
    error = assessment.feedback and assessment.feedback.error
    return {
        "kind": type(assessment).__name__,
        "name": assessment.name,
        "value": getattr(value, "value", None),
        "issue": getattr(value, "issue_name", None),
        "error": error and [error.error_code, error.error_message, (error.stack_trace or "")[:30]],
        "source": [assessment.source.source_type, assessment.source.source_id],
        "trace": assessment.trace_id,
        "span": assessment.span_id is not None,
        "rationale": assessment.rationale,
        "metadata": assessment.metadata,
        "run": assessment.run_id,
        "overrides": assessment.overrides is not None,
        "valid": assessment.valid,
    }


def all_of(trace_id):
    return [described(one) for one in mlflow.get_trace(trace_id).info.assessments]


@feature
def kinds(_client):
    experiment("kinds of assessments")
    trace_id = asked("why")
    span_id = mlflow.get_trace(trace_id).data.spans[1].span_id
    with mlflow.start_run() as run:
        made = [
            mlflow.log_feedback(trace_id=trace_id, name="good", value=True, source=HUMAN, rationale="because"),
            mlflow.log_feedback(trace_id=trace_id, value=0.5, source=JUDGE, span_id=span_id),
            mlflow.log_feedback(trace_id=trace_id, name="list", value=["a", "b"]),
            mlflow.log_feedback(trace_id=trace_id, name="dict", value={"a": 1, "b": "x"}),
            mlflow.log_feedback(trace_id=trace_id, name="failed", error=ValueError("no")),
            mlflow.log_feedback(
                trace_id=trace_id, name="failed", error=AssessmentError("CODE", "why", "x" * 20000), source=JUDGE
            ),
            mlflow.log_expectation(trace_id=trace_id, name="text", value="Wörld", source=HUMAN),
            mlflow.log_expectation(trace_id=trace_id, name="number", value=42),
            mlflow.log_expectation(
                trace_id=trace_id,
                name="message",
                value={"role": "assistant", "calls": [{"id": 1, "score": 0.5, "none": None}]},
                metadata={"mlflow.assessment.sourceRunId": run.info.run_id},
            ),
        ]
    got = [mlflow.get_assessment(trace_id, one.assessment_id) for one in made]
    return [[described(one) for one in made], [described(one) for one in got], all_of(trace_id)]


@feature
def changes(_client):
    experiment("changed assessments")
    trace_id = asked("why")
    first = mlflow.log_feedback(trace_id=trace_id, name="good", value=1, metadata={"a": "1"}).assessment_id
    expected = mlflow.log_expectation(trace_id=trace_id, name="text", value="x").assessment_id
    changed = [
        mlflow.update_assessment(
            trace_id, first, Feedback(name="better", value="yes", rationale="new", metadata={"b": "2"})
        ),
        mlflow.update_assessment(trace_id, expected, Expectation(name="text", value=[1, 2])),
    ]
    over = mlflow.override_feedback(
        trace_id=trace_id, assessment_id=first, value="no", rationale="wrong", source=HUMAN, metadata={"c": "3"}
    )
    overridden = all_of(trace_id)
    mlflow.delete_assessment(trace_id, over.assessment_id)
    mlflow.delete_assessment(trace_id, over.assessment_id)
    restored = all_of(trace_id)
    mlflow.delete_assessment(trace_id, expected)
    refused = [
        refusal(mlflow.get_assessment, trace_id, expected),
        refusal(mlflow.get_assessment, "tr-none", first),
        refusal(mlflow.update_assessment, trace_id, first, Expectation(name="x", value=1)),
        refusal(mlflow.update_assessment, trace_id, "a-none", Feedback(name="x", value=1)),
        refusal(mlflow.override_feedback, trace_id=trace_id, assessment_id="a-none", value=1),
        refusal(mlflow.log_feedback, trace_id="tr-none", value=1),
    ]
    return [[described(one) for one in changed], described(over), overridden, restored, all_of(trace_id), refused]


@feature
def with_the_trace(_client):
    experiment("assessments with their trace")

    @mlflow.trace
    def ask():
        trace_id = mlflow.get_active_trace_id()
        mlflow.log_feedback(trace_id=trace_id, name="good", value=True, rationale="inside")
        mlflow.log_expectation(trace_id=trace_id, name="text", value={"a": 1})

    ask()
    mlflow.flush_trace_async_logging()
    trace_id = mlflow.get_last_active_trace_id()
    mlflow.log_feedback(trace_id=trace_id, name="later", value=1)
    return all_of(trace_id)


@feature
def issues(client):
    experiment_id = experiment("issues of traces")
    traces = [asked(question) for question in ("a", "b", "c")]
    store = TracingClient().store
    slow, wrong = (store.create_issue(experiment_id, name, "d") for name in ("slow", "wrong"))
    made = mlflow.log_issue(trace_id=traces[0], issue_id=slow.issue_id, rationale="took long")
    mlflow.log_issue(trace_id=traces[1], issue_id=slow.issue_id)
    mlflow.log_issue(trace_id=traces[1], issue_id=wrong.issue_id, issue_name="wrong", source=HUMAN)
    refused = refusal(mlflow.log_issue, trace_id=traces[1], issue_id=slow.issue_id, issue_name="other")
    counted = store.search_issues(experiment_id=experiment_id, include_trace_count=True)
    found = mlflow.search_traces(
        locations=[experiment_id], filter_string=f"issue.id = '{slow.issue_id}'", return_type="list"
    )
    return [
        described(made),
        refused,
        [[one.name, one.trace_count] for one in counted],
        sorted(traces.index(trace.info.trace_id) for trace in found),
        all_of(traces[1]),
    ]


@feature
def searches(client):
    experiment_id = experiment("searched assessments")
    traces = [asked(question, session) for question, session in (("a", None), ("b", "s"), ("c", "s"))]
    mlflow.log_feedback(trace_id=traces[0], name="quality", value="good", source=HUMAN)
    mlflow.log_feedback(trace_id=traces[0], name="score", value=0.9)
    mlflow.log_feedback(trace_id=traces[1], name="quality", value="bad")
    mlflow.log_feedback(trace_id=traces[1], name="score", value=0.2)
    mlflow.log_feedback(
        trace_id=traces[1], name="polite", value=True, metadata={"mlflow.trace.session": "s"}
    )
    mlflow.log_expectation(trace_id=traces[2], name="reply", value="Wörld")
    filters = [
        "feedback.quality = 'good'",
        "feedback.quality != 'good'",
        "feedback.quality LIKE '%o%'",
        "feedback.score > 0.5",
        "feedback.score <= 0.5 AND feedback.quality IS NOT NULL",
        "feedback.quality IS NULL",
        "feedback.polite = 'true'",
        "expectation.reply = 'Wörld'",
        "expectation.reply IS NULL",
    ]
    found = {}
    for text in filters:
        rows = mlflow.search_traces(locations=[experiment_id], filter_string=text, return_type="list")
        found[text] = sorted(traces.index(trace.info.trace_id) for trace in rows)
    frame = mlflow.search_traces(locations=[experiment_id], order_by=["timestamp ASC"])
    columns = [[one["assessment_name"] for one in row] for row in frame["assessments"]]
    return [found, columns, refusal(mlflow.search_traces, locations=[experiment_id], filter_string="feedback.x > 'a'")]


@scorer
def is_short(outputs):
    return len(str(outputs)) < 40


@scorer
def score(inputs, outputs, expectations):
    return Feedback(
        value=0.25 if inputs["question"] == expectations.get("expected") else 1.0, rationale="measured"
    )


@scorer
def yes_or_no(inputs):
    return "yes" if inputs["question"] == "a" else "no"


@scorer
def several(trace):
    return [Feedback(name="spans", value=len(trace.data.spans)), Feedback(name="state", value=trace.info.state.value)]


@scorer
def failing(outputs):
    raise ValueError("no score")


def evaluate(**options):
    # What it prints for people stays out of the answers.
    with contextlib.redirect_stdout(sys.stderr):
        return mlflow.genai.evaluate(**options)


def evaluated(result, client):
    """What an evaluation leaves: the metrics of its run, its traces and their assessments."""
    mlflow.flush_trace_async_logging()
    run = client.get_run(result.run_id)
    traces = mlflow.search_traces(
        locations=[run.info.experiment_id], run_id=result.run_id, return_type="list", order_by=["timestamp ASC"]
    )
    shown = [
        [
            json.loads(trace.data.request),
            sorted(
                (
                    [one["name"], one["value"], one["error"], one["rationale"], one["source"], one["run"], one["metadata"]]
                    for one in map(described, trace.info.assessments)
                ),
                key=str,
            ),
        ]
        for trace in traces
    ]
    frame = result.result_df
    return {
        "metrics": dict(sorted(run.data.metrics.items())),
        "result": dict(sorted(result.metrics.items())),
        "tags": {key: run.data.tags[key] for key in ("mlflow.runType",) if key in run.data.tags},
        "traces": sorted(shown, key=str),
        "columns": sorted(column for column in frame.columns if column.endswith("/value")),
        "rows": len(frame),
    }


@feature
def evaluates_functions(client):
    experiment("evaluated functions")
    data = [
        {"inputs": {"question": "a"}, "expectations": {"expected": "a"}},
        {"inputs": {"question": "b"}, "expectations": {"expected": "c"}, "tags": {"team": "x"}},
        {"inputs": {"question": "long " * 20}, "expectations": {"expected": "c"}},
    ]
    result = evaluate(
        data=data, predict_fn=answer, scorers=[is_short, score, yes_or_no, several, failing]
    )
    return evaluated(result, client)


@feature
def evaluates_outputs(client):
    experiment("evaluated outputs")
    data = [
        {"inputs": {"question": "a"}, "outputs": "A", "expectations": {"expected": "b"}},
        {"inputs": {"question": "b"}, "outputs": "B" * 60, "expectations": {"expected": "b"}},
    ]
    result = evaluate(data=data, scorers=[is_short, score])
    return evaluated(result, client)


@feature
def evaluates_traces(client):
    experiment_id = experiment("evaluated traces")
    for question in ("a", "b"):
        trace_id = asked(question)
        mlflow.log_expectation(trace_id=trace_id, name="expected", value="a", source=HUMAN)
    frame = mlflow.search_traces(locations=[experiment_id], order_by=["timestamp ASC"])
    result = evaluate(data=frame, scorers=[is_short, score, several])
    return evaluated(result, client)


@feature
def datasets_of_traces(client):
    experiment_id = experiment("datasets of traces")
    for question in ("a", "b"):
        trace_id = asked(question)
        mlflow.log_expectation(trace_id=trace_id, name="expected", value={"text": question}, source=HUMAN)
        mlflow.log_feedback(trace_id=trace_id, name="quality", value="good")
    asked("c")
    frame = mlflow.search_traces(locations=[experiment_id], order_by=["timestamp ASC"])
    dataset = create_dataset(name="of traces", experiment_id=[experiment_id])
    dataset.merge_records(frame)
    dataset.merge_records(mlflow.search_traces(locations=[experiment_id], return_type="list"))
    records = dataset.to_df().sort_values("inputs", key=lambda column: column.map(str))
    shown = [
        [row["inputs"], row["outputs"], row["expectations"], row["source_type"], row["source_id"], row["tags"]]
        for row in records.to_dict("records")
    ]
    result = evaluate(data=dataset, predict_fn=answer, scorers=[is_short])
    return [shown, dataset.schema, evaluated(result, client)]


run_features()
