"""The chart and the program agree on settings, versions and what the image has."""

import re
import tomllib
import unittest

import yaml
from chart import CHART, COMPONENTS, PROFILES, ROOT, render, rendered, server, variables

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
# Those that follow from other values.
MADE = {"listen", "health_listen", "database_url", "identity_file", "tls_certificate_file", "tls_key_file", "tls_client_ca_file"}
MADE |= {"database_secrets", "role", "nats_url", "nats_url_file", "nats_credentials", "webhook_ca_file"}
MADE |= {"nats_ca_file", "nats_certificate_file", "nats_key_file"}
MADE |= {"attachments_url", "attachments_key_id_file", "attachments_key_file", "attachments_ca_file"}
# Those that have no place in a cluster.
NEVER = {"embedded", "insecure", "attachments_listen"}
# Where the chart knows better than the program.
OTHER_DEFAULTS = {"log_format": "json"}


def known():
    """Settings of the program by name: default and meaning, from the table that the program's own tests hold to the code."""
    text = (ROOT / "README.md").read_text()
    table = text.split("<!-- settings -->")[1].split("<!-- /settings -->")[0]
    rows = [re.split(r" \|(?: |$)", line.removeprefix("| ")) for line in table.strip().splitlines()[2:]]
    return {name.strip("`"): (default.strip("` "), meaning) for name, _, default, meaning, *_ in rows}


KNOWN = known()


def text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


