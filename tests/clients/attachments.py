"""A file goes to a ticket and comes back, by gRPC without generated code and by HTTP as anybody speaks it.

    attachments.py ADDRESS STORE

STORE names the store of the server, for the last line, which counts what passed.
"""

import base64
import hashlib
import sys
import time
import urllib.error
import urllib.request
import uuid

from story import TENANT, Grpcio, Refused

SECONDS = 30


def send(upload, data):
    """Does what an answer says; the status."""
    headers = {it["name"]: it["value"] for it in upload.get("headers", [])}
    request = urllib.request.Request(upload["url"], data, headers, method=upload["method"])
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers


def refused(code, call, *arguments):
    try:
        call(*arguments)
    except Refused as error:
        assert error.code == code, error
    else:
        raise AssertionError(f"not refused with {code}")


def main(address, store):
    desk = Grpcio(address)

    def files(method, **body):
        return desk.call("AttachmentService", method, body)

    ticket = desk.call("TicketService", "CreateTicket", {"parent": TENANT, "ticket": {"title": "Screenshot follows"}})["ticket"]["name"]
    data = bytes(range(256)) * 4096  # a megabyte
    announced = files(
        "CreateAttachment",
        parent=ticket,
        request_id=str(uuid.uuid4()),
        attachment={
            "file_name": "Übersicht.png",
            "media_type": "image/png",
            "byte_count": len(data),
            "sha256": base64.b64encode(hashlib.sha256(data).digest()).decode(),
        },
    )
    name = announced["attachment"]["name"]
    refused("failed_precondition", lambda: files("CompleteAttachment", name=name))
    assert 400 <= send(announced["upload"], data[:-1]) < 500, "a byte is missing"
    assert 400 <= send(announced["upload"], data[::-1]) < 500, "other bytes"
    refused("failed_precondition", lambda: files("CompleteAttachment", name=name))
    assert send(announced["upload"], data) == 200
    there = files("CompleteAttachment", name=name, request_id=str(uuid.uuid4()))["attachment"]
    assert there["state"] == "ATTACHMENT_STATE_AVAILABLE", there
    assert [it["name"] for it in files("ListAttachments", parent=ticket)["attachments"]] == [name]

    url = files("CreateAttachmentDownload", name=name)["url"]
    found, headers = fetch(url)
    assert found == data and headers["content-type"] == "image/png", headers
    assert "filename*=UTF-8''%C3%9Cbersicht.png" in headers["content-disposition"], headers
    assert fetch(url[:-1] + ("1" if url[-1] == "0" else "0"))[0] == 403, "a URL is whole or nothing"
    left = files("DeleteAttachment", name=name, request_id=str(uuid.uuid4()))["attachment"]
    assert left["state"] == "ATTACHMENT_STATE_DELETED" and "fileName" not in left, left
    refused("failed_precondition", lambda: files("CreateAttachmentDownload", name=name))
    # The workers take the bytes away; the URL is good for longer.
    while fetch(url)[0] not in (403, 404):
        time.sleep(0.1)
    print(f"attachments: a megabyte to {store} and back; too short, other bytes, unfinished and deleted were refused")
    print("attachments: 8 passed, 0 failed")


if __name__ == "__main__":
    main(*sys.argv[1:])
