# Compares messages with and without the line, by Python's email package.
#
# In the folder are NAME.in and the same with the line, NAME.usual and NAME.first,
# and NAME.seven, the latter encoded for 7-bit transport.
# Written is one line of JSON for each of the latter: which parts changed, what is
# wrong, and for the last HTML part where its content was put and its charset.
import codecs
import email
import json
import pathlib
import sys

LINK = sys.argv[2].encode()


def leaves(message, sealed=False, path=""):
    """Every part with a path, whether nothing in it may change, and its bytes."""
    kind = message.get_content_type()
    sealed = sealed or kind in ("multipart/signed", "multipart/encrypted")
    if kind.startswith("multipart/") and message.is_multipart():
        yield path, kind, True, message, (message.preamble or "") + "\0" + (message.epilogue or "")
        for n, part in enumerate(message.get_payload()):
            yield from leaves(part, sealed, f"{path}.{n}")
    elif message.is_multipart():
        yield path, kind, True, message, "".join(str(m) for m in message.get_payload())
    else:
        yield path, kind, sealed, message, message.get_payload()


def shown(part):
    return part.get_content_disposition() in (None, "inline") and not part.get_filename()


def common(a, b):
    n = 0
    while n < min(len(a), len(b)) and a[n] == b[n]:
        n += 1
    return n


def insertion(before, after, encoding):
    """What after has more than before, in one place; None: something else changed."""
    head = common(before, after)
    tail = common(before[head:][::-1], after[head:][::-1])
    if head + tail < len(before):
        return None
    return after[head : len(after) - tail]


def charset_of(part):
    name = part.get_content_charset() or "us-ascii"
    try:
        codecs.lookup(name)
    except LookupError:
        return None
    return name


def decoded_alike(part, before, after, problems):
    name = charset_of(part)
    if not name:
        return
    try:
        was = before.decode(name)
    except UnicodeError:
        return  # it was not valid before
    try:
        now = after.decode(name)
    except UnicodeError as e:
        problems.append(f"no longer valid {name}: {e}")
        return
    if insertion(was, now, "") is None:
        problems.append(f"other text changed in {name}")


def check_lines(encoding, before, after, problems):
    limit = 76 if encoding in ("quoted-printable", "base64") else 998
    for line in after.splitlines():
        if len(line.encode("utf-8", "surrogateescape")) > limit and line not in before:
            problems.append(f"a line of {len(line)}: {line[:100]!r}")


def compare(old, new, recoded):
    problems, changed = [], []
    a, b = list(leaves(old)), list(leaves(new))
    if [x[:3] for x in a] != [x[:3] for x in b]:
        return changed, ["the parts are others"]
    last = {kind: path for path, kind, sealed, part, _ in a if not sealed and shown(part)}
    for (path, kind, sealed, was, raw), (_, _, _, now, raw_now) in zip(a, b):
        if recoded and (raw == raw_now or was.is_multipart() or was.get_payload(decode=True) == now.get_payload(decode=True)):
            continue
        if not recoded and list(was.raw_items()) != list(now.raw_items()):
            problems.append(f"the header of {path or 'the message'} changed")
        if raw == raw_now:
            continue
        changed.append(kind.removeprefix("text/"))
        if kind not in ("text/plain", "text/html") or last.get(kind) != path:
            problems.append(f"{path} {kind} changed")
            continue
        before, after = was.get_payload(decode=True), now.get_payload(decode=True)
        put = insertion(before, after, was["Content-Transfer-Encoding"])
        if put is None:
            problems.append(f"{kind}: other octets changed")
        elif put.count(LINK) != 1:
            problems.append(f"{kind}: the link is there {put.count(LINK)} times")
        check_lines((now["Content-Transfer-Encoding"] or "").lower().strip(), raw, raw_now, problems)
        decoded_alike(was, before, after, problems)
    return changed, problems


def page(message):
    """The last HTML part that is shown."""
    found = None
    for _, kind, sealed, part, _ in leaves(message):
        if kind == "text/html" and not sealed and shown(part):
            found = part
    return found


folder = pathlib.Path(sys.argv[1])
for before in sorted(folder.glob("*.in")):
    old = email.message_from_bytes(before.read_bytes())
    for form in ("usual", "first", "seven"):
        path = before.with_suffix("." + form)
        if not path.exists():
            continue
        new = email.message_from_bytes(path.read_bytes())
        changed, problems = compare(old, new, form == "seven")
        answer = {"Name": before.stem, "Form": form, "Parts": " ".join(changed), "Problems": problems}
        if "html" in changed:
            part = page(new)
            content = path.with_suffix("." + form + ".html")
            content.write_bytes(part.get_payload(decode=True))
            answer["Page"], answer["Charset"] = str(content), part.get_content_charset() or ""
        print(json.dumps(answer))
