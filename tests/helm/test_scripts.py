"""What pods run besides the program: the scripts do what they say, whatever stands in the Secrets."""

import os
import subprocess
import tempfile
import tomllib
import unittest
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from chart import CHART, find, rendered, server, variables

NASTY = "p@ss\"w\\o'rd/?&#% +=ü$HOME`id`"


def script(container):
    """The script of a container, and the shell that runs it."""
    assert container["command"] == ["/bin/sh", "-euc"], container["command"]
    return [*container["command"], container["args"][0]]


def settings(parameters, secrets):
    """What files/settings.sh writes of parameters that are no secrets, and of Secrets: `{database/user: text}`."""
    container = next(it for it in server(rendered(None), "api")[0]["initContainers"] if it["name"] == "connections")
    with tempfile.TemporaryDirectory() as folder:
        for name, text in secrets.items():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        output = Path(folder) / "settings.toml"
        told = {"PATH": os.environ["PATH"], "SECRETS": folder, "DATABASE": parameters, "OUTPUT": str(output)}
        done = subprocess.run(script(container), env=told, capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == ("", ""), "a secret could be said"
        assert output.stat().st_mode & 0o77 == 0, "others can read it"
        return tomllib.loads(output.read_text())


class Connections(unittest.TestCase):
    def test_fields_come_through_whatever_they_are(self):
        fields = {"host": "postgres.data", "port": "5433", "user": NASTY, "password": NASTY, "dbname": "desk & co"}
        written = settings("sslmode=verify-full", {f"database/{name}": f"{text}\n" for name, text in fields.items()})
        self.assertEqual(set(written), {"database_url"})
        url = urlsplit(written["database_url"])
        self.assertEqual((url.scheme, url.netloc, url.path), ("postgres", "", "/"))
        self.assertEqual(dict(parse_qsl(url.query, strict_parsing=True)), fields | {"sslmode": "verify-full"})

    def test_a_url_stays_what_it_is_and_fields_go_over_it(self):
        for uri, parameters in (
            ("postgres://desk:p%40ss@db:5432/desk", {}),
            ("postgresql://desk@db/desk?sslmode=require", {"sslmode": "require"}),
        ):
            written = settings("sslrootcert=/etc/ca", {"database/uri": uri, "database/password": NASTY})
            url = urlsplit(written["database_url"])
            self.assertTrue(written["database_url"].startswith(uri))
            self.assertEqual(dict(parse_qsl(url.query)), parameters | {"sslrootcert": "/etc/ca", "password": NASTY})
            self.assertEqual((unquote(url.username), url.hostname), ("desk", "db"))

    def test_a_broker_comes_through(self):
        url = f"nats://desk:{NASTY}@nats:4222"
        self.assertEqual(settings("x=1", {"database/uri": "postgres://db", "nats/url": url})["nats_url"], url)

    def test_literals_are_parameters_that_the_driver_reads(self):
        objects = rendered(CHART / "ci/fields-values.yaml")
        job = find(objects, "Job", "desk-ticketing-migrations")["spec"]["template"]["spec"]
        told = variables(job["initContainers"][0])
        expected = {"host": "postgres.data", "port": "5432", "user": "owner", "dbname": "desk & co", "sslmode": "require"}
        self.assertEqual(dict(parse_qsl(told["DATABASE"])), expected)
        spec, _ = server(objects, "worker")
        folder = "/etc/ticketing/connections/database"
        files = {name: f"{folder}/{name}" for name in ("sslrootcert", "sslcert", "sslkey")}
        told = variables(next(it for it in spec["initContainers"] if it["name"] == "connections"))
        self.assertEqual(dict(parse_qsl(told["DATABASE"])), {"sslmode": "verify-full"} | files)

    def test_files_lie_where_scripts_and_settings_look(self):
        spec, _ = server(rendered(CHART / "ci/fields-values.yaml"), "worker")
        volume = next(it for it in spec["volumes"] if it["name"] == "connections-secrets")
        paths = {
            (it["secret"]["name"], item["key"]): item["path"]
            for it in volume["projected"]["sources"]
            for item in it["secret"]["items"]
        }
        wanted = {"host": "host", "port": "port", "username": "user", "password": "password", "database": "dbname"}
        expected = {("pooler", key): f"database/{field}" for key, field in wanted.items()}
        files = {"ca.crt": "sslrootcert", "tls.crt": "sslcert", "tls.key": "sslkey"}
        expected |= {("pooler-tls", key): f"database/{file}" for key, file in files.items()}
        self.assertEqual(paths, expected)
        memory = next(it for it in spec["volumes"] if it["name"] == "connections-settings")
        self.assertEqual(memory["emptyDir"]["medium"], "Memory")


class Documents(unittest.TestCase):
    """files/apply.sh; that a server takes what it says is shown by tests/clients."""

    def apply(self, program):
        objects = rendered(CHART / "ci/gateway-values.yaml")
        job = next(it for it in objects if it["kind"] == "Job" and "configuration" in it["metadata"]["name"])
        container = job["spec"]["template"]["spec"]["containers"][0]
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            (folder / "token").write_text("secret\n")
            for tenant in ("acme", "beta"):
                (folder / f"{tenant}.yaml").write_text("{}")
            (folder / "ticketing").write_text(f"#!/bin/sh\n{program}\n")
            (folder / "ticketing").chmod(0o755)
            told = variables(container) | {
                "PATH": f"{folder}:{os.environ['PATH']}",
                "TOKEN_FILE": str(folder / "token"),
                "DOCUMENTS": str(folder),
            }
            done = subprocess.run(script(container), env=told, capture_output=True, text=True, check=False)
            return done.returncode, done.stdout.replace(str(folder), "").splitlines()

    def test_each_tenant_gets_its_document(self):
        code, said = self.apply('echo "$TICKETING_ADDRESS $*"')
        called = "http://desk-ticketing.support.svc:50051 config apply --token-file /token"
        expected = [f"{called} --file /{it}.yaml --tenant {it} --comment by the chart" for it in ("acme", "beta")]
        self.assertEqual((code, said), (0, expected))

    def test_a_server_with_tls_is_believed_by_its_authority(self):
        objects = rendered(CHART / "ci/mutual-tls-values.yaml")
        job = next(it for it in objects if it["kind"] == "Job" and "configuration" in it["metadata"]["name"])
        spec = job["spec"]["template"]["spec"]
        told = variables(spec["containers"][0])
        self.assertEqual(told["TICKETING_ADDRESS"], "https://desk-ticketing.support.svc:50051")
        volumes = {it["name"]: it for it in spec["volumes"]}
        mounted = {it["mountPath"]: volumes[it["name"]] for it in spec["containers"][0]["volumeMounts"]}
        folder, file = told["TICKETING_CA_FILE"].rsplit("/", 1)
        secret = mounted[folder]["secret"]
        self.assertEqual((secret["secretName"], [it["path"] for it in secret["items"]]), ("server-ca", [file]))

    def test_a_refusal_ends_it(self):
        code, said = self.apply("echo refused; exit 1")
        self.assertEqual((code, said), (1, ["refused"]))
