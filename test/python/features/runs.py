"""Runs and experiments through the client: nesting, life cycle, limits, searches."""

import mlflow
from harness import experiment, feature, refusal, run_features
from mlflow.entities import Metric, Param, RunTag, ViewType


@feature
def nested_runs(client):
    experiment("nested")
    with mlflow.start_run(run_name="parent") as parent:
        for name in ["first child", "second child"]:
            with mlflow.start_run(run_name=name, nested=True):
                mlflow.log_param("name", name)
                with mlflow.start_run(run_name=f"{name}'s child", nested=True):
                    mlflow.log_metric("depth", 2)
    children = mlflow.search_runs(
        filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["attributes.run_name"]
    )
    child = children.loc[0, "run_id"]
    [grandchild] = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{child}'")
    return [
        list(children["tags.mlflow.runName"]),
        client.get_parent_run(child).info.run_name,
        client.get_parent_run(parent.info.run_id),
        [grandchild.info.run_name, grandchild.data.metrics, grandchild.data.params],
    ]


@feature
def view_types(client):
    id_ = experiment("views")
    deleted = client.create_experiment("views, deleted")
    client.delete_experiment(deleted)
    for name in ["kept", "removed"]:
        run = client.create_run(id_, run_name=name)
        if name == "removed":
            client.delete_run(run.info.run_id)
    answer = {}
    for view in [ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL]:
        runs = client.search_runs([id_], run_view_type=view, order_by=["attributes.run_name"])
        found = client.search_experiments(view, filter_string="name LIKE 'views%'", order_by=["name"])
        answer[view] = [
            [[run.info.run_name, run.info.lifecycle_stage] for run in runs],
            [[each.name, each.lifecycle_stage] for each in found],
        ]
    return answer


@feature
def delete_and_restore(client):
    id_ = client.create_experiment("deleted and restored")
    run_id = client.create_run(id_, run_name="one").info.run_id
    client.log_metric(run_id, "before", 1, timestamp=1)
    client.delete_run(run_id)
    stages = [client.get_run(run_id).info.lifecycle_stage]
    refused = [
        refusal(client.log_metric, run_id, "after", 1),
        refusal(client.log_param, run_id, "after", 1),
        refusal(client.set_tag, run_id, "after", 1),
        refusal(client.update_run, run_id, name="after"),
    ]
    client.restore_run(run_id)
    client.log_metric(run_id, "after", 2, timestamp=1)
    client.delete_experiment(id_)
    stages += [client.get_experiment(id_).lifecycle_stage, client.get_run(run_id).info.lifecycle_stage]
    refused += [
        refusal(client.create_run, id_),
        # Only one server tells more: that the experiment is deleted.
        [text.split(" It is deleted,")[0] for text in refusal(client.create_experiment, "deleted and restored")],
        refusal(client.delete_experiment, id_),
        refusal(mlflow.set_experiment, "deleted and restored"),
    ]
    client.restore_experiment(id_)
    stages += [client.get_experiment(id_).lifecycle_stage, client.get_run(run_id).info.lifecycle_stage]
    refused.append(refusal(client.restore_experiment, id_))
    return [stages, refused, client.get_run(run_id).data.metrics]


@feature
def statuses(client):
    id_ = experiment("statuses")
    answer = []
    for status in ["FINISHED", "FAILED", "KILLED", "RUNNING", "SCHEDULED"]:
        run_id = client.create_run(id_, start_time=1000).info.run_id
        client.set_terminated(run_id, status, end_time=5000)
        info = client.get_run(run_id).info
        answer.append([info.status, info.start_time, info.end_time])
    client.update_run(run_id, status="RUNNING", name="renamed")
    info = client.get_run(run_id).info
    answer.append([info.status, info.end_time, info.run_name, client.get_run(run_id).data.tags["mlflow.runName"]])
    client.set_terminated(run_id)
    answer.append(client.get_run(run_id).info.end_time > 5000)
    try:
        with mlflow.start_run() as failing:
            raise KeyError("of the program")
    except KeyError:
        answer.append(client.get_run(failing.info.run_id).info.status)
    # A run that has ended goes on.
    with mlflow.start_run(run_id=failing.info.run_id):
        answer.append(client.get_run(failing.info.run_id).info.status)
    answer.append(client.get_run(failing.info.run_id).info.status)
    return answer


