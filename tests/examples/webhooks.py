"""A receiver of webhooks in the story: it is killed, stopped and given another secret, and the service dies while it sends."""

import re
import sqlite3
import sys
import urllib.error
import urllib.request
from pathlib import Path

from processes import Process, until
from ticketing.v1 import event_service_pb2, event_service_pb2_grpc, subscription_pb2

ROOT = Path(__file__).resolve().parents[2]


class Receiver:
    def __init__(self, folder, desk, tenant, psql):
        self.desk, self.psql = desk, psql
        self.secrets, self.database = Path(folder) / "secrets", Path(folder) / "inbox.sqlite"
        self.events = event_service_pb2_grpc.EventServiceStub(desk.channel)
        self.secrets.touch()
        script = ROOT / "examples/webhook/receiver.py"
        command = [sys.executable, script, "--secrets", self.secrets, "--database", self.database, "--port"]
        self.process = Process("webhook", folder, *command, "0").start()
        until("the receiver listens", lambda: "receiving at" in self.process.said(), self.process)
        self.url = re.search(r"receiving at (\S+)", self.process.said()).group(1)
        # Where it is found again.
        self.process.command[-1] = self.url.rstrip("/").rsplit(":", 1)[1]
        subscription = subscription_pb2.Subscription(url=self.url)
        request = event_service_pb2.CreateSubscriptionRequest(parent=tenant, subscription=subscription)
        created = desk.call(self.events.CreateSubscription, request)
        self.name = created.subscription.name
        self.add(created.secrets)

    def add(self, secrets):
        with self.secrets.open("a") as file:
            file.writelines(f"{it.secret}\n" for it in secrets)

    def strike(self):
        self.process.kill()
        self.process.start()

    def lose_the_sender(self, service, serve):
        """The service dies while calls are on their way; what was in them arrives all the same, and comes again."""
        with self.process.held():
            until("a delivery is there and was not read", self.has_arrived, service)
            service.kill()
        serve()

    def has_arrived(self):
        """A claim would not do: it is written before the call. What the receiver does not read, the kernel keeps for it."""
        port = f"0100007F:{int(self.process.command[-1]):04X}"
        sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        return any(it[1] == port and it[3] == "01" and not it[4].endswith(":00000000") for it in sockets)

    def change_secret(self):
        """From now on both sign: what is on its way with the old one alone is taken, too."""
        self.old = self.secrets.read_text()
        request = event_service_pb2.RotateSubscriptionSecretRequest(name=self.name)
        self.add(self.desk.call(self.events.RotateSubscriptionSecret, request).secrets)

    def forget_old_secret(self, service):
        """Once nothing is on its way that was begun before the change, the old one is no longer taken here."""
        pending = "select count(*) from deliveries where state = 'PENDING'"
        until("nothing is on its way", lambda: self.psql("ticketing", pending)[0][0] == "0", service, self.process)
        # In one step: whoever reads in between finds the one or the other.
        kept = self.secrets.with_suffix(".new")
        kept.write_text(self.secrets.read_text().removeprefix(self.old))
        kept.replace(self.secrets)

    def refuses_strangers(self):
        headers = {"webhook-id": "forged", "webhook-timestamp": "1", "webhook-signature": "v1,Zm9yZ2Vk"}
        request = urllib.request.Request(self.url, b'{"id": "forged"}', headers, method="POST")
        try:
            urllib.request.urlopen(request, timeout=10)
        except urllib.error.HTTPError as error:
            assert error.code == 401, error.code
        else:
            raise AssertionError("a forged delivery was taken")

    def kept(self):
        """Ids in the order in which they came."""
        with sqlite3.connect(self.database, timeout=30) as database:
            return [row[0] for row in database.execute("select id from inbox order by rowid")]

    def compare(self, *alive):
        until("all that happened was received", lambda: len(self.kept()) >= self.count(), *alive, self.process)
        kept = self.kept()
        assert len(kept) == len(set(kept)) == self.count()
        versions = {}
        for ticket, version in (id.rsplit("-", 1) for id in kept):
            versions.setdefault(ticket, []).append(int(version))
        for ticket, came in versions.items():
            assert came == list(range(1, len(came) + 1)), f"{ticket} came as {came}"
        said = self.process.said()
        assert said.count("refused:") == 1, "every delivery was verified, and the stranger's was not"
        again = len(re.findall(r"^had ", said, re.MULTILINE))
        assert again > 0, "what was on its way when the service died came again"
        return f"{len(kept)} events of {len(versions)} tickets verified and kept once and in order, {again} came again"

    def count(self):
        """Of all that happened: nothing did before the subscription, and versions have no gaps."""
        return int(self.psql("ticketing", "select count(*) from events")[0][0])
