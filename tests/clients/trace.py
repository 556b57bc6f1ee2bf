"""One trace from a client through the service to a consumer, as a collector sees it.

    trace.py NATS-SERVER

The client and the consumer tell their spans by OpenTelemetry's own Python library, the service by itself, all to one collector:
client, call, statements, and then, each in a trace of its own that is linked to the one before, the broker's message, who
consumes it, and the webhook.
"""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import nats
import nats.js.errors
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from story import TENANT, Grpcio

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/debug/ticketing"
DEADLINE = 60  # seconds for any one condition
SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5  # kinds of spans


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self):
        self.spans = []
        self.server = grpc.server(ThreadPoolExecutor(4))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self.server)
        self.endpoint = f"http://127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def Export(self, request, _):
        for resource in request.resource_spans:
            service = next(it.value.string_value for it in resource.resource.attributes if it.key == "service.name")
            self.spans += [(service, span) for scope in resource.scope_spans for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()

    def find(self, service, kind, name, fits):
        """The span, once it has come."""
        found = lambda: [it for of, it in list(self.spans) if (of, it.kind) == (service, kind) and name in it.name and fits(it)]  # noqa: E731
        return until(f"{service} tells of {name}", found)[0]

    def roots(self, trace_id):
        """Spans of a trace under none that has come."""
        spans = [span for _, span in list(self.spans) if span.trace_id == trace_id]
        ids = {span.span_id for span in spans}
        return [span.name for span in spans if span.parent_span_id not in ids]


def until(what, condition):
    end = time.monotonic() + DEADLINE
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {DEADLINE} seconds: {what}"
        time.sleep(0.02)
    return found


def linked_to(origin):
    return lambda span: (origin.trace_id, origin.span_id) in [(it.trace_id, it.span_id) for it in span.links]


def under(parent):
    return lambda span: (span.trace_id, span.parent_span_id) == (parent.trace_id, parent.span_id)


def as_header(span):
    return f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def listens(port):
    with socket.socket() as it:
        return it.connect_ex(("127.0.0.1", port)) == 0


class Receiver(ThreadingHTTPServer):
    """Of webhooks: keeps what they bear."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.headers = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.headers.append(dict(self.headers))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


async def consume(url, tracer, ticket):
    """What a consumer does: works on the message in a span of its own, linked to what the message bears."""
    client = await nats.connect(url)
    end = time.monotonic() + DEADLINE
    while True:
        try:
            messages = await client.jetstream().subscribe("ticketing.v1.>", ordered_consumer=True)
            break
        except nats.js.errors.NotFoundError:  # the service makes the stream
            assert time.monotonic() < end, "there is no stream"
            await asyncio.sleep(0.1)
    while True:
        message = await messages.next_msg(DEADLINE)
        if message.headers["ce-type"] != "ticketing.v1.ticket.created" or message.headers["ce-subject"] not in ticket:
            continue
        origin = trace.get_current_span(TraceContextTextMapPropagator().extract(message.headers)).get_span_context()
        with tracer.start_as_current_span("consume", kind=trace.SpanKind.CONSUMER, links=[trace.Link(origin)]):
            await client.close()
            return message.headers


def play(collector, service_address, nats_url, receiver):
    provider = TracerProvider(resource=Resource.create({"service.name": "crm"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=collector.endpoint, insecure=True)))
    trace.set_tracer_provider(provider)  # the instrumentation takes no other
    GrpcInstrumentorClient().instrument()
    tracer = provider.get_tracer("crm")
    client = Grpcio(service_address)
    subscription = {"url": f"http://127.0.0.1:{receiver.server_port}/"}
    client.call("EventService", "CreateSubscription", {"parent": TENANT, "subscription": subscription})
    body = {"parent": TENANT, "ticket": {"title": "VPN is down", "category": "network", "languageCode": "en"}}
    with tracer.start_as_current_span("a customer calls"):
        ticket = client.call("TicketService", "CreateTicket", body)["ticket"]["name"]
    headers = asyncio.run(consume(nats_url, tracer, ticket))
    return headers, ticket


def compare(collector, headers, receiver):
    of_ours = collector.find("crm", CLIENT, "CreateTicket", lambda _: True)
    call = collector.find("ticketing", SERVER, "ticketing.v1.TicketService/CreateTicket", under(of_ours))
    batch = collector.find("ticketing", 1, "batch", under(call))
    statement = collector.find("ticketing", CLIENT, "insert into", under(batch))
    attributes = {it.key: it.value.string_value for it in statement.attributes}
    assert (attributes["db.system.name"], attributes["db.operation.name"]) == ("postgresql", "insert"), attributes
    assert batch.start_time_unix_nano <= statement.start_time_unix_nano <= statement.end_time_unix_nano <= batch.end_time_unix_nano
    assert headers["ce-traceparent"] == as_header(call), "the event bears the call that brought it about"
    publish = collector.find("ticketing", PRODUCER, "publish ticket.created", linked_to(call))
    assert publish.trace_id != call.trace_id and not publish.parent_span_id
    assert headers["traceparent"] == as_header(publish), "the message bears the hop"
    consume = collector.find("crm", CONSUMER, "consume", linked_to(publish))
    deliver = collector.find("ticketing", PRODUCER, "deliver", linked_to(call))
    until("the webhook bears its hop", lambda: as_header(deliver) in [it.get("traceparent") for it in receiver.headers])
    until("the trace is whole", lambda: collector.roots(call.trace_id) == ["a customer calls"])
    return [("client", of_ours), ("call", call), ("batch", batch), ("SQL", statement), ("publish", publish), ("consume", consume), ("webhook", deliver)]


def main(nats_server):
    collector, receiver, started = Collector(), Receiver(), []
    port, broker = free_port(), free_port()
    url = os.environ["DATABASE_URL"]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("w") as said:
            start = lambda *command: started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said))  # noqa: E731
            try:
                start(nats_server, "-js", "-sd", folder, "-a", "127.0.0.1", "-p", str(broker))
                subprocess.run([PROGRAM, "migrate", "--database-url", url], check=True, stdout=said, stderr=said)
                start(
                    PROGRAM, "serve", "--insecure", "--listen", f"127.0.0.1:{port}", "--database-url", url, "--webhook-private-targets",
                    "--nats-url", f"nats://127.0.0.1:{broker}", "--otlp-endpoint", collector.endpoint, "--trace-ratio", "0",
                )  # fmt: skip
                until("both listen", lambda: listens(port) and listens(broker))
                address = f"127.0.0.1:{port}"
                configure = [PROGRAM, "config", "apply", "--address", f"http://{address}", "--tenant", "acme", "-f", ROOT / "demo/configuration.yaml"]
                subprocess.run(configure, check=True, stdout=said, stderr=said)
                headers, ticket = play(collector, address, f"nats://127.0.0.1:{broker}", receiver)
                for what, span in compare(collector, headers, receiver):
                    print(f"{what:8} {span.trace_id.hex()[:8]}/{span.span_id.hex()} {span.name}")
                print(f"trace: {ticket} is one trace to its commit, linked to the broker, its consumer and the webhook")
            except BaseException:
                print(log.read_text()[-5000:], file=sys.stderr)
                raise
            finally:
                for process in reversed(started):
                    process.terminate()
                    process.wait(DEADLINE)


if __name__ == "__main__":
    main(*sys.argv[1:])
