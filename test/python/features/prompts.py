"""Prompts through the client: versions, aliases, tags, searches, links to runs and models, refusals."""

import threading

import mlflow
import requests
from harness import experiment, feature, refusal, run_features
from mlflow.entities.model_registry import PromptModelConfig
from pydantic import BaseModel

GREETING = "Hello {{ name }}, it is {{weather.today}}.\nGrüße, 日本語 🙂 \"quoted\" 'single' \\n %_"
CHAT = [
    {"role": "system", "content": "You answer {{style}}."},
    {"role": "user", "content": "{{question}}"},
]


class Answer(BaseModel):
    text: str
    score: float = 0.5


def settle():
    """Waits for the client's threads, which note at a prompt the experiments that use it."""
    for thread in threading.enumerate():
        if thread.name.startswith("link_prompt"):
            thread.join()


def described(prompt):
    if prompt is None:
        return None
    config = prompt.model_config
    return {
        "uri": prompt.uri,
        "template": prompt.template,
        "text": prompt.is_text_prompt,
        "variables": sorted(prompt.variables),
        "message": prompt.commit_message,
        "format": prompt.response_format,
        "config": config,
        "tags": prompt.tags,
        "aliases": prompt.aliases,
        "user": prompt.user_id,
    }


def load(uri, **options):
    prompt = mlflow.genai.load_prompt(uri, cache_ttl_seconds=0, **options)
    settle()
    return prompt


def register(name, template, **options):
    prompt = mlflow.genai.register_prompt(name, template, **options)
    settle()
    return prompt


def names(found):
    return [each.name for each in found]


def raw(path, **query):
    """What a search answers without the client, which may add conditions of its own."""
    answer = requests.get(f"{mlflow.get_tracking_uri()}/api/2.0/mlflow/{path}", params=query)
    models = answer.json().get("registered_models") or answer.json().get("model_versions") or []
    return [answer.status_code, sorted(each["name"] for each in models if each["name"].startswith("apart"))]


@feature
def text_prompts(client):
    experiment("text prompts")
    first = register("greeting", GREETING, commit_message="first", tags={"author": "ann", "topic": "hello"})
    second = register("greeting", "Bye {{name}}", tags={"author": "bob"})
    return [
        described(first),
        described(second),
        first.format(name="Ann", **{"weather.today": "fine"}, allow_partial=True) is not None,
        described(load("prompts:/greeting/1")),
        described(load("greeting", version=2)),
        described(load("greeting")),
        described(load("prompts:/greeting@latest")),
        described(client.get_prompt_version("greeting", "1")),
        [client.get_prompt("greeting").description, client.get_prompt("greeting").tags],
    ]


@feature
def chat_prompts(client):
    experiment("chat prompts")
    config = PromptModelConfig(model_name="some-model", temperature=0.1, max_tokens=100, extra_params={"n": 2})
    prompt = register("chat", CHAT, response_format=Answer, model_config=config, commit_message="with a format")
    loaded = load("prompts:/chat/1")
    answer = [described(prompt), described(loaded), loaded.format(style="shortly", question="Why?")]
    mlflow.genai.set_prompt_model_config("chat", 1, {"model_name": "other", "top_p": 0.5, "stop_sequences": ["x"]})
    answer.append(described(load("prompts:/chat/1")))
    mlflow.genai.delete_prompt_model_config("chat", 1)
    answer.append(described(load("prompts:/chat/1")))
    register("chat", "{% if a %}{{ a }}{% endif %}", response_format={"type": "object"})
    return [*answer, described(load("prompts:/chat@latest"))]


@feature
def aliases(client):
    for text in ["one", "two {{x}}", "three"]:
        register("aliased", text)
    mlflow.genai.set_prompt_alias("aliased", alias="production", version=1)
    client.set_prompt_alias("aliased", "staging", 2)
    answer = [described(load("prompts:/aliased@production")), described(load("prompts:/aliased/2"))]
    client.set_prompt_alias("aliased", "production", 2)
    answer.append(described(client.get_prompt_version_by_alias("aliased", "production")))
    mlflow.genai.delete_prompt_alias("aliased", alias="staging")
    return [
        *answer,
        described(load("prompts:/aliased/2")),
        described(load("prompts:/aliased@staging", allow_missing=True)),
        refusal(load, "prompts:/aliased@staging"),
        refusal(client.set_prompt_alias, "aliased", "production", 9),
        refusal(client.set_prompt_alias, "aliased", "latest", 1),
        refusal(client.set_prompt_alias, "aliased", "v1", 1),
        client.delete_prompt_alias("aliased", "never"),
    ]


