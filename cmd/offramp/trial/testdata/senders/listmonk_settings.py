"""Sends one campaign by the SMTP settings and custom headers of listmonk.

Arguments: file with the array "smtp" of its settings, file with the custom
headers of the campaign.
"""
import json
import smtplib
import sys
from email.message import EmailMessage

servers, headers = (json.load(open(name)) for name in sys.argv[1:])
server = servers[0]
assert server["enabled"] and server["auth_protocol"] == "none" and server["tls_type"] == "none"
letter = EmailMessage()
letter["From"], letter["To"], letter["Subject"] = "News <news@example.com>", "ada@example.net", "listmonk news"
letter["X-Listmonk-Campaign"] = letter["X-Listmonk-Subscriber"] = "00000000-0000-0000-0000-000000000001"
for one in headers:
    for name, value in one.items():
        letter[name] = value
letter.set_content("Hello")
with smtplib.SMTP(server["host"], server["port"]) as smtp:
    smtp.send_message(letter)
