"""What the service context tells the log. The subject is the person where there is one, so it stands on their timeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zhike.kernel.events.base import Fact


@dataclass(frozen=True, slots=True)
class _OfTicket(Fact):
    ticket_id: int
    number: str
    person_id: int | None
    mall_id: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}" if self.person_id else f"ticket/{self.ticket_id}"


@dataclass(frozen=True, slots=True)
class TicketOpened(_OfTicket):
    type: ClassVar[str] = "zhike.service.ticket_opened"
    kind: str
    severity: str
    channel: str
    merchant_id: int | None
    receipt_id: str | None
    repeat_of: int | None


@dataclass(frozen=True, slots=True)
class TicketAnswered(_OfTicket):
    """Somebody of ours answered the member; ``is_first`` the first time."""

    type: ClassVar[str] = "zhike.service.ticket_answered"
    is_first: bool


@dataclass(frozen=True, slots=True)
class TicketAssigned(_OfTicket):
    type: ClassVar[str] = "zhike.service.ticket_assigned"
    staff_id: int | None
    department_id: int | None


@dataclass(frozen=True, slots=True)
class TicketClassified(_OfTicket):
    type: ClassVar[str] = "zhike.service.ticket_classified"
    kind: str
    severity: str
    merchant_id: int | None
    cause_id: int | None


@dataclass(frozen=True, slots=True)
class TicketPaused(_OfTicket):
    """It waits for the member; ``waits`` is false once it goes on."""

    type: ClassVar[str] = "zhike.service.ticket_paused"
    waits: bool


@dataclass(frozen=True, slots=True)
class TicketResolved(_OfTicket):
    type: ClassVar[str] = "zhike.service.ticket_resolved"
    in_time: bool | None


@dataclass(frozen=True, slots=True)
class TicketClosed(_OfTicket):
    type: ClassVar[str] = "zhike.service.ticket_closed"
    by_member: bool


@dataclass(frozen=True, slots=True)
class TicketReopened(_OfTicket):
    type: ClassVar[str] = "zhike.service.ticket_reopened"
    times: int


@dataclass(frozen=True, slots=True)
class TicketMerged(_OfTicket):
    type: ClassVar[str] = "zhike.service.ticket_merged"
    into_id: int


@dataclass(frozen=True, slots=True)
class DeadlineCalled(_OfTicket):
    """A promise is in danger ("warning"), broken ("breach") or still broken ("escalation"); ``role`` was told."""

    type: ClassVar[str] = "zhike.service.deadline_called"
    clock: str
    level: str
    role: str


@dataclass(frozen=True, slots=True)
class StaffTold(Fact):
    """One of us was written to about alerts (``message_id`` of messaging)."""

    type: ClassVar[str] = "zhike.service.staff_told"
    staff_id: int
    message_id: int
    alert_ids: tuple[int, ...]

    @property
    def subject(self) -> str:
        return f"staff/{self.staff_id}"


@dataclass(frozen=True, slots=True)
class _OfCompensation(_OfTicket):
    compensation_id: int


@dataclass(frozen=True, slots=True)
class CompensationProposed(_OfCompensation):
    type: ClassVar[str] = "zhike.service.compensation_proposed"
    kind: str
    cost_fen: int


@dataclass(frozen=True, slots=True)
class CompensationDecided(_OfCompensation):
    type: ClassVar[str] = "zhike.service.compensation_decided"
    approved: bool


@dataclass(frozen=True, slots=True)
class CompensationGiven(_OfCompensation):
    """Amends were carried out: ``amount`` points, fen or pieces at ``cost_fen`` for ``payer`` ("mall:3", "merchant:12")."""

    type: ClassVar[str] = "zhike.service.compensation_given"
    kind: str
    amount: int
    cost_fen: int
    payer: str
    merchant_id: int | None
    cause_id: int | None


@dataclass(frozen=True, slots=True)
class CompensationReversed(_OfCompensation):
    """``state`` is withdrawn (nothing had been given) or reversed (it was taken back)."""

    type: ClassVar[str] = "zhike.service.compensation_reversed"
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class CompensationTermsChanged(Fact):
    """The catalogue or the authorities changed; ``key`` is the item's code or the role."""

    type: ClassVar[str] = "zhike.service.compensation_terms_changed"
    group_id: int
    key: str

    @property
    def subject(self) -> str:
        return f"group/{self.group_id}"


@dataclass(frozen=True, slots=True)
class TaskOpened(Fact):
    type: ClassVar[str] = "zhike.service.task_opened"
    task_id: int
    kind: str
    ticket_id: int | None
    mall_id: int
    merchant_id: int | None

    @property
    def subject(self) -> str:
        return f"task/{self.task_id}"


