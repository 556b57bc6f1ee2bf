"""Callers with access tokens of an issuer that was not written here (issuer.mjs).

    identity.py ADDRESS ISSUER

The last line counts what passed.
"""

import base64
import json
import subprocess
import sys
import urllib.parse
import urllib.request

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
    apply = ["target/debug/ticketing", "config", "apply", "--address", f"http://{address}", "--tenant", "acme"]
    subprocess.run([*apply, "--token", bearer, "-f", "demo/configuration.yaml"], check=True, capture_output=True)
    assert create(crm)["ticket"]["state"] == "TICKET_STATE_NEW"
    refused("not_found", create, crm, "tenants/beta")
    refused("permission_denied", create, Grpcio(address, token(issuer, "cook", "ticketing")))
    refused("unauthenticated", create, Grpcio(address, token(issuer, "crm", "billing")))
    refused("unauthenticated", create, Grpcio(address))
    print(f"identity: {actor['id']} of {issuer} was let in; another tenant, another role, another audience and nobody were not")
    print("identity: 6 passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
