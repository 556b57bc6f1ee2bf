"""Two servers are told to end, again and again, while callers go on as the published retry table says.

    drain.py ROUNDS

Before each SIGTERM peers are attached that say nothing at all, or nothing after HTTP/2's preface. No call may fail, no server
may take more than 30 seconds to end, what was answered is in the database once, and a watch that resumes tells of all of it.
Last, the same without the table and with SIGKILL: some call has to fail, else nothing would be shown.
"""

import asyncio
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import grpc
import grpc.aio
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target/debug/ticketing"
TABLE = (ROOT / "proto/service_config.json").read_text()
NO_TABLE = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})
TENANT = "tenants/acme"
RATE = 300  # calls a second
LONGEST = 30  # seconds for a server to end
DEADLINE = 60  # seconds for any one condition
SETTLED = 200  # calls that are answered between one SIGTERM and the next, at least
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


class Server:
    def __init__(self, url, log):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url, self.log, self.silent = url, log, []

    async def start(self):
        command = [
            PROGRAM, "serve", "--insecure", "--listen", f"127.0.0.1:{self.port}", "--database-url", self.url, "--database-connections", "8",
            # Who calls for all of a company is no single caller.
            "--caller-rate", "0", "--caller-calls", "0", "--tenant-rate", "0", "--tenant-calls", "0",
        ]  # fmt: skip
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + DEADLINE
        while True:
            assert self.process.poll() is None and time.monotonic() < end, "the server does not listen"
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                await asyncio.sleep(0.02)

    def attach_silent_peers(self, round):
        """One of four speaks HTTP/2 before it falls silent, and is only cut when the drain's time is up."""
        peer = socket.create_connection(("127.0.0.1", self.port), 1)
        if round % 4 == 0:
            peer.sendall(PREFACE)
        self.silent.append(peer)

    async def end(self, how):
        begin = time.monotonic()
        self.process.send_signal(how)
        code = await asyncio.to_thread(self.process.wait, DEADLINE)
        assert how == signal.SIGKILL or code == 0, f"it ended with {code}"
        for peer in self.silent:
            peer.close()
        self.silent.clear()
        return time.monotonic() - begin


class Callers:
    """Calls at a steady rate, whatever becomes of them, and a watch beside them."""

    def __init__(self, servers, table, described):
        target = "ipv4:" + ",".join(f"127.0.0.1:{server.port}" for server in servers)
        options = [
            ("grpc.service_config", table),
            ("grpc.default_authority", "ticketing"),  # else it is the list of addresses, which is none
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 500),
        ]
        self.channel = grpc.aio.insecure_channel(target, options)
        self.described = described
        self.answered, self.failed, self.created, self.told = 0, [], [], set()
        self.stopped = False

    def method(self, service, name, kind):
        method = self.described.FindServiceByName(f"ticketing.v1.{service}").FindMethodByName(name)
        request, response = (message_factory.GetMessageClass(it) for it in (method.input_type, method.output_type))
        path = f"/{method.containing_service.full_name}/{name}"
        return request, getattr(self.channel, kind)(path, request.SerializeToString, response.FromString)

    async def call(self, number):
        if number % 3 == 0 or not self.created:
            name, body = "CreateTicket", {
                "parent": TENANT, "requestId": str(uuid.uuid4()),
                "ticket": {"title": f"Matter {number}", "category": "network", "languageCode": "en"},
            }  # fmt: skip
        elif number % 3 == 1:
            name, body = "GetTicket", {"name": self.created[number % len(self.created)]}
        else:
            name, body = "ListTickets", {"parent": TENANT, "pageSize": 10}
        request, send = self.method("TicketService", name, "unary_unary")
        try:
            answer = await send(json_format.ParseDict(body, request()))
        except grpc.RpcError as error:
            self.failed.append(f"{name}: {error.code().name} {error.details()}")
            return
        self.answered += 1
        if name == "CreateTicket":
            self.created.append(answer.ticket.name)

    async def go(self):
        begin, calls = time.monotonic(), set()
        for number in itertools.count():
            if self.stopped:
                break
            await asyncio.sleep(max(0, begin + number / RATE - time.monotonic()))
            task = asyncio.create_task(self.call(number))
            calls.add(task)
            task.add_done_callback(calls.discard)
        await asyncio.gather(*calls)
        return number / (time.monotonic() - begin)

    async def watch(self):
        """From the cursor that came last, as often as it takes."""
        request, send = self.method("EventService", "WatchEvents", "unary_stream")
        begin = {"startTime": "2026-01-01T00:00:00Z"}
        while True:
            try:
                async for message in send(json_format.ParseDict({"parent": TENANT, **begin}, request())):
                    begin = {"cursor": message.cursor}
                    self.told.update(event.resource for event in message.events.events if event.type == "ticket.created")
            except grpc.RpcError:
                await asyncio.sleep(0.1)


