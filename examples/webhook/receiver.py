"""Receives webhooks: verifies each, keeps it once, answers, and leaves the work for afterwards.

    receiver.py --secrets FILE [--port PORT] [--database FILE]

The inbox is an SQLite table. A delivery is answered when it is committed there, so the program may be killed at any time.
README.md says more.
"""

import argparse
import sqlite3
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from standardwebhooks import Webhook, WebhookVerificationError

LARGEST = 64 << 10  # bytes of a body, by the contract
PATIENCE = 10  # seconds for a request to arrive
SCHEMA = """
    create table if not exists inbox (
        id text primary key, ticket text not null, version integer not null, type text not null, body text not null);
"""


def verified(secrets, body, headers):
    """The event, if one of the secrets signed it, lately. There are two while they are changed."""
    refusal = WebhookVerificationError("there is no secret")
    for secret in secrets:
        try:
            return Webhook(secret).verify(body, headers)
        except WebhookVerificationError as error:
            refusal = error
    raise refusal


class Inbox:
    def __init__(self, file):
        self.file = file
        with closing(self.open()) as database:
            database.execute("pragma journal_mode = wal")
            database.executescript(SCHEMA)

    def open(self):
        return sqlite3.connect(self.file, timeout=PATIENCE)

    def keep(self, event, body):
        """Whether it is new. What came before stays as it is."""
        row = (event["id"], event["subject"], int(event["sequence"]), event["type"], body)
        with closing(self.open()) as database, database:
            done = database.execute("insert into inbox values (?, ?, ?, ?, ?) on conflict do nothing", row)
            return done.rowcount == 1


class Handler(BaseHTTPRequestHandler):
    timeout = PATIENCE

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if not 0 < length <= LARGEST:
            return self.answer(413)
        body = self.rfile.read(length)
        try:
            # Read anew each time: who changes the secrets need not stop the receiver.
            secrets = self.server.secrets.read_text().split()
            event = verified(secrets, body, dict(self.headers))
        except WebhookVerificationError as error:
            print(f"refused: {error}", flush=True)
            return self.answer(401)
        new = self.server.inbox.keep(event, body.decode())
        print(f"{'kept' if new else 'had'} {event['id']}: {event['type']}", flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        """What is kept and refused is told above."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--secrets", type=Path, required=True, help="a file with the secrets that may sign, a line each")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--database", default="inbox.sqlite")
    arguments = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler)
    server.secrets, server.inbox = arguments.secrets, Inbox(arguments.database)
    print(f"receiving at http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