@feature
def tags(client):
    register("tagged", "text", tags={"kept": "1", "dropped": "2"})
    mlflow.genai.set_prompt_tag("tagged", "team", "a, b; 'c' \"d\"")
    client.set_prompt_tag("tagged", "kept", "changed")
    mlflow.genai.delete_prompt_tag("tagged", "dropped")
    mlflow.genai.set_prompt_version_tag("tagged", 1, "reviewed", "yes")
    client.set_prompt_version_tag("tagged", "1", "long", "x" * 20_000)
    client.delete_prompt_version_tag("tagged", "1", "kept")
    version = described(load("prompts:/tagged/1"))
    version["tags"]["long"] = len(version["tags"]["long"])
    return [
        mlflow.genai.get_prompt_tags("tagged"),
        client.get_prompt("tagged").tags,
        version,
        refusal(client.set_prompt_tag, "absent", "a", "b"),
        refusal(client.set_prompt_version_tag, "tagged", 7, "a", "b"),
        refusal(client.set_prompt_version_tag, "tagged", "one", "a", "b"),
        refusal(client.set_prompt_version_tag, "tagged", 1, "a" * 251, "b"),
        refusal(client.set_prompt_version_tag, "tagged", 1, "a", "b" * 100_001),
    ]


@feature
def searches(client):
    used = experiment("searched prompts")
    for index in range(7):
        register(f"search-{index}", f"{index} {{{{x}}}}", tags={"parity": str(index % 2), "index": str(index)})
    other = experiment("searches no prompts")
    pages, token = [], None
    while True:
        page = client.search_prompts("name LIKE 'search-%'", max_results=3, page_token=token)
        pages.append(names(page))
        token = page.token
        if not token:
            break
    for version in range(2, 6):
        register("search-0", f"{version}")
    client.delete_prompt_version("search-0", "3")
    versions = client.search_prompt_versions("search-0", max_results=2)
    more = client.search_prompt_versions("search-0", max_results=2, page_token=versions.token)
    return [
        pages,
        names(mlflow.genai.search_prompts("name = 'search-3'")),
        names(client.search_prompts("tags.parity = '1' and name ILIKE 'SEARCH-%'")),
        names(client.search_prompts("tags.parity = '1' and tags.index != '3'")),
        names(client.search_prompts("name LIKE 'search-%'", order_by=["name DESC"])),
        sorted(names(client.search_prompts(f"experiment_id = '{used}'"))),
        sorted(names(client.search_prompts(f"experiment_id = '{other}'"))),
        [[each.version, each.template] for each in [*versions, *more]],
        refusal(client.search_prompts, "experiment_id = 'x'"),
        refusal(client.search_prompts, "nonsense"),
    ]


@feature
def apart_from_models(client):
    register("apart-prompt", "text")
    client.create_registered_model("apart-model")
    client.create_model_version("apart-model", "s3://nowhere/model")
    both = "name LIKE 'apart-%'"
    prompts, no_prompts = "tags.`mlflow.prompt.is_prompt` = 'true'", "tags.`mlflow.prompt.is_prompt` != 'true'"
    return [
        names(client.search_registered_models(both)),
        [each.name for each in client.search_model_versions(both)],
        names(client.search_prompts(both)),
        [raw("registered-models/search", filter=each) for each in [both, prompts, no_prompts]],
        [raw("model-versions/search", filter=each) for each in [both, prompts, no_prompts]],
        refusal(register, "apart-model", "text"),
        refusal(client.create_registered_model, "apart-prompt"),
        refusal(client.create_registered_model, "apart-model"),
        refusal(client.get_registered_model, "apart-prompt"),
        refusal(client.get_model_version, "apart-prompt", "1"),
        refusal(client.get_model_version_by_alias, "apart-prompt", "latest"),
        refusal(client.set_registered_model_tag, "apart-prompt", "a", "b"),
        refusal(client.set_registered_model_alias, "apart-prompt", "a", "1"),
        client.create_model_version("apart-prompt", "s3://nowhere/model").version,
        refusal(client.create_model_version, "apart-model", "models:/apart-prompt/1"),
        refusal(client.rename_registered_model, "apart-prompt", "apart-renamed"),
        refusal(client.delete_registered_model, "apart-prompt"),
        refusal(load, "prompts:/apart-model/1"),
        refusal(client.search_prompt_versions, "apart-model"),
        client.get_prompt("apart-model"),
    ]


