from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "zhike.webhooks"
