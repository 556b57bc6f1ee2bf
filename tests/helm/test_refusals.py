"""What the chart refuses, and that it says what to do."""

import functools
import unittest

import yaml
from chart import CHART, OLDEST, helm, refusal, values

MOVED = yaml.safe_load((CHART / "files/moved.yaml").read_text())


def merged(one, other):
    for key, value in other.items():
        one[key] = merged(one[key], value) if isinstance(one.get(key), dict) and isinstance(value, dict) else value
    return one


class Refusals(unittest.TestCase):
    def refuses(self, bad, *sentences):
        said = refusal(bad)
        for sentence in sentences:
            self.assertIn(sentence, said)

    def test_unknown_keys_are_named_with_those_that_there_are(self):
        self.refuses(
            {"api": {"replica": 4}}, "at '/api': additional properties 'replica' not allowed", "value must be one of 'replicas'"
        )
        self.refuses({"nonsense": 1}, "at '': additional properties 'nonsense' not allowed", "value must be one of 'global'")
        self.refuses({"settings": {"listen": "0.0.0.0:1"}}, "at '/settings': additional properties 'listen' not allowed")
        self.refuses({"worker": {"settings": {"insecure": True}}}, "additional properties 'insecure' not allowed")
        self.refuses({"migrations": {"database": {"tls": {"moed": "x"}}}}, "at '/migrations/database/tls'", "'moed'")

    def test_values_of_another_form_are_named_with_the_right_one(self):
        self.refuses({"api": {"replicas": "x"}}, "at '/api/replicas': got string, want integer")
        self.refuses({"migrations": {"mode": "hok"}}, "value must be one of 'hook', 'job', 'initContainer', 'external'")
        self.refuses({"image": {"digest": "sha256:short"}}, "at '/image/digest'")

    def test_keys_that_are_not_here_are_refused_with_what_to_say_instead(self):
        sentences = {path: f"- {path} is no value of this chart: {instead}." for path, instead in MOVED.items()}
        for path, sentence in sentences.items():
            with self.subTest(path):
                self.refuses(values(path, "x"), sentence)
        for value in (2, True, {"enabled": True}, ["x"]):
            all_of_them = functools.reduce(merged, (values(path, value) for path in MOVED))
            self.refuses(all_of_them, *sentences.values())

    def test_passwords_stand_in_no_value(self):
        self.refuses(values("database.password", "hunter2"), "put it into the Secret that database.existingSecret names")
        self.refuses(values("nats.url", "nats://desk:hunter2@nats:4222"), "put it into the Secret that nats.existingSecret names")
        for path in ("database.password", "nats.url"):
            self.assertNotIn("hunter2", refusal(values(path, "nats://desk:hunter2@nats:4222")))

    def test_what_excludes_each_other(self):
        for component in ("api", "worker"):
            both = {component: {"podDisruptionBudget": {"minAvailable": 1, "maxUnavailable": 0}}}
            self.refuses(both, f"{component}.podDisruptionBudget has minAvailable and maxUnavailable", "remove one of them.")
            both = {
                component: {"autoscaling": {"hpa": {"enabled": True}, "keda": {"enabled": True, "triggers": [{"type": "cpu"}]}}}
            }
            self.refuses(both, f"{component}.autoscaling has hpa and keda enabled", "disable one of them.")
        both = {"configuration": {"documents": {"acme": {"levels": []}}, "existingConfigMap": "documents"}}
        self.refuses(both, "configuration.documents and configuration.existingConfigMap exclude each other: remove one")
        both = {"tls": {"enabled": True, "existingSecret": "x", "certManager": {"enabled": True, "issuerRef": {"name": "x"}}}}
        self.refuses(both, "tls.existingSecret and tls.certManager both bring a certificate: remove one of them.")

    def test_what_goes_together(self):
        for bad, sentence in (
            ({"database": {"existingSecret": ""}}, "name in database.existingSecret a Secret with the connection"),
            ({"database": {"keys": {"uri": ""}}}, "say in database.keys which key holds which field."),
            (
                {"database": {"tls": {"keys": {"sslcert": "x"}}}},
                "database.tls.keys.sslcert and database.tls.keys.sslkey go together",
            ),
            (
                {"database": {"existingSecret": "", "host": "x", "tls": {"keys": {"sslrootcert": "x"}}}},
                "name it in database.tls.existingSecret.",
            ),
            ({"migrations": {"database": {"existingSecret": "x", "keys": {"uri": ""}}}}, "say in migrations.database.keys"),
            ({"nats": {"keys": {"url": "x"}}}, "name it in nats.existingSecret."),
            ({"nats": {"keys": {"certificate": "x"}}}, "nats.keys.certificate and nats.keys.key go together"),
            ({"nats": {"existingSecret": "x"}}, "say it in nats.url, or its key in nats.keys.url."),
            ({"identity": {"existingConfigMap": ""}}, "write identity.document, or name in identity.existingConfigMap"),
            ({"tls": {"enabled": True}}, "name a Secret in tls.existingSecret, or enable tls.certManager."),
            ({"tls": {"enabled": True, "certManager": {"enabled": True}}}, "name it in tls.certManager.issuerRef."),
            ({"tls": {"clientCa": {"existingSecret": "x"}}}, "without TLS clients show no certificates: enable tls."),
            ({"attachments": {"url": "s3://desk"}}, "name in attachments.existingSecret a Secret"),
            (
                {"attachments": {"url": "s3://desk", "existingSecret": "x", "keys": {"id": ""}}},
                "in attachments.keys which of its keys hold id and key.",
            ),
            ({"attachments": {"existingSecret": "x"}}, "is named, but no bucket: say it in attachments.url."),
            ({"grpcRoute": {"enabled": True}}, "name it in grpcRoute.parentRefs."),
            ({"ingress": {"enabled": True}}, "name it in ingress.hosts."),
            ({"api": {"autoscaling": {"keda": {"enabled": True}}}}, "name at least one of its triggers."),
            ({"worker": {"autoscaling": {"keda": {"enabled": True}}}}, "or in monitoring.prometheusUrl the Prometheus"),
            ({"monitoring": {it: {"enabled": True} for it in ("podMonitor", "serviceMonitor")}}, "would be scraped twice"),
            ({"monitoring": {"rules": {"excludeRules": ["Nothing"]}}}, "names Nothing, and there is no such alert"),
            (
                {"api": {"autoscaling": {"hpa": {"enabled": True, "targetCPUUtilizationPercentage": None}}}},
                "has nothing to look at",
            ),
            ({"api": {"autoscaling": {"hpa": {"enabled": True, "minReplicas": 20}}}}, "raise maxReplicas."),
        ):
            with self.subTest(sentence):
                self.refuses(bad, sentence)

    def test_pods_have_the_time_that_their_end_takes(self):
        self.refuses(
            {"settings": {"drain_seconds": 50}},
            "api.terminationGracePeriodSeconds is 60, and a pod may take 70 s to end",
            "worker.",
        )
        self.refuses(
            {"worker": {"settings": {"drain_seconds": 46}}}, "worker.terminationGracePeriodSeconds is 60, and a pod may take 61 s"
        )

    def test_a_kubernetes_that_is_too_old_is_refused(self):
        minor = int(OLDEST.partition(".")[2])
        done = helm(["template", "desk"], kubernetes=f"1.{minor - 1}.99")
        self.assertIn("chart requires kubeVersion", done.stderr)

    def test_all_that_is_wrong_is_said_at_once(self):
        self.refuses(
            {"replicaCount": 1, "database": {"password": "x"}, "grpcRoute": {"enabled": True}},
            "replicaCount",
            "database.password",
            "grpcRoute",
        )
