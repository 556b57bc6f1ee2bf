"""The chart as the tests see it: rendered with values, or refused."""

import functools
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm/ticketing"
EXAMPLES = sorted((ROOT / "helm/examples").glob("*/values.yaml"))
PROFILES = [CHART / "values-production.yaml", *sorted((CHART / "ci").glob("*.yaml")), *EXAMPLES]
COMPONENTS = ["api", "worker"]
# The oldest Kubernetes that Chart.yaml lets in.
OLDEST = re.search(r">=(\d+\.\d+)", (CHART / "Chart.yaml").read_text())[1]


def helm(command, *arguments, values=None, chart=CHART, kubernetes=OLDEST):
    """Runs Helm as for a release of Kubernetes, with values on top of those of the arguments."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(values or {}, file)
        file.flush()
        words = [os.environ["HELM"], *command, str(chart), *arguments, "--values", file.name, "--kube-version", kubernetes]
        return subprocess.run(words, capture_output=True, text=True, check=False)


def render(values=None, profile=None, chart=CHART):
    """The objects of a release named desk in the namespace support."""
    files = ["--values", str(profile)] if profile else []
    done = helm(["template", "desk"], "--namespace", "support", *files, values=values, chart=chart)
    assert done.returncode == 0, done.stderr
    return [it for it in yaml.load_all(done.stdout, yaml.CSafeLoader) if it]


@functools.cache
def rendered(profile):
    """The objects of a profile, or of the defaults; not to be changed."""
    return render(profile=profile)


def refusal(values):
    done = helm(["template", "desk"], values=values)
    assert done.returncode != 0, "it was rendered"
    return done.stderr


def values(path, value):
    """`a.b.c` with a value, as values."""
    for part in reversed(path.split(".")):
        value = {part: value}
    return value


def find(objects, kind, name):
    found = [it for it in objects if (it["kind"], it["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, f"{len(found)} of {kind} {name}"
    return found[0]


def kinds(objects):
    return {it["kind"] for it in objects}


def pods(objects):
    """Every pod that objects make: what makes it, its metadata and its spec."""
    for it in objects:
        if it["kind"] == "Pod":
            yield it, it["metadata"], it["spec"]
        elif it["kind"] in ("Deployment", "Job"):
            template = it["spec"]["template"]
            yield it, template["metadata"], template["spec"]


def containers(spec):
    return [*spec.get("initContainers", []), *spec["containers"]]


def server(objects, component, fullname="desk-ticketing"):
    """The pod's spec and the program's container of a component."""
    spec = find(objects, "Deployment", f"{fullname}-{component}")["spec"]["template"]["spec"]
    return spec, next(it for it in spec["containers"] if it["name"] == "ticketing")


def variables(container):
    return {it["name"]: it.get("value") for it in container.get("env", [])}
