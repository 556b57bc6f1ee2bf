"""The alerts: promtool reads them, each fires when it should and not when it should not, and only for its own release."""

import functools
import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml
from chart import CHART, ROOT, find, kinds, render, rendered

PRODUCTION = CHART / "values-production.yaml"
EXTERNAL = CHART / "ci/external-values.yaml"
CASES = yaml.safe_load((ROOT / "tests/helm/alerts.yaml").read_text())
RUNBOOKS = ROOT / "docs/runbooks"


def rules(objects):
    (group,) = find(objects, "PrometheusRule", "desk-ticketing-alerts")["spec"]["groups"]
    return {it["alert"]: it for it in group["rules"]}


@functools.cache
def alerts():
    return rules(rendered(PRODUCTION))


def promtool(*arguments):
    done = subprocess.run([os.environ["PROMTOOL"], *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def write(folder, name, content):
    path = Path(folder) / name
    path.write_text(json.dumps(content))
    return str(path)


def series(case, job="desk"):
    """The input of a case, as of a release."""
    for name, values in case.items():
        metric, _, labels = name.partition("{")
        yield {"series": f'{metric}{{namespace="support",job="{job}",{labels}', "values": str(values)}


def expected(rule, case):
    own = dict(case.get("labels", {}))
    # Rules that keep a process apart keep its target's labels, too.
    keeps = {"namespace": "support", "job": "desk"} if "pod" in own or rule["alert"] == "TicketingDown" else {}
    return {"exp_labels": rule["labels"] | keeps | own, "exp_annotations": rule["annotations"]}


def unit_test(rule, case, given, fires):
    wanted = [expected(rule, case)] if fires else []
    look = {"eval_time": case["at"], "alertname": rule["alert"], "exp_alerts": wanted}
    return {"interval": "1m", "input_series": list(given), "alert_rule_test": [look]}


class Alerts(unittest.TestCase):
    def run_tests(self, tests):
        with tempfile.TemporaryDirectory() as folder:
            write(folder, "rules.yaml", {"groups": [{"name": "ticketing", "rules": list(alerts().values())}]})
            file = write(folder, "tests.yaml", {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests})
            return promtool("test", "rules", file)

    def test_promtool_reads_them(self):
        with tempfile.TemporaryDirectory() as folder:
            good = write(folder, "rules.yaml", {"groups": [{"name": "ticketing", "rules": list(alerts().values())}]})
            self.assertEqual(promtool("check", "rules", good)[0], 0, promtool("check", "rules", good)[1])
            bad = write(folder, "bad.yaml", {"groups": [{"name": "bad", "rules": [{"alert": "A", "expr": "sum("}]}]})
            self.assertNotEqual(promtool("check", "rules", bad)[0], 0)

    def test_each_has_its_cases(self):
        self.assertEqual(set(CASES), set(alerts()))
        self.assertGreater(len(CASES), 20)

    def test_each_fires_when_it_should_and_only_then(self):
        for name, case in CASES.items():
            with self.subTest(name):
                rule = alerts()[name]
                fires = unit_test(rule, case, series(case["fires"]), True)
                quiet = unit_test(rule, case, series(case["quiet"]), False)
                code, said = self.run_tests([fires, quiet])
                self.assertEqual(code, 0, said)

    def test_another_release_is_not_theirs(self):
        tests = []
        for name, case in CASES.items():
            if name != "TicketingDown":
                tests.append(unit_test(alerts()[name], case, series(case["fires"], "other"), False))
        down = CASES["TicketingDown"]
        tests.append(unit_test(alerts()["TicketingDown"], down, series(down["quiet"], "other"), True))
        code, said = self.run_tests(tests)
        self.assertEqual(code, 0, said)

    def test_an_alert_that_does_not_fire_is_noticed(self):
        case = CASES["TicketingOutboxStuck"]
        wrong = unit_test(alerts()["TicketingOutboxStuck"], case, series(case["quiet"]), True)
        self.assertNotEqual(self.run_tests([wrong])[0], 0)

    def test_each_says_how_urgent_it_is_and_where_to_read_on(self):
        for name, rule in alerts().items():
            self.assertIn(rule["labels"]["severity"], ("page", "ticket"), name)
            self.assertTrue(rule["annotations"]["summary"].endswith("."), name)
            url = rule["annotations"]["runbook_url"]
            self.assertEqual(url, f"https://docs.example.com/ticketing/runbooks/{name}.md")
            self.assertTrue((RUNBOOKS / f"{name}.md").read_text().startswith(f"# {name}\n"))
            self.assertIn(f"| [{name}]({name}.md) | {rule['labels']['severity']} | {rule['annotations']['summary']} |", INDEX)
            self.assertIn('namespace="support",job="desk"', rule["expr"])
            self.assertNotRegex(rule["expr"], r"RELEASE|BUDGET")

    def test_runbooks_have_the_same_parts(self):
        for page in RUNBOOKS.glob("Ticketing*.md"):
            parts = re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE)
            self.assertEqual(parts, ["What users notice", "Look first", "Do", "Call"], page.name)

    def test_some_may_be_left_out_and_all_may_have_more_labels(self):
        fewer = rules(rendered(EXTERNAL))
        self.assertEqual(set(alerts()) - set(fewer), {"TicketingDown"})
        self.assertEqual({it["labels"]["team"] for it in fewer.values()}, {"desk"})
        mine = render({"monitoring": {"rules": {"enabled": True, "errorBudget": 0.01, "runbookUrl": "https://wiki.example/r/"}}})
        burn = rules(mine)["TicketingErrorBurnFast"]
        self.assertIn("14.4 * 0.01", burn["expr"])
        self.assertEqual(burn["annotations"]["runbook_url"], "https://wiki.example/r/TicketingErrorBurnFast.md")


INDEX = (RUNBOOKS / "README.md").read_text()


class Monitors(unittest.TestCase):
    def test_nothing_of_it_is_there_unless_it_is_wanted(self):
        self.assertFalse({"PodMonitor", "ServiceMonitor", "PrometheusRule"} & kinds(rendered(None)))
        self.assertNotIn("dashboard", str([it["metadata"]["name"] for it in rendered(None)]))

    def test_pods_are_scraped_on_the_port_for_health_under_the_release_s_name(self):
        for component in ("api", "worker"):
            monitor = find(rendered(PRODUCTION), "PodMonitor", f"desk-ticketing-{component}")
            self.assertEqual(monitor["metadata"]["labels"]["release"], "prometheus")
            spec = monitor["spec"]
            self.assertEqual(spec["podMetricsEndpoints"][0]["port"], "health")
            self.assertEqual(spec["podMetricsEndpoints"][0]["path"], "/metrics")
            self.assert_names_the_release(spec, find(rendered(PRODUCTION), "Deployment", f"desk-ticketing-{component}"))

    def assert_names_the_release(self, spec, deployment):
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        self.assertEqual(labels[spec["jobLabel"]], "desk")
        self.assertLessEqual(spec["selector"]["matchLabels"].items(), labels.items())

    def test_services_for_scraping_name_pods_that_are_not_ready_too(self):
        objects = rendered(EXTERNAL)
        for component in ("api", "worker"):
            service = find(objects, "Service", f"desk-ticketing-{component}-metrics")
            spec = find(objects, "ServiceMonitor", f"desk-ticketing-{component}")["spec"]
            self.assertTrue(service["spec"]["publishNotReadyAddresses"])
            self.assertEqual(service["spec"]["ports"], [{"name": "health", "port": 8081, "targetPort": "health"}])
            self.assertLessEqual(spec["selector"]["matchLabels"].items(), service["metadata"]["labels"].items())
            self.assertEqual(service["metadata"]["labels"][spec["jobLabel"]], "desk")
            self.assertEqual(spec["endpoints"][0]["port"], "health")

    def test_prometheus_reaches_the_port_and_nobody_else_does(self):
        for component in ("api", "worker"):
            rules = find(rendered(PRODUCTION), "NetworkPolicy", f"desk-ticketing-{component}")["spec"]["ingress"]
            scrape = next(it for it in rules if it["ports"] == [{"protocol": "TCP", "port": "health"}])
            peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
            self.assertEqual(scrape["from"], [peer])
        unscraped = render({"networkPolicy": {"enabled": True}})
        self.assertEqual(find(unscraped, "NetworkPolicy", "desk-ticketing-worker")["spec"]["ingress"], [])

    def test_the_dashboard_is_json_that_grafana_s_sidecar_finds(self):
        config = find(rendered(PRODUCTION), "ConfigMap", "desk-ticketing-dashboard")
        self.assertEqual(config["metadata"]["labels"]["grafana_dashboard"], "1")
        dashboard = json.loads(config["data"]["desk-ticketing.json"])
        panels = [it for it in dashboard["panels"] if it["type"] != "row"]
        self.assertGreater(len(panels), 20)
        for panel in panels:
            for target in panel["targets"]:
                self.assertIn('namespace="$namespace",job="$job"', target["expr"], panel["title"])

    def test_what_the_dashboard_asks_is_what_prometheus_understands(self):
        dashboard = json.loads((CHART / "files/dashboard.json").read_text())
        asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
        asked = [it.replace("$__rate_interval", "5m") for it in asked]
        recorded = [{"record": f"asked_{n}", "expr": expr} for n, expr in enumerate(asked)]
        with tempfile.TemporaryDirectory() as folder:
            file = write(folder, "asked.yaml", {"groups": [{"name": "asked", "rules": recorded}]})
            code, said = promtool("check", "rules", file)
        self.assertEqual(code, 0, said)

    def test_keda_asks_for_the_age_of_what_waits(self):
        spec = find(rendered(EXTERNAL), "ScaledObject", "desk-ticketing-worker")["spec"]
        queries = [it["metadata"]["query"] for it in spec["triggers"]]
        release = '{namespace="support",job="desk"}'
        self.assertEqual(
            queries,
            [f"max(ticketing_{it}_oldest_age_seconds{release})" for it in ("outbox", "timers")],
        )
        self.assertEqual({it["metadata"]["serverAddress"] for it in spec["triggers"]}, {"http://prometheus.monitoring:9090"})
        own = {"worker": {"autoscaling": {"keda": {"triggers": [{"type": "cpu", "metadata": {"value": "70"}}]}}}}
        triggers = find(render(own, EXTERNAL), "ScaledObject", "desk-ticketing-worker")["spec"]["triggers"]
        self.assertEqual([it["type"] for it in triggers], ["cpu"])
