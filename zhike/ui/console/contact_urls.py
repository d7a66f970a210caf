"""Addresses of the console's pages of contacts at WeCom, and of credits for messages of the mini-program."""

from __future__ import annotations

from django.urls import URLPattern, path

from zhike.ui.console.views import contacts, sending

CONTACTS: list[URLPattern] = [
    path("sending/credits/", sending.message_credits, name="message_credits"),
    path("contacts/", contacts.people, name="staff_contacts"),
    path("contacts/bind/", contacts.bind, name="bind_staff"),
    path("contacts/<int:binding_id>/unbind/", contacts.unbind, name="unbind_staff"),
    path("contacts/<int:binding_id>/code/", contacts.code, name="contact_code"),
    path("contacts/tasks/", contacts.tasks, name="staff_tasks"),
    path("contacts/tasks/<int:task_id>/remind/", contacts.remind, name="remind_of_task"),
    path("contacts/hand-overs/", contacts.transfers, name="contact_transfers"),
]
