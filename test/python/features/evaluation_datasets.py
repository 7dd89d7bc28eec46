"""Evaluation datasets through mlflow.genai.datasets: records, tags, experiments, searches."""

import json

import mlflow
import pandas as pd
from harness import experiment, feature, refusal, run_features
from mlflow.entities import DatasetRecordSource
from mlflow.genai.datasets import (
    add_dataset_to_experiments,
    create_dataset,
    delete_dataset,
    delete_dataset_tag,
    get_dataset,
    remove_dataset_from_experiments,
    search_datasets,
    set_dataset_tags,
)


def described(dataset):
    return {
        "id": dataset.dataset_id,
        "name": dataset.name,
        "tags": dataset.tags,
        "schema": json.loads(dataset.schema) if dataset.schema else dataset.schema,
        "profile": dataset.profile,
        "digest": len(dataset.digest),
        "experiments": dataset.experiment_ids,
        "source": dataset.source.to_dict() if hasattr(dataset.source, "to_dict") else str(dataset.source),
        "times": dataset.last_update_time >= dataset.created_time > 0,
        "users": [dataset.created_by, dataset.last_updated_by],
    }


def records(dataset):
    """The records by their inputs, since those of one request have no order."""
    rows = get_dataset(dataset_id=dataset.dataset_id).to_df().to_dict("records")
    for row in rows:
        row["created_time"] = row["created_time"] > 0
        source = row["source"]
        row["source"] = source.to_dict() if isinstance(source, DatasetRecordSource) else source
    return sorted(rows, key=lambda row: json.dumps(row["inputs"], sort_keys=True, default=str))


@feature
def create_and_get(client):
    id_ = experiment("evaluation datasets")
    other = client.create_experiment("evaluation datasets, too")
    dataset = create_dataset("created", experiment_id=[id_, other], tags={"version": "1", "team": "a b"})
    empty = create_dataset("created without", experiment_id=id_)
    inferred = create_dataset("created in the active experiment")
    return [
        described(dataset),
        described(get_dataset(dataset_id=dataset.dataset_id)),
        described(get_dataset(name="created")),
        described(empty),
        described(inferred),
        len(empty.to_df()),
        list(empty.to_df().columns),
        dataset == get_dataset(dataset_id=dataset.dataset_id),
        refusal(get_dataset, name="never created"),
        refusal(get_dataset, dataset_id="d-none"),
    ]


@feature
def merge_dicts(client):
    experiment("merged records")
    dataset = create_dataset("merged")
    dataset.merge_records([
        {"inputs": {"question": "one"}, "expectations": {"answer": "1", "score": 0.5}},
        {"inputs": {"question": "two", "context": {"a": [1, 2.0, None]}}, "tags": {"kind": "hard"}},
        {"inputs": {"question": "three"}, "outputs": {"said": "3"}},
        {"inputs": {"question": "four"}, "outputs": "plain", "expectations": {}},
        {
            "inputs": {"question": "five"},
            "source": {"source_type": "DOCUMENT", "source_data": {"source_id": "doc-1", "page": 7}},
        },
    ])
    first = records(dataset)
    dataset.merge_records([
        {"inputs": {"question": "one"}, "expectations": {"answer": "uno", "more": True}},
        {"inputs": {"context": {"a": [1, 2.0, None]}, "question": "two"}, "tags": {"kind": "easy", "new": "x"}},
        {"inputs": {"question": "Zürich 日本 🙂 \"quoted\" \n"}},
    ])
    return [first, records(dataset), described(get_dataset(dataset_id=dataset.dataset_id))]


@feature
def merge_frames(client):
    experiment("merged frames")
    dataset = create_dataset("from frames")
    frame = pd.DataFrame({
        "inputs": [{"q": 1}, {"q": 2}],
        "expectations": [{"a": "x"}, {"a": "y"}],
        "tags": [{"t": "1"}, {"t": "2"}],
    })
    dataset.merge_records(frame)
    later = [{"inputs": {"q": 3}, "outputs": {"late": 0}}, {"inputs": {"q": 1}, "outputs": {"late": 1}}]
    dataset.merge_records(pd.DataFrame(later))
    return [records(dataset), get_dataset(dataset_id=dataset.dataset_id).profile]


@feature
def sessions(client):
    experiment("sessions")
    dataset = create_dataset("of sessions")
    dataset.merge_records([{"inputs": {"goal": "find it", "persona": "student", "context": {"id": 1}}}])
    dataset = get_dataset(dataset_id=dataset.dataset_id)
    return [
        records(dataset),
        refusal(dataset.merge_records, [{"inputs": {"question": "of another kind"}}]),
        refusal(dataset.merge_records, [{"inputs": {}}]),
        refusal(dataset.merge_records, [{"expectations": {}}]),
        refusal(dataset.merge_records, [{"inputs": {"goal": "x"}, "source": {"source_type": "ROBOT"}}]),
    ]


