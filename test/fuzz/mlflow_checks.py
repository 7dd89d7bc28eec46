"""What schemathesis loads for our API: ids that exist among those it makes up, and a check of MLflow's error form."""

import json
import os

import schemathesis

SEEDED = json.loads(os.environ.get("CRATEFLOW_SEEDED", "{}"))
# By the folder of paths in which the name means something else elsewhere.
SEEDED_IN = {
    "/registered-models/": {"name": SEEDED.get("registered_model"), "version": "1"},
    "/model-versions/": {"name": SEEDED.get("registered_model"), "version": "1"},
}
FORMS = ({"error_code", "message"}, {"detail"})


def with_seeded_ids(context, message):
    """Texts of even length in the place of an id become one that exists, so that requests get past the look-up."""
    if not isinstance(message, dict):
        return message
    ids = dict(SEEDED)
    for folder, names in SEEDED_IN.items():
        if folder in context.operation.path:
            ids.update(names)
    for name, seeded in ids.items():
        value = message.get(name)
        if isinstance(value, str) and len(value) % 2 == 0:
            message[name] = seeded
        if isinstance(value, list) and len(value) % 2 == 1:
            message[name] = [seeded]
    return message


@schemathesis.hook
def map_body(context, body):
    return with_seeded_ids(context, body)


@schemathesis.hook
def map_query(context, query):
    return with_seeded_ids(context, query)


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    return with_seeded_ids(context, path_parameters)


@schemathesis.check
def mlflow_error_form(ctx, response, case):
    """Whatever is refused is refused in MLflow's words; files may be in those of its artifact router."""
    if response.status_code < 400 or not case.path.startswith(("/api", "/ajax-api", "/get-artifact")):
        return
    content_type = (response.headers.get("content-type") or [""])[0]
    try:
        body = json.loads(response.content)
    except ValueError:
        body = None
    keys = set(body) if isinstance(body, dict) else set()
    allowed = FORMS if "/mlflow-artifacts/artifacts/" in case.path else FORMS[:1]
    if not content_type.startswith("application/json") or not any(form <= keys for form in allowed):
        raise AssertionError(f"{response.status_code} is not MLflow's error: {response.content[:300]!r}")
