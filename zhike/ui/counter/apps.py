from django.apps import AppConfig


class CounterConfig(AppConfig):
    name = "zhike.ui.counter"
