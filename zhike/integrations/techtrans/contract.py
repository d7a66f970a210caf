"""The interface as its WSDL tells it: types, operations, addresses. Names and order are the protocol's and may not change."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

NAMESPACE = "http://tempurl.org"
VERSION = "V332M"

REQUEST_HEADER = "licensekey username password lang pagerecords:int pageno:int updatecount:int messagetype messageid version"
RESPONSE_HEADER = (
    "responsecode:short responsemessage pagerecords:int pageno:int updatecount:int maxrecords:int maxpageno:int"
    " messagetype messageid version"
)
SALES_HEADER = (
    "localstorecode reservedocno txdate_yyyymmdd txtime_hhmmss mallid storecode tillid salestype txdocno orgtxdate_yyyymmdd"
    " orgstorecode orgtillid orgtxdocno mallitemcode cashier vipcode salesman demographiccode demographicdata netqty:decimal"
    " originalamount:decimal sellingamount:decimal couponnumber coupongroup coupontype couponqty:short"
    " totaldiscount:ArrayOfSalesdiscount ttltaxamount1:decimal ttltaxamount2:decimal netamount:decimal paidamount:decimal"
    " changeamount:decimal priceincludetax shoptaxgroup extendparam invoicetitle invoicecontent issueby issuedate_yyyymmdd"
    " issuetime_hhmmss ecorderno buyerremark orderremark status ttpossalesdocno"
)
_SALES_ITEM = (
    "iscounteritemcode lineno:int storecode mallitemcode counteritemcode itemcode producttype productname plucode colorcode"
    " sizecode itemlotnum serialnum isdeposit iswholesale invttype:short qty:decimal exstk2sales:decimal originalprice:decimal"
    " sellingprice:decimal pricemode priceapprove couponnumber coupongroup coupontype itemdiscount:ArrayOfSalesdiscount"
    " vipdiscountpercent:decimal vipdiscountless:decimal promotion:ArrayOfSalespromtion totaldiscountless1:decimal"
    " totaldiscountless2:decimal totaldiscountless:decimal tax:ArrayOfSalestax netamount:decimal bonusearn:decimal"
    " salesitemremark refundreasoncode extendparam"
)
_DAY = (
    "localstorecode txdate_yyyymmdd txtime_hhmmss mallid storecode tillid txdocno ttlsalesqty:decimal ttlrefundqty:decimal"
    " ttlsalesamt:decimal ttlrefundamt:decimal ttldoccount:int cashier issuedate_yyyymmdd"
)
_DELIVERY = (
    "receiver_name receiver_country receiver_province receiver_city receiver_district receiver_address1 receiver_address2"
    " receiver_address3 receiver_address4 receiver_postal receiver_mobile receiver_phone logisticscompany logisticsdocno"
    " expectdeliverydate_yyyymmdd deliveryremarks"
)
TYPES: dict[str, str] = {
    "requestheader": REQUEST_HEADER,
    "responseheader": RESPONSE_HEADER,
    "postsalescreaterequest": "header:requestheader salestotal:saleshdr salesitems:ArrayOfSalesitem"
    " salestenders:ArrayOfSalestender salesdlvy:salesdelivery",
    "saleshdr": SALES_HEADER,
    "salesdiscount": "discountapprove discountmode discountvalue:decimal discountless:decimal",
    "salesitem": _SALES_ITEM,
    "salespromtion": "promotionid promotionuseqty:decimal promotionless:decimal promotionpkgcount:decimal",
    "salestax": "taxrate:decimal taxamount:decimal",
    "salestender": "lineno:int tendercode tendertype:short tendercategory:short payamount:decimal baseamount:decimal"
    " excessamount:decimal extendparam remark",
    "salesdelivery": _DELIVERY,
    "postsalescreateresponse": "header:responseheader salestotal:saleshdr",
    "postdailysalessummaryrequest": "header:requestheader salessummary:dailysalessummary",
    "dailysalessummary": _DAY,
    "postdailysalessummaryresponse": "header:responseheader",
    "postdailysalessummary2request": "header:requestheader salessummary:dailysalessummary2",
    "dailysalessummary2": f"{_DAY} iszerosales remarks",
    "postdailysalessummary2response": "header:responseheader",
    "postesalescreaterequest": "header:requestheader esalestotal:esaleshdr esalesitems:ArrayOfEsalesitem"
    " esalestenders:ArrayOfEsalestender",
    "esaleshdr": "txdate_yyyymmdd txtime_hhmmss mallid storecode tillid txdocno cashier vipcode salesman netqty:decimal"
    " netamount:decimal extendparam",
    "esalesitem": "lineno:int itemcode qty:decimal discountamount:decimal netamount:decimal bonusearn:decimal extendparam"
    " salesitemremark",
    "esalestender": "lineno:int tendercode payamount:decimal baseamount:decimal excessamount:decimal extendparam remark",
    "postesalescreateresponse": "header:responseheader",
}
ARRAYS = (
    "salesdiscount",
    "salesitem",
    "salespromtion",
    "salestax",
    "salestender",
    "esalesitem",
    "esalestender",
)
POSTS = ("postsalescreate", "postdailysalessummary", "postdailysalessummary2", "postesalescreate")
PLAIN = {
    "test_a_plus_b": ("al_value1:int al_value2:int", "int"),
    "getversion": ("", ""),
    "getcompanyname": ("", ""),
}
_SPACES = (
    'xmlns:s="http://www.w3.org/2001/XMLSchema" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"'
    ' xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"'
)
_SIMPLE = ("int", "short", "decimal", "string")


def fields(type_name: str) -> list[tuple[str, str]]:
    """(name, type) of a type's elements in order."""
    return [
        (name, kind or "string")
        for name, _, kind in (word.partition(":") for word in TYPES[type_name].split())
    ]


