// Traces through the stock client, with stock MLflow's server beside ours.
import { describeBesideStock } from './beside-stock.ts'

/** Prints one JSON line without ids and times, so that the lines of two servers compare. */
const TRACES = `
import json, time, uuid, mlflow
from mlflow import MlflowClient
mark = uuid.uuid4().hex
experiment = mlflow.set_experiment(mark).experiment_id
client, out = MlflowClient(), []

@mlflow.trace(span_type="LLM", attributes={"model": "m"})
def answer(question):
    span = mlflow.get_current_active_span()
    span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7})
    span.add_event(mlflow.entities.SpanEvent("thought", attributes={"depth": 2}))
    return {"choices": [{"message": {"role": "assistant", "content": "because"}}]}

@mlflow.trace(name="root", span_type="CHAIN")
def ask(messages, session=None, fail=False):
    mlflow.update_current_trace(tags={"team": "a"}, metadata={"mlflow.trace.session": session, "mlflow.trace.user": "u"} if session else {})
    result = answer(messages[-1]["content"])
    if fail:
        raise ValueError("no answer")
    return result

def ids():
    mlflow.flush_trace_async_logging()
    return mlflow.get_last_active_trace_id()

messages = [{"role": "user", "content": "Why?"}]
ask(messages, session="s")
first = ids()
try:
    ask(messages, fail=True)
except ValueError:
    pass
second = ids()
with mlflow.start_run() as run:
    ask([{"role": "user", "content": "x" * 300000}])
third = ids()

def show_span(span):
    return [span.name, span.span_type, span.status.status_code.value, span.parent_id is None,
        {k: v for k, v in span.attributes.items() if k not in ("mlflow.traceRequestId",)},
        [[e.name, sorted(e.attributes)] for e in span.events]]

def show(trace, spans=True):
    info = trace.info
    metadata = {k: v for k, v in info.trace_metadata.items() if k not in ("mlflow.trace.sizeBytes", "mlflow.trace.sizeStats", "mlflow.source.name", "mlflow.user")}
    return [info.state.value, info.request_preview, info.response_preview, info.tags, metadata, info.execution_duration is not None,
        [show_span(s) for s in trace.data.spans] if spans else None]

for trace_id in (first, second, third):
    out.append(show(client.get_trace(trace_id)))
client.set_trace_tag(first, "k", "v")
client.set_trace_tag(first, "gone", "v")
client.delete_trace_tag(first, "gone")
found = lambda text=None, **more: [[first, second, third].index(t.info.trace_id) for t in mlflow.search_traces(experiment_ids=[experiment], filter_string=text, return_type="list", **more)]
out.append([found(), found("status = 'ERROR'"), found("tags.k = 'v'"), found("metadata.mlflow.trace.session = 's'"),
    found(f"run_id = '{run.info.run_id}'"), found("name = 'root'", max_results=2), found(order_by=["timestamp ASC"]), found("span.type = 'LLM'")])
out.append(show(client.get_trace(first), spans=False))
out.append(client.delete_traces(experiment, trace_ids=[first]))
out.append(found())
out.append(client.delete_traces(experiment, max_timestamp_millis=int(time.time() * 1000) + 1000, max_traces=1))
out.append(found())
text = json.dumps(out)
for id, name in ((first, "first"), (second, "second"), (third, "third"), (run.info.run_id, "run"), (experiment, "experiment"), (mark, "mark")):
    text = text.replace(id, name)
print(text)
`

describeBesideStock('and traces', [['logs, finds, tags and deletes traces as with stock MLflow', TRACES]])
