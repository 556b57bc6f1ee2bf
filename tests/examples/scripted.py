"""A service that plays a script: what a watcher has to expect, and seldom sees."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from processes import Process, until
from ticketing.v1 import event_pb2, event_service_pb2, event_service_pb2_grpc, ticket_pb2

Response = event_service_pb2.WatchEventsResponse


def ticket(key, **facts):
    return ticket_pb2.Ticket(name=f"tenants/acme/tickets/{key}", state=ticket_pb2.TICKET_STATE_NEW, **facts)


def chunk(*keys):
    return Response(snapshot_chunk=event_service_pb2.SnapshotChunk(tickets=[ticket(key) for key in keys]))


def complete(cursor, count):
    return Response(cursor=cursor, snapshot_complete=event_service_pb2.SnapshotComplete(ticket_count=count))


def resolved(cursor, key):
    facts = event_pb2.TicketFacts(state=ticket_pb2.TICKET_STATE_RESOLVED)
    event = event_pb2.Event(type="ticket.resolved", resource=f"tenants/acme/tickets/{key}", facts=facts)
    return Response(cursor=cursor, events=event_service_pb2.EventBatch(events=[event]))


def goodbye(cursor):
    reason = event_service_pb2.GOODBYE_REASON_MAX_AGE
    return Response(cursor=cursor, goodbye=event_service_pb2.Goodbye(reason=reason))


def refusal(code, reason, **metadata):
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="ticketing", metadata=metadata))
    return rpc_status.to_status(status_pb2.Status(code=code.value[0], message=reason.lower(), details=[detail]))


# For each stream: how it has to begin, what it brings, and the error that ends it.
SNAPSHOT = "the initial state"
SCRIPT = [
    (SNAPSHOT, [chunk("a")], refusal(grpc.StatusCode.UNAVAILABLE, "OVERLOADED")),
    (SNAPSHOT, [chunk("a"), chunk("b"), complete("1", 2), resolved("2", "b")],
     refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER", resume_cursor="2")),
    ("2", [goodbye("3")], None),
    ("3", [resolved("4", "a")], refusal(grpc.StatusCode.UNAVAILABLE, "OVERLOADED")),
    ("4", [], refusal(grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED", oldest_cursor="9")),
    (SNAPSHOT, [chunk("c"), complete("10", 1)], refusal(grpc.StatusCode.INVALID_ARGUMENT, "CURSOR_INVALID")),
    (SNAPSHOT, [chunk("d"), complete("11", 1)], None),
]  # fmt: skip


class Scripted(event_service_pb2_grpc.EventServiceServicer):
    def __init__(self):
        self.begun, self.over = [], threading.Event()

    def WatchEvents(self, request, context):
        place = len(self.begun)
        self.begun.append(SNAPSHOT if request.include_initial_state else request.cursor)
        if place >= len(SCRIPT):
            context.abort(grpc.StatusCode.UNAVAILABLE, "the script is over")
        _, messages, end = SCRIPT[place]
        yield from messages
        if end:
            context.abort_with_status(end)
        if place == len(SCRIPT) - 1:
            self.over.wait()  # the last stream stays


def play(folder, crm_at):
    service, server = Scripted(), grpc.server(ThreadPoolExecutor(4))
    event_service_pb2_grpc.add_EventServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    crm = Process("crm-by-script", folder, *crm_at(f"127.0.0.1:{port}", "script.sqlite")).start()

    def table():
        with sqlite3.connect(Path(folder) / "script.sqlite", timeout=30) as database:
            return [row[0].rpartition("/")[2] for row in database.execute("select ticket from open_tickets")]

    try:
        until("the script is played", lambda: len(service.begun) >= len(SCRIPT) and table() == ["d"], crm)
        assert service.begun == [begin for begin, _, _ in SCRIPT], service.begun
    finally:
        service.over.set()
        server.stop(0)
    crm.stop()
    return f"{len(SCRIPT)} streams, each begun where the one before asked for"
