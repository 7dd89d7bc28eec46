"""Runs the functions of a feature script and prints what they answer as JSON, the ids replaced by their rank."""

import json
import re
import sys
import traceback
import warnings

warnings.simplefilter("ignore")

import mlflow  # noqa: E402
import requests  # noqa: E402

FEATURES = {}
# Ids of models, traces, review queues, issues and runs, and experiment ids of stock's store and of this server.
ID = re.compile(r"(?<![\w.])(?:(?:m|d|tr|rq|iss)-)?[0-9a-f]{32}(?!\w)|(?<![\w.+-])(?:7\d{5}|\d{18})(?![\w.])")


def feature(function):
    FEATURES[function.__name__] = function
    return function


def settled(text):
    """An error's text without valid keys, which stock names in the random order of a set, and without SQL."""
    return re.split(r" Valid keys are| Supported fields:| Error: \(", text)[0]


def refusal(function, *arguments, **options):
    """The code and text of the refusal that the call must end in; of artifacts, the HTTP status and the body."""
    try:
        answer = function(*arguments, **options)
    except mlflow.exceptions.MlflowException as error:
        return [error.error_code, settled(error.message)]
    except requests.HTTPError as error:
        return [error.response.status_code, error.response.json()]
    raise AssertionError(f"not refused, but answered {answer!r}")


def own(name):
    """The name with the client's version, for servers that clients of several versions use."""
    return f"{name} {mlflow.__version__}"


def experiment(name):
    """A new experiment, the active one of what follows."""
    return mlflow.set_experiment(name).experiment_id


def attempt(function):
    try:
        return {"answer": function(mlflow.MlflowClient())}
    except Exception:
        return {"failed": traceback.format_exc()}
    finally:
        while mlflow.active_run():
            mlflow.end_run()


def renamed(text):
    ranks = {}
    return ID.sub(lambda match: f"<id {ranks.setdefault(match[0], len(ranks))}>", text)


def run_features():
    """Runs the features that the arguments name, without any all of them."""
    answers = {}
    for name in sys.argv[1:] or FEATURES:
        answers[name] = json.loads(renamed(json.dumps(attempt(FEATURES[name]), default=str)))
        print(f"{name} done", file=sys.stderr, flush=True)
    print(json.dumps(answers))
