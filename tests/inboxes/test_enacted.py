"""What the sandbox enacts, adapters read: each callback is recognised, is about its inbox, and says what was meant."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxes import channels
from inboxes.channels import enacted
from inboxes.channels.enacted.actor import Scene
from inboxes.channels.incoming import IncomingFile, Place, Receipt, Said, Sender
from inboxes.channels.mails import threads
from inboxes.channels.outcomes import Rejected, Sent
from inboxes.channels.outgoing import Mail, Outgoing

AT = datetime(2026, 11, 20, 20, 0, 5, tzinfo=UTC)
SEED = UUID("0123456789abcdef0123456789abcdef")
URL = "https://chat.example.com/inbound/x/abc"
FILE = "https://files.example.com/a.jpg"
META = {"app_secret": "app-secret", "verify_token": "verify-token"}
PAGE = {**META, "page_id": "112233", "page_access_token": "page-token"}
MAIL = {"from_address": "help@acme.test", "smtp_host": "mx.acme.test"}
# kind, settings, an address of somebody, whether names are told
STAGES = {
    "telegram": ("telegram", {"bot_token": "42:abc", "callback_secret": "s3cret"}, "42", True),
    "whatsapp": (
        "whatsapp",
        {**META, "phone_number_id": "777", "waba_id": "888", "access_token": "t"},
        "+212600000001",
        True,
    ),
    "whatsapp user id": ("whatsapp", {**META, "phone_number_id": "777", "access_token": "t"}, "US.1349120865530", True),
    "twilio": (
        "sms",
        {"provider": "twilio", "account_sid": "AC12", "auth_token": "tok", "from": "+15005550006"},
        "+212600000001",
        True,
    ),
    "twilio service": (
        "sms",
        {"provider": "twilio", "account_sid": "AC12", "auth_token": "tok", "messaging_service_sid": "MG12"},
        "+212600000001",
        True,
    ),
    "vonage": (
        "sms",
        {"provider": "vonage", "api_key": "k", "api_secret": "s", "from": "+14155550100", "signature_secret": "z" * 32},
        "+212600000001",
        True,
    ),
    "messenger": ("messenger", PAGE, "998877", False),
    "instagram": ("instagram", PAGE, "998877", False),
    "line": (
        "line",
        {"channel_access_token": "t", "channel_secret": "s", "bot_user_id": "Ubot"},
        "U0123456789abcdef0123456789abcdef",
        False,
    ),
    "line group": ("line", {"channel_access_token": "t", "channel_secret": "s"}, "C" + "0" * 32, False),
    "email": ("email", {**MAIL, "inbound_secret": "letter-box"}, "amine@example.test", True),
    "email by mailgun": (
        "email",
        {**MAIL, "provider": "mailgun", "api_key": "k", "inbound_secret": "letter-box", "webhook_signing_key": "sign"},
        "amine@example.test",
        True,
    ),
    "email by postmark": (
        "email",
        {**MAIL, "provider": "postmark", "api_key": "k", "inbound_secret": "letter-box"},
        "amine@example.test",
        True,
    ),
}
MAILS = [name for name in STAGES if name.startswith("email")]
OTHERS = [name for name in STAGES if not name.startswith("email")]
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=60).filter(
    lambda text: text.strip() == text and text
)


class Stage:
    """One inbox whose provider is enacted."""

    def __init__(self, name):
        self.name = name
        kind, settings, self.address, self.tells_names = STAGES[name]
        self.channel = channels.find(kind)
        self.settings = self.channel.completed(settings)
        self.actor = enacted.actor_for(kind, self.settings)
        self.scene = Scene(self.settings, URL, AT)

    def sender(self, name=""):
        phone = self.address if self.address.startswith("+") else ""
        return Sender(self.address, name if self.tells_names else "", [], phone)

    def said(self, **content):
        said_id = self.actor.said_id(self.address, SEED, is_choice="choice" in content)
        return Said(said_id, self.sender("Amine Alaoui"), AT, **content)

    def sent_id(self):
        return self.actor.sent_id(self.address, SEED)

    def heard(self, callback):
        """Take a callback as the door does, and return what it says."""
        assert self.channel.signature_of(callback, self.settings)
        assert self.channel.recognises(callback, self.settings)
        assert self.channel.concerns(callback, self.settings)
        return list(self.channel.read(callback, self.settings))


def plain(told):
    """Return what was said as JSON, which knows no tuples."""
    return json.loads(json.dumps([asdict(each) for each in told], default=str))


def test_every_provider_is_played():
    carried = {channel.kind for channel in channels.CHANNELS if channel.is_carried}

    assert {kind for kind, _ in enacted.ACTORS} == carried


def test_nobody_plays_where_clients_of_ours_are():
    assert enacted.actor_for("api", {}) is None
    assert enacted.actor_for("web", {}) is None


@pytest.mark.parametrize("name", OTHERS)
class TestSaid:
    @settings(max_examples=20)
    @given(text=WORDS)
    def test_words_arrive_as_they_were_said(self, name, text):
        stage = Stage(name)
        said = stage.said(text=text)

        assert plain(stage.heard(stage.actor.said(said, stage.scene))) == plain([said])

    @settings(max_examples=20)
    @given(title=WORDS, choice=st.text("abcXYZ0189_-", min_size=1, max_size=40))
    def test_a_button_brings_its_id_and_its_title(self, name, title, choice):
        stage = Stage(name)
        answered = "" if name.startswith("line") or name in {"messenger", "instagram"} else stage.sent_id()
        said = stage.said(text=title, choice=choice, reply_to=answered)

        assert plain(stage.heard(stage.actor.said(said, stage.scene))) == plain([said])

    @settings(max_examples=20)
    @given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
    def test_a_place_is_where_it_was(self, name, latitude, longitude):
        stage = Stage(name)
        said = stage.said(places=[Place(latitude, longitude)])

        assert plain(stage.heard(stage.actor.said(said, stage.scene))) == plain([said])

    @pytest.mark.parametrize("kind", ["image", "video", "audio", "file"])
    def test_a_file_is_found_by_its_address(self, name, kind):
        stage = Stage(name)
        said = stage.said(files=[IncomingFile(kind, FILE)])

        [heard] = stage.heard(stage.actor.said(said, stage.scene))

        [file] = heard.files
        assert file.reference == FILE
        assert file.kind == ("file" if name.startswith("twilio") else kind)  # Twilio tells the type alone

    def test_an_answer_names_what_it_answers(self, name):
        stage = Stage(name)
        said = stage.said(text="Yes", reply_to=stage.actor.sent_id(stage.address, UUID(int=7)))

        [heard] = stage.heard(stage.actor.said(said, stage.scene))

        assert heard.reply_to == said.reply_to

    def test_nobody_else_can_sign_it(self, name):
        stage = Stage(name)
        secrets = {each.name for each in stage.channel.settings if each.is_secret}
        others = {key: "another" if key in secrets else value for key, value in stage.settings.items()}

        forged = stage.actor.said(stage.said(text="Hello"), Scene(others, URL, AT))

        assert not stage.channel.recognises(forged, stage.settings)


@pytest.mark.parametrize("name", MAILS)
class TestMail:
    @settings(max_examples=20)
    @given(text=WORDS.filter(lambda text: not text.startswith(">")), subject=WORDS)
    def test_arrives_as_it_was_written(self, name, text, subject):
        stage = Stage(name)
        said = stage.said(text=text, mail={"subject": subject})

        [heard] = stage.heard(stage.actor.said(said, stage.scene))

        claimed = replace(said.sender, is_claimed=True)  # nobody has vouched for who wrote a mail
        assert (heard.id, heard.at, plain([heard.sender])) == (said.id, said.at, plain([claimed]))
        assert heard.mail["text"] == text
        assert heard.mail["subject"] == " ".join(subject.split())
        assert not heard.mail["is_automatic"]

    def test_brings_its_files(self, name):
        stage = Stage(name)
        file = IncomingFile("image", filename="a.png", content_type="image/png", content=b"\x89PNG\r\n")

        [heard] = stage.heard(stage.actor.said(stage.said(text="Look", files=[file]), stage.scene))

        assert heard.files == [file]

    def test_answers_a_mail_of_ours(self, name):
        stage = Stage(name)
        ours = threads.message_id("msg_zaZfbrEjZk9w", "acme.test")

        [heard] = stage.heard(stage.actor.said(stage.said(text="Yes", reply_to=ours), stage.scene))

        assert heard.mail["our_message_ids"] == ["msg_zaZfbrEjZk9w"]


TOLD = [(name, status) for name in STAGES for status in sorted(Stage(name).actor.told(Stage(name).settings))]


@pytest.mark.parametrize(("name", "status"), TOLD)
def test_a_receipt_says_what_became_of_which_message(name, status):
    stage = Stage(name)
    failure = stage.actor.undelivered if status == "failed" else None
    meant = Receipt(status, AT, stage.sent_id(), "msg_zaZfbrEjZk9w", stage.address, failure=failure)

    [heard, *_] = stage.heard(stage.actor.receipt(meant, stage.scene))

    assert (heard.status, heard.at, heard.failure) == (meant.status, meant.at, meant.failure)
    assert heard.provider_id == meant.provider_id or heard.message_id == meant.message_id or heard.watermark == AT
    assert heard.address in {meant.address, ""}


@pytest.mark.parametrize(("name", "status"), TOLD)
def test_a_receipt_names_the_message_whose_answer_was_lost(name, status):
    stage = Stage(name)
    if not (stage.channel.limits(stage.settings).echoes_id and status in {"sent", "delivered"}):
        pytest.skip("It brings no id of ours.")
    if name == "messenger" and status != "sent":
        pytest.skip("Only an echo does.")
    meant = Receipt(status, AT, stage.sent_id(), "msg_zaZfbrEjZk9w", stage.address)

    [heard, *_] = stage.heard(stage.actor.receipt(meant, stage.scene))

    assert heard.message_id == "msg_zaZfbrEjZk9w"


@pytest.mark.parametrize("name", STAGES)
class TestAnswers:
    @pytest.fixture
    def stage(self, name):
        return Stage(name)

    @pytest.fixture
    def outgoing(self, stage):
        return Outgoing("msg_zaZfbrEjZk9w", SEED, stage.address, "text", "Hello", mail=Mail(subject="Hello"))

    def test_what_is_taken_is_sent_under_an_id(self, stage, outgoing):
        reply = stage.actor.taken(stage.channel.order(outgoing, stage.settings), outgoing, SEED)

        outcome = stage.channel.judge(reply, outgoing)

        assert isinstance(outcome, Sent)
        assert outcome.provider_id
        assert not outcome.aliases

    def test_what_is_refused_is_refused_for_good(self, stage, outgoing):
        outcome = stage.channel.judge(stage.actor.refused(), outgoing)

        assert isinstance(outcome, Rejected)
        assert outcome.code == "recipient_not_reachable"
        assert not outcome.suppresses
        assert not outcome.disconnects
