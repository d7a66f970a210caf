"""What is typed at the counter. Every form that changes something carries its token."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, RegexValidator
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from zhike.kernel.money import FEN_MAX, NotAnAmount, fen_from_text
from zhike.offers.queries import PricedLine
from zhike.ui.components import labels, service
from zhike.ui.components.consents import ConsentForm
from zhike.ui.counter.once import TokenForm

TENDERS = list(labels.TENDERS.items())
SEXES = list(labels.SEXES.items())
REVERSAL_REASONS = [
    ("changed-mind", _("The customer changed their mind")),
    ("wrong-amount", _("The amount was wrong")),
    ("wrong-member", _("The member was wrong")),
    ("goods-returned", _("The goods were returned")),
]
LINES_MAX = 50
QUANTITY_MAX = Decimal(100_000)
BIG = {"class": "btn-big"}
RADIO = {"class": "radio radio-primary radio-sm"}


def amount_fen(text: str) -> int:
    """Fen of what was typed, above zero. Raises ValidationError."""
    try:
        fen = fen_from_text(text.replace(",", "").replace("¥", ""))
    except NotAnAmount as problem:
        raise forms.ValidationError(problem.sentence, code=problem.code) from None
    if not 0 < fen <= FEN_MAX:
        raise forms.ValidationError(_("Enter an amount above zero."), code="not-positive")
    return fen


class AmountField(forms.CharField):
    """Yuan as typed, fen when cleaned; None when left empty."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"inputmode": "decimal", "autocomplete": "off", **BIG}
        super().__init__(max_length=20, widget=forms.TextInput(attrs=attrs), **kwargs)

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        return amount_fen(text) if text else None


class FindForm(forms.Form):
    q = forms.CharField(
        label=_("Phone, card, code or name"),
        max_length=240,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "enterkeyhint": "search",
                "data-scan": "",
                "autofocus": True,
                "inputmode": "none",
                "x-ref": "input",
                **BIG,
            }
        ),
    )


class PlaceForm(forms.Form):
    place = forms.ChoiceField(label=_("Where does this till stand?"), widget=forms.Select(attrs=BIG))
    name = forms.CharField(
        label=_("Number of the till"),
        max_length=40,
        initial="1",
        validators=[RegexValidator(r"^[\w .-]+$", _("Letters, digits, dots and dashes only."))],
        widget=forms.TextInput(attrs={"autocomplete": "off", **BIG}),
    )

    def __init__(self, *args: Any, places: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"].choices = places  # type: ignore[attr-defined]


class EnrolPhoneForm(forms.Form):
    phone = forms.CharField(
        label=_("Phone number"),
        max_length=24,
        widget=forms.TextInput(
            attrs={
                "type": "tel",
                "inputmode": "none",
                "autocomplete": "off",
                "autofocus": True,
                "x-ref": "input",
                **BIG,
            }
        ),
    )


class EnrolCodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code on the customer's phone"),
        validators=[RegexValidator(r"^[0-9]{4,8}$", _("The code has digits only."))],
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "off", "autofocus": True, **BIG}
        ),
    )