@feature
def batch_limits(client):
    run_id = client.create_run(experiment("limits"), run_name="limits").info.run_id
    # The client splits long batches itself; its store sends them as they are.
    send = client._tracking_client.store.log_batch
    metrics = [Metric(f"m{index:04}", index, 1, 0) for index in range(1001)]
    params = [Param(f"p{index:03}", str(index)) for index in range(101)]
    tags = [RunTag(f"t{index:03}", str(index)) for index in range(101)]
    refused = [
        refusal(send, run_id, metrics, [], []),
        refusal(send, run_id, [], params, []),
        refusal(send, run_id, [], [], tags),
        refusal(send, run_id, metrics[:900], params[:100], tags[:1]),
        refusal(send, run_id, [], [Param("k" * 251, "x")], []),
        refusal(send, run_id, [Metric("k" * 251, 1, 1, 0)], [], []),
        refusal(send, run_id, [Metric("one", 1, 1, 0)], [Param("same", "a"), Param("same", "b")], []),
    ]
    nothing = client.get_run(run_id).data
    send(run_id, metrics[:800], params[:100], tags[:100])
    send(run_id, metrics[:1000], [], [])
    # Longer values are cut.
    send(run_id, [], [Param("long", "x" * 6001), Param("k" * 250, "x")], [RunTag("long", "x" * 8001)])
    refused.append(refusal(send, run_id, [], [Param("p000", "other")], []))
    client.log_batch(run_id, [Metric(f"split{index}", index, 1, 0) for index in range(2500)])
    full = client.get_run(run_id).data
    return [refused, nothing.to_dictionary(), full.to_dictionary()]


@feature
def params_and_tags(client):
    run_id = client.create_run(experiment("params and tags"), run_name="tagged").info.run_id
    texts = ["", " ", "ünïcödé 漢字 🚀", "line\nbreak", "'\"`\\%_", "{'a': [1, 2]}", "NaN", "null"]
    for index, text in enumerate(texts):
        client.log_param(run_id, f"param {index}", text)
        client.set_tag(run_id, f"tag/{index}.ü", text)
    client.log_param(run_id, "param 0", "")
    client.set_tag(run_id, "mlflow.note.content", "# Notes")
    client.set_tag(run_id, "replaced", "old")
    client.set_tag(run_id, "replaced", "new")
    client.delete_tag(run_id, "tag/1.ü")
    refused = [
        refusal(client.log_param, run_id, "param 2", "other"),
        refusal(client.delete_tag, run_id, "tag/1.ü"),
        refusal(client.set_tag, run_id, "", "x"),
        refusal(client.log_param, run_id, "bad:key?", "x"),
        refusal(client.log_metric, run_id, "../up", 1),
        refusal(client.get_run, "0" * 32),
        refusal(client.set_tag, "0" * 32, "a", "b"),
    ]
    return [client.get_run(run_id).data.to_dictionary(), refused]


@feature
def experiments(client):
    id_ = client.create_experiment("named ü", tags={"team": "wine", "level": "1"})
    client.set_experiment_tag(id_, "level", "2")
    client.set_experiment_tag(id_, "more", "yes")
    client.delete_experiment_tag(id_, "team")
    client.rename_experiment(id_, "renamed ü")
    found = client.get_experiment_by_name("renamed ü")
    return [
        [found.experiment_id, found.name, found.tags, found.artifact_location, found.lifecycle_stage],
        client.get_experiment_by_name("named ü"),
        client.get_experiment("0").name,
        refusal(client.create_experiment, "renamed ü"),
        refusal(client.create_experiment, ""),
        refusal(client.get_experiment, "123456789"),
        refusal(client.delete_experiment_tag, id_, "team"),
    ]


