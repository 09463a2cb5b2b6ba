"""Mailman 3 serves its REST API for two lists, whose members it prints at the end.

Arguments: folder of its package, an empty folder, port to listen on. It ends when its
standard input does.
"""
import os
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

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
smtp_port: 9
[webservice]
port: {port}
admin_user: restadmin
admin_pass: rest/pass
""")

from mailman.core.initialize import initialize

initialize(config_file)

from mailman.app.lifecycle import create_list
from mailman.database.transaction import transaction
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.listmanager import IListManager
from mailman.interfaces.mailinglist import SubscriptionPolicy
from mailman.interfaces.subscriptions import ISubscriptionManager
from mailman.interfaces.usermanager import IUserManager
from mailman.rest.wsgiapp import make_application
from zope.component import getUtility

with transaction():
    getUtility(IDomainManager).add("trial.example")
for name in "news", "talk":
    with transaction():
        mlist = create_list(f"{name}@trial.example", ["owner@trial.example"])
        mlist.send_goodbye_message = mlist.send_welcome_message = mlist.admin_immed_notify = False
        mlist.unsubscription_policy = SubscriptionPolicy.confirm  # the default: a mail asks the person again
        for who in "ada", "ben", "eve":
            users = getUtility(IUserManager)
            address = users.get_address(f"{who}@dest.example") or users.create_address(f"{who}@dest.example")
            address.verified_on = address.registered_on
            ISubscriptionManager(mlist).register(address, pre_verified=True, pre_confirmed=True, pre_approved=True)


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


server = make_server("127.0.0.1", int(port), make_application(), handler_class=Quiet)
threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
server.serve_forever()
with transaction():
    for name in "news", "talk":
        members = getUtility(IListManager).get(f"{name}@trial.example").members.members
        print(name, *sorted(m.address.email for m in members))
