from django.apps import AppConfig


class MemberConfig(AppConfig):
    name = "zhike.ui.member"
