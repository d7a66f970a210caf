from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "zhike.ui.console"
