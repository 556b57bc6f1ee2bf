"""Callers with access tokens of an issuer that was not written here (issuer.mjs).

    identity.py ADDRESS ISSUER

The last line counts what passed.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

from story import TENANT, Grpcio, Refused


def token(issuer, client, audience):
    """As a service gets one: by its own credentials, for one other service."""
    with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration", timeout=10) as answer:
        endpoint = json.load(answer)["token_endpoint"]
    form = {"grant_type": "client_credentials", "resource": f"https://{audience}"}
    credentials = ":".join(urllib.parse.quote(part) for part in (client, f"{client} keeps this to itself"))
    headers = {"authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"}
    request = urllib.request.Request(endpoint, urllib.parse.urlencode(form).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["access_token"]


def create(client, tenant=TENANT):
    return client.call("TicketService", "CreateTicket", {"parent": tenant, "ticket": {"title": "VPN is down"}})


def in_a_cluster(script, bearer, **told):
    """Runs what a pod of the chart runs, with the token in a file as there; answers what it says."""
    programs = f"target/debug:tests/clients/node_modules/.bin:{os.environ['PATH']}"
    with tempfile.NamedTemporaryFile("w") as token_file:
        print(bearer, file=token_file, flush=True)
        told = {"PATH": programs, "HOME": os.environ["HOME"], "TOKEN_FILE": token_file.name, **told}
        shell = ["sh", "-euc", Path(f"helm/ticketing/files/{script}").read_text()]
        return subprocess.run(shell, env=told, check=True, capture_output=True, text=True).stdout.splitlines()


def refused(code, attempt, *arguments):
    try:
        attempt(*arguments)
    except Refused as error:
        assert error.code == code, error
    else:
        raise AssertionError(f"it was let in, and not refused with {code}")


def main(address, issuer):
    bearer = token(issuer, "crm", "ticketing")
    crm = Grpcio(address, bearer)
    actor = crm.call("SystemService", "GetSession", {})["actor"]
    assert (actor["id"], actor["kind"]) == ("crm", "ACTOR_KIND_SERVICE"), actor
    # The first configuration makes the tenant that the token names.
    with tempfile.TemporaryDirectory() as documents:
        Path(documents, "acme.yaml").symlink_to(Path("demo/configuration.yaml").resolve())
        apply = {"DOCUMENTS": documents, "COMMENT": "as the chart does", "TICKETING_ADDRESS": f"http://{address}"}
        assert in_a_cluster("apply.sh", bearer, **apply)[-1] == "Revision 1 of acme is in force."
    smoke = {"ADDRESS": f"http://{address}", "FLAGS": "--http2-prior-knowledge", "TENANT": "acme"}
    created, read = in_a_cluster("smoke.sh", bearer, **smoke, TICKET='{"title": "helm test", "category": "network"}')
    assert created.startswith("created tenants/acme/tickets/") and read == created.replace("created", "read"), (created, read)
    assert create(crm)["ticket"]["state"] == "TICKET_STATE_NEW"
    refused("not_found", create, crm, "tenants/beta")
    refused("permission_denied", create, Grpcio(address, token(issuer, "cook", "ticketing")))
    refused("unauthenticated", create, Grpcio(address, token(issuer, "crm", "billing")))
    refused("unauthenticated", create, Grpcio(address))
    print(f"identity: {actor['id']} of {issuer} was let in; another tenant, another role, another audience and nobody were not")
    print(f"the chart's Jobs: documents applied, {created}, {read}")
    print("identity: 8 passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
