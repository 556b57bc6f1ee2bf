"""Keeps a table of the open tickets of each organization, as a CRM would show them beside its customers.

    crm.py [--address HOST:PORT] [--tenant KEY] [--database FILE]

Follows WatchEvents. The cursor stands in the same SQLite database as the tickets and moves in the same transaction, so the
program may be killed at any time and goes on where it was. README.md says more.
"""

import argparse
import random
import signal
import sqlite3
import sys
import threading
import time

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

import stubs

FOLDER = stubs.generate()
from ticketing.v1 import event_service_pb2, event_service_pb2_grpc, ticket_pb2  # noqa: E402

SILENCE = 15  # seconds without a word, by the contract: the connection is dead
LONGEST_PAUSE = 30
SCHEMA = """
    create table if not exists cursor (only_row integer primary key check (only_row = 1), cursor text not null);
    create table if not exists open_tickets (
        ticket text primary key, number integer not null, organization text not null, state text not null,
        priority text not null, level text not null, queue text not null, assignee text not null);
    create index if not exists open_tickets_by_organization on open_tickets (organization, priority);
"""
OPEN = {
    ticket_pb2.TICKET_STATE_NEW,
    ticket_pb2.TICKET_STATE_OPEN,
    ticket_pb2.TICKET_STATE_WAITING_ON_CUSTOMER,
    ticket_pb2.TICKET_STATE_WAITING_ON_VENDOR,
    ticket_pb2.TICKET_STATE_ON_HOLD,
}


class Table:
    """The open tickets, and up to where they are current. `commit` makes both true at once."""

    def __init__(self, file):
        self.database = sqlite3.connect(file, isolation_level="IMMEDIATE")
        self.database.executescript(SCHEMA)

    def cursor(self):
        row = self.database.execute("select cursor from cursor").fetchone()
        return row and row[0]

    def commit(self, cursor):
        self.database.execute("insert or replace into cursor values (1, ?)", (cursor,))
        self.database.commit()

    def rollback(self):
        self.database.rollback()

    def forget(self):
        """Begins anew. The old rows stay to be looked at until the new ones are complete."""
        self.database.execute("delete from cursor")
        self.database.commit()

    def clear(self):
        self.database.execute("delete from open_tickets")

    def put(self, name, it):
        """`it` is a Ticket or the TicketFacts of an event: both say how the ticket stands, whole, so the last one wins."""
        if it.state in OPEN:
            state = ticket_pb2.TicketState.Name(it.state).removeprefix("TICKET_STATE_")
            row = (name, it.number, it.organization, state, it.priority, it.level, it.queue, it.assignee)
            self.database.execute("insert or replace into open_tickets values (?, ?, ?, ?, ?, ?, ?, ?)", row)
        else:
            self.database.execute("delete from open_tickets where ticket = ?", (name,))


class Watchdog:
    """Cancels a stream that says nothing for too long: a cable that was pulled sends no error."""

    def __init__(self, stream):
        self.stream, self.timer = stream, None

    def hear(self):
        self.rest()
        self.timer = threading.Timer(SILENCE, self.stream.cancel)
        self.timer.daemon = True
        self.timer.start()

    def rest(self):
        if self.timer:
            self.timer.cancel()


def follow(stub, tenant, table, log):
    """One stream from where the table stands. Returns after how many seconds to come back, or None after a failure."""
    cursor = table.cursor()
    start = {"cursor": cursor} if cursor else {"include_initial_state": True}
    log(f"watching from {'the last cursor' if cursor else 'now on, with the initial state'}")
    stream = stub.WatchEvents(event_service_pb2.WatchEventsRequest(parent=f"tenants/{tenant}", **start))
    watchdog, snapshot = Watchdog(stream), False
    watchdog.hear()
    try:
        for message in stream:
            watchdog.hear()
            body = message.WhichOneof("body")
            if body == "snapshot_chunk":
                if not snapshot:
                    table.clear()  # in the transaction that ends with snapshot_complete
                snapshot = True
                for ticket in message.snapshot_chunk.tickets:
                    table.put(ticket.name, ticket)
            elif body == "snapshot_complete" and not snapshot:
                table.clear()  # there is no open ticket
            elif body == "events":
                for event in message.events.events:
                    table.put(event.resource, event.facts)
            if message.cursor:
                table.commit(message.cursor)  # also of a bookmark: there was nothing for us before it
            if body == "snapshot_complete":
                log(f"{message.snapshot_complete.ticket_count} tickets are open")
            if body == "goodbye":
                wait = message.goodbye.reconnect_after_duration
                log(f"goodbye: {event_service_pb2.GoodbyeReason.Name(message.goodbye.reason)}")
                return wait.seconds + wait.nanos / 1e9
    except grpc.RpcError as error:
        table.rollback()  # half a snapshot is none
        return refused(error, table, log)
    finally:
        watchdog.rest()
        stream.cancel()
    table.rollback()
    return None


def refused(error, table, log):
    """What a stream that broke off asks for."""
    reason, metadata = error_info(error)
    log(f"{error.code().name} {reason or error.details()}")
    if reason in ("CURSOR_EXPIRED", "CURSOR_INVALID"):
        table.forget()  # what happened since cannot be told any more: read the state anew
        return 0
    if reason == "SLOW_READER" and table.cursor():
        table.commit(metadata["resume_cursor"])  # all before it was read, and committed
        return 0
    return None


def error_info(error):
    status = rpc_status.from_call(error) if isinstance(error, grpc.Call) else None
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info.reason, info.metadata
    return "", {}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--address", default="127.0.0.1:50051", help="the ticketing service (default: %(default)s)")
    parser.add_argument("--tenant", default="acme", help="whose tickets (default: %(default)s)")
    parser.add_argument("--database", default="crm.sqlite", help="the file of the table (default: %(default)s)")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    def log(text):
        print(f"crm: {text}", file=sys.stderr, flush=True)

    table, failures = Table(args.database), 0
    while True:
        # A channel of its own for each stream: the next one may lead to another server.
        with grpc.insecure_channel(args.address) as channel:
            before = table.cursor()
            pause = follow(event_service_pb2_grpc.EventServiceStub(channel), args.tenant, table, log)
        failures = 0 if pause is not None or table.cursor() != before else failures + 1
        if pause is None:
            # Longer after each failure in a row, and never all watchers at the same moment.
            pause = random.uniform(0, min(LONGEST_PAUSE, 0.5 * 2 ** min(failures, 10)))
        time.sleep(pause)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
