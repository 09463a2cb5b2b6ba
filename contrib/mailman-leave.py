#!/usr/bin/python3
"""Has people who opted out of a Mailman 3 list leave it, without asking them again.

A program for OFFRAMP_EXEC: one event a line on standard input, exit code 0 when all of
them are done. Mailman's REST API is named by MAILMAN_REST_URL, such as
http://127.0.0.1:8001/3.1, MAILMAN_REST_USER and MAILMAN_REST_PASSWORD.
"""
import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

root = os.environ["MAILMAN_REST_URL"].rstrip("/")
login = os.environ["MAILMAN_REST_USER"] + ":" + os.environ["MAILMAN_REST_PASSWORD"]
authorization = "Basic " + base64.b64encode(login.encode()).decode()


def call(method, url, **form):
    body = urllib.parse.urlencode(form).encode() if form else None
    request = urllib.request.Request(url, body, {"Authorization": authorization}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer) if answer.status == 200 else {}


def leave(url):
    try:
        call("DELETE", url, pre_confirmed=True, pre_approved=True)
    except urllib.error.HTTPError as error:
        if error.code != 404:  # 404: they are no member any more
            raise


for line in sys.stdin:
    event = json.loads(line)
    if event["kind"] != "unsubscribed":
        continue
    who, name = urllib.parse.quote(event["recipient"]), event.get("list")
    if name:
        leave(f"{root}/lists/{urllib.parse.quote(name)}/member/{who}")
    else:  # of all lists
        for member in call("POST", f"{root}/members/find", subscriber=event["recipient"], role="member").get("entries", []):
            leave(f"{root}/members/{member['member_id']}")