@feature
def linked_runs(client):
    experiment("linked prompts")
    register("linked", "one {{x}}")
    register("linked", "two {{x}}")
    with mlflow.start_run(run_name="linked") as run:
        load("prompts:/linked/1")
        load("prompts:/linked/1")
        load("linked")
    second = client.create_run(run.info.experiment_id, run_name="linked later").info.run_id
    client.link_prompt_version_to_run(second, "prompts:/linked/2")
    client.link_prompt_version_to_run(second, load("prompts:/linked/1"))
    linked = [client.get_run(id_).data.tags.get("mlflow.linkedPrompts") for id_ in [run.info.run_id, second]]
    by_tag = mlflow.search_runs(filter_string="tags.`mlflow.linkedPrompts` LIKE '%linked%'", output_format="list")
    return [
        linked,
        sorted(each.info.run_name for each in by_tag),
        described(load("prompts:/linked/1")),
        client.list_logged_prompts(run.info.run_id),
        refusal(client.link_prompt_version_to_run, second, "prompts:/linked/9"),
        refusal(client.link_prompt_version_to_run, "0" * 32, "prompts:/linked/1"),
        refusal(client.detach_prompt_from_run, second, "prompts:/linked/1"),
    ]


class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return model_input


@feature
def linked_models(client):
    id_ = experiment("prompts of models")
    register("of-models", "one {{x}}")
    with mlflow.start_run(run_name="models with prompts") as run:
        logged = mlflow.pyfunc.log_model(
            name="echo",
            python_model=Echo(),
            prompts=["prompts:/of-models/1"],
            registered_model_name="echo with prompts",
            pip_requirements=[],
        )
    model = mlflow.initialize_logged_model(name="later", experiment_id=id_)
    client.link_prompt_version_to_model("of-models", "1", model.model_id)
    load("of-models", link_to_model=True, model_id=model.model_id)
    version = client.get_model_version("echo with prompts", "1")
    ids = [logged.model_id, model.model_id]
    tags = [client.get_logged_model(each).tags.get("mlflow.linkedPrompts") for each in ids]
    return [
        tags,
        client.get_run(run.info.run_id).data.tags.get("mlflow.linkedPrompts"),
        [version.name, version.version, version.status, version.tags],
        mlflow.models.get_model_info(f"models:/{version.name}/1").prompts,
        refusal(client.link_prompt_version_to_model, "of-models", "1", "m-" + "0" * 32),
    ]


@feature
def step_by_step(client):
    client.create_prompt("stepwise", description="made in steps", tags={"a": "1"})
    empty = client.get_prompt("stepwise")
    answer = [empty.description, empty.tags, refusal(load, "prompts:/stepwise@latest")]
    made = client.create_prompt_version("stepwise", "one", description="first", tags={"b": "2"})
    answer += [described(made), described(client.get_prompt_version("stepwise", "1"))]
    made = client.create_prompt_version("stepwise", CHAT, model_config={"model_name": "m"}, response_format=Answer)
    return [*answer, described(made), refusal(client.create_prompt, "stepwise")]


@feature
def deletion(client):
    for text in ["one", "two", "three"]:
        register("removed", text)
    client.set_prompt_alias("removed", "best", 3)
    client.delete_prompt_version("removed", "3")
    answer = [
        refusal(load, "prompts:/removed/3"),
        refusal(load, "prompts:/removed@best"),
        described(load("removed")),
        refusal(client.delete_prompt_version, "removed", "3"),
        refusal(client.delete_prompt_version, "removed", "x"),
        described(register("removed", "four")),
    ]
    client.delete_prompt("removed")
    return [
        *answer,
        client.get_prompt("removed"),
        refusal(load, "prompts:/removed/1"),
        load("prompts:/removed/1", allow_missing=True),
        refusal(client.delete_prompt, "removed"),
        described(register("removed", "again")),
    ]


@feature
def refused_prompts(client):
    return [
        refusal(register, "a/b", "text"),
        refusal(register, "", "text"),
        refusal(register, "with space", "text"),
        refusal(register, "too-long", "x" * 100_001),
        client.get_prompt("too-long"),
        described(register("odd-chat", [{"role": "user", "text": "no content"}])),
        refusal(load, "prompts:/never/1"),
        refusal(load, "never"),
        load("never", allow_missing=True),
        refusal(load, "models:/greeting/1"),
    ]


run_features()
