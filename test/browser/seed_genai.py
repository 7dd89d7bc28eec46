"""Fills a tracking server with what a team's agent leaves behind, and prints the ids of it as one line of JSON.

Usage: MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python test/browser/seed_genai.py

Names and values are the same at each call; times count back from now, since pages show the last days.
"""

import json
import time

import mlflow
from mlflow.entities import AssessmentSource, SpanEvent, SpanType
from seed_evaluation import log_evaluations, log_issues, log_judges, log_prompt, log_reviews

MINUTE_NS = 60_000_000_000
NOW_NS = time.time_ns()
CITIES = ("Lisbon", "Oslo", "Quito", "Hanoi")
TRACES = 60
SPANS = 300
MEGABYTE = 1_000_000

client = mlflow.MlflowClient()
human = AssessmentSource(source_type="HUMAN", source_id="ada")
judge = AssessmentSource(source_type="LLM_JUDGE", source_id="openai:/gpt-4o-mini")


def ask(experiment_id, number):
    """One question to the agent: a model that calls a tool. Number 0 is the newest; each tenth one fails."""
    city = CITIES[number % len(CITIES)]
    start_ns = NOW_NS - (number + 1) * 20 * MINUTE_NS
    question = f"Question {number:03d}: how is the weather in {city}?"
    messages = [{"role": "system", "content": "You know the weather."}, {"role": "user", "content": question}]
    session = {"mlflow.trace.session": f"session-{number // 4}", "mlflow.trace.user": "ada"} if number < 12 else {}
    root = mlflow.start_span_no_context(
        "agent",
        SpanType.AGENT,
        inputs={"messages": messages},
        tags={"team": "red" if number % 3 else "blue"},
        metadata=session,
        experiment_id=experiment_id,
        start_time_ns=start_ns,
    )
    tool = mlflow.start_span_no_context(
        "get_weather", SpanType.TOOL, root, {"city": city}, start_time_ns=start_ns + 10_000_000
    )
    failed = number % 10 == 9
    if failed:
        tool.record_exception(TimeoutError(f"no answer from {city}"))
    else:
        tool.set_outputs({"degrees": 10 + number % 20})
    tool.end(end_time_ns=start_ns + 200_000_000)
    answer = f"It is {10 + number % 20} degrees in {city}."
    model = mlflow.start_span_no_context(
        "chat_model",
        SpanType.CHAT_MODEL,
        root,
        {"messages": messages, "model": "gpt-4o-mini", "temperature": 0.2},
        {
            "mlflow.chat.tokenUsage": {"input_tokens": 1200, "output_tokens": 300, "total_tokens": 1500},
            "mlflow.llm.model": "gpt-4o-mini",
            "mlflow.llm.provider": "openai",
        },
        start_time_ns=start_ns + 210_000_000,
    )
    model.set_outputs({"choices": [{"index": 0, "message": {"role": "assistant", "content": answer}}]})
    model.end(end_time_ns=start_ns + 900_000_000)
    if not failed:
        root.set_outputs({"choices": [{"index": 0, "message": {"role": "assistant", "content": answer}}]})
    root.end(status="ERROR" if failed else "OK", end_time_ns=start_ns + (1000 + number) * 1_000_000)
    return root.trace_id


def assess(traces):
    """Half of the first twenty are helpful; some have a number, a text, an expectation, a judge's failure, a judge overruled."""
    for number, trace_id in enumerate(traces[:20]):
        mlflow.log_feedback(trace_id=trace_id, name="helpful", value=number % 2 == 0, source=human)
        if number % 4 == 1:
            mlflow.log_feedback(trace_id=trace_id, name="score", value=number % 5 + 0.5, source=judge, rationale="Short.")
    mlflow.log_feedback(trace_id=traces[1], name="tone", value="friendly", source=human)
    mlflow.log_expectation(trace_id=traces[1], name="expected_answer", value="Between 5 and 15 degrees.", source=human)
    verdict = mlflow.log_feedback(trace_id=traces[4], name="verdict", value="wrong", source=judge, rationale="Too cold.")
    mlflow.override_feedback(
        trace_id=traces[4],
        assessment_id=verdict.assessment_id,
        value="right",
        source=human,
        rationale="I have been there.",
    )
    mlflow.log_feedback(trace_id=traces[2], name="safe", error=ValueError("The judge gave no verdict"), source=judge)


