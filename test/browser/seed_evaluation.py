"""What seed_genai.py logs of evaluation: judges, a prompt, a data set, two evaluated versions, a queue of reviews, issues found in traces."""

import mlflow
from mlflow.entities import IssueSeverity
from mlflow.genai import label_schemas, review_queues
from mlflow.genai.datasets import create_dataset
from mlflow.genai.judges import make_judge
from mlflow.genai.label_schemas import InputCategorical, InputNumeric, InputPassFail, InputText
from mlflow.genai.scorers import Guidelines, scorer

MODEL = "openai:/gpt-4o-mini"
CAPITALS = {"Portugal": "Lisbon", "Norway": "Oslo", "Ecuador": "Quito", "Vietnam": "Hanoi"}


def log_judges(experiment_id):
    for instructions in ("Is {{ outputs }} polite?", "Is {{ outputs }} a polite answer to {{ inputs }}?"):
        make_judge(name="polite", instructions=instructions, model=MODEL).register(experiment_id=experiment_id)
    Guidelines(name="brief", guidelines=["Be brief."], model=MODEL).register(experiment_id=experiment_id)


def log_prompt(experiment_id):
    mlflow.set_experiment(experiment_id=experiment_id)
    for template in ("How is {{ city }}?", "How is the weather in {{ city }}?"):
        prompt = mlflow.genai.register_prompt("ask-for-weather", template, commit_message="Ask.", tags={"tone": "dry"})
    mlflow.genai.set_prompt_alias("ask-for-weather", "best", prompt.version)


@scorer
def correct(outputs, expectations):
    return outputs == expectations["capital"]


@scorer
def length(outputs):
    return len(outputs)


def log_evaluations(client):
    """Two versions of an agent over the same questions: the first one knows two of four capitals."""
    experiment_id = client.create_experiment("capitals", tags={"mlflow.experimentKind": "genai_development"})
    mlflow.set_experiment(experiment_id=experiment_id)
    dataset = create_dataset("capitals-of-countries", experiment_id=experiment_id, tags={"owner": "ada"})
    records = [
        {"inputs": {"country": country}, "expectations": {"capital": capital}, "tags": {"continent": "any"}}
        for country, capital in CAPITALS.items()
    ]
    dataset.merge_records(records)
    runs = {}
    for version, known in {"first": ("Portugal", "Norway"), "second": tuple(CAPITALS)}.items():

        def answer(country):
            return CAPITALS[country] if country in known else "I do not know."

        with mlflow.start_run(run_name=f"{version}-version"):
            result = mlflow.genai.evaluate(data=dataset, predict_fn=answer, scorers=[correct, length])
        runs[version] = result.run_id
    return {"experiment_id": experiment_id, "dataset_id": dataset.dataset_id, **runs}


def log_reviews(client):
    """Three answers that wait in a queue for a person, with a question of each kind."""
    experiment_id = client.create_experiment("answers", tags={"mlflow.experimentKind": "genai_development"})
    kinds = {
        "right": ("feedback", InputPassFail("Right", "Wrong")),
        "mood": ("feedback", InputCategorical(options=["glad", "sad"])),
        "stars": ("feedback", InputNumeric(min_value=1, max_value=5)),
        "better_answer": ("expectation", InputText(max_length=200)),
    }
    schemas = [
        label_schemas.create_label_schema(
            name,
            type=kind,
            input=question,
            instruction=f"Your view: {name}?",
            enable_comment=name == "right",
            experiment_id=experiment_id,
        ).schema_id
        for name, (kind, question) in kinds.items()
    ]
    traces = []
    for number in range(3):
        span = mlflow.start_span_no_context(
            "answer", inputs={"question": f"What is {number} + 1?"}, experiment_id=experiment_id
        )
        span.set_outputs(f"It is {number + 1}.")
        span.end()
        traces.append(span.trace_id)
    mlflow.flush_trace_async_logging()
    queue = review_queues.create_review_queue(
        "Sums", queue_type="custom", users=["ada"], schema_ids=schemas, experiment_id=experiment_id
    )
    review_queues.add_items_to_review_queue(queue.queue_id, item_ids=traces)
    return {"experiment_id": experiment_id, "queue_id": queue.queue_id, "traces": traces}


def log_issues(client, experiment_id, traces):
    """A run that has read traces and found one issue in three of them."""
    run = client.create_run(
        experiment_id,
        run_name="detect-issues",
        tags={
            "mlflow.runType": "issue_detection",
            "mlflow.issueDetection.result.issues": "1",
            "mlflow.issueDetection.result.totalTracesAnalyzed": "3",
            "mlflow.issueDetection.result.summary": "The weather is never seen.",
        },
    )
    client.link_traces_to_run(traces, run.info.run_id)
    issue = client._tracing_client._create_issue(
        experiment_id=experiment_id,
        name="Guessed weather",
        description="The agent tells the weather without looking.",
        severity=IssueSeverity.HIGH,
        root_causes=["It has no window."],
        categories=["correctness"],
        source_run_id=run.info.run_id,
        created_by="ada",
    )
    for trace_id in traces:
        mlflow.log_issue(
            trace_id=trace_id, issue_id=issue.issue_id, issue_name=issue.name, run_id=run.info.run_id, rationale="No look."
        )
    client.set_terminated(run.info.run_id)
    return {"run_id": run.info.run_id, "issue_id": issue.issue_id}
