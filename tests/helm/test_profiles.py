"""What holds for everything that the chart renders, by every profile."""

import copy
import functools
import json
import os
import re
import shutil
import tempfile
import unittest
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml
from chart import CHART, COMPONENTS, OLDEST, PROFILES, ROOT, containers, find, helm, kinds, pods, render, rendered
from restricted import breaches

NEWEST = kubernetes_validate.latest_version()


def closed(schema):
    """A schema of a custom resource that takes no other fields, as the API server's pruning in effect does."""
    if isinstance(schema, list):
        return [closed(it) for it in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(it) for key, it in schema.items()}
    if isinstance(made.get("pattern"), str):
        made["pattern"] = re.sub(r"^\^\(\?i\)", "(?i)^", made["pattern"])  # Go takes flags anywhere, Python in front
    if (
        isinstance(made.get("properties"), dict)
        and "x-kubernetes-preserve-unknown-fields" not in made
        and made.get("type") == "object"
    ):
        made.setdefault("additionalProperties", False)
    return made


def custom():
    """Schemas of custom resources by version and kind."""
    for file in os.environ["SCHEMAS"].split():
        for it in yaml.safe_load_all(Path(file).read_text()):
            for version in it["spec"]["versions"]:
                name = (f"{it['spec']['group']}/{version['name']}", it["spec"]["names"]["kind"])
                yield name, closed(version["schema"]["openAPIV3Schema"])


CUSTOM = dict(custom())


def with_every_profile(test):
    @functools.wraps(test)
    def run(self):
        for profile in PROFILES:
            with self.subTest(profile.relative_to(ROOT)):
                test(self, rendered(profile))

    return run


def with_every_pod(test):
    @functools.wraps(test)
    def run(self):
        for profile in PROFILES:
            for made_by, metadata, spec in pods(rendered(profile)):
                with self.subTest(f"{profile.relative_to(ROOT)}: {made_by['kind']} {made_by['metadata']['name']}"):
                    test(self, metadata, spec)

    return run


