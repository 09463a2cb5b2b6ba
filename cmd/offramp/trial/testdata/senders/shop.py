"""Django sends the mail that its own code and a usual shop write.

Arguments: port of the server.
"""
import logging
import sys

import django
from django.conf import settings
from django.urls import path

port = int(sys.argv[1])
settings.configure(
    SECRET_KEY="trial", ROOT_URLCONF=__name__, USE_TZ=True, DEBUG=False,
    EMAIL_HOST="127.0.0.1", EMAIL_PORT=port, DEFAULT_FROM_EMAIL="Shop <shop@trial.example>",
    SERVER_EMAIL="root@trial.example", ADMINS=[("Ada", "ada@dest.example")], EMAIL_SUBJECT_PREFIX="[shop] ",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "django.contrib.admin"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
)
urlpatterns = [path("reset/<uidb64>/<token>/", lambda request: None, name="password_reset_confirm")]
django.setup()

from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.models import User
from django.core.mail import EmailMessage, EmailMultiAlternatives, mail_managers, send_mass_mail
from django.core.management import call_command
from django.utils.log import AdminEmailHandler

# The reset, by the form behind the "forgot password" page.
call_command("migrate", verbosity=0)
User.objects.create_user("ada", "ada@dest.example", "secret")
form = PasswordResetForm({"email": "ada@dest.example"})
assert form.is_valid()
form.save(domain_override="shop.trial.example")

# The error mail, by the handler that production settings log to.
log = logging.getLogger("trial")
log.addHandler(AdminEmailHandler())
log.propagate = False
try:
    {}["missing"]
except KeyError:
    log.exception("Internal Server Error: /cart")

settings.MANAGERS = settings.ADMINS
mail_managers("broken link", "on /cart")

# Newsletters.
EmailMessage("newsletter with List-Id", "Hello", to=["ada@dest.example"], headers={"List-Id": "Shop news <news.trial.example>"}).send()
letter = EmailMultiAlternatives("newsletter with a link", "Hello", to=["ada@dest.example"], headers={
    "List-Unsubscribe": "<https://shop.trial.example/leave/1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"})
letter.attach_alternative("<p>Hello</p>", "text/html")
letter.send()
EmailMessage("newsletter with the control field", "Hello", to=["ada@dest.example"], headers={"X-Offramp-List": "Offers <offers.trial.example>"}).send()

# What says nothing of a list is not one, and a hint is not enough.
send_mass_mail([("mass mail without a mark", "Hello", None, ["ada@dest.example"])])
EmailMessage("receipt with Precedence", "Paid", to=["ada@dest.example"], headers={"Precedence": "bulk"}).send()
EmailMessage("code with a mailto", "123456", to=["ada@dest.example"], headers={"List-Unsubscribe": "<mailto:leave@trial.example>"}).send()
EmailMessage("order with the control field", "Paid", to=["ada@dest.example"],
             headers={"X-Offramp-List": "transactional", "List-Id": "<news.trial.example>"}).send()