@feature
def search_runs(client):
    id_ = experiment("searched")
    for index in range(25):
        run = client.create_run(id_, start_time=1000 + index, run_name=f"run {index:02}", tags={"parity": str(index % 2)})
        metrics = [Metric("loss", index / 7, 1, 0)]
        if index % 3 == 0:
            metrics.append(Metric("sparse", [1.5, float("nan"), float("inf")][index % 9 // 3], 1, 0))
        params = [Param("size", str(index)), Param("Kind", "Big" if index > 12 else "small")]
        client.log_batch(run.info.run_id, metrics, params)
        client.set_terminated(run.info.run_id, "FAILED" if index % 5 == 0 else "FINISHED", end_time=2000)
    orders = [
        None,
        ["metrics.loss DESC"],
        ["metrics.sparse ASC", "attributes.start_time DESC"],
        ["metrics.sparse DESC"],
        ["params.Kind", "params.size DESC"],
        ["tags.parity DESC", "attribute.run_name ASC"],
        ["attributes.status", "attributes.Created DESC"],
        ["metrics.absent", "start_time"],
    ]
    answer = []
    for order in orders:
        pages, token = [], None
        while token is not None or not pages:
            page = client.search_runs([id_], order_by=order, max_results=7, page_token=token)
            pages.append([run.info.run_name for run in page])
            token = page.token or None
        answer.append([order, pages])
    filters = [
        "metrics.loss > 2 and params.Kind = 'Big'",
        "metrics.sparse >= 1.5",
        "params.size LIKE '1%'",
        "params.Kind ILIKE 'BIG' and tags.parity != '0'",
        "attributes.status = 'FAILED'",
        "attributes.start_time >= 1010 and start_time < 1013",
        "run_name LIKE 'run 1%'",
        "tags.`mlflow.runName` = 'run 03'",
        "attributes.run_id IN ('0', '1')",
    ]
    for text in filters:
        runs = client.search_runs([id_], text, order_by=["attributes.run_name"])
        answer.append([text, [run.info.run_name for run in runs]])
    refused = ["loss > 2", "metrics.loss > 'x'", "params.size > 3", "bad", "metrics.loss = 1 or metrics.loss = 2"]
    answer.append([refusal(client.search_runs, [id_], text) for text in refused])
    answer.append(refusal(client.search_runs, [id_], order_by=["metrics.loss SIDEWAYS"]))
    answer.append(refusal(client.search_runs, [id_], max_results=50001))
    frame = mlflow.search_runs([id_], "tags.parity = '1'", order_by=["metrics.loss DESC"], max_results=9)
    answer.append([sorted(frame.columns), list(frame["params.size"])])
    return answer


@feature
def search_experiments(client):
    for index in range(9):
        client.create_experiment(f"page {index}", tags={"index": str(index)})
    answer = []
    for order in [["name"], ["name DESC"], ["experiment_id DESC"], None]:
        pages, token = [], None
        while token is not None or not pages:
            page = client.search_experiments(
                filter_string="name LIKE 'page%'", order_by=order, max_results=4, page_token=token
            )
            pages.append([each.name for each in page])
            token = page.token or None
        answer.append(pages)
    for text in ["tags.index = '3'", "name ILIKE 'PAGE 4'", "name = 'page 5' and tags.index != '4'"]:
        answer.append([each.name for each in client.search_experiments(filter_string=text)])
    answer.append([refusal(client.search_experiments, filter_string=text) for text in ["x", "id = '1'"]])
    return answer


@feature
def inputs(client):
    import pandas
    from mlflow.data.pandas_dataset import from_pandas

    experiment("inputs")
    frame = pandas.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"], "target": [0.5, 1.5, 2.5]})
    train = from_pandas(frame, source="https://data.invalid/train.csv", name="train", targets="target")
    check = from_pandas(frame.head(2), source="https://data.invalid/check.csv", name="check")
    with mlflow.start_run(run_name="data") as run:
        mlflow.log_input(train, context="training", tags={"fold": "1"})
        mlflow.log_input(check, context="validation")
        mlflow.log_input(train, context="training again")
        mlflow.log_metric("loss", 1, dataset=train)
    stored = client.get_run(run.info.run_id)
    by_dataset = mlflow.search_runs(filter_string="dataset.name = 'train' and dataset.context = 'training'")
    listed = [
        [each.dataset.name, each.dataset.digest, each.dataset.source_type, each.dataset.source]
        + [each.dataset.schema, each.dataset.profile, sorted([tag.key, tag.value] for tag in each.tags)]
        for each in stored.inputs.dataset_inputs
    ]
    sources = [mlflow.data.get_source(each).url for each in stored.inputs.dataset_inputs]
    return [sorted(listed), sorted(sources), len(by_dataset)]


run_features()
