"""How did it go? The survey of a closed conversation, as JSON and as a page that needs no script."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from conversations.api.public import dialect, parameters
from conversations.api.public.door import client_ip, refuse_exceeded, resource, shown
from conversations.errors import SurveyOver
from conversations.models import Conversation, Message, SurveyAnswer
from conversations.queries import enter_by_uuid, shown_messages
from conversations.services import answers
from core import throttle
from core.errors import DomainError, NotFound
from events.event import Actor

FACES = {5: "😄 Very good", 4: "🙂 Good", 3: "😐 So-so", 2: "🙁 Bad", 1: "😞 Very bad"}
PAGES_A_MINUTE = 60
LONGEST_FEEDBACK = 5000
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


def show_survey(_request: HttpRequest, uuid: str) -> HttpResponse:
    """``GET csat_survey/{uuid}``"""
    return _shown(_question(uuid))


def answer_survey(request: HttpRequest, uuid: str) -> HttpResponse:
    """``PATCH csat_survey/{uuid}``: the answer is wrapped in ``message``."""
    asked = _question(uuid)
    given = parameters.read(request).below("message").raw("submitted_values")
    return _shown(_answered(asked, answers.read(given)))


@csrf_exempt  # the uuid is the credential; no cookie is looked at
@require_http_methods(["GET", "POST"])
def survey_page(request: HttpRequest, uuid: str) -> HttpResponse:
    """``/survey/responses/{uuid}``: the page a person opens."""
    refuse_exceeded([throttle.Limit(f"client:survey-page:{client_ip(request)}", PAGES_A_MINUTE)])
    try:
        asked, problem = _question(uuid), ""
    except NotFound:
        raise Http404 from None
    if request.method == "POST":
        try:
            said = parameters.read(request)
            answer = {
                "rating": said.text("rating"),
                "feedback_message": (said.text("feedback") or "")[:LONGEST_FEEDBACK],
            }
            _answered(asked, answers.read({"csat_survey_response": answer}))
        except SurveyOver:
            problem = "This survey is over; thank you all the same."
        except DomainError:
            problem = "Please choose one of the faces."
        else:
            return HttpResponseRedirect(request.path)
    return _page(request, asked, problem)


def _page(request: HttpRequest, asked: Message, problem: str) -> HttpResponse:
    answer = _answer_to(asked)
    facts = {
        "inbox_name": asked.conversation.inbox.name,
        "faces": FACES.items(),
        "answer": answer,
        "problem": problem,
    }
    page = render(request, "conversations/survey.html", facts, status=422 if problem else 200)
    for name, value in PAGE_HEADERS.items():
        page[name] = value
    return page


def _question(name: str) -> Message:
    """Return the survey of the conversation with that uuid, its tenant bound. Raises NotFound."""
    try:
        wanted = UUID(name)
    except ValueError:
        raise NotFound("No such survey.") from None
    talk = enter_by_uuid(wanted)
    asked = shown_messages(talk).filter(content_type="input_csat").order_by("id").first() if talk else None
    if talk is None or asked is None:
        raise NotFound("No such survey.")
    asked.conversation = talk
    return asked


def _answered(asked: Message, values: object) -> Message:
    talk: Conversation = asked.conversation
    who = Actor("user", talk.contact.public_id)
    return answers.submit(conversation=talk, message=asked, values=values, actor=who)


def _answer_to(asked: Message) -> SurveyAnswer | None:
    return SurveyAnswer.of(asked.conversation.environment).filter(message=asked).first()


def _shown(asked: Message) -> HttpResponse:
    return shown(dialect.survey(asked, _answer_to(asked)))


survey = resource(get=show_survey, patch=answer_survey, put=answer_survey)