@feature
def deleted_records(client):
    experiment("deleted records")
    dataset = create_dataset("shrinking")
    dataset.merge_records([{"inputs": {"n": n}} for n in range(5)])
    frame = dataset.to_df()
    deleted = dataset.delete_records(list(frame["dataset_record_id"][:2]) + ["dr-none"])
    left = get_dataset(dataset_id=dataset.dataset_id)
    answer = [deleted, len(dataset.to_df()), left.profile, dataset.delete_records(["dr-none"])]
    dataset.delete_records(list(dataset.to_df()["dataset_record_id"]))
    answer.append([len(dataset.to_df()), get_dataset(dataset_id=dataset.dataset_id).profile])
    dataset.merge_records([{"inputs": {"n": 0}}])
    return [*answer, get_dataset(dataset_id=dataset.dataset_id).profile]


@feature
def many_records(client):
    experiment("many records")
    dataset = create_dataset("large")
    dataset.merge_records([{"inputs": {"n": n}, "expectations": {"square": n * n}} for n in range(2500)])
    dataset.merge_records([{"inputs": {"n": n}, "expectations": {"cube": n**3}} for n in range(2400, 2600)])
    frame = get_dataset(dataset_id=dataset.dataset_id).to_df()
    numbers = sorted(inputs["n"] for inputs in frame["inputs"])
    both = sum(len(expectations) == 2 for expectations in frame["expectations"])
    return [len(frame), numbers == list(range(2600)), both, get_dataset(dataset_id=dataset.dataset_id).profile]


@feature
def tags(client):
    experiment("tags of datasets")
    dataset = create_dataset("tagged", tags={"a": "1", "b": "2"})
    set_dataset_tags(dataset.dataset_id, {"b": "new", "c": 5, "d": None, "a.b c": "ü"})
    delete_dataset_tag(dataset.dataset_id, "a")
    delete_dataset_tag(dataset.dataset_id, "never set")
    return [
        get_dataset(dataset_id=dataset.dataset_id).tags,
        refusal(set_dataset_tags, "d-none", {"a": "b"}),
        delete_dataset_tag("d-none", "a"),
    ]


@feature
def experiments(client):
    ids = [client.create_experiment(f"of datasets {n}") for n in range(3)]
    dataset = create_dataset("moved", experiment_id=ids[0])
    added = add_dataset_to_experiments(dataset.dataset_id, ids[1:])
    answer = [added.experiment_ids]
    removed = remove_dataset_from_experiments(dataset.dataset_id, [ids[0], "12345"])
    answer.append(removed.experiment_ids)
    answer.append([[found.name for found in search_datasets(experiment_ids=id_)] for id_ in ids])
    answer.append(refusal(add_dataset_to_experiments, dataset.dataset_id, ["12345"]))
    answer.append(refusal(add_dataset_to_experiments, "d-none", ids))
    answer.append(refusal(remove_dataset_from_experiments, "d-none", ids))
    return answer


@feature
def searches(client):
    id_ = experiment("searched datasets")
    for n in range(7):
        create_dataset(f"searched {n}", experiment_id=id_, tags={"odd": str(n % 2), "mlflow.user": f"user {n}"})
    found = lambda **options: [each.name for each in search_datasets(experiment_ids=[id_], **options)]  # noqa: E731
    page = client.search_datasets([id_], max_results=3, order_by=["name"])
    following = client.search_datasets([id_], max_results=3, order_by=["name"], page_token=page.token)
    return [
        found(),
        found(order_by=["name"], max_results=2),
        found(filter_string="tags.odd = '1'", order_by=["name DESC"]),
        found(filter_string="tags.odd = '0' AND name LIKE '%4'"),
        found(filter_string="created_by = 'user 3'"),
        found(filter_string="name IN ('searched 1', 'searched 6')", order_by=["last_update_time ASC"]),
        found(filter_string="created_time > 0", order_by=["name ASC"], max_results=5),
        [each.name for each in [*page, *following]],
        following.token is not None,
        refusal(search_datasets, filter_string="digest = 'x'"),
        refusal(search_datasets, order_by=["digest"]),
    ]


@feature
def deletion(client):
    experiment("deleted datasets")
    dataset = create_dataset("deleted", tags={"a": "b"})
    dataset.merge_records([{"inputs": {"a": 1}}])
    delete_dataset(dataset_id=dataset.dataset_id)
    delete_dataset(dataset_id=dataset.dataset_id)
    again = create_dataset("deleted")
    return [
        refusal(get_dataset, dataset_id=dataset.dataset_id),
        refusal(dataset.merge_records, [{"inputs": {"a": 2}}])[0],
        len(again.to_df()),
        [found.tags.get("a") for found in search_datasets(filter_string="name = 'deleted'")],
    ]


@feature
def logged_to_runs(client):
    id_ = experiment("datasets of runs")
    dataset = create_dataset("logged", experiment_id=id_)
    dataset.merge_records([{"inputs": {"a": 1}}])
    with mlflow.start_run() as run:
        mlflow.log_input(dataset, context="evaluation")
    [logged] = client.get_run(run.info.run_id).inputs.dataset_inputs
    return [logged.dataset.name, logged.dataset.source_type, logged.dataset.source, logged.dataset.schema]


run_features()
