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
text = open(sys.argv[1]).read().strip()
while text:
    node, end = json.JSONDecoder().raw_decode(text)
    collect(node)
    text = text[end:].strip()

def verify(data, i):
    """Says whether signature i verifies, or None when its key is not ours."""
    d, ours = dkim.DKIM(data), []
    def answer(name, timeout=5):
        ours.append(records.get(name if isinstance(name, bytes) else name.encode()))
        return ours[0]
    try:
        ok = d.verify(idx=i, dnsfunc=answer)
    except dkim.DKIMException as e:
        ok = False
        print(name, e)
    if ours == [None]:
        return None
    signed = [h.strip().lower() for h in d.signature_fields.get(b"h", b"").split(b":")]
    present = {k.lower() for k, _ in d.headers}
    return ok and not any(f in present and signed.count(f) < 2 for f in (b"list-unsubscribe", b"list-unsubscribe-post"))

messages = signatures = bad = 0
for name in sorted(os.listdir(sys.argv[2])):
    data = open(os.path.join(sys.argv[2], name), "rb").read()
    n = sum(1 for k, _ in dkim.DKIM(data).headers if k.lower() == b"dkim-signature")
    ours = [ok for ok in (verify(data, i) for i in range(n)) if ok is not None]
    messages += 1
    signatures += len(ours)
    if not ours or not all(ours):
        bad += 1
        print(name, "fails:", ours)
print("dkimpy: %d messages, %d signatures, %d bad" % (messages, signatures, bad))
sys.exit(1 if bad or not signatures else 0)
