# Compares what Python's email package decodes of NAME.in and NAME.out in a folder.
import email
import pathlib
import sys


def leaves(path):
    m = email.message_from_bytes(path.read_bytes())
    return [(p.get_content_type(), p.get_payload(decode=True)) for p in m.walk() if not p.is_multipart()]


bad = 0
for before in sorted(pathlib.Path(sys.argv[1]).glob("*.in")):
    if leaves(before) != leaves(before.with_suffix(".out")):
        print(before.name, "is decoded to something else")
        bad += 1
sys.exit(bad > 0)