class Settings(unittest.TestCase):
    def test_every_setting_of_the_program_has_its_place(self):
        self.assertGreater(len(KNOWN), 30)
        self.assertEqual(set(VALUES["settings"]) | MADE | NEVER, set(KNOWN))
        self.assertFalse(set(VALUES["settings"]) & (MADE | NEVER))

    def test_defaults_are_those_of_the_program(self):
        for name, value in VALUES["settings"].items():
            self.assertEqual(text(value), OTHER_DEFAULTS.get(name, KNOWN[name][0]), name)

    def test_comments_say_what_the_program_says(self):
        comments = re.findall(r"^  # (.*)\n(?:  # @schema.*\n)?  (\w+):", (CHART / "values.yaml").read_text(), re.MULTILINE)
        for meaning, name in comments:
            if name in VALUES["settings"]:
                self.assertEqual(meaning, KNOWN[name][1], name)
        self.assertLessEqual(set(VALUES["settings"]), {name for _, name in comments})

    def test_pods_are_told_nothing_else(self):
        for profile in [None, *PROFILES]:
            objects = rendered(profile)
            fullname = "desk" if profile and "hatches" in profile.name else "desk-ticketing"
            for component in COMPONENTS:
                _, container = server(objects, component, fullname)
                told = {it.removeprefix("TICKETING_").lower() for it in variables(container) if it.startswith("TICKETING_")}
                self.assertLessEqual(told, set(KNOWN) - NEVER)
                self.assertIn("health_listen", told)
                self.assertIn(f"--role={component}", container["args"])

    def test_what_is_asked_of_the_command_line_is_there(self):
        flags = {f"--{name.replace('_', '-')}" for name in KNOWN}
        for component in COMPONENTS:
            _, container = server(rendered(None), component)
            command, *arguments = container["args"]
            self.assertEqual(command, "serve")
            self.assertLessEqual({it.partition("=")[0] for it in arguments}, flags)
        source = (ROOT / "src/cli/flags.rs").read_text() + (ROOT / "src/cli/configuration.rs").read_text()
        # files/apply.sh
        for flag in ("file: PathBuf", "comment: String"):
            self.assertIn(flag, source)

    def test_settings_of_a_component_go_over_those_of_all(self):
        _, container = server(rendered(CHART / "ci/hatches-values.yaml"), "api", "desk")
        told = variables(container)
        self.assertEqual((told["TICKETING_LOG"], told["TICKETING_DATABASE_CONNECTIONS"]), ("info,ticketing=debug", "16"))
        self.assertEqual(told["TICKETING_MAX_IN_FLIGHT"], "512")
        self.assertEqual((told["RUST_BACKTRACE"], container["args"][-1]), ("1", "--max-connections=100"))

    def test_numbers_stay_numbers_however_large(self):
        _, container = server(render({"settings": {"tenant_rate": 20000000, "trace_ratio": 1}}), "api")
        told = variables(container)
        self.assertEqual((told["TICKETING_TENANT_RATE"], told["TICKETING_TRACE_RATIO"]), ("20000000", "1"))

    def test_a_worker_knows_of_no_callers_and_an_api_of_no_broker(self):
        objects = rendered(CHART / "ci/mutual-tls-values.yaml")
        api, worker = (variables(server(objects, component)[1]) for component in COMPONENTS)
        self.assertEqual(api["TICKETING_TLS_CLIENT_CA_FILE"], "/etc/ticketing/connections/tls/clientCa")
        self.assertEqual(api["TICKETING_IDENTITY_FILE"], "/etc/ticketing/identity/identity.yaml")
        self.assertEqual(worker["TICKETING_NATS_URL"], "tls://nats.data:4222")
        self.assertEqual(worker["TICKETING_NATS_CREDENTIALS"], "/etc/ticketing/connections/nats/credentials")
        for setting, file in (("CA_FILE", "ca"), ("CERTIFICATE_FILE", "certificate"), ("KEY_FILE", "key")):
            self.assertEqual(worker[f"TICKETING_NATS_{setting}"], f"/etc/ticketing/connections/nats/{file}")
        self.assertEqual(worker["TICKETING_WEBHOOK_CA_FILE"], "/etc/ticketing/connections/webhooks/ca")
        self.assertFalse([it for it in api if "NATS" in it and "STREAM" not in it and "REPLICAS" not in it and "LEASE" not in it])
        self.assertFalse([it for it in worker if "TLS" in it or "IDENTITY" in it or it == "TICKETING_LISTEN"])

    def test_servers_and_workers_know_the_store_of_files_by_a_secret(self):
        for profile in (None, CHART / "values-production.yaml"):
            for component in COMPONENTS:
                spec, container = server(rendered(profile), component)
                told = {name: value for name, value in variables(container).items() if "ATTACHMENTS_URL" in name or "KEY" in name and "ATT" in name}
                told.pop("TICKETING_ATTACHMENTS_URL_SECONDS")
                folder = "/etc/ticketing/connections/attachments"
                expected = {
                    "TICKETING_ATTACHMENTS_URL": "s3://ticketing-files/production",
                    "TICKETING_ATTACHMENTS_KEY_ID_FILE": f"{folder}/id",
                    "TICKETING_ATTACHMENTS_KEY_FILE": f"{folder}/key",
                }
                self.assertEqual(told, expected if profile else {})
                paths = [
                    item["path"]
                    for volume in spec["volumes"]
                    for source in volume.get("projected", {}).get("sources", [])
                    for item in source.get("secret", {}).get("items", [])
                ]
                self.assertEqual([it for it in paths if it.startswith("attachments/")], [f"attachments/{it}" for it in ("id", "key")] if profile else [])
        vouched = render({"attachments": {"url": "s3://desk", "existingSecret": "files", "ca": {"existingSecret": "ca"}}})
        _, container = server(vouched, "worker")
        self.assertEqual(variables(container)["TICKETING_ATTACHMENTS_CA_FILE"], "/etc/ticketing/connections/attachments/ca")
        self.assertEqual(variables(container)["TICKETING_ATTACHMENTS_MAX_BYTES"], "104857600")

    def test_the_chart_goes_with_the_program(self):
        version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
        self.assertEqual(yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"], version)

    def test_the_image_is_what_pods_expect(self):
        dockerfile = (ROOT / "Dockerfile").read_text()
        user, group = re.search(r"^USER (\d+):(\d+)$", dockerfile, re.MULTILINE).groups()
        held = VALUES["podSecurityContext"]
        self.assertEqual((str(held["runAsUser"]), str(held["runAsGroup"])), (user, group))
        self.assertIn('ENTRYPOINT ["ticketing"]', dockerfile)
        # A shell for the scripts in files/: Debian has it, an image without a system has not.
        self.assertRegex(dockerfile.rpartition("\nFROM ")[2], r"^debian:\w+-slim\n")
