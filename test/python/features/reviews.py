"""Review queues and issues through the client: names, users, owners, pages, searches, refusals."""

import mlflow
from harness import experiment, feature, refusal, run_features
from mlflow.entities.issue import IssueSeverity, IssueStatus
from mlflow.genai import review_queues
from mlflow.tracing.client import TracingClient


def described(queue):
    return {
        "id": queue.queue_id,
        "experiment": queue.experiment_id,
        "name": queue.name,
        "type": str(queue.queue_type),
        "owner": queue.created_by,
        "users": queue.users,
        "schemas": queue.schema_ids,
    }


@feature
def custom_queues(_client):
    experiment("custom queues")
    made = review_queues.create_review_queue("Answers", queue_type="custom", users=["Ann", " bob "])
    queue_id = made.queue_id
    changed = review_queues.update_review_queue(queue_id, name="Replies", users=["carl"], new_owner="Dora")
    emptied = review_queues.update_review_queue(queue_id, users=[])
    got = review_queues.get_review_queue(queue_id)
    refused = [
        refusal(review_queues.create_review_queue, "REPLIES", queue_type="custom"),
        refusal(review_queues.create_review_queue, "default", queue_type="custom"),
        refusal(review_queues.create_review_queue, "new", queue_type="custom", schema_ids=["ls-1"]),
        refusal(review_queues.add_items_to_review_queue, queue_id, item_ids=["tr-1"]),
        refusal(
            review_queues.set_review_queue_item_status,
            queue_id,
            item_id="tr-1",
            status="complete",
            completed_by="ann",
        ),
    ]
    review_queues.remove_items_from_review_queue(queue_id, item_ids=["tr-1"])
    items = list(review_queues.list_review_queue_items(queue_id))
    review_queues.delete_review_queue(queue_id)
    review_queues.delete_review_queue(queue_id)
    gone = refusal(review_queues.get_review_queue, queue_id)
    return [described(made), described(changed), described(emptied), described(got), refused, items, gone]


@feature
def user_queues(_client):
    experiment("user queues")
    ann = review_queues.get_or_create_user_queue("Ann ")
    again = review_queues.get_or_create_user_queue("ann")
    review_queues.create_review_queue("shared", queue_type="custom", users=["ann", "bob"])
    first = review_queues.list_review_queues(max_results=1)
    rest = review_queues.list_review_queues(page_token=first.token)
    of_bob = review_queues.list_review_queues(user="BOB")
    return [
        described(ann),
        ann.queue_id == again.queue_id,
        [described(queue) for queue in [*first, *rest, *of_bob]],
        refusal(review_queues.update_review_queue, ann.queue_id, name="other"),
    ]


@feature
def issues(_client):
    experiment_id = experiment("issues")
    with mlflow.start_run() as run:
        pass
    store = TracingClient().store

    def told(issue):
        fields = issue.to_dictionary()
        return {key: fields[key] for key in sorted(fields) if not key.endswith("timestamp")}

    slow = store.create_issue(
        experiment_id,
        "slow",
        "It takes minutes.",
        severity=IssueSeverity.HIGH,
        root_causes=["a model"],
        source_run_id=run.info.run_id,
        categories=["latency"],
        created_by="ann",
    )
    wrong = store.create_issue(experiment_id, "wrong", "It is wrong.", status=IssueStatus.RESOLVED)
    changed = store.update_issue(slow.issue_id, status=IssueStatus.REJECTED, severity=IssueSeverity.LOW)
    first = store.search_issues(experiment_id=experiment_id, max_results=1, include_trace_count=True)
    rest = store.search_issues(experiment_id=experiment_id, page_token=first.token)
    resolved = store.search_issues(experiment_id=experiment_id, filter_string="status = 'resolved'")
    return [
        told(issue) for issue in [slow, wrong, changed, store.get_issue(slow.issue_id), *first, *rest, *resolved]
    ] + [refusal(store.get_issue, "none"), refusal(store.search_issues, filter_string="name = 'slow'")]


run_features()
