"""Mails and their leases: what waited too long for a thread is left to whoever has it next."""

import time

from inboxes.channels.mails.writing import SMTP_BACKEND
from inboxes.channels.outgoing import MailOrder
from inboxes.transport.accidents import NOT_SENT, OUR_FAULT
from outbound.services.calling import SPARE_SECONDS, hand_in

NOBODY = {"host": "127.0.0.1", "port": 1, "security": "none", "username": "", "password": ""}
ORDER = MailOrder(SMTP_BACKEND, NOBODY, sender="shop@example.com", to="ana@example.com", subject="Hi", text="Hello")


class TestAMail:
    def test_is_handed_in_while_its_lease_lasts(self):
        lasts = time.monotonic() + ORDER.seconds + SPARE_SECONDS + 10

        assert hand_in(ORDER, lasts).kind == NOT_SENT  # nobody listens there, so it was tried

    def test_is_not_when_the_answer_might_come_after_it(self):
        ends = time.monotonic() + ORDER.seconds

        assert hand_in(ORDER, ends).kind == OUR_FAULT
