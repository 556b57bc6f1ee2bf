"""Runs the examples beside a real service and a real broker, and kills all of them on the way.

    story.py NATS-SERVER        with DATABASE_URL set to an empty PostgreSQL that goes with the story (scripts/postgres with)

At the end every resolution stands in an invoice once, the CRM's table is what ListTickets says, and the receiver of
webhooks has every event once and in order.
"""

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples/crm"))
import stubs  # noqa: E402

FOLDER = stubs.generate()
import scripted  # noqa: E402
import webhooks  # noqa: E402
from processes import Process, free_port, listens, until  # noqa: E402
from ticketing.v1 import (  # noqa: E402
    customer_pb2,
    customer_service_pb2,
    customer_service_pb2_grpc,
    ticket_pb2,
    ticket_service_pb2,
    ticket_service_pb2_grpc,
)

TENANT = "tenants/acme"
PLANS = {"orion": "gold", "vega": ""}
ROUNDS = 4
OF_A_ROUND = 25
OPEN = " OR ".join(f"state = {state}" for state in ("NEW", "OPEN", "WAITING_ON_CUSTOMER", "WAITING_ON_VENDOR", "ON_HOLD"))


def psql(database, sql):
    url = os.environ["DATABASE_URL"].removesuffix("postgres") + database
    done = subprocess.run(["psql", url, "-XAtc", sql], check=True, capture_output=True, text=True)
    return [line.split("|") for line in done.stdout.splitlines()]


def jetstream(port, subject, body=b""):
    """Asks the broker's own interface, in the few words of its protocol that this takes."""
    with socket.create_connection(("127.0.0.1", port), 10) as it:
        lines = it.makefile("rb")
        hello = b'CONNECT {"verbose":false}\r\nSUB answer 1\r\n'
        it.sendall(hello + f"PUB $JS.API.{subject} answer {len(body)}\r\n".encode() + body + b"\r\n")
        for line in lines:
            if line.startswith(b"MSG "):
                return json.loads(lines.read(int(line.split()[-1])))
            assert not line.startswith(b"-ERR"), line
    raise AssertionError("the broker hung up")


