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

/** Links, spans of two processes in one trace, what calls cost, and spans that plain OpenTelemetry exports. */
const LINKS = `
import json, os, time, uuid, mlflow, requests
from mlflow import MlflowClient
from mlflow.tracing.distributed import get_tracing_context_headers_for_http_request, set_tracing_context_from_http_request_headers
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
mark = uuid.uuid4().hex
experiment = mlflow.set_experiment(mark).experiment_id
client, out = MlflowClient(), []
prompt = mlflow.genai.register_prompt(name=mark, template="Say {{what}}")

@mlflow.trace
def call(model):
    span = mlflow.get_current_active_span()
    span.set_attribute("mlflow.llm.model", model)
    span.set_attribute("mlflow.chat.tokenUsage", {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100})
    mlflow.genai.load_prompt(f"prompts:/{mark}/1").format(what="hello")
    return "hello"

def last():
    mlflow.flush_trace_async_logging()
    return mlflow.get_last_active_trace_id()

call("gpt-4o")
first = last()
call("no such model")
second = last()
with mlflow.start_span("sender") as sender:
    headers = get_tracing_context_headers_for_http_request()
    with set_tracing_context_from_http_request_headers(headers):
        with mlflow.start_span("receiver") as receiver:
            pass
third = sender.trace_id
last()
run = client.create_run(experiment).info.run_id
client.link_traces_to_run([first, third], run)
client.link_traces_to_run([first], run)
client.link_prompt_versions_to_trace([prompt], third)

class Exporter(SpanExporter):
    def export(self, spans):
        message = ExportTraceServiceRequest()
        sent = message.resource_spans.add().scope_spans.add()
        for span in spans:
            context, one = span.get_span_context(), sent.spans.add()
            one.trace_id, one.span_id = context.trace_id.to_bytes(16, "big"), context.span_id.to_bytes(8, "big")
            if span.parent:
                one.parent_span_id = span.parent.span_id.to_bytes(8, "big")
            one.name, one.start_time_unix_nano, one.end_time_unix_nano = span.name, span.start_time, span.end_time
            for key, value in span.attributes.items():
                attribute = one.attributes.add(key=key)
                if isinstance(value, int):
                    attribute.value.int_value = value
                else:
                    attribute.value.string_value = value
        answer = requests.post(os.environ["MLFLOW_TRACKING_URI"] + "/v1/traces", message.SerializeToString(),
            headers={"content-type": "application/x-protobuf", "x-mlflow-experiment-id": experiment, "x-mlflow-run-id": run})
        return SpanExportResult.SUCCESS if answer.ok else SpanExportResult.FAILURE

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(Exporter()))
tracer = provider.get_tracer("plain")
with tracer.start_as_current_span("agent", attributes={"gen_ai.operation.name": "invoke_agent"}) as plain:
    with tracer.start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5, "gen_ai.input.messages": "[]"}):
        pass
fourth = f"tr-{plain.get_span_context().trace_id:032x}"

names = {first: "first", second: "second", third: "third", fourth: "fourth"}
found = lambda text: sorted(names[t.info.trace_id] for t in mlflow.search_traces(experiment_ids=[experiment], filter_string=text, return_type="list"))
# The client links prompts in a thread of its own.
for _ in range(50):
    if len(found(f"prompt = '{mark}/1'")) == 3:
        break
    time.sleep(0.2)
out.append([found(f"run_id = '{run}'"), found(f"prompt = '{mark}/1'"), found(f"prompt = '{mark}/2'")])
out.append([t.info.trace_id in names for t in mlflow.search_traces(run_id=run, return_type="list", locations=[experiment])])
for trace_id in names:
    trace = client.get_trace(trace_id)
    out.append([names[trace_id], trace.info.token_usage, trace.info.cost, trace.info.tags.get("mlflow.linkedPrompts"),
        sorted([s.name, s.span_type, s.parent_id is None, s.attributes.get("mlflow.llm.cost"), s.inputs] for s in trace.data.spans)])
try:
    client.link_traces_to_run([f"tr-{number}" for number in range(101)], run)
except mlflow.MlflowException as error:
    out.append(str(error))
print(json.dumps(out).replace(mark, "mark"))
`

describeBesideStock('and traces', [
  ['logs, finds, tags and deletes traces as with stock MLflow', TRACES],
  ['links traces, goes on with those of others, and takes those of plain OpenTelemetry', LINKS],
])