def log_details(experiment_id):
    """A trace with what the page of a trace can show: a chat with tools, documents, events, an error, attributes."""
    root = mlflow.start_span_no_context(
        "plan_trip", SpanType.CHAIN, inputs={"wish": "A trip to *Lisbon*"}, experiment_id=experiment_id
    )
    found = mlflow.start_span_no_context("find_pages", SpanType.RETRIEVER, root, {"query": "Lisbon in May"})
    pages = [{"page_content": f"Page {number} about Lisbon.", "metadata": {"doc_uri": f"page-{number}"}} for number in (1, 2)]
    found.set_outputs(pages)
    found.end()
    call = {"id": "call-1", "type": "function", "function": {"name": "book", "arguments": '{"hotel": "Tejo"}'}}
    chat = mlflow.start_span_no_context(
        "chat_model",
        SpanType.CHAT_MODEL,
        root,
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where do I sleep?"}]},
        {"mlflow.chat.tokenUsage": {"input_tokens": 1_000_000, "output_tokens": 2000, "total_tokens": 1_002_000}},
    )
    chat.set_attributes({"mlflow.llm.model": "gpt-4o-mini", "mlflow.llm.provider": "openai", "region": "eu-west"})
    chat.set_outputs({"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [call]}}]})
    chat.add_event(SpanEvent("first token", attributes={"after_ms": 120}))
    chat.end()
    book = mlflow.start_span_no_context("book", SpanType.TOOL, root, {"hotel": "Tejo"})
    book.record_exception(RuntimeError("The hotel Tejo is full"))
    book.end()
    root.set_outputs("You sleep in a **tent**.")
    root.end()
    return root.trace_id


def log_large(experiment_id):
    root = mlflow.start_span_no_context(
        "read_book", inputs={"book": "All work and no play. " * (MEGABYTE // 22)}, experiment_id=experiment_id
    )
    root.set_attribute("chapters", [{"number": number, "text": "dull " * 20_000} for number in range(10)])
    root.set_outputs({"summary": "The end of the large book."})
    root.end()
    return root.trace_id


def log_many_spans(experiment_id):
    root = mlflow.start_span_no_context("many", SpanType.CHAIN, inputs="go", experiment_id=experiment_id)
    for number in range(SPANS - 1):
        step = mlflow.start_span_no_context(f"step-{number:03d}", SpanType.TASK, root, {"number": number})
        step.set_outputs(number * number)
        step.end()
    root.end()
    return root.trace_id


def log_in_progress(experiment_id):
    """What runs still: one step has ended, the root has not."""
    root = mlflow.start_span_no_context("think", SpanType.CHAIN, inputs="What is it?", experiment_id=experiment_id)
    step = mlflow.start_span_no_context("first_thought", SpanType.TASK, root, {"doubt": "small"})
    step.set_outputs("Hm.")
    step.end()
    return root.trace_id


def main():
    agent = client.create_experiment("weather-agent", tags={"mlflow.experimentKind": "genai_development"})
    odd = client.create_experiment("odd-traces", tags={"mlflow.experimentKind": "genai_development"})
    traces = [ask(agent, number) for number in range(TRACES)]
    odd_traces = {
        "details": log_details(odd),
        "large": log_large(odd),
        "many": log_many_spans(odd),
        "in_progress": log_in_progress(odd),
    }
    mlflow.flush_trace_async_logging()
    assess(traces)
    log_judges(agent)
    log_prompt(agent)
    print(
        json.dumps(
            {
                "agent": {"experiment_id": agent, "traces": traces},
                "odd": {"experiment_id": odd, **odd_traces},
                "evaluation": log_evaluations(client),
                "reviews": log_reviews(client),
                "issues": log_issues(client, agent, traces[30:33]),
            }
        )
    )


if __name__ == "__main__":
    main()
