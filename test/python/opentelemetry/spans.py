"""Exports spans by OpenTelemetry's Python SDK, with ids and times that are the same whenever it runs. Prints the ids of the traces."""

import json
import os
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

experiment, run = sys.argv[1:]
ENDPOINT = f"{os.environ['MLFLOW_TRACKING_URI']}/v1/traces"
START_NS = 1_700_000_000_000_000_000


class Counted(IdGenerator):
    traces, spans = 0x70000000000000000000000000000000, 0x7000000000000000

    def generate_trace_id(self):
        Counted.traces += 1
        return Counted.traces

    def generate_span_id(self):
        Counted.spans += 1
        return Counted.spans


def provider_of(processor):
    service = {"service.name": "shop", "service.instance.id": "till 3", "ports": [80, 443]}
    provider = TracerProvider(id_generator=Counted(), resource=Resource.create(service))
    provider.add_span_processor(processor)
    return provider


def spans(tracer, before=None):
    """A trace of five spans, one within the other but the last two; the second one fails."""
    links = [Link(before, {"why": "asked before"})] if before else []
    root = tracer.start_span("request", kind=SpanKind.SERVER, links=links, start_time=START_NS, attributes={"http.route": "/buy", "user.id": "ann", "session.id": "basket"})
    context = trace.set_span_in_context(root)
    agent = tracer.start_span("agent", context, start_time=START_NS + 1_000, attributes={"yes": True, "count": 3, "share": 0.25, "big": 2**62, "words": ["a", "ü"], "numbers": [1, 2], "none": ""})
    agent.add_event("thought", {"depth": 2, "of": "many"}, timestamp=START_NS + 2_000)
    within = trace.set_span_in_context(agent)
    chat = tracer.start_span(
        "chat gpt-4o-mini",
        within,
        kind=SpanKind.CLIENT,
        start_time=START_NS + 3_000,
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.usage.input_tokens": 1200,
            "gen_ai.usage.output_tokens": 80,
            "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Which one?"}]}]),
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "This one."}]}]),
        },
    )
    chat.set_status(Status(StatusCode.OK))
    chat.end(START_NS + 4_000_000)
    tool = tracer.start_span("tool", within, kind=SpanKind.INTERNAL, start_time=START_NS + 5_000_000, attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "pay"})
    tool.record_exception(ValueError("no money"), timestamp=START_NS + 6_000_000)
    tool.set_status(Status(StatusCode.ERROR, "no money"))
    tool.end(START_NS + 6_000_001)
    agent.end(START_NS + 7_000_000)
    sent = tracer.start_span("queue", context, kind=SpanKind.PRODUCER, start_time=START_NS + 7_000_001)
    sent.end(START_NS + 7_000_001)
    root.set_status(Status(StatusCode.ERROR, "not bought"))
    root.end(START_NS + 8_123_456)
    return root.get_span_context()


headers = {"x-mlflow-experiment-id": experiment}
traces = {}
plain = provider_of(BatchSpanProcessor(OTLPSpanExporter(endpoint=ENDPOINT, headers=headers)))
traces["in a batch"] = spans(plain.get_tracer("shop", "1.0", attributes={"scope": "attribute"}))
plain.shutdown()
zipped = provider_of(BatchSpanProcessor(OTLPSpanExporter(endpoint=ENDPOINT, headers={**headers, "x-mlflow-run-id": run}, compression=Compression.Gzip)))
traces["compressed, for a run"] = spans(zipped.get_tracer("shop"), traces["in a batch"])
zipped.shutdown()
# What deployments set instead.
os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = ENDPOINT
os.environ["OTEL_EXPORTER_OTLP_TRACES_HEADERS"] = f"x-mlflow-experiment-id={experiment}"
os.environ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION"] = "deflate"
one_by_one = provider_of(SimpleSpanProcessor(OTLPSpanExporter()))
traces["one by one, set up by the environment"] = spans(one_by_one.get_tracer("shop"))
one_by_one.shutdown()
print(json.dumps({name: f"{context.trace_id:032x}" for name, context in traces.items()}))