@dataclass(frozen=True, slots=True)
class TaskFinished(Fact):
    type: ClassVar[str] = "zhike.service.task_finished"
    task_id: int
    kind: str
    ticket_id: int | None
    outcome: str

    @property
    def subject(self) -> str:
        return f"task/{self.task_id}"


@dataclass(frozen=True, slots=True)
class SurveyAsked(Fact):
    """Somebody will be asked; ``ticket_id`` what about, where it is about a ticket."""

    type: ClassVar[str] = "zhike.service.survey_asked"
    person_id: int
    survey_id: int
    invitation_id: int
    ticket_id: int | None

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class SurveyAnswered(Fact):
    """``verdict`` is low, high or "" by the scale of ``kind`` (csat, nps, ces)."""

    type: ClassVar[str] = "zhike.service.survey_answered"
    answer_id: int
    survey_id: int
    kind: str
    score: int
    verdict: str
    person_id: int | None
    ticket_id: int | None
    mall_id: int | None
    merchant_id: int | None

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}" if self.person_id else f"survey/{self.survey_id}"


@dataclass(frozen=True, slots=True)
class PromoterFound(Fact):
    """A member is so content that they may be asked to recommend us."""

    type: ClassVar[str] = "zhike.service.promoter_found"
    person_id: int
    survey_id: int
    score: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class VerbatimRead(Fact):
    """What somebody said was read: ``source`` is answer, ticket or chat; ``sentiment`` positive, neutral or negative."""

    type: ClassVar[str] = "zhike.service.verbatim_read"
    verbatim_id: int
    person_id: int | None
    mall_id: int | None
    source: str
    sentiment: str
    topics: tuple[str, ...]

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}" if self.person_id else f"verbatim/{self.verbatim_id}"


@dataclass(frozen=True, slots=True)
class VerbatimDecided(Fact):
    """One of us said how a comment is to be read."""

    type: ClassVar[str] = "zhike.service.verbatim_decided"
    verbatim_id: int
    mall_id: int | None
    sentiment: str
    topics: tuple[str, ...]

    @property
    def subject(self) -> str:
        return f"verbatim/{self.verbatim_id}"


@dataclass(frozen=True, slots=True)
class SurveyPublished(Fact):
    type: ClassVar[str] = "zhike.service.survey_published"
    survey_id: int
    version: int

    @property
    def subject(self) -> str:
        return f"survey/{self.survey_id}"


@dataclass(frozen=True, slots=True)
class ImprovementBegun(Fact):
    """Something is done about a cause or a merchant."""

    type: ClassVar[str] = "zhike.service.improvement_begun"
    action_id: int
    mall_id: int
    cause_id: int | None
    merchant_id: int | None

    @property
    def subject(self) -> str:
        return f"mall/{self.mall_id}"


@dataclass(frozen=True, slots=True)
class ImprovementDone(Fact):
    type: ClassVar[str] = "zhike.service.improvement_done"
    action_id: int
    mall_id: int

    @property
    def subject(self) -> str:
        return f"mall/{self.mall_id}"


@dataclass(frozen=True, slots=True)
class PolicyPublished(Fact):
    type: ClassVar[str] = "zhike.service.policy_published"
    group_id: int
    version: int

    @property
    def subject(self) -> str:
        return f"group/{self.group_id}"


@dataclass(frozen=True, slots=True)
class CalendarPublished(Fact):
    type: ClassVar[str] = "zhike.service.calendar_published"
    group_id: int
    code: str
    version: int

    @property
    def subject(self) -> str:
        return f"group/{self.group_id}"


@dataclass(frozen=True, slots=True)
class HolidaysLoaded(Fact):
    type: ClassVar[str] = "zhike.service.holidays_loaded"
    region: str
    year: int
    days: int

    @property
    def subject(self) -> str:
        return f"region/{self.region}"


@dataclass(frozen=True, slots=True)
class _OfConversation(Fact):
    conversation_id: int
    number: str
    person_id: int
    mall_id: int

    @property
    def subject(self) -> str:
        return f"person/{self.person_id}"


@dataclass(frozen=True, slots=True)
class ConversationStarted(_OfConversation):
    type: ClassVar[str] = "zhike.service.conversation_started"
    channel: str


@dataclass(frozen=True, slots=True)
class ConversationQueued(_OfConversation):
    """It waits for one of us; ``reason`` is why the bot handed it over."""

    type: ClassVar[str] = "zhike.service.conversation_queued"
    reason: str
    skill: str


@dataclass(frozen=True, slots=True)
class ConversationAssigned(_OfConversation):
    """``by_itself``: shared out by the program; ``waited_s`` is how long it stood in the queue."""

    type: ClassVar[str] = "zhike.service.conversation_assigned"
    staff_id: int
    by_itself: bool
    waited_s: int | None


