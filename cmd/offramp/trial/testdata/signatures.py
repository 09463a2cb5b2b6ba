# Says for one message which DKIM signatures dkimpy verifies: a line "selector
# ok" or "selector fails" for each, from the top. Usage: signatures.py RECORDS
# FILE, where RECORDS is a JSON object of names and TXT records.
import json, sys
import dkim

records = {name.encode(): value.encode() for name, value in json.load(open(sys.argv[1])).items()}
data = open(sys.argv[2], "rb").read()
for i in range(sum(1 for k, _ in dkim.DKIM(data).headers if k.lower() == b"dkim-signature")):
    d = dkim.DKIM(data)
    try:
        ok = d.verify(idx=i, dnsfunc=lambda q, timeout=5: records.get(q.rstrip(b".")))
    except dkim.DKIMException:
        ok = False
    print(d.signature_fields[b"s"].decode(), "ok" if ok else "fails")
