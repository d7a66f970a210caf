"""Hands e-mails to a mail server, with the headers of one-click refusal (RFC 8058)."""

from __future__ import annotations

import datetime as dt
import smtplib
import ssl
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from django.utils.translation import gettext_lazy as _

from zhike.kernel import clock
from zhike.messaging.ports import Account, AccountField, Answer, Letter, Refused, TryLater, Unsure

TIMEOUT_S = 15.0


class Smtp:
    """A gateway (``messaging.ports``). One connection carries the messages of a call."""

    vendor = "smtp"
    name = "SMTP"
    channel = "email"
    batch_max = 50
    shares_values = False
    needs_template = False
    fields = (
        AccountField("host", _("Server")),
        AccountField("port", _("Port"), default="465"),
        AccountField(
            "security", _("Encryption"), _("tls, starttls, or none on this machine."), default="tls"
        ),
        AccountField("user", _("User name"), is_required=False),
        AccountField("password", _("Password"), is_secret=True, is_required=False),
        AccountField("sender", _("Sender's address")),
        AccountField("sender_name", _("Sender's name"), is_required=False),
    )

    def send(self, account: Account, key: str, letters: Sequence[Letter]) -> list[Answer]:
        """One answer each. A connection that breaks in the middle of a message leaves that one without an answer."""
        server = self._connect(account)
        answers = []
        try:
            for letter in letters:
                answers.append(_send_one(server, account, key, letter))
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            if not answers:
                raise Unsure(type(error).__name__) from error
        finally:
            server.close()
        return answers

    def find(
        self, account: Account, key: str, letters: Sequence[Letter], sent_at: dt.datetime
    ) -> list[Answer] | None:
        """A mail server cannot be asked."""
        return None

    def lint(self, body: str, kind: str) -> list[str]:
        return []

    def _connect(self, account: Account) -> smtplib.SMTP:
        given = account.settings
        is_local = given["host"] in ("127.0.0.1", "localhost", "::1")
        if given["security"] not in ("tls", "starttls") and not is_local:
            raise Refused("plain_smtp", str(_("Only an encrypted connection is safe enough for this.")))
        try:
            context = ssl.create_default_context()
            if given["security"] == "tls":
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    given["host"], int(given["port"]), timeout=TIMEOUT_S, context=context
                )
            else:
                server = smtplib.SMTP(given["host"], int(given["port"]), timeout=TIMEOUT_S)
            if given["security"] == "starttls":
                server.starttls(context=context)
            if given.get("user"):
                server.login(given["user"], account.secrets.get("password", ""))
        except smtplib.SMTPAuthenticationError as error:
            raise Refused(str(error.smtp_code), "authentication") from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise TryLater(type(error).__name__, 60.0) from error
        return server


def _send_one(server: smtplib.SMTP, account: Account, key: str, letter: Letter) -> Answer:
    mail = build(account, key, letter)
    try:
        server.send_message(mail)
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        return Answer(letter.message_id, False, code=str(code), text=text.decode(errors="replace"))
    except smtplib.SMTPResponseException as error:
        return Answer(letter.message_id, False, code=str(error.smtp_code))
    return Answer(letter.message_id, True, str(mail["Message-ID"]))


def build(account: Account, key: str, letter: Letter) -> EmailMessage:
    """The whole e-mail. An offer says how to end offers with one click; a code does not."""
    given = account.settings
    name, _at, domain = given["sender"].partition("@")
    mail = EmailMessage()
    mail["From"] = Address(given.get("sender_name", ""), name, domain)
    mail["To"] = letter.to
    mail["Subject"] = letter.title or letter.text[:60]
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = f"<{key}.{letter.message_id}@{domain}>"
    text = letter.text
    if letter.refusal_url:
        mail["List-Unsubscribe"] = f"<{letter.refusal_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        text += f"\n\n{_('No more offers')}: {letter.refusal_url}"
    mail.set_content(text)
    return mail
