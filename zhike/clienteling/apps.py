from django.apps import AppConfig


class ClientelingConfig(AppConfig):
    name = "zhike.clienteling"
