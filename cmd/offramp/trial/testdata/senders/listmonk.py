"""Mail in the header forms of listmonk, which Debian does not have.

Its campaigns bear the two X-Listmonk fields, and List-Unsubscribe with -Post
unless the administrator turned that off; its opt-in letters bear the field of
the subscriber, and the same two fields; its transactional API and its notices
to administrators bear nothing of their own. It sends no List-Id: that is a
custom header of the campaign. Arguments: port of the server.
"""
import smtplib
import sys
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

SUBSCRIBER = "8a4b3c1e-52a4-4f0e-9d5b-6f0f4a1f0c11"
LEAVE = "https://lists.trial.example/subscription/{}/" + SUBSCRIBER


def campaign(uuid, unsubscribe=True, **custom):
    fields = {"X-Listmonk-Campaign": uuid, "X-Listmonk-Subscriber": SUBSCRIBER}
    if unsubscribe:
        fields |= leave(uuid)
    return fields | {name.replace("_", "-"): value for name, value in custom.items()}


def leave(uuid):
    return {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "List-Unsubscribe": "<" + LEAVE.format(uuid) + ">"}


NOBODY = "00000000-0000-0000-0000-000000000000"
LETTERS = {
    "campaign one": campaign("1f0c3b52-7a52-4a1e-8f3d-0a6e5f1b2c31"),
    "campaign two": campaign("2f0c3b52-7a52-4a1e-8f3d-0a6e5f1b2c32", unsubscribe=False),
    "campaign with a List-Id": campaign("3f0c3b52-7a52-4a1e-8f3d-0a6e5f1b2c33", List_Id="<weekly.trial.example>"),
    "campaign of another List-Id": campaign("4f0c3b52-7a52-4a1e-8f3d-0a6e5f1b2c34", List_Id="<monthly.trial.example>"),
    "opt-in letter": {"X-Listmonk-Subscriber": SUBSCRIBER} | leave(NOBODY),
    "opt-in without links": {"X-Listmonk-Subscriber": SUBSCRIBER},
    "transactional API": {},
    "notice to the administrator": {},
}

with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as server:
    for subject, fields in LETTERS.items():
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = "News <news@trial.example>", "ada@dest.example", subject
        letter["Date"], letter["Message-ID"] = formatdate(), make_msgid(domain="lists.trial.example")
        for name, value in fields.items():
            letter[name] = value
        letter.set_content("Hello Ada")
        letter.add_alternative("<p>Hello Ada</p>", subtype="html")
        server.send_message(letter)
