"""One story, told by clients that were not written here and know nothing but what the server says about itself.

    story.py ADDRESS BUF

Python's grpcio and `buf curl` (gRPC, gRPC-Web) each create, list, escalate and watch by server reflection alone: there is
no generated code and no proto file. The last line counts what passed.
"""

import json
import subprocess
import sys
import threading
import time
import uuid

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

TENANT = "tenants/acme"
SECONDS = 30  # for any one call or stream


class Refused(Exception):
    """The server said no; the code is gRPC's, in lower case."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class Grpcio:
    name = "python grpcio"

    def __init__(self, address, token=None):
        self.channel = grpc.insecure_channel(address)
        self.metadata = token and [("authorization", f"Bearer {token}")]
        self.pool = DescriptorPool(ProtoReflectionDescriptorDatabase(self.channel))

    def _method(self, service, method, kind):
        described = self.pool.FindServiceByName(f"ticketing.v1.{service}").FindMethodByName(method)
        request, response = (message_factory.GetMessageClass(it) for it in (described.input_type, described.output_type))
        path = f"/{described.containing_service.full_name}/{method}"
        return request, getattr(self.channel, kind)(path, request.SerializeToString, response.FromString)

    def call(self, service, method, body):
        request, send = self._method(service, method, "unary_unary")
        try:
            return json_format.MessageToDict(send(json_format.ParseDict(body, request()), timeout=SECONDS, metadata=self.metadata))
        except grpc.RpcError as error:
            raise Refused(error.code().name.lower(), error.details()) from None

    def stream(self, service, method, body):
        request, send = self._method(service, method, "unary_stream")
        messages = send(json_format.ParseDict(body, request()), timeout=SECONDS, metadata=self.metadata)
        return (json_format.MessageToDict(message) for message in messages), messages.cancel


class BufCurl:
    def __init__(self, address, buf, protocol):
        self.name = f"buf curl --protocol {protocol}"
        self.command = [buf, "curl", "--protocol", protocol, "--http2-prior-knowledge"]
        self.url = f"http://{address}/ticketing.v1."

    def _command(self, service, method, body):
        return [*self.command, "--data", json.dumps(body), f"{self.url}{service}/{method}"]

    def call(self, service, method, body):
        done = subprocess.run(self._command(service, method, body), capture_output=True, text=True, timeout=SECONDS)
        if done.returncode == 0:
            return json.loads(done.stdout)
        try:
            error = json.loads(done.stderr)
        except ValueError:
            raise RuntimeError(done.stderr) from None
        raise Refused(error["code"], error.get("message", ""))

    def stream(self, service, method, body):
        process = subprocess.Popen(self._command(service, method, body), stdout=subprocess.PIPE, text=True)
        watchdog = threading.Timer(SECONDS, process.kill)
        watchdog.start()

        def cancel():
            watchdog.cancel()
            process.kill()
            process.wait()

        return documents(process.stdout), cancel


def documents(lines):
    """JSON documents that stand one after the other, over several lines each."""
    read, text = json.JSONDecoder(), ""
    for line in lines:
        text += line
        try:
            document, end = read.raw_decode(text)
        except ValueError:
            continue  # it goes on in the next line
        text = text[end:].lstrip()
        yield document


def refuses(client):
    """An empty title is refused, and the refusal says why."""
    try:
        client.call("TicketService", "CreateTicket", {"parent": TENANT, "ticket": {}})
    except Refused as refused:
        assert refused.code == "invalid_argument", refused
        assert "title" in str(refused), refused
    else:
        raise AssertionError("a ticket without a title was recorded")


def creates(client):
    """A ticket is recorded once, however often the same call comes."""
    request = {
        "parent": TENANT,
        "ticket": {"title": f"VPN is down ({client.name})", "category": "network", "languageCode": "en"},
        "requestId": str(uuid.uuid4()),
    }
    first = client.call("TicketService", "CreateTicket", request)
    again = client.call("TicketService", "CreateTicket", request)
    assert first["ticket"]["state"] == "TICKET_STATE_NEW", first
    assert first["ticket"]["queue"] == "desk-en", first
    assert again["replayed"] and again["ticket"] == first["ticket"], again
    return first["ticket"]


def lists(client, ticket):
    """The ticket stands in its queue's list."""
    page = client.call("TicketService", "ListTickets", {"parent": TENANT, "filter": 'queue = "desk-en" AND state = NEW'})
    assert ticket["name"] in [it["name"] for it in page["tickets"]], page


def escalates(client, ticket):
    """The second level is asked to take over; the ticket stands in its queue and waits for the answer."""
    answer = client.call(
        "EscalationService",
        "EscalateTicket",
        {
            "name": ticket["name"],
            "requestId": str(uuid.uuid4()),
            "team": "infrastructure",
            "escalationReason": "ESCALATION_REASON_MISSING_ACCESS",
            "justification": "The desk has no access to the firewall.",
        },
    )
    assert answer["ticket"]["level"] == "L2", answer
    assert answer["escalation"]["state"] == "ESCALATION_STATE_PENDING", answer


def watches(stream, ticket):
    """Both events come by the stream, in order. In between the service may say that nobody works at this desk."""
    seen = []
    for message in stream:
        events = message.get("events", {}).get("events", [])
        types = [event["type"] for event in events if event["resource"] == ticket["name"]]
        seen += [kind for kind in types if kind != "routing.exhausted"]
        if seen == ["ticket.created", "ticket.escalated"]:
            return
        assert seen in ([], ["ticket.created"]), seen
    raise AssertionError(f"the stream ended after {seen}")


def main(address, buf):
    passed = 0
    for client in (Grpcio(address), BufCurl(address, buf, "grpc"), BufCurl(address, buf, "grpcweb")):
        start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        stream, cancel = client.stream("EventService", "WatchEvents", {"parent": TENANT, "startTime": start})
        try:
            refuses(client)
            ticket = creates(client)
            lists(client, ticket)
            escalates(client, ticket)
            watches(stream, ticket)
        finally:
            cancel()
        passed += 5
        print(f"{client.name}: refused, created, listed, escalated, watched {ticket['name']}")
    print(f"clients: {passed} passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
