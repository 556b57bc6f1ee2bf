"""Runs every command of docs/operations.md as it stands, in its order, in one shell.

The databases, the issuer and the token that the page takes for granted are made here. There is no cluster: kubectl and helm are told
to stop short of one (`--dry-run=client`). Between backup and restore a ticket is recorded that has to be gone afterwards.
"""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/clients"))
from identity import token  # noqa: E402
from story import Grpcio, Refused  # noqa: E402

PAGE = ROOT / "docs/operations.md"
DEADLINE = 60  # seconds for any one condition
TENANT = "tenants/acme"
ADDRESS = "127.0.0.1:50051"  # as the page says


def blocks():
    """Section, kind and text of each block of commands."""
    section, kind, lines = "", None, []
    for line in PAGE.read_text().splitlines():
        if kind is None and line.startswith("## "):
            section = line.removeprefix("## ")
        fence = re.fullmatch(r"( *)```(.*)", line)
        if fence and kind is None:
            indent, kind, lines = fence[1], fence[2], []
        elif fence:
            yield section, kind, "\n".join(lines)
            kind = None
        elif kind is not None:
            lines.append(line.removeprefix(indent))


def until(what, condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"not within {DEADLINE} seconds: {what}"
        time.sleep(0.05)


def listens():
    with socket.socket() as it:
        host, port = ADDRESS.split(":")
        return it.connect_ex((host, int(port))) == 0


class Guide:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.issuer = self.service = None
        user, _, where = urlsplit(os.environ["DATABASE_URL"]).netloc.partition("@")
        self.at = lambda user, database="ticketing": f"postgres://{user}@{where}/{database}"
        (self.folder / "bin").mkdir()
        self.environment = {
            "HOME": os.environ["HOME"],
            "PATH": f"{self.folder}/bin:{ROOT}/target/debug:{os.environ['PG_BIN']}:/usr/local/bin:/usr/bin:/bin",
            "PGHOST": unquote(where), "PGPORT": "5432", "PGUSER": user,
            "OWNER_URL": self.at("ticketing_owner"), "SERVER_URL": self.at("ticketing_server"),
            "TICKETING_TOKEN_FILE": str(self.folder / "token"),
        }  # fmt: skip

    def short_of_a_cluster(self):
        releases = self.folder / "releases.yaml"
        releases.write_text("[]\n")
        for name in ("kubectl", "helm"):
            program = self.folder / "bin" / name
            program.write_text(f'#!/bin/sh\nexec {os.environ[name.upper()]} "$@" --dry-run=client >>"{self.folder}/{name}.out"\n')
            program.chmod(0o755)
        self.environment |= {"KUBECONFIG": "/nowhere", "HELM_DRIVER": "memory", "HELM_MEMORY_DRIVER_DATA": str(releases)}

    def trust_an_issuer(self):
        self.issuer = subprocess.Popen(["node", ROOT / "tests/clients/issuer.mjs"], stdout=subprocess.PIPE, text=True)
        self.url = self.issuer.stdout.readline().strip()
        document = {"issuers": [{
            "issuer": self.url, "audiences": ["ticketing"], "tenants": {"claim": "tenant"},
            "roles": {"claim": "roles", "map": {"crm-role": ["SERVICE", "ADMIN"]}},
        }]}  # fmt: skip
        (self.folder / "identity.yaml").write_text(json.dumps(document))
        (self.folder / "token").write_text(token(self.url, "crm", "ticketing"))
        for name in ("helm", "docs"):
            (self.folder / name).symlink_to(ROOT / name)

    def client(self):
        return Grpcio(ADDRESS, token(self.url, "crm", "ticketing"))

    def serve(self, commands):
        self.command = commands
        with (self.folder / "service.log").open("a") as log:
            self.service = subprocess.Popen(["bash", "-euc", f"exec {commands}"], cwd=self.folder, env=self.environment, stdout=log, stderr=log)
        until("the service listens", lambda: self.service.poll() is None and listens())

    def stop(self):
        self.service.terminate()
        assert self.service.wait(DEADLINE) == 0
        self.service = None

    def run(self, commands):
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        return done.stdout

    def record(self, title):
        return self.client().call("TicketService", "CreateTicket", {"parent": TENANT, "ticket": {"title": title, "category": "network"}})["ticket"]["name"]

    def events(self, **start):
        return self.client().call("EventService", "ListEvents", {"parent": TENANT, **start})

    def play(self):
        count, sections = 0, []
        for section, kind, text in blocks():
            assert kind in ("sh", "sh service"), f"what is not run stands in the guide: {kind}\n{text}"
            if section == "Restore" and section not in sections:
                self.lost = self.record("after the backup")
                until("the event has its place", lambda: len(self.events()["events"]) >= 2)
                self.cursor = self.events()["events"][-1]["cursor"]
                self.stop()
            if section == "Back up":
                self.kept = self.record("before the backup")
            if section not in sections:
                sections.append(section)
                print(f"== {section}")
            for line in text.splitlines():
                print(f"   {line}")
            if kind == "sh service":
                self.serve(text)
            else:
                self.run(text)
            count += 1
        return count

    def compare(self):
        self.serve(self.command)
        client = self.client()
        assert client.call("TicketService", "GetTicket", {"name": self.kept})["ticket"]["title"] == "before the backup"
        for what, body in (("GetTicket", {"name": self.lost}), ("ListEvents", {"parent": TENANT, "cursor": self.cursor})):
            try:
                client.call("TicketService" if what == "GetTicket" else "EventService", what, body)
            except Refused as refused:
                assert refused.code == {"GetTicket": "not_found", "ListEvents": "invalid_argument"}[what], refused
            else:
                raise AssertionError(f"{what} knows of what is no more")
        self.stop()
        manifest = (self.folder / "helm.out").read_text()
        assert len(re.findall("^kind: Deployment$", manifest, re.MULTILINE)) == 4, "two renderings, each with servers and workers"

    def compose(self):
        """The commands of compose.yaml, with this machine in the place of its networks."""
        services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
        self.run("psql -d postgres -c 'create database composed'")
        here = {"postgres://ticketing:ticketing@postgres:5432/ticketing": self.at("postgres", "composed"), "0.0.0.0:50052": "127.0.0.1:50052"}
        for name in ("migrate", "ticketing"):
            command = shlex.join(["ticketing", *services[name]["command"]])
            for there, text in here.items():
                command = command.replace(there, text)
            print(f"   {command}")
            if name == "migrate":
                self.run(command)
            else:
                self.serve(command)
        self.run("curl --fail --silent http://127.0.0.1:50052/readyz")
        self.stop()


def main():
    assert not listens(), f"somebody listens on {ADDRESS} already, where the guide has the service"
    with tempfile.TemporaryDirectory() as folder:
        guide = Guide(folder)
        try:
            guide.short_of_a_cluster()
            guide.trust_an_issuer()
            count = guide.play()
            guide.compare()
            guide.compose()
        except BaseException:
            log = Path(folder) / "service.log"
            print(log.read_text()[-5000:] if log.exists() else "", file=sys.stderr)
            raise
        finally:
            for process in (guide.service, guide.issuer):
                if process:
                    process.terminate()
                    process.wait(DEADLINE)
    print(f"guide: {count} passed, 0 failed")


if __name__ == "__main__":
    main()