def array_name(item: str) -> str:
    return f"ArrayOf{item.capitalize()}"


def wsdl(address: str) -> str:
    """The document for tool kits to make their stubs from; `address` is where they will call."""
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<wsdl:definitions targetNamespace="{NAMESPACE}" xmlns:tns="{NAMESPACE}" {_SPACES}>',
        f'<wsdl:types><s:schema elementFormDefault="qualified" targetNamespace="{NAMESPACE}">',
        *_schema(),
        "</s:schema></wsdl:types>",
        *_messages(),
        *_binding("salestransSoap", "soap"),
        *_binding("salestransSoap12", "soap12"),
        '<wsdl:service name="salestrans">',
        *(
            f'<wsdl:port name="salestrans{port}" binding="tns:salestrans{port}">'
            f'<{prefix}:address location="{escape(address)}"/></wsdl:port>'
            for port, prefix in (("Soap", "soap"), ("Soap12", "soap12"))
        ),
        "</wsdl:service></wsdl:definitions>",
    ]
    return "\n".join(parts)


def _schema() -> Iterator[str]:
    for name in POSTS:
        yield _wrapper(name, _element("astr_request", f"{name}request"))
        yield _wrapper(f"{name}Response", _element(f"{name}Result", f"{name}response"))
    for name, (taken, given) in PLAIN.items():
        inputs = "".join(_element(*word.split(":")) for word in taken.split())
        yield _wrapper(name, inputs)
        yield _wrapper(f"{name}Response", _element(f"{name}Result", given or "string"))
    for name in TYPES:
        inside = "".join(_element(*field) for field in fields(name))
        yield f'<s:complexType name="{name}"><s:sequence>{inside}</s:sequence></s:complexType>'
    for item in ARRAYS:
        element = f'<s:element minOccurs="0" maxOccurs="unbounded" name="{item}" nillable="true" type="tns:{item}"/>'
        yield f'<s:complexType name="{array_name(item)}"><s:sequence>{element}</s:sequence></s:complexType>'


def _wrapper(name: str, inside: str) -> str:
    sequence = f"<s:sequence>{inside}</s:sequence>" if inside else ""
    return f'<s:element name="{name}"><s:complexType>{sequence}</s:complexType></s:element>'


def _element(name: str, kind: str) -> str:
    """Numbers must be there, texts and parts need not."""
    is_number = kind in ("int", "short", "decimal")
    prefix = "s" if kind in _SIMPLE else "tns"
    return f'<s:element minOccurs="{int(is_number)}" maxOccurs="1" name="{name}" type="{prefix}:{kind}"/>'


def _messages() -> Iterator[str]:
    names = (*PLAIN, *POSTS)
    for name in names:
        for suffix, element in (("In", name), ("Out", f"{name}Response")):
            yield f'<wsdl:message name="{name}Soap{suffix}"><wsdl:part name="parameters" element="tns:{element}"/></wsdl:message>'
    yield '<wsdl:portType name="salestransSoap">'
    for name in names:
        yield (
            f'<wsdl:operation name="{name}"><wsdl:input message="tns:{name}SoapIn"/>'
            f'<wsdl:output message="tns:{name}SoapOut"/></wsdl:operation>'
        )
    yield "</wsdl:portType>"


def _binding(name: str, prefix: str) -> Iterator[str]:
    yield f'<wsdl:binding name="{name}" type="tns:salestransSoap">'
    yield f'<{prefix}:binding transport="http://schemas.xmlsoap.org/soap/http"/>'
    body = f'<{prefix}:body use="literal"/>'
    for operation in (*PLAIN, *POSTS):
        yield (
            f'<wsdl:operation name="{operation}">'
            f'<{prefix}:operation soapAction="{NAMESPACE}/{operation}" style="document"/>'
            f"<wsdl:input>{body}</wsdl:input><wsdl:output>{body}</wsdl:output></wsdl:operation>"
        )
    yield "</wsdl:binding>"
