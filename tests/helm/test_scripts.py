"""Where pods find what they connect to, and what they run besides the program."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from chart import CHART, find, render, rendered, server, variables

def script(container):
    """The script of a container, and the shell that runs it."""
    assert container["command"] == ["/bin/sh", "-euc"], container["command"]
    return [*container["command"], container["args"][0]]


class Connections(unittest.TestCase):
    def parameters(self, container):
        url = urlsplit(variables(container)["TICKETING_DATABASE_URL"])
        self.assertEqual((url.scheme, url.netloc, url.path), ("postgres", "", "/"))
        return dict(parse_qsl(url.query, strict_parsing=True))

    def test_literals_are_parameters_that_the_driver_reads(self):
        objects = rendered(CHART / "ci/fields-values.yaml")
        job = find(objects, "Job", "desk-ticketing-migrations")["spec"]["template"]["spec"]
        expected = {"host": "postgres.data", "port": "5432", "user": "owner", "dbname": "desk & co", "sslmode": "require"}
        self.assertEqual(self.parameters(job["containers"][0]), expected)
        _, container = server(objects, "worker")
        folder = "/etc/ticketing/connections/database"
        files = {name: f"{folder}/{name}" for name in ("sslrootcert", "sslcert", "sslkey")}
        self.assertEqual(self.parameters(container), {"sslmode": "verify-full"} | files)
        self.assertEqual(variables(container)["TICKETING_DATABASE_SECRETS"], folder)

    def test_a_database_without_secrets_names_no_folder(self):
        database = {"existingSecret": "", "host": "postgres.data", "user": "desk", "dbname": "desk"}
        _, container = server(render({"database": database, "migrations": {"mode": "external"}}), "api")
        self.assertNotIn("TICKETING_DATABASE_SECRETS", variables(container))

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