class Profiles(unittest.TestCase):
    def test_lint_has_nothing_to_say(self):
        for profile in PROFILES:
            with self.subTest(profile.relative_to(ROOT)):
                done = helm(["lint"], "--strict", "--values", str(profile))
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    @with_every_profile
    def test_objects_are_what_the_api_servers_take(self, objects):
        for it in objects:
            name = (it["apiVersion"], it["kind"])
            if name in CUSTOM:
                jsonschema.validate(it, CUSTOM[name])
            else:
                kubernetes_validate.validate(it, OLDEST, strict=True)
                kubernetes_validate.validate(it, NEWEST, strict=True)

    def test_a_wrong_object_is_noticed(self):
        objects = rendered(CHART / "ci/gateway-values.yaml")
        route = copy.deepcopy(find(objects, "GRPCRoute", "desk-ticketing"))
        route["spec"]["rules"][0]["backends"] = []
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate(route, CUSTOM[route["apiVersion"], "GRPCRoute"])
        deployment = copy.deepcopy(find(objects, "Deployment", "desk-ticketing-api"))
        deployment["spec"]["template"]["spec"]["containers"][0]["prob"] = {}
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(deployment, NEWEST, strict=True)

    def test_together_the_profiles_render_every_kind(self):
        wanted = {
            "Certificate",
            "ConfigMap",
            "Deployment",
            "GRPCRoute",
            "HorizontalPodAutoscaler",
            "Ingress",
            "Job",
            "NetworkPolicy",
        }
        wanted |= {"Pod", "PodDisruptionBudget", "ScaledObject", "Service", "ServiceAccount"}
        wanted |= {"PodMonitor", "PrometheusRule", "ServiceMonitor"}
        self.assertEqual(set().union(*(kinds(rendered(profile)) for profile in PROFILES)), wanted)

    @with_every_pod
    def test_pods_pass_the_restricted_profile(self, metadata, spec):
        self.assertEqual(list(breaches(metadata, spec)), [])

    def test_a_breach_of_the_restricted_profile_is_noticed(self):
        _, metadata, spec = next(pods(rendered(None)))
        for change in (
            lambda it: it["securityContext"].update(runAsNonRoot=False),
            lambda it: it["securityContext"].update(runAsUser=0),
            lambda it: it["securityContext"].pop("seccompProfile"),
            lambda it: it["containers"][0]["securityContext"].pop("allowPrivilegeEscalation"),
            lambda it: it.update(initContainers=[{"name": "first", "securityContext": {"privileged": True}}]),
            lambda it: it["containers"][0]["securityContext"].update(capabilities={"drop": ["NET_RAW"]}),
            lambda it: it["containers"][0]["ports"][0].update(hostPort=80),
            lambda it: it["volumes"].append({"name": "etc", "hostPath": {"path": "/etc"}}),
            lambda it: it.update(hostNetwork=True),
        ):
            broken = copy.deepcopy(spec)
            change(broken)
            self.assertTrue(list(breaches(metadata, broken)))

    @with_every_pod
    def test_no_pod_writes_to_its_image_or_has_a_token_that_it_did_not_ask_for(self, metadata, spec):
        self.assertIs(spec["automountServiceAccountToken"], False)
        self.assertIs(spec["enableServiceLinks"], False, "a Service named ticketing would be a setting")
        for container in containers(spec):
            if container["name"] not in ("sidecar", "first"):  # somebody else's
                self.assertIs(container["securityContext"]["readOnlyRootFilesystem"], True)
                self.assertIn("memory", container["resources"]["limits"])
                self.assertNotIn("cpu", container["resources"]["limits"])

    @with_every_pod
    def test_secrets_are_files_and_no_variables(self, metadata, spec):
        for container in containers(spec):
            self.assertFalse([it for it in container.get("env", []) if "valueFrom" in it])
            self.assertFalse([it for it in container.get("envFrom", []) if "secretRef" in it])

    @with_every_pod
    def test_mounts_have_volumes_and_volumes_are_mounted(self, metadata, spec):
        mounted = {it["name"] for container in containers(spec) for it in container.get("volumeMounts", [])}
        self.assertEqual(mounted, {it["name"] for it in spec.get("volumes", [])})

    @with_every_profile
    def test_what_selects_pods_finds_those_that_it_means(self, objects):
        labels = {metadata["labels"]["app.kubernetes.io/component"]: metadata["labels"] for _, metadata, _ in pods(objects)}
        for it in objects:
            selector = it.get("spec", {}).get("selector") or it.get("spec", {}).get("podSelector")
            if selector is None:
                continue
            wanted = it["metadata"]["labels"]["app.kubernetes.io/component"]
            selected = selector.get("matchLabels", selector)
            found = {component for component, has in labels.items() if selected.items() <= has.items()}
            # A policy for a Job that this profile does not have finds nothing, and nothing else.
            self.assertEqual(found, {wanted} & set(labels), it["metadata"]["name"])

    @with_every_pod
    def test_constraints_of_spread_find_their_own_pods(self, metadata, spec):
        is_server = metadata["labels"]["app.kubernetes.io/component"] in COMPONENTS
        constraints = spec.get("topologySpreadConstraints", [])
        self.assertEqual(len(constraints), 2 if is_server else 0)
        for it in constraints:
            self.assertTrue(it["labelSelector"]["matchLabels"].items() <= metadata["labels"].items())
            self.assertEqual(it["matchLabelKeys"], ["pod-template-hash"])

    def test_a_new_chart_restarts_no_pod_that_stays_as_it_is(self):
        pinned = {"image": {"tag": "1"}}
        with tempfile.TemporaryDirectory() as folder:
            newer = Path(shutil.copytree(CHART, Path(folder) / "ticketing"))
            about = yaml.safe_load((newer / "Chart.yaml").read_text()) | {"version": "9.9.9", "appVersion": "9.9.9"}
            (newer / "Chart.yaml").write_text(yaml.safe_dump(about))
            then = {it["metadata"]["name"]: it["spec"] for it in render(pinned, chart=newer) if it["kind"] == "Deployment"}
        now = {it["metadata"]["name"]: it["spec"] for it in render(pinned) if it["kind"] == "Deployment"}
        self.assertEqual(now, then)

    def test_it_renders_the_same_whoever_renders_it(self):
        # Tools that only template know no cluster and no release before; chance would make each sync a change.
        asks = re.compile(
            r"\b(lookup|now|rand\w+|genCA|genSignedCert|uuidv4)\b|\.(Capabilities|Release\.(IsUpgrade|IsInstall|Revision))"
        )
        for template in (CHART / "templates").rglob("*.*"):
            actions = re.findall(r"\{\{(?!- /\*).*?\}\}", template.read_text(), re.DOTALL)
            self.assertFalse([it for it in actions if asks.search(it)], template)
        self.assertEqual(render(profile=PROFILES[0]), rendered(PROFILES[0]))

    def test_every_part_of_the_schema_is_closed(self):
        def maps(at, path=""):
            if at.get("type") == "object" and "properties" in at:
                yield path, at
            for name, below in at.get("properties", {}).items():
                yield from maps(below, f"{path}.{name}")

        schema = json.loads((CHART / "values.schema.json").read_text())
        parts = dict(maps(schema))
        # Objects of Kubernetes, passed on as they are, and a ticket.
        passed_on = {"resources", "requests", "limits", "strategy", "rollingUpdate", "behavior", "scaleDown", "seccompProfile"}
        passed_on |= {"podSecurityContext", "securityContext", "capabilities", "ticket"}
        passed_on |= {"labels"}  # of the dashboard, for whatever sidecar
        open_parts = {path.rpartition(".")[2] for path, it in parts.items() if it.get("additionalProperties") is not False}
        self.assertLessEqual(open_parts, passed_on)
        self.assertGreater(len(parts) - len(open_parts), 40)