async def until(what, condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"not within {DEADLINE} seconds: {what}"
        await asyncio.sleep(0.02)


async def play(servers, described, table, how, rounds):
    callers = Callers(servers, table, described)
    going, watching = asyncio.create_task(callers.go()), asyncio.create_task(callers.watch())
    took = []
    for round in range(rounds):
        server, before = servers[round % len(servers)], callers.answered
        # Long before the end, so that the server has seen them.
        server.attach_silent_peers(round)
        await until("calls are answered", lambda: callers.answered + len(callers.failed) >= before + SETTLED)
        took.append(await server.end(how))
        await server.start()
        print(f"\rround {round + 1} of {rounds}: {callers.answered} calls, {len(callers.failed)} failed", end="", file=sys.stderr)
    print(file=sys.stderr)
    callers.stopped = True
    rate = await going
    await until("the watch tells of all", lambda: callers.told >= set(callers.created))
    watching.cancel()
    await callers.channel.close()
    return callers, took, rate


def prepare(folder):
    url = os.environ["DATABASE_URL"]
    subprocess.run([PROGRAM, "migrate", "--database-url", url], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return url, [Server(url, folder / f"{name}.log") for name in ("one", "other")]


async def main(rounds):
    with tempfile.TemporaryDirectory() as folder:
        url, servers = prepare(Path(folder))
        try:
            for server in servers:
                await server.start()
            address = f"127.0.0.1:{servers[0].port}"
            configure = [PROGRAM, "config", "apply", "--address", f"http://{address}", "--tenant", "acme", "-f", ROOT / "demo/configuration.yaml"]
            subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
            with grpc.insecure_channel(address) as channel:
                described = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
                for service in ("TicketService", "EventService"):
                    described.FindServiceByName(f"ticketing.v1.{service}")
                callers, took, rate = await play(servers, described, TABLE, signal.SIGTERM, rounds)
            print(f"{rounds} servers told to end, {callers.answered} calls at {rate:.0f} a second: {len(callers.failed)} failed; longest end {max(took):.1f} s")
            assert not callers.failed, callers.failed[:5]
            assert max(took) <= LONGEST, took
            rows = subprocess.run(["psql", url, "-XAtc", "select count(*) from tickets"], check=True, capture_output=True, text=True)
            assert int(rows.stdout) == len(callers.created) == len(set(callers.created)), "each was recorded once"
            bad, _, _ = await play(servers, described, NO_TABLE, signal.SIGKILL, min(rounds, 4))
            print(f"without the table, and killed: {len(bad.failed)} failed")
            assert bad.failed, "this would see no call fail"
        except BaseException:
            for server in servers:
                print(f"-- {server.log.name} said:\n{''.join(server.log.read_text().splitlines(True)[-30:])}", file=sys.stderr)
            raise
        finally:
            for server in servers:
                if server.process.poll() is None:
                    server.process.kill()
                    server.process.wait()
    print("drain: all passed")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