class EnrolForm(TokenForm, ConsentForm):
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True, **BIG}),
    )
    sex = forms.ChoiceField(label=_("Sex"), choices=SEXES, required=False, widget=forms.Select(attrs=BIG))
    birthday = forms.DateField(
        label=_("Birthday"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date", **BIG}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["birthday"].validators.append(MaxValueValidator(today, _("A birthday lies in the past.")))

    def clean_sex(self) -> str:
        return self.cleaned_data["sex"] or "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """One line as typed."""

    name: str
    quantity: Decimal
    net_fen: int


class ReceiptForm(TokenForm):
    """A receipt as it lies on the counter: an amount, or lines that sum up to it."""

    merchant = forms.ChoiceField(label=_("Merchant"), widget=forms.Select(attrs=BIG))
    number = forms.CharField(
        label=_("Receipt number"),
        max_length=60,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "autofocus": True, **BIG}
        ),
    )
    amount = AmountField(label=_("Amount paid (yuan)"))
    tender = forms.ChoiceField(
        label=_("Paid with"), choices=TENDERS, initial="wechat", widget=forms.RadioSelect(attrs=RADIO)
    )
    second_tender = forms.ChoiceField(
        label=_("A second way of paying"), choices=[("", _("None")), *TENDERS], required=False
    )
    second_amount = AmountField(label=_("Of it paid that way (yuan)"), required=False)
    business_date = forms.DateField(
        label=_("Date on the receipt"),
        widget=forms.DateInput(attrs={"type": "date", **BIG}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    till = forms.CharField(label=_("Till on the receipt"), max_length=40, widget=forms.TextInput(attrs=BIG))

    def __init__(self, *args: Any, merchants: list[tuple[str, Any]], today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        merchant = self.fields["merchant"]
        merchant.choices = merchants  # type: ignore[attr-defined]
        if len(merchants) == 1:
            merchant.initial, merchant.widget = merchants[0][0], forms.HiddenInput()
        limit = MaxValueValidator(today, _("This day has not come yet."))
        self.fields["business_date"].validators.append(limit)
        self.lines: list[Line] = []
        self.fields["amount"].required = not any(self._rows())

    def clean_merchant(self) -> int:
        return int(self.cleaned_data["merchant"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self.lines = list(self._typed_lines())
        if self.lines:
            total = sum(line.net_fen for line in self.lines)
            if data.get("amount") not in (None, total):
                self.add_error("amount", _("The lines do not add up to this amount."))
            data["amount"] = total
        data["lines"] = [(line.name, str(line.quantity), line.net_fen) for line in self.lines]
        self._check_second_tender(data)
        return data

    def _check_second_tender(self, data: dict[str, Any]) -> None:
        kind, part, total = data.get("second_tender"), data.get("second_amount"), data.get("amount")
        if bool(kind) != (part is not None) and "second_amount" not in self.errors:
            self.add_error(
                "second_amount", _("A second way of paying needs its amount, and the other way round.")
            )
        elif kind and part is not None and total is not None:
            if kind == data.get("tender"):
                self.add_error("second_tender", _("Choose two different ways of paying."))
            if part >= total:
                self.add_error("second_amount", _("This is not less than the whole amount."))

    def _rows(self) -> Iterator[tuple[int, str, str, str]]:
        """(position, name, quantity, amount) of rows that hold anything; the fields of a row share their position."""
        if not isinstance(self.data, QueryDict):
            return
        columns = [self.data.getlist(name) for name in _LINE_FIELDS]
        for position, (name, quantity, amount) in enumerate(zip(*columns, strict=False), start=1):
            if name.strip() or amount.strip():
                yield position, name, quantity, amount

    def _typed_lines(self) -> Iterator[Line]:
        for position, name, quantity, amount in self._rows():
            if position > LINES_MAX:
                self.add_error(None, _("There are too many lines."))
                return
            if (line := self._line(name, quantity, amount, position)) is not None:
                yield line

    def _line(self, name: str, quantity: str, amount: str, position: int) -> Line | None:
        try:
            number = Decimal(quantity.strip() or "1")
            if not 0 < number <= QUANTITY_MAX or number != round(number, 3):
                raise InvalidOperation
            return Line(name.strip()[:200], number, amount_fen(amount.strip()))
        except (InvalidOperation, forms.ValidationError):
            sentence = _("Line %(position)s: the quantity or the amount cannot be read.")
            self.add_error(None, forms.ValidationError(sentence, params={"position": position}))
            return None

    @property
    def tenders(self) -> list[tuple[str, int]]:
        """(kind, fen), summing up to the amount."""
        data = self.cleaned_data
        part = data["second_amount"] or 0
        first = [(data["tender"], data["amount"] - part)]
        return [*first, (data["second_tender"], part)] if part else first


_LINE_FIELDS = ("line_name", "line_quantity", "line_amount")


class RedeemForm(TokenForm):
    points = forms.IntegerField(
        label=_("How many points"),
        min_value=1,
        max_value=10**9,
        widget=forms.TextInput(
            attrs={
                "inputmode": "none",
                "autocomplete": "off",
                "autofocus": True,
                "x-ref": "input",
                "data-points": "",
                **BIG,
            }
        ),
    )
    reference = forms.CharField(
        label=_("For which receipt"),
        max_length=80,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", **BIG}),
    )
    pool = forms.BooleanField(required=False, label=_("Take them from the household's pool"))
    quote_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    step = forms.ChoiceField(
        choices=[("ask", ""), ("carry-out", "")], initial="ask", widget=forms.HiddenInput
    )


class ReverseForm(TokenForm):
    points = forms.IntegerField(
        label=_("Points to give back"),
        min_value=1,
        max_value=10**9,
        required=False,
        help_text=_("Leave it empty to give back all that is left."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", **BIG}),
    )
    reason = forms.ChoiceField(label=_("Why"), choices=REVERSAL_REASONS, widget=forms.RadioSelect)


class ReceiptSearchForm(forms.Form):
    q = forms.CharField(
        label=_("Receipt number"),
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True, "data-scan": "", **BIG}),
    )
    day = forms.DateField(
        label=_("Date"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date", **BIG}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )


class GiveForm(TokenForm):
    """Which member a receipt without a member belongs to."""

    q = forms.CharField(
        label=_("Phone, card or code of the member"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True, "data-scan": "", **BIG}),
    )


class ClaimForm(TokenForm):
    merchant = forms.ChoiceField(label=_("Merchant"), widget=forms.Select(attrs=BIG))
    number = forms.CharField(
        label=_("Receipt number"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True, **BIG}),
    )
    business_date = forms.DateField(
        label=_("Date on the receipt"),
        widget=forms.DateInput(attrs={"type": "date", **BIG}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )
    amount = AmountField(label=_("Amount paid (yuan)"))

    def __init__(self, *args: Any, merchants: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["merchant"].choices = merchants  # type: ignore[attr-defined]

    def clean_merchant(self) -> int:
        return int(self.cleaned_data["merchant"])


class ReturnForm(TokenForm):
    """How much of each line comes back. `lines` are the sold ones (line_no, left)."""

    def __init__(self, *args: Any, lines: list[tuple[int, Decimal]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.numbers = [number for number, _left in lines]
        for number, left in lines:
            self.fields[f"line-{number}"] = forms.DecimalField(
                required=False,
                min_value=Decimal(0),
                max_value=left,
                max_digits=12,
                decimal_places=3,
                widget=forms.NumberInput(
                    attrs={
                        "inputmode": "decimal",
                        "step": "1",
                        "min": "0",
                        "max": str(left.normalize()),
                        "x-ref": "input",
                        "class": "btn-big text-center",
                    }
                ),
            )

    step = forms.ChoiceField(
        choices=[("ask", ""), ("carry-out", "")], initial="ask", widget=forms.HiddenInput
    )

    @property
    def quantities(self) -> dict[int, Decimal]:
        """What comes back of each line, where anything does."""
        given = {number: self.cleaned_data.get(f"line-{number}") for number in self.numbers}
        return {number: quantity for number, quantity in given.items() if quantity}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors and not self.quantities:
            raise forms.ValidationError(_("Say how much of which line comes back."))
        return data


def _code_field(label: Any) -> forms.CharField:
    """What a scanner types into."""
    attrs = {
        "autocomplete": "off",
        "autocapitalize": "characters",
        "spellcheck": "false",
        "autofocus": True,
        "data-scan": "",
        **BIG,
    }
    return forms.CharField(label=label, max_length=60, widget=forms.TextInput(attrs=attrs))


class CouponCodeForm(forms.Form):
    code = _code_field(_("Code of the coupon"))


class OrderCodeForm(forms.Form):
    code = _code_field(_("Pick-up code"))


class SheetCodeForm(forms.Form):
    code = _code_field(_("After-sales code"))


class AfterSaleStepForm(TokenForm):
    """The next step of goods that come back; what is said about it."""

    act = forms.CharField(max_length=12, widget=forms.HiddenInput)
    note = forms.CharField(
        max_length=500,
        required=False,
        label=_("Note"),
        help_text=_("Why it is refused or not accepted, or what was given in exchange."),
        widget=forms.TextInput(attrs=BIG),
    )


class GiftCodeForm(forms.Form):
    code = _code_field(_("Gift code, receipt number, member code or phone"))


class GiftForm(TokenForm):
    """The gift of one step of a campaign, for the receipts of one basket."""

    campaign = forms.IntegerField(min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)
    step = forms.IntegerField(min_value=0, max_value=100, widget=forms.HiddenInput)
    basket = forms.DateField(widget=forms.HiddenInput)


class GiftBackForm(TokenForm):
    is_good = forms.BooleanField(
        required=False, initial=True, label=_("It is as good as new: back into the stock with it")
    )
    reason = forms.CharField(max_length=200, required=False, label=_("Note"))


class BenefitUseForm(TokenForm):
    """So much of one benefit."""

    benefit = forms.IntegerField(min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)
    quantity = forms.IntegerField(
        min_value=1, max_value=100, initial=1, label=_("How many"), widget=forms.NumberInput(attrs=BIG)
    )
    note = forms.CharField(max_length=120, required=False, label=_("Note"))


class HandOverForm(TokenForm):
    """How the cash part is paid, where there is one."""

    tender = forms.ChoiceField(
        label=_("Paid with"),
        choices=[one for one in TENDERS if one[0] != "points"],
        initial="wechat",
        widget=forms.RadioSelect(attrs=RADIO),
    )

    def __init__(self, *args: Any, needs_cash: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not needs_cash:
            del self.fields["tender"]


class CouponUseForm(TokenForm):
    """What is bought with the coupon. A gift, parking or service needs no amount."""

    merchant = forms.ChoiceField(label=_("Merchant"), widget=forms.Select(attrs=BIG))
    amount = AmountField(label=_("Amount before the coupon (yuan)"))
    number = forms.CharField(
        label=_("Receipt number"),
        max_length=60,
        required=False,
        help_text=_("With it, returned goods bring the coupon back."),
        widget=forms.TextInput(attrs={"autocomplete": "off", **BIG}),
    )
    step = forms.ChoiceField(
        choices=[("ask", ""), ("carry-out", "")], initial="ask", widget=forms.HiddenInput
    )

    def __init__(
        self, *args: Any, merchants: list[tuple[str, str]], needs_amount: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        merchant = self.fields["merchant"]
        merchant.choices = merchants  # type: ignore[attr-defined]
        if len(merchants) == 1:
            merchant.initial, merchant.widget = merchants[0][0], forms.HiddenInput()
        self.fields["amount"].required = needs_amount

    def clean_merchant(self) -> int:
        return int(self.cleaned_data["merchant"])


class TicketForm(TokenForm):
    """What the customer in front of us says is wrong."""

    type = forms.ChoiceField(label=_("Kind of matter"), choices=list(service.TYPES.items()))
    severity = forms.ChoiceField(label=_("How grave"), choices=list(service.SEVERITIES.items()))
    merchant = forms.TypedChoiceField(coerce=int, empty_value=None, required=False, label=_("Merchant"))
    text = forms.CharField(
        label=_("What was said"),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 5, "autofocus": True}),
    )

    def __init__(self, *args: Any, merchants: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["merchant"].choices = [("", _("The mall itself")), *merchants]  # type: ignore[attr-defined]
        if not merchants:
            del self.fields["merchant"]


class NoticeForm(TokenForm):
    """A tag, or a few words of one's own."""

    tag = forms.TypedChoiceField(coerce=int, empty_value=None, required=False)
    text = forms.CharField(
        label=_("Or in your own words"),
        max_length=60,
        required=False,
        help_text=_("Marketing may make it a tag. Nothing about health, faith or the like."),
    )

    def __init__(self, *args: Any, choices: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tag"].choices = [("", ""), *choices]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("tag") and not data.get("text") and not self.errors:
            raise forms.ValidationError(_("Choose a tag, or write a few words."))
        return data


class PriceForm(forms.Form):
    """A basket as typed: pieces and the price of one, one article a line, and if need be its article number."""

    merchant = forms.ChoiceField(label=_("Merchant"), widget=forms.Select(attrs=BIG))
    basket = forms.CharField(
        label=_("Basket"),
        max_length=2000,
        help_text=_(
            "One line for each article: pieces, price of one in yuan, and if need be its article number."
        ),
        widget=forms.Textarea(attrs={"rows": 5, "autofocus": True, "class": "font-mono text-lg"}),
    )

    def __init__(self, *args: Any, merchants: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        merchant = self.fields["merchant"]
        merchant.choices = merchants  # type: ignore[attr-defined]
        if len(merchants) == 1:
            merchant.initial, merchant.widget = merchants[0][0], forms.HiddenInput()

    def clean_merchant(self) -> int:
        return int(self.cleaned_data["merchant"])

    def clean_basket(self) -> list[PricedLine]:
        lines: list[PricedLine] = []
        for line in self.cleaned_data["basket"].splitlines():
            parts = line.split()
            if not parts:
                continue
            try:
                count, fen = int(parts[0]), fen_from_text(parts[1])
                if not (0 < count <= 10_000 and fen >= 0 and len(parts) <= 3 and len(lines) < LINES_MAX):
                    raise ValueError(line)
            except (IndexError, NotAnAmount, ValueError):
                message = _("“%(line)s” cannot be read.")
                raise forms.ValidationError(message, params={"line": line[:40]}) from None
            lines.append(PricedLine(len(lines) + 1, count, fen, parts[2] if len(parts) == 3 else ""))
        return lines