@dataclass(frozen=True, slots=True)
class ConversationClosed(_OfConversation):
    """``closed_by`` is member, staff or system; ``helped_by`` who answered: bot, staff, both or nobody."""

    type: ClassVar[str] = "zhike.service.conversation_closed"
    closed_by: str
    helped_by: str
    messages: int
    ticket_id: int | None


@dataclass(frozen=True, slots=True)
class AnswerNotDelivered(_OfConversation):
    """An answer of ours did not go out ("failed"), came back ("bounced") or may be lost ("unsure"); ``code`` is the vendor's."""

    type: ClassVar[str] = "zhike.service.answer_not_delivered"
    message: int
    state: str
    code: str


@dataclass(frozen=True, slots=True)
class LineChanged(Fact):
    """A way in for customers was opened or changed."""

    type: ClassVar[str] = "zhike.service.line_changed"
    line_id: int
    mall_id: int
    channel: str
    is_active: bool

    @property
    def subject(self) -> str:
        return f"mall/{self.mall_id}"


@dataclass(frozen=True, slots=True)
class AfterSaleApplied(_OfTicket):
    """Somebody wants goods of a receipt taken back, exchanged or mended (``kind`` return, exchange, repair)."""

    type: ClassVar[str] = "zhike.service.after_sale_applied"
    kind: str
    reason: str
    merchant_id: int | None
    receipt_id: str


@dataclass(frozen=True, slots=True)
class AfterSaleMoved(_OfTicket):
    """The next step; ``return_id`` is the return that was posted when ``state`` is refunded."""

    type: ClassVar[str] = "zhike.service.after_sale_moved"
    kind: str
    state: str
    refund_fen: int
    return_id: str | None


@dataclass(frozen=True, slots=True)
class AfterSalesPublished(Fact):
    """New terms for goods that come back."""

    type: ClassVar[str] = "zhike.service.after_sales_published"
    group_id: int
    version: int

    @property
    def subject(self) -> str:
        return f"group/{self.group_id}"


@dataclass(frozen=True, slots=True)
class WordsNoticed(_OfConversation):
    """A watched word was said by ``speaker`` (member, staff); never which one."""

    type: ClassVar[str] = "zhike.service.words_noticed"
    alert_id: int
    category: str
    severity: str
    speaker: str


@dataclass(frozen=True, slots=True)
class _OfQuality(Fact):
    """About work of our own people: the subject is the conversation looked at, never its member."""

    pick_id: int
    conversation_id: int
    number: str
    mall_id: int
    staff_id: int | None

    @property
    def subject(self) -> str:
        return f"conversation/{self.conversation_id}"


@dataclass(frozen=True, slots=True)
class QualityReviewed(_OfQuality):
    """A review stands; ``score`` in tenths of a percent, ``seat`` whose it is (first, second, appeal)."""

    type: ClassVar[str] = "zhike.service.quality_reviewed"
    seat: str
    version: int
    score: int
    fatal: bool


@dataclass(frozen=True, slots=True)
class QualityAppealed(_OfQuality):
    type: ClassVar[str] = "zhike.service.quality_appealed"
    score: int


@dataclass(frozen=True, slots=True)
class QualityAppealDecided(_OfQuality):
    """``outcome`` is upheld (the review stands) or changed; ``score`` is what holds from now on."""

    type: ClassVar[str] = "zhike.service.quality_appeal_decided"
    outcome: str
    score: int


@dataclass(frozen=True, slots=True)
class QualityDrawn(Fact):
    """A week of a mall was drawn: ``picks`` of ``population`` conversations; anybody can repeat it with the seed."""

    type: ClassVar[str] = "zhike.service.quality_drawn"
    draw_id: int
    mall_id: int
    week: str
    seed: str
    population: int
    picks: int

    @property
    def subject(self) -> str:
        return f"mall/{self.mall_id}"


@dataclass(frozen=True, slots=True)
class QualityTermsPublished(Fact):
    """A new version of a checklist (its code) or of a mall's plan ("plan:3")."""

    type: ClassVar[str] = "zhike.service.quality_terms_published"
    group_id: int
    key: str
    version: int

    @property
    def subject(self) -> str:
        return f"group/{self.group_id}"


@dataclass(frozen=True, slots=True)
class CoachingNoted(Fact):
    """Something was agreed with one of us, about a conversation looked at or in general."""

    type: ClassVar[str] = "zhike.service.coaching_noted"
    note_id: int
    staff_id: int
    mall_id: int
    pick_id: int | None

    @property
    def subject(self) -> str:
        return f"staff/{self.staff_id}"
