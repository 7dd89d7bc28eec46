"""Answers how stock MLflow reads filter and order_by strings: one JSON request a line in, one JSON answer a line out."""

import json
import math
import re
import sys
import warnings

warnings.simplefilter("ignore")

from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.store.db.base_sql_model import Base  # noqa: E402
from mlflow.store.tracking import sqlalchemy_store as store  # noqa: E402
from mlflow.utils.search_logged_model_utils import parse_filter_string  # noqa: E402
from mlflow.utils.search_utils import SearchExperimentsUtils, SearchUtils  # noqa: E402
from sqlalchemy import create_engine, select  # noqa: E402
from sqlalchemy.orm import Session  # noqa: E402
from sqlparse import tokens  # noqa: E402
from sqlparse.lexer import Lexer  # noqa: E402

ENGINE = create_engine("sqlite://")
SEARCHED = "Run Tag Param LatestMetric Dataset Input InputTag Experiment ExperimentTag LoggedModel "
SEARCHED = (SEARCHED + "LoggedModelMetric LoggedModelParam LoggedModelTag").split()
Base.metadata.create_all(ENGINE, [getattr(store, "Sql" + name).__table__ for name in SEARCHED])
SESSION = Session(ENGINE)


def execute(table, conditions, joined=()):
    """Runs the search on empty tables: what stock reads without complaint may still fail here."""
    query = select(table)
    for subquery in joined:
        query = query.join(subquery)
    SESSION.execute(query.filter(*conditions)).all()


def value_of(value):
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, int):
        return {"integer": str(value)}
    if isinstance(value, bytes):
        raise TypeError("bytes")
    return [value_of(item) for item in value] if isinstance(value, tuple) else value


def run_filter(text):
    parsed = SearchUtils.parse_search_filter(text)
    conditions, joined, datasets = store._get_sqlalchemy_filter_clauses(parsed, SESSION, "sqlite")
    execute(store.SqlRun.run_uuid, conditions, joined)
    for dataset in datasets:
        SESSION.execute(select(dataset.c.destination_id)).all()
    answer = []
    for clause in parsed:
        value = clause["value"]
        if clause["type"] == "metric":
            value = float(value)
        key = SearchUtils.translate_key_alias(clause["key"])
        answer.append([clause["type"], key, clause["comparator"].upper(), value_of(value)])
    return answer


def experiment_filter(text):
    parsed = SearchExperimentsUtils.parse_search_filter(text)
    execute(store.SqlExperiment, *store._get_search_experiments_filter_clauses(parsed, "sqlite"))
    answer = []
    for clause in parsed:
        value = clause["value"]
        if clause["key"] == "experiment_id" and clause["type"] == "attribute":
            value = [int(v) for v in value] if isinstance(value, tuple) else int(value)
            value = [str(v) for v in value] if isinstance(value, list) else str(value)
        answer.append([clause["type"], clause["key"], clause["comparator"], value_of(value)])
    return answer


LOGGED_MODEL_VALUES = {
    "metric": store.SqlLoggedModelMetric.metric_value,
    "parameter": store.SqlLoggedModelParam.param_value,
    "tag": store.SqlLoggedModelTag.tag_value,
}
TYPES = {"attributes": "attribute", "metrics": "metric", "params": "parameter", "tags": "tag"}


def logged_model_filter(text):
    answer = []
    for clause in parse_filter_string(text):
        type_ = TYPES[clause.entity.type.value]
        compare = SearchUtils.get_sql_comparison_func(clause.op, "sqlite")
        if type_ == "attribute":
            column = getattr(store.SqlLoggedModel, clause.entity.key)
        else:
            column = LOGGED_MODEL_VALUES[type_]
        execute(column, [compare(column, clause.value)])
        answer.append([type_, clause.entity.key, clause.op, value_of(clause.value)])
    return answer


def run_order_by(clauses):
    store._get_orderby_clauses(clauses, SESSION)
    parsed = [SearchUtils.parse_order_by_for_search_runs(clause) for clause in clauses]
    return [[type_, SearchUtils.translate_key_alias(key), ascending] for type_, key, ascending in parsed]


def experiment_order_by(clauses):
    store._get_search_experiments_order_by_clauses(clauses)
    return [list(SearchExperimentsUtils.parse_order_by_for_search_experiments(clause)) for clause in clauses]


READERS = {
    "run_filter": run_filter,
    "experiment_filter": experiment_filter,
    "logged_model_filter": logged_model_filter,
    "run_order_by": run_order_by,
    "experiment_order_by": experiment_order_by,
}


def keywords(text):
    """The words of the text that stock's SQL reader takes for keywords or types."""
    is_keyword = Lexer.get_default_instance().is_keyword
    return [word for word in re.findall(r"\w+", str(text)) if is_keyword(word)[0] is not tokens.Name]


def answer(request):
    try:
        return {"parsed": READERS[request["reader"]](request["text"])}
    except MlflowException as error:
        return {"refused": error.message, "code": error.error_code}
    except Exception as error:
        return {"crashed": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    request = json.loads(line)
    sys.stdout.write(json.dumps(answer(request) | {"keywords": keywords(request["text"])}) + "\n")
    sys.stdout.flush()
