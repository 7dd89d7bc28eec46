"""Scorers and label schemas through the client: registering, versions, deletion, kinds of questions, refusals."""

import mlflow
from harness import experiment, feature, refusal, run_features
from mlflow.genai import label_schemas
from mlflow.genai.judges import make_judge
from mlflow.genai.label_schemas import InputCategorical, InputNumeric, InputPassFail, InputText
from mlflow.genai.scorers import (
    Guidelines,
    RelevanceToQuery,
    delete_scorer,
    get_scorer,
    list_scorers,
    scorer,
)
from mlflow.genai.scorers.registry import list_scorer_versions

MODEL = "openai:/gpt-4.1-mini"


def described(found):
    dump = found.model_dump()
    return [found.name, found.kind.value, getattr(found, "model", None), found.sample_rate, sorted(dump)]


def question(found):
    return {
        "id": found.schema_id,
        "experiment": found.experiment_id,
        "name": found.name,
        "type": str(found.type),
        "input": repr(found.input),
        "instruction": found.instruction,
        "comment": found.enable_comment,
        "default": found.is_default,
        "by": found.created_by,
    }


@feature
def scorers(client):
    experiment("judged")
    make_judge(name="polite", instructions="Is {{ outputs }} polite?", model=MODEL).register()
    make_judge(name="polite", instructions="Is {{ outputs }} polite to {{ inputs }}?", model=MODEL).register()
    Guidelines(name="short", guidelines=["Be short: höchstens 20 Wörter."], model=MODEL).register()
    RelevanceToQuery(model=MODEL).register()
    answer = [
        [described(each) for each in list_scorers()],
        [[described(each), version] for each, version in list_scorer_versions(name="polite")],
        get_scorer(name="polite").instructions,
        get_scorer(name="polite", version=1).instructions,
        get_scorer(name="short").guidelines,
    ]
    delete_scorer(name="polite", version=2)
    left = get_scorer(name="polite").instructions
    delete_scorer(name="short", version="all")
    return [*answer, left, [each.name for each in list_scorers()]]


@feature
def refused_scorers(client):
    id_ = experiment("refused")

    @scorer
    def own(outputs):
        return len(outputs) < 10

    judge = make_judge(name="polite", instructions="Is {{ outputs }} polite?", model=MODEL)
    gated = make_judge(name="gated", instructions="Is {{ outputs }} polite?", model="gateway:/none")
    registered = judge.register()
    refused = [
        refusal(own.register),
        refusal(gated.register),
        refusal(get_scorer, name="other"),
        refusal(get_scorer, name="polite", version=2),
        refusal(delete_scorer, name="other", version="all"),
        refusal(delete_scorer, name="polite", version=7),
        refusal(
            registered.start, experiment_id=id_, sampling_config=mlflow.genai.scorers.ScorerSamplingConfig(sample_rate=0.5)
        ),
    ]
    # The id stands at the end of a sentence, where it would not be known for one.
    told = [[code, text.replace(id_, "its id")] for code, text in refused]
    return [*told, described(registered.stop(experiment_id=id_))]


@feature
def questions(client):
    id_ = experiment("questions")
    inputs = {
        "correct?": InputPassFail(positive_label="Correct", negative_label="Wrong"),
        "tone": InputCategorical(options=["warm", "cold"]),
        "topics": InputCategorical(options=["a", "b", "ü"], multi_select=True),
        "rating": InputNumeric(min_value=0, max_value=5.5),
        "why": InputText(max_length=200),
        "more": InputText(),
    }
    made = [
        label_schemas.create_label_schema(name, type="feedback", input=each, instruction=f"About {name}")
        for name, each in inputs.items()
    ]
    truth = label_schemas.create_label_schema(
        "truth", type="expectation", input=InputText(), enable_comment=True
    )
    changed = label_schemas.update_label_schema(
        made[1].schema_id, name="mood", input=InputCategorical(options=["up", "down"]), enable_comment=True
    )
    label_schemas.delete_label_schema(schema_id=made[0].schema_id)
    label_schemas.delete_label_schema(schema_id=made[0].schema_id)
    found = [question(each) for each in label_schemas.list_label_schemas()]
    pages, token = [], None
    while token is not None or not pages:
        page = label_schemas.list_label_schemas(max_results=3, page_token=token)
        pages.append([each.name for each in page])
        token = page.token
        if not token:
            break
    return [
        question(truth),
        question(changed),
        question(label_schemas.get_label_schema(schema_id=made[2].schema_id)),
        question(label_schemas.get_label_schema("mood", experiment_id=id_)),
        sorted(found, key=lambda each: each["name"]),
        sorted(map(len, pages)),
        sorted(name for page in pages for name in page),
    ]


@feature
def refused_questions(client):
    id_ = experiment("refused questions")
    text = InputText()
    made = label_schemas.create_label_schema("one", type="feedback", input=text)
    [default] = [each for each in label_schemas.list_label_schemas() if each.is_default]
    create = label_schemas.create_label_schema
    return [
        refusal(create, "one", type="feedback", input=text),
        refusal(create, "feedback", type="feedback", input=text),
        refusal(create, "two", type="feedback", input=InputCategorical(options=["a", "a"])),
        refusal(create, "two", type="feedback", input=InputNumeric(min_value=2, max_value=1)),
        refusal(label_schemas.update_label_schema, made.schema_id, input=InputNumeric()),
        refusal(label_schemas.update_label_schema, default.schema_id, name="other"),
        refusal(label_schemas.delete_label_schema, schema_id=default.schema_id),
        refusal(label_schemas.get_label_schema, "none", experiment_id=id_),
        refusal(label_schemas.get_label_schema, schema_id="ls-none"),
    ]


run_features()
