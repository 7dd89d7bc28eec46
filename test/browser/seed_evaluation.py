"""What seed_genai.py logs of evaluation: judges, a data set, two evaluated versions, a queue of reviews."""

import mlflow
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
