"""The objects of the chart, one by one: what makes each of them right."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path

from chart import CHART, COMPONENTS, PROFILES, containers, find, kinds, pods, render, rendered, server, variables

CI = CHART / "ci"
PRODUCTION = CHART / "values-production.yaml"


def names(objects, kind):
    return [it["metadata"]["name"] for it in objects if it["kind"] == kind]


class Servers(unittest.TestCase):
    def test_health_is_asked_for_on_its_own_port(self):
        # TLS or not: the port for health is in plain text.
        for profile in (None, PRODUCTION):
            for component in COMPONENTS:
                _, container = server(rendered(profile), component)
                for service in ("startup", "readiness", "liveness"):
                    self.assertEqual(container[f"{service}Probe"]["grpc"], {"port": 8081, "service": service})
                self.assertEqual(variables(container)["TICKETING_HEALTH_LISTEN"], "0.0.0.0:8081")

    def test_only_servers_take_calls(self):
        ports = {it: [port["name"] for port in server(rendered(None), it)[1]["ports"]] for it in COMPONENTS}
        self.assertEqual(ports, {"api": ["grpc", "health"], "worker": ["health"]})

    def test_a_new_release_takes_no_pod_away_before_there_is_another(self):
        for component in COMPONENTS:
            spec = find(rendered(None), "Deployment", f"desk-ticketing-{component}")["spec"]
            self.assertEqual(spec["strategy"]["rollingUpdate"], {"maxUnavailable": 0, "maxSurge": 1})
            self.assertEqual(spec["minReadySeconds"], 10)
        self.assertEqual(server(rendered(None), "api")[1]["lifecycle"], {"preStop": {"sleep": {"seconds": 5}}})
        recreated = find(rendered(CI / "jobs-values.yaml"), "Deployment", "desk-ticketing-api")["spec"]["strategy"]
        self.assertEqual(recreated, {"type": "Recreate"})

    def test_autoscalers_alone_say_how_many(self):
        objects = rendered(PRODUCTION)
        self.assertNotIn("replicas", find(objects, "Deployment", "desk-ticketing-api")["spec"])
        self.assertEqual(find(objects, "Deployment", "desk-ticketing-worker")["spec"]["replicas"], 3)
        scaler = find(objects, "HorizontalPodAutoscaler", "desk-ticketing-api")["spec"]
        self.assertEqual(scaler["scaleTargetRef"]["name"], "desk-ticketing-api")
        self.assertEqual(scaler["behavior"], {"scaleDown": {"stabilizationWindowSeconds": 300}})
        more = {"type": "Pods", "pods": {"metric": {"name": "calls"}, "target": {"type": "AverageValue", "averageValue": "100"}}}
        both = render({"api": {"autoscaling": {"hpa": {"metrics": [more]}}}}, PRODUCTION)
        self.assertEqual(
            [it["type"] for it in find(both, "HorizontalPodAutoscaler", "desk-ticketing-api")["spec"]["metrics"]],
            ["Resource", "Pods"],
        )
        keda = rendered(CI / "gateway-values.yaml")
        self.assertNotIn("replicas", find(keda, "Deployment", "desk-ticketing-worker")["spec"])
        self.assertEqual(find(keda, "ScaledObject", "desk-ticketing-worker")["spec"]["minReplicaCount"], 2)

    def test_budgets_are_for_more_than_one_pod(self):
        objects = rendered(None)
        for component in COMPONENTS:
            budget = find(objects, "PodDisruptionBudget", f"desk-ticketing-{component}")["spec"]
            self.assertEqual((budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]), (1, "AlwaysAllow"))
        objects = rendered(CI / "jobs-values.yaml")  # one worker
        self.assertEqual(names(objects, "PodDisruptionBudget"), ["desk-ticketing-api"])
        budget = find(objects, "PodDisruptionBudget", "desk-ticketing-api")["spec"]
        self.assertEqual((budget["minAvailable"], "maxUnavailable" in budget), ("50%", False))
        # Nothing may go is something else than nothing said.
        none = render(
            {"api": {"podDisruptionBudget": {"maxUnavailable": 0}}, "worker": {"podDisruptionBudget": {"enabled": False}}}
        )
        self.assertEqual(names(none, "PodDisruptionBudget"), ["desk-ticketing-api"])
        self.assertEqual(find(none, "PodDisruptionBudget", "desk-ticketing-api")["spec"]["maxUnavailable"], 0)
        scaled = render({"worker": {"replicas": 1, "autoscaling": {"hpa": {"enabled": True}}}})
        self.assertIn("desk-ticketing-worker", names(scaled, "PodDisruptionBudget"))

    def test_another_document_of_callers_restarts_servers_alone(self):
        def templates(name):
            document = {"certificates": [{"name": name, "id": "x", "roles": ["SERVICE"], "tenants": ["acme"]}]}
            objects = render({"identity": {"document": document}})
            return {it: find(objects, "Deployment", f"desk-ticketing-{it}")["spec"]["template"] for it in COMPONENTS}

        one, other = templates("a.example"), templates("b.example")
        self.assertNotEqual(one["api"], other["api"])
        self.assertEqual(one["worker"], other["worker"])

    def test_servers_get_the_token_of_the_cluster_when_the_cluster_is_an_issuer(self):
        _, container = server(rendered(CI / "gateway-values.yaml"), "api")
        mount = next(it for it in container["volumeMounts"] if it["name"] == "cluster-token")
        self.assertEqual(mount["mountPath"], "/var/run/secrets/kubernetes.io/serviceaccount")
        self.assertNotIn("cluster-token", str(server(rendered(CI / "gateway-values.yaml"), "worker")[0]))
        document = find(rendered(CI / "gateway-values.yaml"), "ConfigMap", "desk-ticketing-identity")["data"]["identity.yaml"]
        self.assertIn("system:serviceaccount:support:desk-ticketing-test:", document)

    def test_names_have_room_for_what_is_added_to_them(self):
        for it in render(
            {"fullnameOverride": "x" * 60, "migrations": {"mode": "job"}, "configuration": {"existingConfigMap": "x"}}
        ):
            self.assertLessEqual(len(it["metadata"]["name"]), 63)


class Migrations(unittest.TestCase):
    def test_the_hook_needs_nothing_that_the_release_makes(self):
        for profile in PROFILES:
            objects = rendered(profile)
            made = {
                it["metadata"]["name"] for it in objects if it["kind"] in ("ServiceAccount", "ConfigMap", "Secret", "Certificate")
            }
            for job, _, spec in pods(objects):
                if "helm.sh/hook" in job["metadata"].get("annotations", {}) and job["kind"] == "Job":
                    used = {spec["serviceAccountName"]}
                    for volume in spec["volumes"]:
                        for source in volume.get("projected", {}).get("sources", []):
                            used |= {named["name"] for named in source.values()}
                    self.assertFalse(used & made, profile.name)

    def test_hooks_run_before_the_release_for_helm_and_for_argo(self):
        annotations = find(rendered(None), "Job", "desk-ticketing-migrations")["metadata"]["annotations"]
        expected = {
            "helm.sh/hook": "pre-install,pre-upgrade",
            "helm.sh/hook-weight": "-5",
            "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
            "argocd.argoproj.io/hook": "PreSync",
            "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation,HookSucceeded",
        }
        self.assertEqual(annotations, expected)

    def test_a_job_that_differs_has_another_name(self):
        def job(tag):
            objects = render({"migrations": {"mode": "job"}, "image": {"tag": tag}})
            return next(it for it in objects if it["kind"] == "Job")

        self.assertEqual(job("1"), job("1"))
        self.assertNotEqual(job("1")["metadata"]["name"], job("2")["metadata"]["name"])
        self.assertNotIn("annotations", job("1")["metadata"])

    def test_pods_migrate_or_somebody_else_does(self):
        objects = rendered(CI / "hatches-values.yaml")
        for component in COMPONENTS:
            spec, _ = server(objects, component, "desk")
            self.assertEqual([it["name"] for it in spec["initContainers"]], ["migrate", "first"])
        for profile in ("hatches", "external"):
            self.assertNotIn("migrations", str(names(rendered(CI / f"{profile}-values.yaml"), "Job")))
        spec, _ = server(rendered(CI / "external-values.yaml"), "api")
        self.assertNotIn("initContainers", spec)

    def test_they_may_have_a_role_of_their_own(self):
        def secrets(objects):
            job = find(objects, "Job", "desk-ticketing-migrations")["spec"]["template"]["spec"]
            return {it["secret"]["name"] for volume in job["volumes"] for it in volume.get("projected", {}).get("sources", [])}

        self.assertEqual(secrets(rendered(None)), {"ticketing-database"})
        self.assertEqual(secrets(rendered(PRODUCTION)), {"ticketing-database-owner", "ticketing-database-ca"})
        self.assertEqual(secrets(rendered(CI / "fields-values.yaml")), {"owner"})
        container = find(rendered(None), "Job", "desk-ticketing-migrations")["spec"]["template"]["spec"]["containers"][0]
        self.assertEqual(container["args"], ["migrate"])
        self.assertEqual(variables(container)["TICKETING_DATABASE_SECRETS"], "/etc/ticketing/migration/database")


class Ways(unittest.TestCase):
    """How calls come in."""

    def test_services_lead_to_servers_that_are_ready(self):
        objects = rendered(None)
        usual = find(objects, "Service", "desk-ticketing")["spec"]
        headless = find(objects, "Service", "desk-ticketing-headless")["spec"]
        self.assertEqual((usual["type"], usual.get("clusterIP")), ("ClusterIP", None))
        self.assertEqual((headless["clusterIP"], headless["publishNotReadyAddresses"]), ("None", False))
        for it in (usual, headless):
            self.assertEqual(it["selector"]["app.kubernetes.io/component"], "api")
            self.assertEqual((it["ports"][0]["name"], it["ports"][0]["appProtocol"]), ("grpc", "kubernetes.io/h2c"))
        self.assertEqual(find(rendered(PRODUCTION), "Service", "desk-ticketing")["spec"]["ports"][0]["appProtocol"], "https")
        self.assertEqual(names(rendered(CI / "hatches-values.yaml"), "Service"), ["desk"])

    def test_certificates_have_the_names_by_which_servers_are_called(self):
        certificate = find(rendered(PRODUCTION), "Certificate", "desk-ticketing")["spec"]
        self.assertIn("desk-ticketing.support.svc", certificate["dnsNames"])
        self.assertIn("desk-ticketing-headless.support.svc.cluster.local", certificate["dnsNames"])
        spec, container = server(rendered(PRODUCTION), "api")
        self.assertIn(certificate["secretName"], str(spec["volumes"]))
        self.assertEqual(variables(container)["TICKETING_TLS_CERTIFICATE_FILE"], "/etc/ticketing/connections/tls/certificate")
        # Files that change are taken without a restart; a file mounted by subPath would never change.
        self.assertFalse([it for it in container["volumeMounts"] if "subPath" in it])

    def test_routes_and_ingresses_lead_to_the_service(self):
        objects = rendered(CI / "gateway-values.yaml")
        rule = find(objects, "GRPCRoute", "desk-ticketing")["spec"]["rules"][0]
        self.assertEqual(rule["backendRefs"], [{"name": "desk-ticketing", "port": 50051}])
        self.assertEqual((len(rule["matches"]), len(rule["filters"])), (1, 1))
        path = find(objects, "Ingress", "desk-ticketing")["spec"]["rules"][0]["http"]["paths"][0]
        self.assertEqual(path["backend"]["service"], {"name": "desk-ticketing", "port": {"name": "grpc"}})

    def test_nobody_is_reached_and_reaches_who_need_not(self):
        objects = rendered(PRODUCTION)

        def egress(component):
            policy = find(objects, "NetworkPolicy", f"desk-ticketing-{component}")["spec"]
            self.assertEqual(policy["policyTypes"], ["Ingress", "Egress"])
            return [port["port"] for rule in policy["egress"] for port in rule["ports"] if port["protocol"] == "TCP"]

        self.assertEqual(egress("api"), [53, 5432, 4317, 443, 443, 6443])
        self.assertEqual(egress("worker"), [53, 5432, 4317, 4222, 443, 443])
        self.assertEqual(egress("migrations"), [53, 5432])
        self.assertEqual(egress("configuration"), [53, "grpc"])
        self.assertEqual(egress("test"), [53, "grpc"])
        rules = find(objects, "NetworkPolicy", "desk-ticketing-api")["spec"]["ingress"]
        self.assertEqual([port["port"] for rule in rules for port in rule["ports"]], ["health", "grpc"])
        self.assertEqual(rules[1]["from"][0], {"podSelector": {}})
        rules = find(objects, "NetworkPolicy", "desk-ticketing-worker")["spec"]["ingress"]
        self.assertEqual([port["port"] for rule in rules for port in rule["ports"]], ["health"])
        for component in ("migrations", "configuration", "test"):
            self.assertEqual(find(objects, "NetworkPolicy", f"desk-ticketing-{component}")["spec"]["ingress"], [])
        outside = [
            rule for rule in find(objects, "NetworkPolicy", "desk-ticketing-worker")["spec"]["egress"] if "ipBlock" in str(rule)
        ]
        self.assertIn("10.0.0.0/8", outside[0]["to"][0]["ipBlock"]["except"])
        self.assertNotIn("NetworkPolicy", kinds(rendered(None)))

    def test_a_broker_that_is_not_named_is_not_reached(self):
        def ports(objects):
            return [
                port["port"]
                for rule in find(objects, "NetworkPolicy", "desk-ticketing-worker")["spec"]["egress"]
                for port in rule["ports"]
            ]

        self.assertIn(4222, ports(rendered(CI / "external-values.yaml")))
        self.assertNotIn(4222, ports(render({"networkPolicy": {"enabled": True}})))
        self.assertNotIn(4317, ports(render({"networkPolicy": {"enabled": True}})))

    def test_a_store_of_files_that_is_not_named_is_not_reached(self):
        def reached(files):
            objects = render({"networkPolicy": {"enabled": True, "egress": {"attachments": {"ports": [9000]}}}, **files})
            policies = [find(objects, "NetworkPolicy", f"desk-ticketing-{it}")["spec"]["egress"] for it in (*COMPONENTS, "migrations")]
            return [9000 in [port["port"] for rule in policy for port in rule["ports"]] for policy in policies]

        self.assertEqual(reached({"attachments": {"url": "s3://desk", "existingSecret": "files"}}), [True, True, False])
        self.assertEqual(reached({}), [False, False, False])

    def test_pods_with_ipv6_addresses_listen_on_them(self):
        _, container = server(rendered(CI / "external-values.yaml"), "api")
        self.assertEqual(variables(container)["TICKETING_LISTEN"], "[::]:50051")


class Callers(unittest.TestCase):
    """Jobs and pods of the chart that call the servers."""

    def test_each_has_a_token_of_its_own_and_no_other_right(self):
        objects = rendered(CI / "gateway-values.yaml")
        accounts = names(objects, "ServiceAccount")
        self.assertEqual(set(accounts), {"desk-ticketing", "desk-ticketing-configuration", "desk-ticketing-test"})
        self.assertFalse({"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"} & kinds(objects))
        callers = [
            (it["metadata"]["name"], spec) for it, _, spec in pods(objects) if "token" in [v["name"] for v in spec["volumes"]]
        ]
        self.assertEqual(len(callers), 2)
        for _, spec in callers:
            volume = next(it for it in spec["volumes"] if it["name"] == "token")
            self.assertEqual(volume["projected"]["sources"][0]["serviceAccountToken"]["audience"], "ticketing")
            self.assertIn(spec["serviceAccountName"], accounts)

    def test_a_token_of_a_secret_needs_no_account(self):
        objects = rendered(CI / "jobs-values.yaml")
        self.assertEqual(names(objects, "ServiceAccount"), ["desk-ticketing"])
        job = next(spec for it, _, spec in pods(objects) if "configuration" in it["metadata"]["name"])
        self.assertEqual(next(it for it in job["volumes"] if it["name"] == "token")["secret"]["secretName"], "administrator")

    def test_other_documents_are_another_job(self):
        def job(name):
            objects = render({"configuration": {"documents": {"acme": {"levels": [{"key": name}]}}}})
            return next(it for it in names(objects, "Job") if "configuration" in it)

        self.assertEqual(job("L1"), job("L1"))
        self.assertNotEqual(job("L1"), job("L2"))

    def test_helm_test_calls_as_the_servers_are_called(self):
        spec = find(rendered(PRODUCTION), "Pod", "desk-ticketing-test")["spec"]
        told = variables(containers(spec)[0])
        self.assertEqual(told["ADDRESS"], "https://desk-ticketing.support.svc:50051")
        self.assertEqual(told["FLAGS"], "--cacert /run/ticketing/ca/ca.crt")
        plain = find(rendered(None), "Pod", "desk-ticketing-test")
        self.assertEqual(variables(containers(plain["spec"])[0])["FLAGS"], "--http2-prior-knowledge")
        self.assertEqual(plain["metadata"]["annotations"]["helm.sh/hook"], "test")
        self.assertNotIn("Pod", kinds(rendered(CI / "jobs-values.yaml")))

    def test_a_chart_above_this_one_can_bring_it_or_not(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(CHART, Path(folder) / "charts/ticketing")
            about = {"apiVersion": "v2", "name": "platform", "version": "1.0.0"}
            about["dependencies"] = [{"name": "ticketing", "version": "*", "condition": "ticketing.enabled"}]
            (Path(folder) / "Chart.yaml").write_text(json.dumps(about))
            shared = {"global": {"region": "eu"}}
            brought = render({**shared, "ticketing": {"enabled": True, "api": {"replicas": 5}}}, chart=folder)
            self.assertEqual(find(brought, "Deployment", "desk-ticketing-api")["spec"]["replicas"], 5)
            self.assertEqual(render({**shared, "ticketing": {"enabled": False}}, chart=folder), [])

    def test_objects_of_ones_own_know_the_release(self):
        objects = rendered(CI / "hatches-values.yaml")
        self.assertEqual(find(objects, "ConfigMap", "desk-more")["data"], {"RELEASE": "desk"})
        self.assertIn("desk-text", names(objects, "ConfigMap"))
