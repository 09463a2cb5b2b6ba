"""Mailman 3 runs a discussion list and an announce-only one, in one process.

Its own code takes the posts and subscriptions, and its runners deliver what it
writes; only the daemon that starts them is left out. Arguments: folder of its
package, an empty folder, port of the server.
"""
import os
import sys

package, folder, port = sys.argv[1:]
sys.path.insert(0, os.path.join(package, "usr/lib/python3/dist-packages"))

config_file = os.path.join(folder, "mailman.cfg")
with open(config_file, "w") as out:
    out.write(f"""
[mailman]
layout: trial
site_owner: owner@trial.example
[paths.trial]
var_dir: {folder}
[mta]
incoming: mailman.mta.null.NullMTA
outgoing: mailman.mta.deliver.deliver
smtp_host: 127.0.0.1
smtp_port: {port}
""")

from mailman.core.initialize import initialize

initialize(config_file)

from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.database.transaction import transaction
from mailman.interfaces.action import Action
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.mailinglist import SubscriptionPolicy
from mailman.interfaces.member import DeliveryMode
from mailman.interfaces.subscriptions import ISubscriptionManager
from mailman.interfaces.usermanager import IUserManager
from mailman.runners.digest import DigestRunner
from mailman.runners.incoming import IncomingRunner
from mailman.runners.outgoing import OutgoingRunner
from mailman.runners.pipeline import PipelineRunner
from mailman.runners.virgin import VirginRunner
from mailman.testing.helpers import make_testable_runner, specialized_message_from_string
from zope.component import getUtility


def work():
    """Run every queue until all are empty."""
    runners = {"in": IncomingRunner, "pipeline": PipelineRunner, "digest": DigestRunner, "virgin": VirginRunner, "out": OutgoingRunner}
    while any(config.switchboards[name].files for name in runners):
        for name, runner in runners.items():
            make_testable_runner(runner, name).run()


def person(address):
    users = getUtility(IUserManager)
    found = users.get_address(address) or users.create_address(address)
    if found.verified_on is None:
        found.verified_on = found.registered_on
    return found


def post(mlist, subject):
    config.switchboards["in"].enqueue(specialized_message_from_string(
        f"From: Ben <ben@trial.example>\nTo: {mlist.posting_address}\nSubject: {subject}\nMessage-ID: <{subject.replace(' ', '.')}@trial.example>\n\nHello\n"),
        listid=mlist.list_id)
    work()


with transaction():
    getUtility(IDomainManager).add("trial.example")
for name, announce in ("talk", False), ("news", True):
    with transaction():
        mlist = create_list(f"{name}@trial.example", ["owner@trial.example"])
        mlist.display_name = name.capitalize()
        mlist.allow_list_posts = not announce
        mlist.default_nonmember_action = Action.accept
        mlist.archive_policy = mlist.archive_policy.never
        mlist.admin_immed_notify = False
        mlist.send_goodbye_message = True
        mlist.subscription_policy = SubscriptionPolicy.confirm
        mlist.digest_size_threshold = 0  # each post makes a digest
        token = ISubscriptionManager(mlist).register(person("ada@dest.example"))[0]
    work()
    with transaction():
        member = ISubscriptionManager(mlist).confirm(token)[2]
    work()
    post(mlist, f"{name} post")
    with transaction():
        mlist.send_welcome_message = False
        member.preferences.delivery_mode = DeliveryMode.mime_digests
    post(mlist, f"{name} in a digest")
    with transaction():
        ISubscriptionManager(mlist).unregister(person("ada@dest.example"), pre_confirmed=True)
    work()