class Desk:
    """Who writes tickets. What the service does not answer is asked again, with the same request_id."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address, [("grpc.max_reconnect_backoff_ms", 200)])
        self.tickets = ticket_service_pb2_grpc.TicketServiceStub(self.channel)
        self.customers = customer_service_pb2_grpc.CustomerServiceStub(self.channel)
        self.resolved = []

    def call(self, method, request):
        if "request_id" in request.DESCRIPTOR.fields_by_name:
            request.request_id = str(uuid.uuid4())
        end = time.monotonic() + 30
        while True:
            try:
                return method(request, timeout=10, wait_for_ready=True)
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE or time.monotonic() > end:
                    raise

    def organizations(self):
        for key, plan in PLANS.items():
            it = customer_pb2.Organization(name=f"{TENANT}/organizations/{key}", display_name=key.title(), plan=plan)
            self.call(self.customers.UpsertOrganization, customer_service_pb2.UpsertOrganizationRequest(organization=it))

    def ticket(self, n):
        """Of five tickets, two are resolved and one waits; one of those that are resolved comes back, and is again."""
        organization = f"{TENANT}/organizations/{list(PLANS)[n % len(PLANS)]}"
        ticket = ticket_pb2.Ticket(title=f"Number {n}", language_code="en", organization=organization)
        create = ticket_service_pb2.CreateTicketRequest(parent=TENANT, ticket=ticket)
        name = self.call(self.tickets.CreateTicket, create).ticket.name
        if n % 5 < 2:
            self.resolve(name)
        if n % 20 == 0:
            self.call(self.tickets.ReopenTicket, ticket_service_pb2.ReopenTicketRequest(name=name))
            self.resolve(name)
        if n % 5 == 2:
            hold = ticket_service_pb2.HoldTicketRequest(name=name, kind=ticket_service_pb2.HOLD_KIND_CUSTOMER)
            self.call(self.tickets.HoldTicket, hold)

    def resolve(self, name):
        resolution = ticket_pb2.Resolution(code="fixed", summary="Done.")
        self.call(self.tickets.ResolveTicket, ticket_service_pb2.ResolveTicketRequest(name=name, resolution=resolution))
        self.resolved.append(name)

    def open_tickets(self):
        rows, token = set(), ""
        while True:
            request = ticket_service_pb2.ListTicketsRequest(parent=TENANT, filter=OPEN, page_size=100, page_token=token)
            page = self.call(self.tickets.ListTickets, request)
            for it in page.tickets:
                state = ticket_pb2.TicketState.Name(it.state).removeprefix("TICKET_STATE_")
                rows.add((it.name, it.number, it.organization, state, it.priority, it.level, it.queue, it.assignee))
            token = page.next_page_token
            if not token:
                return rows


class Story:
    def __init__(self, folder, nats_server):
        self.folder = Path(folder)
        for name in ("ticketing", "billing"):
            psql("postgres", f"create database {name}")
        self.url = os.environ["DATABASE_URL"].removesuffix("postgres")
        self.broker = Process("nats", folder, nats_server, "-a", "127.0.0.1", "-p", "-1", "-js", "-sd", folder).start()
        until("the broker is ready", lambda: "Server is ready" in self.broker.said(), self.broker)
        self.nats = int(re.search(r"client connections on .*:(\d+)", self.broker.said()).group(1))
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        nats = f"nats://127.0.0.1:{self.nats}"
        binary = ROOT / "target/debug"
        self.service = Process(
            "ticketing", folder, binary / "ticketing", "serve", "--insecure", "--listen", self.address,
            "--database-url", f"{self.url}ticketing", "--nats-url", nats,
            "--webhook-private-targets",
        )  # fmt: skip
        self.billing = Process(
            "billing", folder, binary / "billing", "--nats-url", nats, "--database-url", f"{self.url}billing",
            "--api", f"http://{self.address}", "--ack-wait", "2",
        )  # fmt: skip
        self.crm = Process("crm", folder, *self.crm_at(self.address, "crm.sqlite"))
        migrate = [binary / "ticketing", "migrate", "--database-url", f"{self.url}ticketing"]
        subprocess.run(migrate, check=True, stdout=subprocess.DEVNULL)
        self.serve()
        subprocess.run(
            [binary / "ticketing", "config", "apply", "--address", f"http://{self.address}", "--tenant", "acme", "-f",
             ROOT / "demo/configuration.yaml"], check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self.desk = Desk(self.address)
        self.receiver = webhooks.Receiver(folder, self.desk, TENANT, psql)

    def crm_at(self, address, database):
        script = ROOT / "examples/crm/crm.py"
        return sys.executable, script, "--address", address, "--database", self.folder / database

    def serve(self):
        self.service.start()
        until("the service listens", lambda: listens(self.port), self.service)

    def lines(self):
        return int(psql("billing", "select count(*) from invoice_lines")[0][0])

    def consumer(self):
        return jetstream(self.nats, "CONSUMER.INFO.TICKETING.billing")

    def table(self):
        with sqlite3.connect(self.folder / "crm.sqlite", timeout=30) as database:
            return set(database.execute("select * from open_tickets"))

    def lose_a_message(self):
        """The first ticket's first version never comes: whoever wants it has to ask the service."""
        self.desk.ticket(0)
        stream = lambda: jetstream(self.nats, "STREAM.INFO.TICKETING").get("state", {"messages": 0})  # noqa: E731
        until("the broker has the first message", lambda: stream()["messages"], self.service, self.broker)
        assert stream()["first_seq"] == 1, stream()
        deleted = jetstream(self.nats, "STREAM.MSG.DELETE.TICKETING", b'{"seq":1}')
        assert deleted.get("success"), deleted

    def play(self):
        self.desk.organizations()
        self.lose_a_message()
        self.billing.start()
        self.crm.start()
        until("billing listens", lambda: "listening" in self.billing.said(), self.billing)
        until("the lost message is made up for", lambda: self.lines() == len(self.desk.resolved), self.billing)
        assert "by the event log" in self.billing.said()
        until("the CRM has its table", lambda: "tickets are open" in self.crm.said(), self.crm)
        first = 1
        with ThreadPoolExecutor(8) as writers:
            for turn in range(ROUNDS):
                before, whole = self.lines(), self.table()
                written = [writers.submit(self.desk.ticket, n) for n in range(first, first + OF_A_ROUND)]
                first += OF_A_ROUND
                # Both are killed while they work: after something of this round, and before its end.
                until("something is billed", lambda: self.lines() > before, self.billing)
                self.billing.kill()
                until("the table changes", lambda: self.table() != whole, self.crm)
                self.crm.kill()
                if turn == 0:
                    self.receiver.lose_the_sender(self.service, self.serve)
                if turn == 1:
                    self.service.stop()
                    self.serve()
                    self.receiver.change_secret()
                if turn == 2:
                    self.receiver.strike()
                self.billing.start()
                self.crm.start()
                for it in written:
                    it.result()
        self.receiver.forget_old_secret(self.service)
        self.receiver.refuses_strangers()
        # Once more while both listen, as the CRM does that knows a ticket of now: it hears a goodbye.
        self.desk.ticket(3)
        until("the CRM is up to date", lambda: self.table() == self.desk.open_tickets(), self.crm)
        self.service.stop()
        self.serve()
        for n in range(first, first + OF_A_ROUND):
            self.desk.ticket(n)

    def compare(self):
        everyone = (self.billing, self.crm, self.service, self.broker)
        until("all is billed", lambda: self.lines() >= len(self.desk.resolved), *everyone)
        idle = lambda it: it["num_pending"] == 0 and it["num_ack_pending"] == 0  # noqa: E731
        until("nothing is on its way any more", lambda: idle(self.consumer()), *everyone)
        billed = sorted(row[0] for row in psql("billing", "select ticket from invoice_lines"))
        assert billed == sorted(self.desk.resolved), "every resolution stands in an invoice once"
        wrong = psql("billing", "select * from invoice_lines where (organization like '%/orion') <> (plan = 'gold' and cents = 0)")
        assert not wrong, wrong
        until("the CRM's table is what ListTickets says", lambda: self.table() == self.desk.open_tickets(), *everyone)
        assert "GOODBYE_REASON_DRAIN" in self.crm.said()
        delivered = self.consumer()["delivered"]
        again = delivered["consumer_seq"] - jetstream(self.nats, "STREAM.INFO.TICKETING")["state"]["messages"]
        print(f"billing: {len(billed)} resolutions billed once, killed {ROUNDS} times, {again} messages came again, 1 lost")
        print(f"crm: {len(self.table())} open tickets as listed, killed {ROUNDS} times, the service restarted three times")
        print(f"webhook: {self.receiver.compare(*everyone)}")
        self.billing.stop()
        self.crm.stop()


def main(nats_server):
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            story = Story(folder, nats_server)
            story.play()
            story.compare()
            print(f"crm, to a server by script: {scripted.play(folder, story.crm_at)}")
            story.service.stop()
        except BaseException:
            print(Process.logs(), file=sys.stderr)
            raise
        finally:
            Process.end_all()
    print(f"examples: all passed after {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
