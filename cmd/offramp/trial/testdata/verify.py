# Has dkimpy verify every signature of every message in a folder, and looks for
# the unsubscribe fields that it has in h=. Usage: verify.py RECORDS FOLDER
import json, os, sys
import dkim

records = {}
def collect(node):
    if isinstance(node, dict):
        name, value = node.get("name"), node.get("value")
        if isinstance(name, str) and isinstance(value, str) and "._domainkey." in name:
            records[name.rstrip(".").encode() + b"."] = value.encode()
        for v in node.values():
            collect(v)
    elif isinstance(node, list):
        for v in node:
            collect(v)
text = open(sys.argv[1]).read()
try:
    collect(json.loads(text))
except ValueError:
    for line in text.splitlines():
        collect(json.loads(line))

messages = signatures = bad = 0
for name in sorted(os.listdir(sys.argv[2])):
    data = open(os.path.join(sys.argv[2], name), "rb").read()
    d = dkim.DKIM(data)
    n = sum(1 for k, _ in d.headers if k.lower() == b"dkim-signature")
    messages += 1
    if n == 0:
        bad += 1
        print(name, "has no signature")
    for i in range(n):
        signatures += 1
        d = dkim.DKIM(data)
        try:
            ok = d.verify(idx=i, dnsfunc=lambda q, timeout=5: records.get(q if isinstance(q, bytes) else q.encode()))
        except dkim.DKIMException as e:
            ok = False
            print(name, e)
        signed = [h.strip().lower() for h in d.signature_fields.get(b"h", b"").split(b":")]
        present = {k.lower() for k, _ in d.headers}
        if not ok or any(f in present and signed.count(f) < 2 for f in (b"list-unsubscribe", b"list-unsubscribe-post")):
            bad += 1
            print(name, "signature", i, "ok" if ok else "fails", signed)
print("dkimpy: %d messages, %d signatures, %d bad" % (messages, signatures, bad))
sys.exit(1 if bad or not signatures else 0)
