"""Traces that the client makes by itself: of OpenAI's client, of LangChain and of LangGraph, with models that are fakes."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from operator import itemgetter
from typing import TypedDict

import mlflow
import openai
from harness import experiment, feature, run_features
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from mlflow.environment_variables import MLFLOW_ENABLE_ASYNC_TRACE_LOGGING
from traced import described, found, last

# Then no trace is overtaken by its own spans.
MLFLOW_ENABLE_ASYNC_TRACE_LOGGING.set(False)

USAGE = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21, "prompt_tokens_details": {"cached_tokens": 4}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Köln"}'}}


def completion(body):
    message = {"role": "assistant", "content": "Because."}
    if body.get("tools"):
        message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": USAGE,
    }


def chunks():
    for number, word in enumerate(["Be", "cause", "."]):
        delta = {"content": word, **({"role": "assistant"} if number == 0 else {})}
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        yield {"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "gpt-4o-mini", "choices": [choice]}
    yield {"id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "gpt-4o-mini", "choices": [], "usage": USAGE}


def response(body):
    text = {"type": "output_text", "text": "Because.", "annotations": []}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": "completed",
        "model": "gpt-4o-mini",
        "output": [{"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [text]}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 9,
            "output_tokens": 12,
            "total_tokens": 21,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    }


def embedding(body):
    vectors = [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}]
    return {"object": "list", "data": vectors, "model": "text-embedding-3-small", "usage": {"prompt_tokens": 5, "total_tokens": 5}}


ANSWERS = {"/chat/completions": completion, "/responses": response, "/embeddings": embedding}


class OpenAi(BaseHTTPRequestHandler):
    """Answers as the service would. A model that it does not know is refused."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if body["model"] == "unknown":
            self.reply(404, "application/json", json.dumps({"error": {"message": "No such model", "type": "invalid_request_error", "code": "model_not_found"}}))
        elif body.get("stream"):
            self.reply(200, "text/event-stream", "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks()) + "data: [DONE]\n\n")
        else:
            self.reply(200, "application/json", json.dumps(ANSWERS[self.path](body)))

    def reply(self, status, kind, text):
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


SERVICE = ThreadingHTTPServer(("127.0.0.1", 0), OpenAi)
threading.Thread(target=SERVICE.serve_forever, daemon=True).start()
ACCESS = {"base_url": f"http://127.0.0.1:{SERVICE.server_port}", "api_key": "none", "max_retries": 0}
MESSAGES = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Why?"}]


def traces():
    mlflow.flush_trace_async_logging()
    found = mlflow.search_traces(return_type="list", order_by=["timestamp ASC"])
    return [described(trace) for trace in found]


@feature
def openai_client(_client):
    experiment("OpenAI")
    mlflow.openai.autolog()
    service = openai.OpenAI(**ACCESS)
    weather = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}
    answers = [service.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, temperature=0.5).choices[0].message.content]
    service.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, tools=[weather])
    stream = service.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, stream=True, stream_options={"include_usage": True})
    answers.append(len(list(stream)))
    service.responses.create(model="gpt-4o-mini", input="Why?", instructions="Be short.")
    service.embeddings.create(model="text-embedding-3-small", input="Why?")
    try:
        service.chat.completions.create(model="unknown", messages=MESSAGES)
    except openai.NotFoundError as error:
        answers.append(error.status_code)

    @mlflow.trace(name="both")
    async def both():
        client = openai.AsyncOpenAI(**ACCESS)
        await client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)
        await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)

    asyncio.run(both())
    whole = last().info
    mlflow.openai.autolog(disable=True)
    return [answers, whole.token_usage, whole.cost, found("span.type = 'EMBEDDING'"), found("status = 'ERROR'"), traces()]


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query, *, run_manager):
        return [Document(page_content=f"All about {query}", metadata={"doc_uri": "shelf/1"}, id="1")]


@tool
def weather(city: str) -> str:
    """What the weather is like."""
    return f"Rain in {city}"


@feature
def langchain(_client):
    experiment("LangChain")
    mlflow.langchain.autolog()
    model = FakeListChatModel(responses=["Because.", "Indeed."])
    prompt = ChatPromptTemplate.from_messages([("system", "Be short. {context}"), ("human", "{question}")])
    chain = prompt | model | StrOutputParser()
    asked = {"context": itemgetter("question") | Shelf(), "question": RunnablePassthrough()} | chain
    answers = [
        chain.invoke({"context": "none", "question": "Why?"}),
        asked.invoke({"question": "rain"}),
        list(chain.stream({"context": "", "question": "Really?"})),
        chain.batch([{"context": "", "question": "One?"}], config={"max_concurrency": 1}),
        weather.invoke({"city": "Köln"}),
        asyncio.run(chain.ainvoke({"context": "", "question": "Later?"})),
    ]
    failing = prompt | RunnableLambda(lambda _: 1 / 0)
    try:
        failing.invoke({"context": "", "question": "Zero?"})
    except ZeroDivisionError as error:
        answers.append(str(error))
    mlflow.langchain.autolog(disable=True)
    return [answers, found("span.type = 'RETRIEVER'"), found("status = 'ERROR'"), traces()]


class State(TypedDict):
    question: str
    notes: list[str]
    answer: str


@feature
def langgraph(_client):
    experiment("LangGraph")
    mlflow.langchain.autolog()
    model = FakeListChatModel(responses=["Because."])

    def look(state):
        return {"notes": [*state["notes"], weather.invoke({"city": state["question"]})]}

    def reply(state):
        return {"answer": model.invoke(state["question"]).content}

    graph = StateGraph(State)
    graph.add_node("look", look)
    graph.add_node("reply", reply)
    graph.add_edge(START, "look")
    graph.add_conditional_edges("look", lambda state: "reply" if len(state["notes"]) > 1 else "look", ["look", "reply"])
    graph.add_edge("reply", END)
    app = graph.compile()
    asked = {"question": "Bonn", "notes": []}
    answers = [app.invoke(asked), list(app.stream(asked)), asyncio.run(app.ainvoke(asked))]
    mlflow.langchain.autolog(disable=True)
    return [answers, found("span.name = 'weather'"), traces()]


run_features()
