"""Traces of an application: spans of its functions, a session, feedback, and the search for all of them.

The same calls with `mlflow.openai.autolog()` and its like trace a framework without code of one's own.
"""

import mlflow

mlflow.set_experiment("tracing")


@mlflow.trace(span_type="RETRIEVER")
def look_up(question):
    return [{"page_content": "Copper melts at 1085 °C.", "metadata": {"doc_uri": "metals.txt"}}]


@mlflow.trace(span_type="LLM")
def reply(question, documents):
    span = mlflow.get_current_active_span()
    span.set_attribute("mlflow.llm.model", "gpt-4o-mini")
    span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 60, "output_tokens": 8, "total_tokens": 68})
    return documents[0]["page_content"]


@mlflow.trace(span_type="AGENT")
def answer(question):
    mlflow.update_current_trace(session_id="a visit", user="ann", tags={"release": "1.2"})
    if not question:
        raise ValueError("no question")
    return reply(question, look_up(question))


print(answer("When does copper melt?"))
try:
    answer("")
except ValueError as error:
    print(f"failed: {error}")

good, bad = mlflow.search_traces(order_by=["timestamp_ms ASC"], return_type="list", flush=True)[-2:]
mlflow.log_feedback(trace_id=good.info.trace_id, name="helpful", value=True, rationale="It tells the number.")

for title, text in {
    "of the session": "metadata.`mlflow.trace.session` = 'a visit'",
    "failed": "status = 'ERROR'",
    "with a retriever": "span.type = 'RETRIEVER'",
    "helpful": "feedback.helpful = 'true'",
}.items():
    print(f"{title}: {len(mlflow.search_traces(filter_string=text, return_type='list'))}")
for span in good.data.spans:
    print(f"{span.name}: {span.span_type}, {span.status.status_code.value}")
print(f"tokens: {good.info.token_usage['total_tokens']}, cost: {good.info.cost['total_cost']:.7f} USD")
